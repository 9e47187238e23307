// The partitions that the Java client gives to keys. Reads a key in hexadecimal per line; writes key, murmur2 and, for each number of
// partitions given as argument, the partition.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

class Partitions {
  public static void main(String[] counts) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = lines.readLine()) != null; ) {
      byte[] key = HexFormat.of().parseHex(line);
      var answer = new StringBuilder(line).append(' ').append(Utils.murmur2(key));
      for (String count : counts) {
        answer.append(' ').append(BuiltInPartitioner.partitionForKey(key, Integer.parseInt(count)));
      }
      System.out.println(answer);
    }
  }
}
