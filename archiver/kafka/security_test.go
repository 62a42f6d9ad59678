package kafka

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waxseal/waxseal/deploy/dev/apachekafka"
)

// TestSecurity reads from a broker with locks, through each of them, with the
// rights that the documentation lists and no others; what is wrong is named.
func TestSecurity(t *testing.T) {
	t.Parallel()
	b := apachekafka.ForTest(t)
	b.Users, b.Require = map[string]string{"archiver": "open sesame", "nobody": "closed"}, true
	b.Start()
	admin := b.Address()
	create(t, admin, "wa", 2, false)
	create(t, admin, "hidden", 1, false)
	send(t, foreign(t, admin, "wa"), "one", "two")
	credentials(t, admin, "archiver", "open sesame")
	allow(t, admin, "User:archiver", kmsg.ACLResourceTypeTopic, "wa", kmsg.ACLOperationRead)
	allow(t, admin, "User:archiver", kmsg.ACLResourceTypeGroup, "archivers", kmsg.ACLOperationRead)
	allow(t, admin, "User:CN=archiver", kmsg.ACLResourceTypeTopic, "wa", kmsg.ACLOperationRead)
	allow(t, admin, "User:CN=archiver", kmsg.ACLResourceTypeGroup, "archivers", kmsg.ACLOperationRead)

	mutual, locked := fmt.Sprintf("127.0.0.1:%d", b.TLS), fmt.Sprintf("127.0.0.1:%d", b.SASL)
	user := Security{CA: b.Pem.CA, User: "archiver", Password: "open sesame"}
	sasl := func(mechanism string) Security { s := user; s.Mechanism = mechanism; return s }
	good := map[string]struct {
		addr string
		how  Security
	}{
		"mutual":        {mutual, Security{CA: b.Pem.CA, Cert: b.Pem.Cert, Key: b.Pem.Key}},
		"plain":         {locked, sasl("plain")},
		"scram-sha-256": {locked, sasl("scram-sha-256")},
		"scram-sha-512": {locked, sasl("scram-sha-512")},
	}
	for name, c := range good {
		t.Run(name, func(t *testing.T) {
			s := secured(t, c.addr, c.how)
			if got := drain(t, s.Reader("wa", 0, 1, 0), 2); fmt.Sprint(values(got.records)) != "[one two]" {
				t.Errorf("read %v", values(got.records))
			}
			if n, err := s.Partitions(t.Context(), "wa"); n != 2 || err != nil {
				t.Errorf("%d partitions, %v", n, err)
			}
			if _, err := s.Partitions(t.Context(), "hidden"); !errors.Is(err, ErrDenied) && !errors.Is(err, ErrNoTopic) {
				t.Errorf("a topic that is not ours to see: %v", err)
			}
			if _, err := s.Reader("hidden", 0, 1, 0).Fetch(t.Context()); !errors.Is(err, ErrDenied) && !errors.Is(err, ErrNoTopic) {
				t.Errorf("reading it: %v", err)
			}
			if err := s.Group(GroupOptions{Name: "archivers", Topic: "wa"}).Check(t.Context()); err != nil {
				t.Errorf("our group: %v", err)
			}
			if err := s.Group(GroupOptions{Name: "others", Topic: "wa"}).Check(t.Context()); !errors.Is(err, ErrDenied) {
				t.Errorf("another group: %v", err)
			}
			runsLanes(t, s, "archivers", "wa")
		})
	}

	wrong := sasl("plain")
	wrong.Password = "open barley"
	scrammed := sasl("scram-sha-512")
	scrammed.Password = "open barley"
	bad := map[string]struct {
		addr string
		how  Security
		want error
	}{
		"wrong password":       {locked, wrong, ErrCredentials},
		"wrong password scram": {locked, scrammed, ErrCredentials},
		"nobody vouches":       {mutual, Security{CA: b.Pem.CA, Cert: b.Pem.Stranger, Key: b.Pem.StrangerKey}, ErrTLS},
		"no certificate":       {mutual, Security{CA: b.Pem.CA}, ErrTLS},
		"not trusted":          {locked, Security{TLS: true, CA: b.Pem.Stranger, Mechanism: "plain", User: "archiver", Password: "x"}, ErrTLS},
		"tls to a plain port":  {admin, Security{CA: b.Pem.CA}, ErrUnavailable},
		"plain to a tls port":  {mutual, Security{}, ErrUnavailable},
	}
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			opts := Options{GiveUp: 300 * time.Millisecond}
			if err := c.how.Apply(&opts); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), []string{c.addr}, opts)
			if !errors.Is(err, c.want) || !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "barley")) {
				t.Error("the error shows the password")
			}
		})
	}
}

func secured(t *testing.T, addr string, how Security) *Source {
	t.Helper()
	opts := Options{MaxWait: 20 * time.Millisecond, GiveUp: time.Second}
	if err := how.Apply(&opts); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), []string{addr}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// runsLanes joins a group and leaves it once both lanes run.
func runsLanes(t *testing.T, s *Source, group, topic string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	g := s.Group(GroupOptions{Name: group, Topic: topic})
	done, began := make(chan struct{}), make(chan int32, 2)
	go func() {
		defer close(done)
		g.Run(ctx, func(context.Context) (int32, int32, error) { return 2, 2, nil }, func(ctx context.Context, lane int32) {
			began <- lane
			<-ctx.Done()
		})
	}()
	if lanes, err := g.Lanes(t.Context()); err != nil || len(lanes) != 2 {
		t.Errorf("lanes %v, %v", lanes, err)
	}
	for range 2 {
		g.Reached(topic, <-began, 1)
	}
	stop()
	<-done
}

func allow(t *testing.T, addr, user string, kind kmsg.ACLResourceType, name string, what kmsg.ACLOperation) {
	t.Helper()
	c := kmsg.NewCreateACLsRequestCreation()
	c.ResourceType, c.ResourceName, c.ResourcePatternType = kind, name, kmsg.ACLResourcePatternTypeLiteral
	c.Principal, c.Host, c.Operation, c.PermissionType = user, "*", what, kmsg.ACLPermissionTypeAllow
	req := kmsg.NewPtrCreateACLsRequest()
	req.Version, req.Creations = 2, []kmsg.CreateACLsRequestCreation{c}
	if res := request(t, addr, req).(*kmsg.CreateACLsResponse); res.Results[0].ErrorCode != 0 {
		t.Fatalf("allow: error %d", res.Results[0].ErrorCode)
	}
}

// credentials makes a user's SCRAM passwords.
func credentials(t *testing.T, addr, user, password string) {
	t.Helper()
	for mechanism, h := range map[int8]func() hash.Hash{1: sha256.New, 2: sha512.New} {
		u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		u.Name, u.Mechanism, u.Iterations, u.Salt = user, mechanism, 4096, make([]byte, 16)
		rand.Read(u.Salt)
		var err error
		if u.SaltedPassword, err = pbkdf2.Key(h, password, u.Salt, 4096, h().Size()); err != nil {
			t.Fatal(err)
		}
		req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		req.Upsertions = []kmsg.AlterUserSCRAMCredentialsRequestUpsertion{u}
		res := request(t, addr, req).(*kmsg.AlterUserSCRAMCredentialsResponse)
		if code := res.Results[0].ErrorCode; code != 0 {
			t.Fatalf("make a SCRAM user: error %d", code)
		}
	}
}

// TestSecuritySettings: what cannot work is told before anything is sent.
func TestSecuritySettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := apachekafka.NewPem(dir, "archiver")
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Security{
		"certificate without key": {Cert: p.Cert},
		"key without certificate": {Key: p.Key},
		"key of another":          {Cert: p.Cert, Key: p.StrangerKey},
		"no file":                 {CA: filepath.Join(dir, "missing.pem")},
		"no certificate in it":    {CA: empty},
		"unknown mechanism":       {Mechanism: "gssapi", User: "u", Password: "p"},
		"no password":             {Mechanism: "plain", User: "u"},
		"no mechanism":            {User: "u", Password: "p"},
	} {
		var opts Options
		if err := s.Apply(&opts); err == nil || !strings.HasPrefix(err.Error(), "kafka: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var opts Options
	if err := (Security{}).Apply(&opts); err != nil || opts.TLS != nil || opts.SASL != nil {
		t.Errorf("nothing asked for: %+v, %v", opts, err)
	}
}
