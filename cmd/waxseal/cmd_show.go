package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type showCmd struct {
	Name       string `arg:"" placeholder:"ITEM" help:"ITEM (topic/partition/offset#n), RECORD, wamid, phone number or BSUID."`
	Unrecorded bool   `help:"On a read-only copy: look although it cannot be recorded."`
}

// Help teaches the command.
func (showCmd) Help() string {
	return `Shows one logical message: all its deliveries, edits, revokes, reactions and statuses, what was decided and what the decision saw, and its place in the
ledger. A name that stands for several shows each. The look is an entry in the ledger.

Examples:
  waxseal show wa.webhooks/0/17#0
  waxseal show wa.webhooks/0/17 --output json
  waxseal show 15550101234`
}

// Run shows the items.
func (c showCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		r, err := app.Show(s.ctx, NameRequest{Name: c.Name, Unrecorded: c.Unrecorded})
		if err != nil {
			return err
		}
		return s.show(r, func(w io.Writer) error {
			for i, item := range r.Items {
				if i > 0 {
					fmt.Fprintln(w)
				}
				if err := shownText(w, item, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func shownText(w io.Writer, it Shown, s *session) error {
	if err := hitText(w, it.Hit, s); err != nil {
		return err
	}
	fmt.Fprintf(w, "  deliveries\n")
	for _, d := range it.Deliveries {
		fmt.Fprintf(w, "    %s  %s  %s, %s, signature %s\n", clock(d.Time, s.set.Zone), d.Item, d.Kind, d.Provenance, d.Signature)
	}
	for _, part := range []struct {
		name string
		list []Change
	}{{"edits", it.Edits}, {"revokes", it.Revokes}, {"reactions", it.Reactions}, {"statuses", it.Statuses}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(w, "  %s\n", part.name)
		for _, c := range part.list {
			fmt.Fprintf(w, "    %s  %s  %s\n", clock(c.Time, s.set.Zone), c.Item, terminal.Line(strings.TrimSpace(c.Sub+"  "+c.Text)))
		}
	}
	mediaText(w, it.Media)
	decisionText(w, it)
	l := it.Ledger
	_, err := fmt.Fprintf(w, "  ledger     lane %s block %d leaf %d, sealed %s\n             entry %s\n             segment %s cell %d, locked until %s\n",
		l.Lane, l.Block, l.Leaf, clock(l.Time, s.set.Zone), l.Entry, l.Segment, l.Cell, clock(l.RetainUntil, s.set.Zone))
	return err
}

// mediaText shows what is held of a message's media; cat gives the bytes.
func mediaText(w io.Writer, list []ShownMedia) {
	if len(list) > 0 {
		fmt.Fprintf(w, "  media\n")
	}
	for _, m := range list {
		switch {
		case m.Erased:
			fmt.Fprintf(w, "    %s  erased\n", m.Item)
			continue
		case m.SHA256 == "":
			fmt.Fprintf(w, "    %s  %s\n", m.Item, m.Reason)
			continue
		}
		what := strings.TrimSpace(terminal.Line(m.MIME) + "  " + terminal.Line(m.Filename))
		match := "no sha256 stated"
		switch {
		case m.Differs:
			match = "! not the sha256 that was stated"
		case m.Stated:
			match = "as stated"
		}
		size := terminal.Size(m.Bytes)
		if m.Empty {
			size = "! arrived without bytes"
		}
		fmt.Fprintf(w, "    %s  %s\n        sha256 %s, %s\n", m.Item, strings.TrimSpace(what+"  "+size), m.SHA256, match)
		if m.Object != "" {
			fmt.Fprintf(w, "        %s\n", m.Object)
		}
	}
}

func decisionText(w io.Writer, it Shown) {
	d := it.Decision
	duty := d.Duty
	if duty == "" {
		duty = "none"
	}
	fmt.Fprintf(w, "  decision   class %s, duty until %s, retain until %s, scope %s, policy %s\n", d.Class, duty, d.Retain, d.Scope, d.Revision)
	if d.Provisional {
		fmt.Fprintf(w, "             provisional: the policy gave no valid answer\n")
	}
	for _, f := range d.Findings {
		fmt.Fprintf(w, "             finding %s (%s): %s\n", f.Rule, f.Severity, terminal.Line(f.Reason))
	}
	names := make([]string, 0, len(it.Facts))
	for k := range it.Facts {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		fmt.Fprintf(w, "             saw %s = %s\n", k, terminal.Line(fmt.Sprint(it.Facts[k])))
	}
	for _, e := range it.Evidence {
		fmt.Fprintf(w, "             evidence %s\n", e)
	}
}

type catCmd struct {
	Name       string `arg:"" placeholder:"RECORD" help:"RECORD (topic/partition/offset), ITEM, wamid, phone number or BSUID."`
	Headers    bool   `help:"Coordinates, timestamp, key and headers in place of the value."`
	Unrecorded bool   `help:"On a read-only copy: look although it cannot be recorded."`
}

// Help teaches the command.
func (catCmd) Help() string {
	return `Writes the value of one record to standard output, byte for byte and nothing else. A name that stands for several records is refused as text, with their
names; as jsonl each is a line, with the bytes in base64. Where a person was erased, filler stands in the erased bytes' place and the exit code is 4.

Examples:
  waxseal cat wa.webhooks/0/17 > body.json
  waxseal cat wa.webhooks/0/17 --headers
  waxseal cat 15550101234 --output jsonl`
}

// Run writes the bytes.
func (c catCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		var recs []CatRecord
		err := app.Cat(s.ctx, NameRequest{Name: c.Name, Unrecorded: c.Unrecorded}, func(r CatRecord) error {
			if s.set.Output == "jsonl" {
				return terminal.WriteJSON(s.out, r, "")
			}
			recs = append(recs, r)
			return nil
		})
		if err != nil && !errors.Is(err, ErrIncomplete) {
			return err
		}
		return errors.Join(c.write(s, recs), err)
	})
}

func (c catCmd) write(s *session, recs []CatRecord) error {
	switch {
	case s.set.Output == "jsonl":
		return nil
	case s.set.Output == "json":
		if len(recs) == 1 {
			return s.show(recs[0], nil)
		}
		return s.show(recs, nil)
	case len(recs) > 1:
		names := make([]string, len(recs))
		for i, r := range recs {
			names[i] = r.Record
		}
		return fmt.Errorf("%d records: name one of %s, or take --output jsonl: %w", len(recs), strings.Join(names, " "), ErrUsage)
	case len(recs) == 0:
		return nil
	case c.Headers:
		return headersText(s.out, recs[0])
	default:
		_, err := s.out.Write(recs[0].Value)
		return err
	}
}

func headersText(w io.Writer, r CatRecord) error {
	rows := [][]string{
		{"record", r.Record},
		{"timestamp", fmt.Sprint(r.Timestamp)},
		{"leader-epoch", fmt.Sprint(r.LeaderEpoch)},
		{"key", bytesText(r.Key)},
	}
	for _, h := range r.Headers {
		rows = append(rows, []string{"header", h.Key, bytesText(h.Value)})
	}
	if r.Value == nil {
		rows = append(rows, []string{"value", "null (a tombstone)"})
	}
	return terminal.Table(w, rows...)
}

// bytesText shows bytes as a quoted text, and tells null from empty.
func bytesText(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}
