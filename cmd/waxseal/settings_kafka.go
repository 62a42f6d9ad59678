package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// cluster is how to speak to a Kafka of the firm's.
type cluster struct {
	Group    string // "" is made of the archive's name
	Client   string
	Session  time.Duration
	Security kafka.Security
}

func kafkaSettings() []setting {
	security := func(field func(*kafka.Security) *string) func(*Settings, value) error {
		return text(func(s *Settings) *string { return field(&s.Kafka.Security) })
	}
	return []setting{
		{name: "kafka.group", help: "consumer group by which archivers of this archive divide the lanes (default: waxseal.NAME)", set: text(func(s *Settings) *string { return &s.Kafka.Group })},
		{name: "kafka.client", def: "waxseal", help: "client id, for Kafka's logs and quotas", set: text(func(s *Settings) *string { return &s.Kafka.Client })},
		{name: "kafka.session", def: "10s", help: "how long an archiver may be silent before the group gives its lanes to others", set: duration(func(s *Settings) *time.Duration { return &s.Kafka.Session })},
		{name: "kafka.tls.mode", def: "auto", values: []string{"auto", "on"}, help: "on: TLS; auto: where kafka.tls.ca or kafka.tls.cert names a file", set: func(s *Settings, v value) error {
			s.Kafka.Security.TLS = v.text == "on"
			return nil
		}},
		{name: "kafka.tls.ca", help: "PEM file of the certificates to trust; without it the system's", set: security(func(x *kafka.Security) *string { return &x.CA })},
		{name: "kafka.tls.cert", help: "PEM file of our certificate, for mutual TLS", set: security(func(x *kafka.Security) *string { return &x.Cert })},
		{name: "kafka.tls.key", help: "PEM file of its key", set: security(func(x *kafka.Security) *string { return &x.Key })},
		{name: "kafka.sasl.mechanism", def: "none", values: append([]string{"none"}, kafka.Mechanisms()...), help: "how user and password are shown to Kafka", set: func(s *Settings, v value) error {
			if s.Kafka.Security.Mechanism = v.text; v.text == "none" {
				s.Kafka.Security.Mechanism = ""
			}
			return nil
		}},
		{name: "kafka.sasl.user", help: "user of Kafka", set: security(func(x *kafka.Security) *string { return &x.User })},
		{name: "kafka.sasl.password", secret: true, help: "password of that user", set: security(func(x *kafka.Security) *string { return &x.Password })},
	}
}

// brokers are the addresses of the firm's Kafka; none is the embedded broker.
func (s *Settings) brokers() (addresses []string) {
	for a := range strings.SplitSeq(s.Broker, ",") {
		if a = strings.TrimSpace(a); a != "" {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// kafka gives how to connect: as configured to a Kafka of the firm's, plainly to
// the embedded broker.
func (s *Settings) kafka(log *slog.Logger) (kafka.Options, error) {
	opts := kafka.Options{Log: log}
	if len(s.brokers()) == 0 {
		return opts, nil
	}
	opts.ClientID = s.Kafka.Client
	if err := s.Kafka.Security.Apply(&opts); err != nil {
		return opts, fmt.Errorf("%w: %w", err, ErrUsage)
	}
	return opts, nil
}

// group gives the group that divides the lanes of archive; nil with the embedded
// broker, which nobody else reads.
func (s *Settings) group(src *kafka.Source, archive string) *kafka.Group {
	if len(s.brokers()) == 0 {
		return nil
	}
	name := s.Kafka.Group
	if name == "" {
		name = "waxseal." + strings.ReplaceAll(archive, "/", ".")
	}
	return src.Group(kafka.GroupOptions{Name: name, Topic: s.Topics[whatsapp.RoleWebhooks], Session: s.Kafka.Session})
}
