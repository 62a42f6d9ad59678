package clickhouse_test

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// server is an engine of a test's own, which it may kill.
type server struct {
	t       *testing.T
	data    string
	address string // host:port, the same over restarts
	cmd     *exec.Cmd
}

func start(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, data: t.TempDir(), address: "127.0.0.1:0"}
	address(t) // skips, or fails, where there is no service
	s.up()
	t.Cleanup(s.kill)
	return s
}

// up starts the engine on the same data and port.
func (s *server) up() {
	s.t.Helper()
	args := strings.Fields(os.Getenv("WAXSEAL_TEST_CLICKHOUSE_START"))
	if len(args) == 0 {
		s.t.Fatal("WAXSEAL_TEST_CLICKHOUSE_START says not how to start an engine: 'services env' gives it")
	}
	s.cmd = exec.Command(args[0], append(args[1:], "-data", s.data, "-listen", s.address)...)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n') // once it listens
	if err != nil {
		s.t.Fatalf("the engine did not start: %v", err)
	}
	s.address = strings.TrimSpace(line)
}

// kill is kill -9.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
	}
}

// at is the address of a database there.
func (s *server) at(db string) string {
	u, err := url.Parse(address(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	u.Host, u.Path = s.address, "/"+db
	return u.String()
}
