package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Security is how a connection to Kafka is protected, and who we say we are.
type Security struct {
	TLS       bool   // also where one of CA and Cert is given
	CA        string // PEM file of whom to trust; "" the system's
	Cert, Key string // PEM files: who we are, for mutual TLS

	Mechanism      string // of SASL: plain, scram-sha-256, scram-sha-512; "" none
	User, Password string
}

// Mechanisms of SASL that are known.
func Mechanisms() []string { return []string{"plain", "scram-sha-256", "scram-sha-512"} }

// Apply sets TLS and SASL of opts. It reads the files, so that what is wrong with
// them is told at once; the client's certificate is read again for each
// connection, so that a renewed one needs no restart.
func (s Security) Apply(opts *Options) (err error) {
	if opts.TLS, err = s.tls(); err != nil {
		return err
	}
	opts.SASL, err = s.sasl()
	return err
}

func (s Security) tls() (*tls.Config, error) {
	if (s.Cert == "") != (s.Key == "") {
		return nil, errors.New("kafka: a certificate needs its key, and the other way round")
	}
	if !s.TLS && s.CA == "" && s.Cert == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		pem, err := os.ReadFile(s.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka: certificates to trust: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: certificates to trust: no certificate in PEM form in %s", s.CA)
		}
	}
	if s.Cert == "" {
		return cfg, nil
	}
	load := func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(s.Cert, s.Key)
		if err != nil {
			return nil, fmt.Errorf("kafka: our certificate: %w", err)
		}
		return &c, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return cfg, nil
}

func (s Security) sasl() (sasl.Mechanism, error) {
	if s.Mechanism == "" {
		if s.User != "" || s.Password != "" {
			return nil, fmt.Errorf("kafka: a user needs a mechanism: one of %s", strings.Join(Mechanisms(), ", "))
		}
		return nil, nil
	}
	if s.User == "" || s.Password == "" {
		return nil, errors.New("kafka: SASL needs user and password")
	}
	algorithm := scram.SHA512
	switch s.Mechanism {
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		algorithm = scram.SHA256
	case "scram-sha-512":
	default:
		return nil, fmt.Errorf("kafka: unknown SASL mechanism %q: one of %s", s.Mechanism, strings.Join(Mechanisms(), ", "))
	}
	m, err := scram.Mechanism(algorithm, s.User, s.Password)
	if err != nil {
		return nil, fmt.Errorf("kafka: user and password for SCRAM: %w", err)
	}
	return m, nil
}
