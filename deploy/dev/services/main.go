// Command services starts the real parts that tests and a developer's desk use:
// Apache Kafka, two S3 servers with Object Lock, ClickHouse's engine. All listen on
// free ports of the loopback address and keep their data in one folder.
//
//	services up [NAME…]    install what is missing, start what does not run, print addresses
//	services down          end what up started, and nothing else
//	services env           the variables by which tests find them
//	services run COMMAND…  start what does not run, run COMMAND with those variables,
//	                       and end what was started for it
//
// Versions are pinned here. What is installed comes from the Go, npm and Maven
// registries; nothing else of the machine is changed.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	dir := flag.String("dir", ".build/services", "folder of binaries, data and logs")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "services [-dir FOLDER] up [NAME…] | down | env | status | run COMMAND…")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, *dir, flag.Args())
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(max(exit.ExitCode(), 1))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, dir string, args []string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		flag.Usage()
		return errors.New("say what to do")
	}
	d, err := open(dir)
	if err != nil {
		return err
	}
	defer d.unlock()
	switch args[0] {
	case "up":
		return d.up(ctx, args[1:])
	case "down":
		return d.down(slices.Collect(maps.Keys(d.Runs))...)
	case "env":
		return d.env(os.Stdout)
	case "status":
		return d.status(os.Stdout)
	case "run":
		return d.during(ctx, args[1:])
	}
	return fmt.Errorf("no such command: %s", args[0])
}

// up starts the named services, or all. One that cannot be had does not keep the
// others from starting; in the end the errors of all are given.
func (d *desk) up(ctx context.Context, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(services, func(s service) bool { return s.name == n }) {
			return fmt.Errorf("no service %s", n)
		}
	}
	_, err := d.startAll(ctx, names)
	return errors.Join(err, d.status(os.Stdout))
}

// startAll gives the names of those that did not run before.
func (d *desk) startAll(ctx context.Context, names []string) (started []string, err error) {
	var errs []error
	for _, s := range services {
		if len(names) > 0 && !slices.Contains(names, s.name) || d.Runs[s.name].alive() {
			continue
		}
		if err := d.start(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
			fmt.Fprintf(os.Stderr, "*** %s is not there: %v\n", s.name, err)
			continue
		}
		started = append(started, s.name)
	}
	return started, errors.Join(errs...)
}

// during runs a command with the services beside it. A service that cannot be had is
// the end only where services are required; the tests then say what they skip.
func (d *desk) during(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("run what?")
	}
	started, err := d.startAll(ctx, nil)
	if err != nil && os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
		return errors.Join(err, d.down(started...))
	}
	var env bytes.Buffer
	if err := d.env(&env); err != nil {
		return err
	}
	d.unlock() // others may use them meanwhile
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), strings.Split(strings.TrimSpace(env.String()), "\n")...)
	ran := cmd.Run() // an interrupt reaches it too: it ends, then the services
	if err := d.take(); err != nil {
		return errors.Join(ran, err)
	}
	return errors.Join(ran, d.down(started...))
}
