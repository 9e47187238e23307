# Kafka Connect with Apicurio's Avro converter and Debezium's JDBC sink: the very jars that the tests run, fetched by the same poms.
FROM maven:3.9-eclipse-temurin-17 AS fetch
COPY lab/stack/poms /poms
RUN mvn -B -q -f /poms/connect/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=/connect/libs \
  && mvn -B -q -f /poms/jdbc-sink/pom.xml dependency:unpack -DoutputDirectory=/connect/plugins \
  && mkdir -p /connect/classes/META-INF \
  && cp -r /poms/connect/services /connect/classes/META-INF/ \
  && cp /poms/kafka/log4j2.properties /poms/connect/exporter.yaml /connect/ \
  && mv /connect/libs/jmx_prometheus_javaagent-*.jar /connect/exporter.jar \
  && cat /poms/connect/worker.properties /poms/connect/compose.properties > /connect/connect.properties

FROM eclipse-temurin:17-jre
WORKDIR /connect
COPY --from=fetch /connect .
USER 1000
# Connect's API, and its metrics for Prometheus.
EXPOSE 8083 9404
ENTRYPOINT ["java", "-Xmx512m", "-XX:+UseSerialGC", "-javaagent:exporter.jar=9404:exporter.yaml", \
  "-Dlog4j2.configurationFile=log4j2.properties", "-cp", "classes:libs/*", \
  "org.apache.kafka.connect.cli.ConnectDistributed", "connect.properties"]
