package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type demoCmd struct {
	Remove demoRemoveCmd `cmd:"" help:"Remove a demonstration's data folder, and no other."`
	Tamper demoTamperCmd `cmd:"" help:"Change one byte of a copy, and see it found."`
}

type demoRemoveCmd struct {
	Yes bool `help:"Do not ask."`
}

// Help teaches the command.
func (demoRemoveCmd) Help() string {
	return `Removes what waxseal made in the data folder of a demonstration, and the folder where nothing else lies in it; what waxseal did not make is left, and named. It reads
the archive's genesis, with its signature, and touches nothing where that is not a demonstration's for sure, or where a process works on it. Of a
demonstration that was interrupted before it had a genesis, demo.json tells. Symbolic links are not followed.

Examples:
  waxseal demo remove
  waxseal demo remove --yes --data /srv/try`
}

// Run removes the demonstration.
func (c demoRemoveCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		req := DemoRemoveRequest{Confirm: s.confirmRemoval}
		if c.Yes {
			req.Confirm = nil
		}
		r, err := app.DemoRemove(s.ctx, req)
		if len(r.Removed) > 0 || err == nil {
			if showErr := s.show(r, func(w io.Writer) error { return removedText(w, r) }); err == nil {
				err = showErr
			}
		}
		return err
	})
}

// confirmRemoval asks on the terminal.
func (s *session) confirmRemoval(folder, archive string) (bool, error) {
	if s.readPassword == nil { // standard input is no terminal
		return false, fmt.Errorf("no terminal to ask on: --yes removes %s in %s without asking: %w", archive, folder, ErrUsage)
	}
	fmt.Fprintf(s.err, "Remove the demonstration %s with all of %s? [y/N] ", archive, folder)
	line, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

func removedText(w io.Writer, r DemoRemoveResponse) error {
	if len(r.Removed) == 0 {
		_, err := fmt.Fprintln(w, "nothing was removed")
		return err
	}
	rows := [][]string{}
	files, bytes := 0, int64(0)
	for _, p := range r.Removed {
		rows = append(rows, []string{"removed", p.Name, terminal.Count(p.Files, "file"), terminal.Size(p.Bytes)})
		files, bytes = files+p.Files, bytes+p.Bytes
	}
	if err := terminal.Table(w, rows...); err != nil {
		return err
	}
	fmt.Fprintf(w, "removed the demonstration %s from %s: %s, %s\n", r.Archive, r.Folder, terminal.Count(files, "file"), terminal.Size(bytes))
	if len(r.Left) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "left, as waxseal did not make it: %s\n", terminal.Line(strings.Join(r.Left, ", ")))
	return err
}

type demoTamperCmd struct{}

// Help teaches the command.
func (demoTamperCmd) Help() string {
	return `Copies the stores of a demonstration to a temporary folder, changes one bit where the promise of the first story is sealed, verifies the copy and shows what is
said of it. The archive itself is not touched, which a verification of it shows; the copy is removed. It works beside 'waxseal run --demo'.

Examples:
  waxseal demo tamper
  waxseal demo tamper --output json`
}

// Run tampers with a copy.
func (demoTamperCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.DemoTamper(s.ctx)
		if err != nil {
			return err
		}
		if err := s.show(r, func(w io.Writer) error { return tamperText(w, r) }); err != nil {
			return err
		}
		switch {
		case !r.Original.OK:
			return fmt.Errorf("the archive itself contradicts itself, so nothing was copied: 'waxseal verify' says where: %w", ErrVerification)
		case !r.Found:
			return fmt.Errorf("the change was not found: %w", ErrVerification)
		}
		return nil
	})
}

func tamperText(w io.Writer, r DemoTamperResponse) error {
	if !r.Original.OK {
		return r.Original.Text(w)
	}
	fmt.Fprintf(w, "copied     the stores of %s, %s, to a temporary folder\n", r.Archive, terminal.Size(r.Copied))
	fmt.Fprintf(w, "changed    byte %d of %s from %02x to %02x, in the copy\n", r.At, r.Object, r.Before, r.After)
	fmt.Fprintf(w, "           the promise of the first story is sealed there: %s, lane %s block %d\n\n", r.Item, r.Lane, r.Block)
	fmt.Fprintf(w, "verify, of the copy:\n")
	var said strings.Builder
	if err := r.Copy.Text(&said); err != nil {
		return err
	}
	for line := range strings.Lines(said.String()) {
		fmt.Fprint(w, "    "+line)
	}
	if r.Found {
		fmt.Fprintf(w, "\nfound      lane %s block %d, object %s, and with it message %s\n", r.Lane, r.Block, r.Object, r.Item)
	}
	_, err := fmt.Fprintf(w, "untouched  the archive itself: OK, %s in %s; the copy is removed\n",
		terminal.Count(r.Original.Records, "record"), terminal.Count(r.Original.Blocks, "block"))
	return err
}
