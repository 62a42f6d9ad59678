package main

import (
	"fmt"
	"io"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// CheckpointRequest asks for control's signed checkpoint.
type CheckpointRequest struct {
	Out string // file to write it to, which must not be there; "" none
}

// CheckpointResponse is control's signed checkpoint.
type CheckpointResponse struct {
	Identification
	Out    string `json:"out,omitempty"`
	Sealed bool   `json:"sealed"`      // heads were sealed first: it covers all that is archived
	Size   uint64 `json:"size,string"` // blocks of control
	Root   string `json:"root"`        // hex
	Note   string `json:"note"`        // the signed note, byte for byte
}

type checkpointCmd struct {
	Out string `placeholder:"FILE" type:"path" help:"File to write it to, which must not be there yet; without it standard output."`
}

// Help teaches the command.
func (checkpointCmd) Help() string {
	return `Writes the archive's signed checkpoint, byte for byte: some lines that stand for all that is archived up to now, and say nothing of it. File it away from the
archive, with somebody who does not work on it: an auditor, a notary, a regulator, a mailbox elsewhere. Whoever holds one detects if anything that it covers
is changed, removed or cut off later, even by who holds the stores and the signing key. Do it now and then: what is newer than the last one that somebody else
holds is not covered by it.

The heads of the lanes are sealed first, by the process that runs or by this one; of a copy that cannot be written the checkpoint that lies there is shown,
and standard error says so.

Examples:
  waxseal checkpoint > checkpoint.txt
  waxseal checkpoint --out 2026-11-24.checkpoint
  waxseal export --all --out everything --since checkpoint.txt
  waxverify bag everything --key 2c706ce0… --checkpoint checkpoint.txt`
}

// Run writes the checkpoint.
func (c checkpointCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.Checkpoint(s.ctx, CheckpointRequest{Out: c.Out})
		if err != nil {
			return err
		}
		return s.show(r, func(w io.Writer) error { return checkpointText(w, r) })
	})
}

// checkpointText is the note and nothing else, or where it was written to.
func checkpointText(w io.Writer, r CheckpointResponse) error {
	if r.Out == "" {
		_, err := io.WriteString(w, r.Note)
		return err
	}
	_, err := fmt.Fprintf(w, "wrote the checkpoint of %s, %s of control, root %s, to %s: file it away from the archive\n",
		r.Archive, terminal.Count(r.Size, "block"), r.Root, terminal.Line(r.Out))
	return err
}
