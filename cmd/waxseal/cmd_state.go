package main

import (
	"fmt"
	"io"
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
	if r.Running {
		running = "running"
	}
	fmt.Fprintf(w, "archive      %s (%s), %s\nfingerprint  %s\nbroker       %s\nstore        %s\nrecords      %d, in the index %s, with findings %d\n",
		r.Archive, r.Mode, running, r.Fingerprint, r.Broker, r.Store, r.Records, count(r.Indexed, "item"), r.Findings)
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
	if err := table(w, rows...); err != nil {
		return err
	}
	for _, a := range r.Alarms {
		fmt.Fprintln(w, "ALARM", oneLine(a))
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
	if c.Key != "" && !isHex(c.Key, 64) {
		return fmt.Errorf("--key is the 64 hex digits of the archive's card: %w", ErrUsage)
	}
	return s.withApp(func(app App) error {
		r, err := app.Verify(s.ctx, VerifyRequest{Deep: c.Deep, Fingerprint: c.Key, Unrecorded: c.Unrecorded})
		if err != nil {
			return err
		}
		if err := s.show(r, func(w io.Writer) error { return verifyText(w, r) }); err != nil {
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

func verifyText(w io.Writer, r VerifyResponse) error {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s  %s: %s\n", f.Class, f.Code, oneLine(f.Means))
		if where := findingPlace(f); where != "" {
			fmt.Fprintf(w, "    %s\n", where)
		}
	}
	rows := [][]string{{"LANE", "BLOCKS", "RECORDS", "SIZE", "SEALED", "ROOT"}}
	for _, l := range r.Lanes {
		rows = append(rows, []string{l.Lane, fmt.Sprint(l.Blocks), fmt.Sprint(l.Records), fmt.Sprint(l.Size), fmt.Sprint(l.Sealed), l.Root})
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	pinned := "as the archive itself says; compare it with the card"
	if r.Pinned {
		pinned = "as given"
	}
	fmt.Fprintf(w, "archive      %s\nfingerprint  %s (%s)\n", r.Archive, r.Fingerprint, pinned)
	verdict := "OK"
	if !r.OK {
		verdict = "FAILED"
	}
	how := ""
	if r.Deep {
		how = ", every commitment recomputed"
	}
	_, err := fmt.Fprintf(w, "%s: %s in %s, %s, %s%s; erased %s, waste %d, in flight %d\n", verdict, count(r.Records, "record"),
		count(r.Blocks, "block"), count(r.Segments, "segment"), count(uint64(len(r.Findings)), "finding"), how, count(r.Erased, "row"), r.Waste, r.InFlight)
	return err
}

// findingPlace says where a finding lies, as far as it is known.
func findingPlace(f Finding) string {
	where := ""
	if f.Lane != "" {
		where = "lane " + f.Lane
	}
	if f.Entry != nil {
		where += fmt.Sprintf(" block %d", *f.Entry)
	}
	if f.Object != "" {
		where += "  " + f.Object
	}
	if f.From != nil && f.To != nil {
		where += fmt.Sprintf("  bytes %d to %d", *f.From, *f.To)
	}
	return where
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
			_, err := fmt.Fprintf(w, "indexed %s of %s in %s; erased %s, changed %s\n", count(r.Rows, "item"),
				count(r.Records, "record"), count(r.Blocks, "block"), count(r.Erased, "item"), count(r.Changed, "row"))
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
		fmt.Fprintf(w, "%s  %s: %s\n", mark, c.Name, oneLine(c.Says))
		if !c.OK && c.Do != "" {
			fmt.Fprintf(w, "      %s\n", oneLine(c.Do))
		}
	}
	return nil
}
