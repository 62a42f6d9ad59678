package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
	"github.com/waxseal/waxseal/ledger"
)

type exportCmd struct {
	scope
	All        bool   `help:"Everything in the archive."`
	Out        string `placeholder:"DIR" type:"path" help:"Folder to make."`
	Unit       string `default:"day" placeholder:"UNIT" values:"day,message,conversation" help:"What a hit brings along: message, its day of the conversation (the default), or all of the conversation."`
	Context    int    `placeholder:"N" help:"With --unit message: so many messages before and after each."`
	Since      string `placeholder:"FILE" type:"path" help:"A checkpoint kept from earlier: put a proof into the folder that the archive only grew since."`
	Estimate   bool   `help:"Say how much it would be, and write nothing."`
	Unrecorded bool   `help:"On a read-only copy: export although it cannot be recorded."`
}

// Help teaches the command.
func (exportCmd) Help() string {
	return `Writes a folder for somebody who has neither this program nor the archive: transcripts to read (open index.html), RSMF for review platforms, JSON Lines, media,
the exact bytes that Kafka delivered, and the proofs that they are in the ledger. The folder is a BagIt bag, signed; 'waxverify bag' or the verify.py in
it check it, with the archive's fingerprint from elsewhere ('waxseal keys card'). Other people's parts of a record are withheld: only their hashes are in it.

What the flags select decides, as in 'waxseal search'; every message comes with all that is known of it. Days are days in --tz. The export is an entry in the ledger before
anything is written. The same export again gives the same bytes. The folder is decrypted: protect it. It lies outside the archive: --out within it is refused.

Examples:
  waxseal export --person 15550101234 --out ana
  waxseal export '"wire transfer" OR iban' --from 2026-11 --unit message --context 5 --out wire --tz Europe/London
  waxseal export --findings '*' --unit conversation --out findings --estimate
  waxseal export --all --out everything --since checkpoint.txt
  waxverify bag ana --key 2c706ce0…`
}

// Run writes the folder and says what is in it.
func (c exportCmd) Run(s *session) error {
	req, err := c.request(s)
	if err != nil {
		return err
	}
	return s.withApp(func(app App) error {
		resp, err := app.Export(s.ctx, req, func(e ExportEstimate) error {
			s.bar.Clear()
			if !req.Estimate && s.set.Output == "text" && e.Records > 0 {
				fmt.Fprintf(s.err, "about to write  %s\n", amount(e.Conversations, e.Days, e.Messages, e.Events, e.Records, e.Bytes))
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrVerification) || resp.Records == 0 && err != nil {
			return err
		}
		return errors.Join(s.show(resp, func(w io.Writer) error { return exportText(w, resp, beside(s.self()[0], "waxverify")) }), err)
	})
}

func (c exportCmd) request(s *session) (ExportRequest, error) {
	req := ExportRequest{All: c.All, Unit: c.Unit, Context: c.Context, Out: c.Out, Estimate: c.Estimate, Unrecorded: c.Unrecorded}
	if err := allowed(s, "unit", []string{c.Unit}); err != nil {
		return req, err
	}
	var err error
	if s.set.Zone, err = namedZone(s.set.Zone, s.environ); err != nil {
		return req, err
	}
	if req.Search, err = c.scope.request(s); err != nil {
		return req, err
	}
	flags := c.scope.flags(req.Search, s.set.Zone)
	switch {
	case len(flags) == 0 && !c.All:
		return req, fmt.Errorf("what to export? Give words or flags as in 'waxseal search', or --all for everything: %w", ErrUsage)
	case len(flags) > 0 && c.All:
		return req, fmt.Errorf("--all is everything: it does not go with %s: %w", flags[0], ErrUsage)
	case c.Out == "" && !c.Estimate:
		return req, fmt.Errorf("--out DIR names the folder to make: %w", ErrUsage)
	case c.Context < 0, c.Context > 0 && (c.All || c.Unit != "message"):
		return req, fmt.Errorf("--context N goes with --unit message: %w", ErrUsage)
	}
	if c.All {
		flags = []string{"--all"}
	}
	req.Scope = strings.Join(flags, " ")
	if c.Since != "" {
		if req.Since, err = os.ReadFile(c.Since); err != nil {
			return req, fmt.Errorf("--since: %w: %w", err, ErrUsage)
		}
		if _, err := ledger.ReadCheckpoint(req.Since); err != nil {
			return req, fmt.Errorf("--since: %s: %w: %w", c.Since, err, ErrUsage)
		}
	}
	return req, nil
}

// flags gives the scope as it is typed, in one order, with times that are whole.
func (c scope) flags(req SearchRequest, zone *time.Location) []string {
	var out []string
	for _, w := range c.Words {
		out = append(out, quoted(w))
	}
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"number", c.Number}, {"person", c.Person}, {"custodian", c.Custodian}, {"department", c.Department}, {"kind", c.Kind},
		{"channel", c.Channel}, {"direction", c.Direction}, {"template", c.Template}, {"conversation", c.Conversation},
		{"findings", c.Findings}, {"name", c.Name},
	} {
		for _, v := range f.values {
			out = append(out, "--"+f.name+" "+quoted(v))
		}
	}
	if c.From != "" {
		out = append(out, "--from "+time.Unix(req.From, 0).In(zone).Format(time.RFC3339))
	}
	if c.To != "" {
		out = append(out, "--to "+time.Unix(req.To-1, 0).In(zone).Format(time.RFC3339))
	}
	return out
}

// quoted is a word as a shell takes it.
func quoted(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_./:@#%=,~") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// namedZone gives a zone that means the same on every machine: "Local" becomes
// the one it stands for here, and UTC where that cannot be told.
func namedZone(zone *time.Location, environ []string) (*time.Location, error) {
	if zone != time.Local {
		return zone, nil
	}
	name := ""
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, "TZ="); ok {
			name = strings.TrimPrefix(v, ":")
		}
	}
	if name == "" {
		target, err := filepath.EvalSymlinks("/etc/localtime")
		if _, after, ok := strings.Cut(filepath.ToSlash(target), "zoneinfo/"); err == nil && ok {
			name = after
		}
	}
	if name == "" {
		return time.UTC, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("the time zone of this machine cannot be named; give --tz ZONE: %w: %w", err, ErrUsage)
	}
	return z, nil
}

func amount(conversations, days, messages, events, records int, bytes int64) string {
	return fmt.Sprintf("%s in %s on %s, %s; %s, %s", terminal.Count(messages, "message"), terminal.Count(conversations, "conversation"),
		terminal.Count(days, "conversation-day"), terminal.Count(events, "other event"), terminal.Count(records, "record"), terminal.Size(bytes))
}

// exportText names waxverify where it lies, as it is typed.
func exportText(w io.Writer, r ExportResponse, verifier string) error {
	rows := [][]string{
		{"scope", terminal.Line(r.Scope)},
		{"unit", fmt.Sprintf("%s, days in %s", r.Unit, r.Zone)},
		{"holds", amount(r.Conversations, r.Days, r.Messages, r.Events, r.Records, r.Bytes)},
		{"media", fmt.Sprint(r.Media)},
	}
	if r.Estimate {
		return terminal.Table(w, append(rows, []string{"", "nothing was written"})...)
	}
	rows = append(rows,
		[]string{"withheld", terminal.Count(r.Withheld, "piece") + " of the records, by hash alone"},
		[]string{"gaps", fmt.Sprintf("%d (data/gaps.json)", r.Gaps)},
		[]string{"exceptions", exceptionsText(r.Exceptions)},
		[]string{"archive", r.Archive},
		[]string{"fingerprint", r.Fingerprint},
		[]string{"", ""},
		[]string{"open", filepath.Join(r.Out, "index.html")},
		[]string{"check", typed(verifier, "bag", r.Out, "--key", r.Fingerprint)},
		[]string{"", typed("python3", "-I", filepath.Join(r.Out, "verify.py"), "--key", r.Fingerprint, r.Out)},
		[]string{"", "Whoever checks takes the fingerprint from the archive's card, not from the folder."},
		[]string{"protect", "The folder is decrypted: whoever has it reads everything in it."},
	)
	return terminal.Table(w, rows...)
}

func exceptionsText(by map[string]int) string {
	if len(by) == 0 {
		return "none"
	}
	codes := make([]string, 0, len(by))
	for code := range by {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int { return cmp.Compare(a, b) })
	for i, code := range codes {
		codes[i] = fmt.Sprintf("%s %d", code, by[code])
	}
	return strings.Join(codes, ", ") + " (data/exceptions.json)"
}
