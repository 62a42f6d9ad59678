package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/waxseal/waxseal/archiver/seal/boxclear"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
	"github.com/waxseal/waxseal/cmd/internal/verdict"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

type archiveCmd struct {
	Dir        string   `arg:"" help:"Copy of the archive's data folder: the folders locked, meta and spare."`
	Key        string   `placeholder:"FINGERPRINT" help:"The archive's fingerprint, from its card: what genesis must hash to."`
	Checkpoint []string `placeholder:"FILE" help:"A checkpoint of this archive that you kept; its lane must reach that size with that root. May be repeated."`
}

// Help teaches the command.
func (archiveCmd) Help() string {
	return `Reads every block, checks every hash, signature, offset, object, retention and key row, and names what contradicts, with the object and what it means.

DIR holds the three folders locked, meta and spare of a data folder, whole: what one of them says is checked against the others, so a part alone cannot be judged
and is refused. Keys and index need not be in the copy; nothing of them is read. DIR may be read-only, and the archive may go on while it is read.

The fingerprint must come from elsewhere: the card that 'waxseal keys card' prints for filing. Without --key the result is integrity only, exit code 4.
A checkpoint that you kept shows that nothing it covers was cut off or written anew since, whoever holds the signing key. It is the file log/LANE/checkpoint of
the meta store, or what 'waxseal run' prints.

Contents are sealed and stay so. Whoever has an identity goes deeper with 'waxseal verify --deep', which recomputes every record's leaf.

Examples:
  waxverify archive copy-of-data/ --key 5f0c…e1
  waxverify archive copy-of-data/ --key 5f0c…e1 --checkpoint control-2026-06.txt --checkpoint lane0-2026-06.txt
  waxverify archive E:\copy --output json`
}

// Run verifies; contradictions are exit code 3.
func (c archiveCmd) Run(s *session) error {
	cfg, err := c.config(s)
	if err != nil {
		return err
	}
	report, err := verify.Run(s.ctx, cfg)
	if err != nil {
		return err
	}
	v := verdict.Of(report)
	s.bar.Clear()
	if err := terminal.Show(s.out, s.output, v, v.Text); err != nil {
		return err
	}
	switch {
	case !v.OK:
		return errVerification
	case !v.Pinned:
		return errIntegrityOnly
	}
	return nil
}

func (c archiveCmd) config(s *session) (verify.Config, error) {
	cfg := verify.Config{RowHashes: boxclear.RowHashes}
	if c.Key != "" {
		h, err := parseKey(c.Key)
		if err != nil {
			return cfg, err
		}
		cfg.Fingerprint = &h
	}
	for _, file := range c.Checkpoint {
		note, err := os.ReadFile(file)
		if err != nil {
			return cfg, fmt.Errorf("read checkpoint: %w", err)
		}
		if _, err := ledger.ReadCheckpoint(note); err != nil {
			return cfg, fmt.Errorf("%s is not a checkpoint: %w", file, errUsage)
		}
		cfg.Trusted = append(cfg.Trusted, note)
	}
	var read atomic.Int64
	for _, st := range []struct {
		to   *verify.Store
		name string
	}{{&cfg.Locked, "locked"}, {&cfg.Meta, "meta"}, {&cfg.Spare, "spare"}} {
		r, err := c.open(st.name)
		if err != nil {
			return cfg, err
		}
		*st.to = verdict.Telling(r, func() { s.bar.Update("objects read", read.Add(1), 0) })
	}
	return cfg, nil
}

// parseKey reads a fingerprint, which the card prints in groups.
func parseKey(key string) (ledger.Hash, error) {
	h, err := ledger.ParseHash(strings.Join(strings.Fields(key), ""))
	if err != nil {
		return h, fmt.Errorf("--key is the 64 lower-case hex digits of the archive's card: %w", errUsage)
	}
	return h, nil
}

// open opens one of the three stores of the copy.
func (c archiveCmd) open(name string) (*dir.Reader, error) {
	if _, err := os.Stat(c.Dir); err != nil {
		return nil, fmt.Errorf("open the copy: %w: %w", err, errUsage)
	}
	r, err := dir.OpenReadOnly(filepath.Join(c.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("%s is no copy of a whole data folder, with locked, meta and spare: %w", c.Dir, err)
	}
	if r.Unlocked() != (name != "locked") {
		return nil, fmt.Errorf("%s holds a store of the other kind as %s: %w", c.Dir, name, errUsage)
	}
	return r, nil
}
