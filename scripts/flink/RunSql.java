import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/** Runs the SQL statements of its input, and prints the rows that the last one comes to when its topics are read to their ends. */
class RunSql {
  public static void main(String[] args) throws Exception {
    TableEnvironment environment = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
    environment.getConfig().set("parallelism.default", "1");
    TableResult result = null;
    String sql = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    for (String statement : sql.split(";")) {
      if (!statement.isBlank()) result = environment.executeSql(statement);
    }
    List<Row> rows = new ArrayList<>();
    try (var changes = result.collect()) {
      while (changes.hasNext()) {
        Row row = changes.next();
        boolean comes = row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER;
        row.setKind(RowKind.INSERT);
        if (comes) rows.add(row);
        else rows.remove(row);
      }
    }
    rows.forEach(System.out::println);
  }
}
