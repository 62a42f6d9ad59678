package kafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

const childEnv = "WAXSEAL_TEST_BROKER_DIR"

// child runs a broker on dir, tells where, and waits to be killed.
func child(dir string) {
	b, err := StartEmbedded(context.Background(), dir, BrokerOptions{Topics: map[string]int32{"t": 1}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(b.Addr())
	select {}
}

// TestKill kills the broker's process while records come in: every record that
// was acknowledged is there afterwards, once.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kafka")
	var acked []string
	for round := range 3 {
		acked = append(acked, killed(t, dir, round)...)
	}
	b := startAt(t, dir, "t")
	s := source(t, b.Addr())
	got := drain(t, s.Reader("t", 0, 1, 0), end(t, s, "t", 0))
	seen := map[string]int{}
	for _, v := range values(got.records) {
		seen[v]++
	}
	for _, v := range acked {
		if seen[v] != 1 {
			t.Fatalf("record %s, which was acknowledged, is there %d times", v, seen[v])
		}
	}
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged: this test tests nothing")
	}
}

// killed runs a broker, writes to it until it is killed, and gives what was acknowledged.
func killed(t *testing.T, dir string, round int) (acked []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker did not start: %v", err)
	}
	p, err := NewProducer([]string{strings.TrimSpace(addr)}, Options{GiveUp: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := 0; ; i++ {
		if i == 40+30*round {
			go func() { _ = cmd.Process.Kill() }() // while the next ones are under way
		}
		v := fmt.Sprintf("%d-%d", round, i)
		if _, err := p.Produce(t.Context(), "t", &record.Record{Value: []byte(v)}); err != nil {
			break
		}
		acked = append(acked, v)
	}
	_ = cmd.Wait() // killed
	return acked
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	opts := Options{GiveUp: 50 * time.Millisecond}
	if _, err := Open(t.Context(), []string{addr}, opts); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("opened where nobody listens: %v", err)
	}
	p, err := NewProducer([]string{addr}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Produce(t.Context(), "t", &record.Record{Value: []byte("x")}); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUncertain) {
		t.Fatalf("produced where nobody listens: %v", err)
	}
	if _, err := Open(t.Context(), nil, opts); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("opened without a broker: %v", err)
	}
}

// TestBrokerGoesAndComes: a reader goes on once the broker is back.
func TestBrokerGoesAndComes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := startAt(t, dir, "t")
	send(t, foreign(t, b.Addr(), "t"), "0")
	s, err := Open(t.Context(), []string{b.Addr()}, Options{MaxWait: 20 * time.Millisecond, GiveUp: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.Reader("t", 0, 1, 0)
	drain(t, r, 1)
	_, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Fetch(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("fetched from a broker that is gone: %v", err)
	}
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	b, err = StartEmbedded(t.Context(), dir, BrokerOptions{Port: n, Topics: map[string]int32{"t": 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	send(t, foreign(t, b.Addr(), "t"), "1")
	for r.Offset() < 2 {
		got, err := r.Fetch(t.Context())
		if errors.Is(err, ErrUnavailable) {
			continue // the connections of before are found dead one by one
		}
		if err != nil || len(got.Records) != 1 || string(got.Records[0].Value) != "1" {
			t.Fatalf("once it is back: %+v, %v", got, err)
		}
	}
}
