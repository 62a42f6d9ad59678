package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/waxseal/waxseal/deploy/dev/apachekafka"
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
		b := apachekafka.Broker{Dir: d.at("kafka"), Libs: d.at("kafka-libs"), Port: ports[0], Controller: ports[1]}
		cmd, err := b.Command(context.Background())
		return cmd, b.Address(), []string{"WAXSEAL_TEST_KAFKA=" + b.Address(), apachekafka.LibsEnv + "=" + b.Libs}, err
	},
}

var services = []service{kafka, minioServer, versitygw, clickHouse}
