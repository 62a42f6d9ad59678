package verdict

import (
	"fmt"
	"io"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// Text writes a verdict for people: the findings, the lanes, whose archive it is,
// and the verdict in the last line.
func (v *Verdict) Text(w io.Writer) error {
	for _, f := range v.Findings {
		fmt.Fprintf(w, "%s  %s: %s\n", f.Class, f.Code, terminal.Line(f.Means))
		if where := f.place(); where != "" {
			fmt.Fprintf(w, "    %s\n", terminal.Line(where))
		}
	}
	rows := [][]string{{"LANE", "BLOCKS", "RECORDS", "SEALED", "ROOT"}}
	for _, l := range v.Lanes {
		rows = append(rows, []string{l.Lane, fmt.Sprint(l.Blocks), fmt.Sprint(l.Records), fmt.Sprint(l.Sealed), l.Root})
	}
	if err := terminal.Table(w, rows...); err != nil {
		return err
	}
	pinned := "as the archive itself says; compare it with the card"
	if v.Pinned {
		pinned = "as given"
	}
	fmt.Fprintf(w, "archive      %s\nfingerprint  %s (%s)\n", terminal.Line(v.Archive), v.Fingerprint, pinned)
	_, err := fmt.Fprintln(w, v.last())
	return err
}

// last is the verdict in a line.
func (v *Verdict) last() string {
	verdict, how := "OK", ""
	if !v.OK {
		verdict = "FAILED"
	}
	if v.Deep {
		how = ", every commitment recomputed"
	}
	return fmt.Sprintf("%s: %s in %s, %s, %s%s; erased %s, waste %d, in flight %d", verdict, terminal.Count(v.Records, "record"),
		terminal.Count(v.Blocks, "block"), terminal.Count(v.Segments, "segment"), terminal.Count(len(v.Findings), "finding"), how,
		terminal.Count(v.Erased, "row"), v.Waste, v.InFlight)
}

// place says where a finding lies, as far as it is known.
func (f *Finding) place() string {
	var parts []string
	switch {
	case f.Lane != "" && f.Entry != nil:
		parts = append(parts, fmt.Sprintf("lane %s block %d", f.Lane, *f.Entry))
	case f.Lane != "":
		parts = append(parts, "lane "+f.Lane)
	}
	if f.Object != "" {
		parts = append(parts, strings.TrimSpace(f.Store+" "+f.Object))
	}
	if f.From != nil && f.To != nil {
		parts = append(parts, fmt.Sprintf("bytes %d to %d", *f.From, *f.To))
	}
	return strings.Join(parts, "  ")
}
