// Package apachekafka runs Apache Kafka from its jars, one broker that is its own
// controller, for tests and a developer's desk. It never ships.
package apachekafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Broker is a broker's folder and addresses. Of the ports all are on loopback.
type Broker struct {
	Dir  string // of data and configuration
	Libs string // folder of Kafka's jars
	Heap string // of the JVM, as 512m

	Port       int // in the clear, for whoever comes: the super user
	Controller int

	// Of a broker with locks; 0 leaves them out.
	TLS     int // TLS with a client certificate: its common name is the user
	SASL    int // TLS, with SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	Pem     Pem
	Users   map[string]string // of PLAIN, with passwords; SCRAM's are made over the wire
	Require bool              // deny what no rule allows
}

// Address is where everything is allowed to everybody.
func (b *Broker) Address() string { return fmt.Sprintf("127.0.0.1:%d", b.Port) }

const logging = `Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d %p %c %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
`

// A body of the platform reaches 3 MB; middleware's media more. Sessions may be as
// short as a test can wait.
const properties = `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=%[3]s
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
auto.create.topics.enable=false
message.max.bytes=134217728
replica.fetch.max.bytes=134217728
# Tests write records of old dates.
log.retention.ms=-1
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=500
`

// write writes the configuration.
func (b *Broker) write() error {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf(properties, b.Port, b.Controller, b.path("data"))
	listeners := []string{fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", b.Port)}
	protocols := []string{"CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT"}
	if b.TLS != 0 {
		listeners = append(listeners, fmt.Sprintf("MUTUAL://127.0.0.1:%d", b.TLS))
		protocols = append(protocols, "MUTUAL:SSL")
		text += b.certificates("mutual") + "listener.name.mutual.ssl.client.auth=required\n"
	}
	if b.SASL != 0 {
		listeners = append(listeners, fmt.Sprintf("SASL://127.0.0.1:%d", b.SASL))
		protocols = append(protocols, "SASL:SASL_SSL")
		text += b.certificates("sasl") + "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n" +
			"listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required"
		for user, password := range b.Users {
			text += fmt.Sprintf(" user_%s=%q", user, password)
		}
		text += ";\n"
		for _, m := range []string{"256", "512"} {
			text += "listener.name.sasl.scram-sha-" + m + ".sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
		}
	}
	if b.Require {
		text += "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\nsuper.users=User:ANONYMOUS\n"
	}
	text += "advertised.listeners=" + strings.Join(listeners, ",") + "\n"
	listeners = append(listeners, fmt.Sprintf("CONTROLLER://127.0.0.1:%d", b.Controller))
	text += "listeners=" + strings.Join(listeners, ",") + "\nlistener.security.protocol.map=" + strings.Join(protocols, ",") + "\n"
	if err := os.WriteFile(b.path("server.properties"), []byte(text), 0o600); err != nil {
		return err
	}
	return os.WriteFile(b.path("log4j2.yaml"), []byte(logging), 0o600)
}

// certificates names the PEM files of a listener.
func (b *Broker) certificates(listener string) string {
	p := "listener.name." + listener + ".ssl."
	return p + "keystore.type=PEM\n" + p + "keystore.location=" + b.Pem.Server + "\n" +
		p + "truststore.type=PEM\n" + p + "truststore.location=" + b.Pem.CA + "\n"
}

func (b *Broker) path(name string) string { return filepath.Join(b.Dir, name) }

// Command writes the configuration, formats the data folder the first time, and
// gives the command that runs the broker.
func (b *Broker) Command(ctx context.Context) (*exec.Cmd, error) {
	if err := b.write(); err != nil {
		return nil, err
	}
	classes := filepath.Join(b.Libs, "*")
	if _, err := os.Stat(filepath.Join(b.path("data"), "meta.properties")); err != nil {
		var id [16]byte
		rand.Read(id[:])
		id[0] &= 0x7f // its name must not begin with a dash
		out, err := exec.CommandContext(ctx, "java", "-cp", classes, "kafka.tools.StorageTool", "format", "--standalone",
			"-t", base64.RawURLEncoding.EncodeToString(id[:]), "-c", b.path("server.properties")).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("format kafka's folder: %w\n%s", err, out[max(0, len(out)-2000):])
		}
	}
	heap := b.Heap
	if heap == "" {
		heap = "512m"
	}
	return exec.Command("java", "-Xmx"+heap, "-Dlog4j2.configurationFile="+b.path("log4j2.yaml"), "-cp", classes, "kafka.Kafka", b.path("server.properties")), nil
}
