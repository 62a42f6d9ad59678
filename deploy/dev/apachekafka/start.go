package apachekafka

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// LibsEnv names the variable with the folder of Kafka's jars.
const LibsEnv = "WAXSEAL_TEST_KAFKA_LIBS"

// ForTest gives a broker of the test's own, not started; the test is skipped
// where there are no jars, or fails if real parts are required.
func ForTest(t *testing.T) *Running {
	t.Helper()
	libs := os.Getenv(LibsEnv)
	if libs == "" {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatal(LibsEnv + " names no jars of Apache Kafka: 'make services' fetches them")
		}
		t.Skip(LibsEnv + " names no jars of Apache Kafka: 'make services' fetches them")
	}
	r := &Running{Broker: Broker{Dir: t.TempDir(), Libs: libs, Heap: "256m"}, t: t}
	for _, p := range []*int{&r.Port, &r.Controller, &r.TLS, &r.SASL} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all are held until all are chosen
		*p = l.Addr().(*net.TCPAddr).Port
	}
	var err error
	if r.Pem, err = NewPem(t.TempDir(), "archiver"); err != nil {
		t.Fatal(err)
	}
	return r
}

// Running is a broker of a test.
type Running struct {
	Broker
	t   *testing.T
	cmd *exec.Cmd

	ended <-chan struct{} // closed when the process has ended
}

// patience is how long a broker may take to answer.
const patience = 2 * time.Minute

// Start starts it, again too, and waits until it accepts connections.
func (r *Running) Start() {
	r.t.Helper()
	var err error
	if r.cmd, err = r.Command(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	log, err := os.OpenFile(r.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	r.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // it is killed, or its log says why
		close(ended)
	}(r.cmd)
	r.t.Cleanup(r.Kill)
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.Address())
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-tick.C:
			continue
		case <-ended:
		case <-ctx.Done():
		}
		text, _ := os.ReadFile(r.path("log"))
		r.t.Fatalf("kafka does not answer: %v\n%s", errors.Join(err, ctx.Err()), text[max(0, len(text)-3000):])
	}
}

// Kill ends it as a power cut does.
func (r *Running) Kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		<-r.ended
		r.cmd = nil
	}
}

// Data is the folder of its logs, a folder a partition.
func (r *Running) Data() string { return r.path("data") }
