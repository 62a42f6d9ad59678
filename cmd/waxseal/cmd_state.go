package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type statusCmd struct{}

// Help teaches the command.
func (statusCmd) Help() string {
	return `Reads the stores and says how each lane stands. It looks at no content and needs no identity.

Examples:
  waxseal status
  waxseal status --output json | python3 -c 'import json,sys; print(json.load(sys.stdin)["records"])'`
}

// Run shows the status.
func (statusCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.Status(s.ctx)
		if err != nil {
			return err
		}
		return s.show(r, func(w io.Writer) error { return statusText(w, r, s) })
	})
}

func statusText(w io.Writer, r StatusResponse, s *session) error {
	running := "not running"
	switch {
	case r.Ready:
		running = "running"
	case r.Running:
		running = "running, not ready"
	}
	fmt.Fprintf(w, "archive      %s (%s), %s\nfingerprint  %s\nbroker       %s\nstore        %s\nrecords      %d, in the index %s, with findings %d\n",
		r.Archive, r.Mode, running, r.Fingerprint, r.Broker, r.Store, r.Records, terminal.Count(r.Indexed, "item"), r.Findings)
	rows := [][]string{{"LANE", "BLOCKS", "RECORDS", "LAST BLOCK", "LAG", "STATE"}}
	for _, l := range append(r.Lanes, r.Control) {
		state, lag := "open", "unknown"
		if !l.Writable {
			state = "stopped"
		}
		if l.Lag >= 0 {
			lag = fmt.Sprint(l.Lag)
		}
		if l.Lane == r.Control.Lane {
			lag = ""
		}
		rows = append(rows, []string{l.Lane, fmt.Sprint(l.Blocks), fmt.Sprint(l.Records), clock(l.Time, s.set.Zone), lag, state})
	}
	if err := terminal.Table(w, rows...); err != nil {
		return err
	}
	for _, a := range r.Alarms {
		fmt.Fprintln(w, "ALARM", terminal.Line(a))
	}
	return nil
}

type verifyCmd struct {
	Deep       bool   `help:"Also open every segment and recompute every commitment; needs an identity."`
	Key        string `placeholder:"FINGERPRINT" help:"The archive's fingerprint, from its card: what genesis must hash to."`
	Unrecorded bool   `help:"With --deep on a read-only copy: look although it cannot be recorded."`
}

// Help teaches the command.
func (verifyCmd) Help() string {
	return `Reads every block, checks every hash, signature, offset, object, retention and key row, and names what contradicts. Exit code 3 if anything does. Without
--key it trusts the fingerprint that the archive itself names, and says so. An auditor uses waxverify, which needs neither this binary nor its keys.

Examples:
  waxseal verify
  waxseal verify --key 5f0c…e1 --output json
  waxseal verify --deep`
}

// Run verifies; contradictions are exit code 3.
func (c verifyCmd) Run(s *session) error {
	c.Key = strings.Join(strings.Fields(c.Key), "") // as the card prints it, in groups
	if c.Key != "" && !isHex(c.Key, 64) {
		return fmt.Errorf("--key is the 64 hex digits of the archive's card: %w", ErrUsage)
	}
	return s.withApp(func(app App) error {
		r, err := app.Verify(s.ctx, VerifyRequest{Deep: c.Deep, Fingerprint: c.Key, Unrecorded: c.Unrecorded})
		if err != nil {
			return err
		}
		if err := s.show(r, r.Text); err != nil {
			return err
		}
		if !r.OK {
			return ErrVerification
		}
		return nil
	})
}

func isHex(s string, n int) bool {
	for _, c := range s {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return len(s) == n
}

type reindexCmd struct{}

// Help teaches the command.
func (reindexCmd) Help() string {
	return `The index is a cache. This builds it again, row for row, from the stores and an identity, and says how many rows the old one lacked or had otherwise.

Examples:
  waxseal reindex
  WAXSEAL_PASSPHRASE=… waxseal reindex --output json`
}

// Run rebuilds the index.
func (reindexCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.Reindex(s.ctx)
		if err != nil {
			return err
		}
		return s.show(r, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "indexed %s of %s in %s; erased %s, changed %s\n", terminal.Count(r.Rows, "item"),
				terminal.Count(r.Records, "record"), terminal.Count(r.Blocks, "block"), terminal.Count(r.Erased, "item"), terminal.Count(r.Changed, "row"))
			return err
		})
	})
}

type doctorCmd struct{}

// Help teaches the command.
func (doctorCmd) Help() string {
	return `Checks broker, topics, stores and their locks, clocks, keys and their files, index and policy, and says for each what to do. Exit code 1 if a check fails.

Examples:
  waxseal doctor
  waxseal doctor --broker kafka:9092`
}

// Run shows the checks.
func (doctorCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.Doctor(s.ctx)
		if err != nil {
			return err
		}
		if err := s.show(r, func(w io.Writer) error { return doctorText(w, r) }); err != nil {
			return err
		}
		if !r.OK {
			return fmt.Errorf("not everything is well")
		}
		return nil
	})
}

func doctorText(w io.Writer, r DoctorResponse) error {
	for _, c := range r.Checks {
		mark := "ok  "
		if !c.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(w, "%s  %s: %s\n", mark, c.Name, terminal.Line(c.Says))
		if !c.OK && c.Do != "" {
			fmt.Fprintf(w, "      %s\n", terminal.Line(c.Do))
		}
	}
	return nil
}
