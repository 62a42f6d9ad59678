package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/ledger"
)

// from is what an auditor has from elsewhere than the bag.
type from struct {
	Key        string `placeholder:"FINGERPRINT" help:"The archive's fingerprint, from its card: what genesis must hash to."`
	Checkpoint string `placeholder:"FILE" help:"A checkpoint of this archive's control lane that you kept: the bag must be of the same history."`
}

// trust reads it.
func (f from) trust() (t bundle.Trust, err error) {
	if f.Key != "" {
		h, err := parseKey(f.Key)
		if err != nil {
			return t, err
		}
		t.Fingerprint = &h
	}
	if f.Checkpoint == "" {
		return t, nil
	}
	if t.Checkpoint, err = os.ReadFile(f.Checkpoint); err != nil {
		return t, fmt.Errorf("read checkpoint: %w", err)
	}
	if _, err := ledger.ReadCheckpoint(t.Checkpoint); err != nil {
		return t, fmt.Errorf("%s is not a checkpoint: %w", f.Checkpoint, errUsage)
	}
	return t, nil
}

type bagCmd struct {
	Dir  string `arg:"" help:"Folder of a production, as 'waxseal export' wrote it."`
	from `embed:""`
}

// Help teaches the command.
func (bagCmd) Help() string {
	return `Checks a production: that no file of it was changed, added or removed since the archive signed it; that the raw records in it are byte for byte what Kafka delivered at
the offsets stated, whole or with pieces withheld; and that the archive's ledger contains them under the signed checkpoint in the bag. Nothing but the bag is read.

The fingerprint must come from elsewhere: the archive's card. A key inside the bag shows nothing about who made it. Without --key the result is integrity only, exit
code 4. With --checkpoint the bag must be of one history with a checkpoint that you kept; where that is older or newer than the bag's own, export with --since.

The verify.py in each bag checks the same with Python alone, and says the same.

Examples:
  waxverify bag production-7/ --key 5f0c…e1
  waxverify bag production-7/ --key 5f0c…e1 --checkpoint control-2026-06.txt
  waxverify bag E:\production-7 --output json`
}

// Run verifies; what does not hold is exit code 3.
func (c bagCmd) Run(s *session) error {
	t, err := c.trust()
	if err != nil {
		return err
	}
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is no folder that can be read: %w", c.Dir, errUsage)
	}
	v, err := bundle.Verify(s.ctx, c.Dir, t)
	return s.judge(v, err)
}

type proofCmd struct {
	File string `arg:"" help:"A proof, in the folder proofs of its bag."`
	from `embed:""`
}

// Help teaches the command.
func (proofCmd) Help() string {
	return `Checks one proof of a production, with the files it names and proofs/anchor.json, and leaves the rest of the bag alone: that these records are what Kafka delivered, and
that the ledger contains them. Whether anything else in the bag was changed, 'waxverify bag' says.

Examples:
  waxverify proof production-7/proofs/0-17.json --key 5f0c…e1
  waxverify proof production-7/proofs/0-17.json --output json`
}

// Run verifies; what does not hold is exit code 3.
func (c proofCmd) Run(s *session) error {
	t, err := c.trust()
	if err != nil {
		return err
	}
	if info, err := os.Stat(c.File); err != nil || info.IsDir() {
		return fmt.Errorf("%s is no file that can be read: %w", c.File, errUsage)
	}
	v, err := bundle.VerifyProof(s.ctx, c.File, t)
	return s.judge(v, err)
}

// judge shows a verdict and gives what the exit code says.
func (s *session) judge(v *bundle.Verdict, err error) error {
	if err != nil {
		return err
	}
	err = terminal.Show(s.out, s.output, v, func(w io.Writer) error {
		for line := range strings.Lines(v.Text()) {
			if _, err := fmt.Fprintln(w, terminal.Line(strings.TrimSuffix(line, "\n"))); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case !v.OK:
		return errBag
	case !v.Pinned:
		return errUnknownSigner
	}
	return nil
}
