package apachekafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Pem are the files of a small authority of our own. Server holds key and
// certificate in one file, as Kafka wants them.
type Pem struct {
	CA, Server, Cert, Key string
	Stranger              string // of another authority, with its key in StrangerKey
	StrangerKey           string
}

// NewPem makes an authority, a server on loopback, a client of the name user, and
// a client that nobody vouches for.
func NewPem(dir, user string) (p Pem, err error) {
	p = Pem{
		CA: filepath.Join(dir, "ca.pem"), Server: filepath.Join(dir, "server.pem"), Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client.key"),
		Stranger: filepath.Join(dir, "stranger.pem"), StrangerKey: filepath.Join(dir, "stranger.key"),
	}
	ca, caKey, err := issue(nil, nil, "test authority")
	if err != nil {
		return p, err
	}
	other, otherKey, err := issue(nil, nil, "another authority")
	if err != nil {
		return p, err
	}
	server, serverKey, err := issue(ca, caKey, "127.0.0.1")
	if err != nil {
		return p, err
	}
	client, clientKey, err := issue(ca, caKey, user)
	if err != nil {
		return p, err
	}
	stranger, strangerKey, err := issue(other, otherKey, user)
	if err != nil {
		return p, err
	}
	for _, f := range []struct {
		name  string
		parts []any
	}{
		{p.CA, []any{ca}}, {p.Server, []any{serverKey, server}}, {p.Cert, []any{client}}, {p.Key, []any{clientKey}},
		{p.Stranger, []any{stranger}}, {p.StrangerKey, []any{strangerKey}},
	} {
		if err := writePem(f.name, f.parts); err != nil {
			return p, err
		}
	}
	return p, nil
}

func issue(by *x509.Certificate, with *ecdsa.PrivateKey, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if by == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		by, with = c, key
	}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
	if err != nil {
		return nil, nil, err
	}
	c, err = x509.ParseCertificate(der)
	return c, key, err
}

func writePem(name string, parts []any) error {
	var out []byte
	for _, p := range parts {
		switch p := p.(type) {
		case *x509.Certificate:
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Raw})...)
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalPKCS8PrivateKey(p)
			if err != nil {
				return err
			}
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
		}
	}
	return os.WriteFile(name, out, 0o600)
}
