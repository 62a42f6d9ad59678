package main

import (
	"fmt"
	"io"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type storeCmd struct {
	Init  storeInitCmd  `cmd:"" help:"Make the buckets of a new archive, as they must be."`
	Check storeCheckCmd `cmd:"" help:"Try whether the stores keep what they promise."`
}

type storeInitCmd struct{}

// Help teaches the command.
func (storeInitCmd) Help() string {
	return `Makes the buckets that stores.locked, stores.meta and stores.spare name and that are not there yet: the locked one with Object Lock (it cannot be turned on everywhere
later), the others without versions. A bucket that is there is left as it is; 'waxseal store check' says whether it can be used. Needs the right to make buckets, which the
archiver should not have.

Examples:
  WAXSEAL_STORES_LOCKED=s3://s3.eu-central-1.amazonaws.com/firm-locked waxseal store init
  waxseal store init --config waxseal.yaml`
}

// Run makes the buckets.
func (storeInitCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.StoreInit(s.ctx)
		if err != nil {
			return err
		}
		return s.show(r, func(w io.Writer) error {
			for _, b := range r.Stores {
				state := "was there"
				if b.Made {
					state = "made"
				}
				if _, err := fmt.Fprintf(w, "%-7s %s  %s\n", b.Store, b.Place, state); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

type storeCheckCmd struct{}

// Help teaches the command.
func (storeCheckCmd) Help() string {
	return `Writes probes into the locked store, locked for a minute, and tries to delete, shorten, overwrite and hide them, with the credentials at hand. With those of the archiver, which
may not delete, a refusal proves little: repeat it with the keeper's. A promise that is broken is exit code 3, and 'run' and 'archive' refuse such a store. Takes a few
seconds: one probe's lock has to end.

Examples:
  waxseal store check
  AWS_PROFILE=keeper waxseal store check --output json`
}

// Run tries the stores; a broken promise is exit code 3.
func (storeCheckCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.StoreCheck(s.ctx)
		if err != nil {
			return err
		}
		if err := s.show(r, func(w io.Writer) error { return storeText(w, r) }); err != nil {
			return err
		}
		if !r.OK {
			return ErrVerification
		}
		return nil
	})
}

func storeText(w io.Writer, r StoreCheckResponse) error {
	for _, c := range r.Checks {
		state := "ok"
		switch {
		case c.Untried:
			state = "?"
		case !c.OK:
			state = "FAIL"
		}
		fmt.Fprintf(w, "%-5s %s: %s", state, c.Store, c.Name)
		if c.Says != "" {
			fmt.Fprintf(w, ": %s", terminal.Line(c.Says))
		}
		fmt.Fprintln(w)
	}
	verdict := "OK: nothing that was tried breaks a promise"
	if !r.OK {
		verdict = "FAILED: an archive cannot be kept here"
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
