package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// desk is the folder of services and what runs out of it.
type desk struct {
	dir  string
	lock *flock.Flock
	Runs map[string]*run
}

// run is a process that up started. A process id alone may be somebody else's by
// now, so its start time goes with it.
type run struct {
	PID     int
	Started string // field 22 of /proc/PID/stat
	Address string
	Env     []string
}

func open(dir string) (*desk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &desk{dir: dir, lock: flock.New(filepath.Join(dir, "lock")), Runs: map[string]*run{}}
	return d, d.take()
}

// take locks the desk and reads what runs: of several at once each finds what the
// one before started.
func (d *desk) take() error {
	if err := d.lock.Lock(); err != nil {
		return err
	}
	b, err := os.ReadFile(d.file())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		clear(d.Runs)
		err = json.Unmarshal(b, &d.Runs)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", d.file(), err)
	}
	return nil
}

func (d *desk) unlock()               { d.lock.Unlock() }
func (d *desk) file() string          { return filepath.Join(d.dir, "running.json") }
func (d *desk) at(p ...string) string { return filepath.Join(append([]string{d.dir}, p...)...) }

func (d *desk) save() error {
	b, err := json.MarshalIndent(d.Runs, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(d.file(), b, 0o600)
}

// alive says that the process up started still runs.
func (r *run) alive() bool { return r != nil && r.Started != "" && startTime(r.PID) == r.Started }

// startTime tells a process from a later one with its number; "" none.
func startTime(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, ok := bytes.Cut(b, []byte(") ")) // the name before may hold anything
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

// service is one real part.
type service struct {
	name    string
	install func(ctx context.Context, d *desk) error
	// command gives what to run on these free ports, where it then answers, and the
	// variables that tell a test so.
	command func(d *desk, ports []int) (cmd *exec.Cmd, address string, env []string, err error)
	ports   int
	ready   func(ctx context.Context, address string) error
	patient time.Duration
}

func (d *desk) start(ctx context.Context, s service) error {
	if err := s.install(ctx, d); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if err := os.MkdirAll(d.at(s.name), 0o700); err != nil {
		return err
	}
	ports, err := freePorts(s.ports)
	if err != nil {
		return err
	}
	cmd, address, env, err := s.command(d, ports)
	if err != nil {
		return err
	}
	log, err := os.Create(d.at(s.name + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this program and its terminal
	if err := cmd.Start(); err != nil {
		return err
	}
	r := &run{PID: cmd.Process.Pid, Started: startTime(cmd.Process.Pid), Address: address, Env: env}
	d.Runs[s.name] = r
	if err := d.save(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline, cancel := context.WithTimeout(ctx, s.patient)
	defer cancel()
	for {
		if err = s.ready(deadline, address); err == nil {
			return nil
		}
		select {
		case werr := <-ended:
			return fmt.Errorf("it ended at once (%v): see %s", werr, log.Name())
		case <-deadline.Done():
			return fmt.Errorf("it does not answer (%v): see %s", err, log.Name())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// down ends services: asked first, then killed.
func (d *desk) down(names ...string) error {
	var errs []error
	for _, name := range names {
		if r := d.Runs[name]; r.alive() {
			errs = append(errs, end(r))
		}
		delete(d.Runs, name)
	}
	return errors.Join(append(errs, d.save())...)
}

func end(r *run) error {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(r.PID, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end process %d: %w", r.PID, err)
		}
		for range 100 {
			if !r.alive() {
				return nil
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return fmt.Errorf("process %d does not end", r.PID)
}

func (d *desk) env(w io.Writer) error {
	for _, s := range services {
		if r := d.Runs[s.name]; r.alive() {
			for _, v := range r.Env {
				if _, err := fmt.Fprintln(w, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *desk) status(w io.Writer) error {
	for _, s := range services {
		state := "not running"
		if r := d.Runs[s.name]; r.alive() {
			state = r.Address
		}
		if _, err := fmt.Fprintf(w, "%-12s %s\n", s.name, state); err != nil {
			return err
		}
	}
	return nil
}

func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all are held until all are chosen
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// tcp says that something accepts connections there.
func tcp(ctx context.Context, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err == nil {
		c.Close()
	}
	return err
}

// quietly runs a command and shows what it said only where it fails.
func quietly(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(out, 2000))
	}
	return nil
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
