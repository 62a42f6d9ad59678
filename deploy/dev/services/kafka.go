package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// kafkaPOM fetches Apache Kafka's jars. Maven holds each to the registry's checksum.
const kafkaPOM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.github.waxseal.dev</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
  </dependencies>
</project>
`

const kafkaLog = `Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d %p %c %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
`

// A body of the platform reaches 3 MB; middleware's media more.
const kafkaProperties = `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=%[3]s
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes=134217728
replica.fetch.max.bytes=134217728
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=500
`

var kafka = service{
	name: "kafka", ports: 2, patient: 2 * time.Minute, ready: tcp,
	install: func(ctx context.Context, d *desk) error {
		if exists(d.at("kafka-libs", "done")) {
			return nil
		}
		fmt.Fprintln(os.Stderr, "fetching Apache Kafka …")
		pom := d.at("kafka-pom.xml")
		if err := os.WriteFile(pom, []byte(kafkaPOM), 0o600); err != nil {
			return err
		}
		if err := quietly(ctx, d.dir, nil, "mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+d.at("kafka-libs")); err != nil {
			return err
		}
		return os.WriteFile(d.at("kafka-libs", "done"), nil, 0o600)
	},
	command: func(d *desk, ports []int) (*exec.Cmd, string, []string, error) {
		address := fmt.Sprintf("127.0.0.1:%d", ports[0])
		data, properties, logging := d.at("kafka", "data"), d.at("kafka", "server.properties"), d.at("kafka", "log4j2.yaml")
		if err := os.WriteFile(properties, fmt.Appendf(nil, kafkaProperties, ports[0], ports[1], data), 0o600); err != nil {
			return nil, "", nil, err
		}
		if err := os.WriteFile(logging, []byte(kafkaLog), 0o600); err != nil {
			return nil, "", nil, err
		}
		classes := filepath.Join(d.at("kafka-libs"), "*")
		if !exists(filepath.Join(data, "meta.properties")) {
			var id [16]byte
			for i := range id {
				id[i] = byte(rand.Uint32())
			}
			name := strings.TrimLeft(base64.RawURLEncoding.EncodeToString(id[:]), "-")
			if err := quietly(context.Background(), d.dir, nil, "java", "-cp", classes, "kafka.tools.StorageTool", "format", "--standalone", "-t", name, "-c", properties); err != nil {
				return nil, "", nil, err
			}
		}
		cmd := exec.Command("java", "-Xmx512m", "-Dlog4j2.configurationFile="+logging, "-cp", classes, "kafka.Kafka", properties)
		return cmd, address, []string{"WAXSEAL_TEST_KAFKA=" + address}, nil
	},
}

var services = []service{kafka, minioServer, versitygw, clickHouse}
