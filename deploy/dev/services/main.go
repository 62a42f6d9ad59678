// Command services starts the real parts that tests and a developer's desk use:
// Apache Kafka, two S3 servers with Object Lock, ClickHouse's engine. All listen on
// free ports of the loopback address and keep their data in one folder.
//
//	services up [NAME…]    install what is missing, start what does not run, print addresses
//	services down          end what up started, and nothing else
//	services env           the variables by which tests find them
//
// Versions are pinned here. What is installed comes from the Go, npm and Maven
// registries; nothing else of the machine is changed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

func main() {
	dir := flag.String("dir", ".build/services", "folder of binaries, data and logs")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "services [-dir FOLDER] up [NAME…] | down | env | status")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, *dir, flag.Args()); err != nil {
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
		return d.down()
	case "env":
		return d.env(os.Stdout)
	case "status":
		return d.status(os.Stdout)
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
	var errs []error
	for _, s := range services {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		if err := d.start(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
			fmt.Fprintf(os.Stderr, "*** %s is not there: %v\n", s.name, err)
		}
	}
	return errors.Join(append(errs, d.status(os.Stdout))...)
}
