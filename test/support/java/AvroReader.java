// Reads with Apache Avro, logical types included. A line `S` and a schema says how to read from then on; a line `V` and bytes
// in hexadecimal is answered by the value as JSON, a tab, and the bytes that Avro itself writes for it.
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

class AvroReader {
  public static void main(String[] none) throws Exception {
    var data = new GenericData();
    data.addLogicalTypeConversion(new Conversions.DecimalConversion());
    data.addLogicalTypeConversion(new TimeConversions.DateConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    var json = new ObjectMapper();
    var out = new PrintStream(System.out, true, "UTF-8");
    var lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    Schema schema = null;
    for (String line; (line = lines.readLine()) != null; ) {
      if (line.charAt(0) == 'S') {
        schema = new Schema.Parser().parse(line.substring(1));
        continue;
      }
      var decoder = DecoderFactory.get().binaryDecoder(HexFormat.of().parseHex(line.substring(1)), null);
      Object value = data.createDatumReader(schema).read(null, decoder);
      if (!decoder.isEnd()) throw new IllegalStateException("bytes are left over");
      var written = new ByteArrayOutputStream();
      var encoder = EncoderFactory.get().binaryEncoder(written, null);
      @SuppressWarnings("unchecked")
      var writer = (org.apache.avro.io.DatumWriter<Object>) data.createDatumWriter(schema);
      writer.write(value, encoder);
      encoder.flush();
      out.println(json.writeValueAsString(plain(value)) + "\t" + HexFormat.of().formatHex(written.toByteArray()));
    }
  }

  static Object plain(Object value) {
    if (value instanceof IndexedRecord record) {
      var members = new LinkedHashMap<String, Object>();
      for (var field : record.getSchema().getFields()) members.put(field.name(), plain(record.get(field.pos())));
      return members;
    }
    if (value instanceof Collection<?> items) {
      var list = new ArrayList<Object>();
      for (Object item : items) list.add(plain(item));
      return list;
    }
    if (value instanceof BigDecimal decimal) return decimal.stripTrailingZeros().toPlainString();
    return value == null || value instanceof Number || value instanceof Boolean ? value : value.toString();
  }
}
