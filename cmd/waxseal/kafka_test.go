package main

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
)

// TestArchiveWaits starts an archiver whose Kafka is not there, then has no topic of
// webhooks, then has one. It says what it waits for, is not ready, and goes on by
// itself.
func TestArchiveWaits(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o := newOperator(t, "WAXSEAL_BROKER="+address, "WAXSEAL_SCRYPT=10")
	cmd := o.command(t.Context(), "archive")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var s StatusResponse
	status := func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the archiver ended: %v: %s", err, errs.String())
		default:
		}
		out, _, code := o.try("status", "--output", "json")
		if code == exitOK {
			decode(t, out, &s)
		}
		return code == exitOK
	}
	await(t, "running, not ready", func() bool {
		return status() && s.Running && !s.Ready && strings.Contains(strings.Join(s.Alarms, "\n"), "nothing is archived: ")
	})
	await(t, "says that nothing listens there", func() bool {
		return status() && !s.Ready && strings.Contains(strings.Join(s.Alarms, "\n"), "connection refused")
	})
	dir := t.TempDir()
	b, err := kafka.StartEmbedded(t.Context(), dir, kafka.BrokerOptions{Port: port, Topics: map[string]int32{"wa.sends": 3}})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "says that there is no topic", func() bool {
		return status() && !s.Ready && strings.Contains(strings.Join(s.Alarms, "\n"), "topic wa.webhooks: no such topic")
	})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = kafka.StartEmbedded(t.Context(), dir, kafka.BrokerOptions{Port: port, Topics: map[string]int32{"wa.webhooks": 2}}); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := kafka.NewProducer([]string{address}, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Produce(t.Context(), "wa.webhooks", &record.Record{Value: []byte(webhook(0, "good day"))}); err != nil {
		t.Fatal(err)
	}
	await(t, "archived", func() bool { return status() && s.Ready && s.Records == 1 && len(s.Lanes) == 3 })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("archive: %v: %s", err, errs.String())
	}
}
