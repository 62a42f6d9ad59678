package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// scope are the flags that say which items are asked for.
type scope struct {
	Words        []string `arg:"" optional:"" name:"word" placeholder:"WORD" help:"Words; \"a phrase\"; AND, OR, NOT and parentheses."`
	Number       []string `placeholder:"ID" help:"Business number: phone_number_id or phone number."`
	Person       []string `placeholder:"WHO" help:"Outside person: phone number, BSUID or wa_id."`
	Custodian    []string `placeholder:"WHO" help:"Employee who answered on the number then."`
	Department   []string `placeholder:"NAME" help:"Department of the employee."`
	Kind         []string `placeholder:"KIND" help:"text, image, template, status, consent, …"`
	Channel      []string `placeholder:"CHANNEL" values:"user,app,api,agent,unknown" help:"user, app, api, agent or unknown."`
	Direction    []string `placeholder:"WAY" values:"in,out,none" help:"in, out or none."`
	Template     []string `placeholder:"NAME" help:"Template, by name or id."`
	Conversation []string `placeholder:"HASH" help:"Conversation, as an earlier search named it."`
	Findings     []string `placeholder:"RULE" help:"With a finding of this rule; * any."`
	Name         []string `placeholder:"NAME" help:"RECORD, ITEM or wamid."`
	From         string   `placeholder:"TIME" help:"From this year, month, day, minute or second on."`
	To           string   `placeholder:"TIME" help:"Up to and including it."`
}

type searchCmd struct {
	scope
	Newest     bool   `help:"Newest first."`
	Limit      int    `default:"100" placeholder:"N" help:"At most so many items (default 100); 0 all."`
	Cursor     string `placeholder:"CURSOR" help:"Go on where an earlier search ended."`
	Count      bool   `help:"Only count."`
	Unrecorded bool   `help:"On a read-only copy: look although it cannot be recorded."`
}

// Help teaches the command.
func (searchCmd) Help() string {
	return `A flag given several times, or with commas, means any of its values; different flags restrict together. Times without a zone are in --tz. Every search is
an entry in the ledger. What stands behind a dash is a flag: write NOT for "without", or put -- before the words.

Examples:
  waxseal search refund
  waxseal search '"wire transfer" OR iban' --from 2026-11 --direction out
  waxseal search --person 15550101234 --tz Europe/London
  waxseal search --findings '*' --newest --limit 20
  waxseal search --kind template --output jsonl > templates.jsonl`
}

// Run searches, and shows items as they are found.
func (c searchCmd) Run(s *session) error {
	req, err := c.request(s)
	if err != nil {
		return err
	}
	return s.withApp(func(app App) error {
		p := &hitPrinter{s: s}
		resp, err := app.Search(s.ctx, req, p.hit)
		if err != nil {
			return err
		}
		return p.end(req, resp)
	})
}

func (c searchCmd) request(s *session) (SearchRequest, error) {
	req, err := c.scope.request(s)
	req.Newest, req.Limit, req.Cursor, req.Count, req.Unrecorded = c.Newest, c.Limit, c.Cursor, c.Count, c.Unrecorded
	if err == nil && c.Limit < 0 {
		err = fmt.Errorf("--limit %d: %w", c.Limit, ErrUsage)
	}
	return req, err
}

// request is a search for the scope.
func (c scope) request(s *session) (SearchRequest, error) {
	req := SearchRequest{
		Words: strings.Join(c.Words, " "), Numbers: c.Number, People: c.Person, Custodians: c.Custodian, Departments: c.Department,
		Kinds: c.Kind, Channels: c.Channel, Directions: c.Direction, Templates: c.Template, Conversations: c.Conversation,
		Findings: c.Findings, Names: c.Name,
	}
	for flag, given := range map[string][]string{"channel": c.Channel, "direction": c.Direction} {
		if err := allowed(s, flag, given); err != nil {
			return req, err
		}
	}
	var err error
	if c.From != "" {
		if req.From, _, err = span(c.From, s.set.Zone); err != nil {
			return req, fmt.Errorf("--from: %w", err)
		}
	}
	if c.To != "" {
		if _, req.To, err = span(c.To, s.set.Zone); err != nil {
			return req, fmt.Errorf("--to: %w", err)
		}
	}
	if req.From != 0 && req.To != 0 && req.From >= req.To {
		return req, fmt.Errorf("--from lies behind --to: %w", ErrUsage)
	}
	return req, nil
}

// allowed refuses a value that no item can have: an empty answer to a typing
// error would read as "there is none".
func allowed(s *session, flag string, given []string) error {
	for _, f := range s.command.Flags() {
		if f.Name != flag {
			continue
		}
		for _, g := range given {
			if !slices.Contains(values(f.Value), g) {
				return fmt.Errorf("--%s: %q is none of %s: %w", flag, g, strings.Join(values(f.Value), ", "), ErrUsage)
			}
		}
	}
	return nil
}

// hitPrinter shows hits as they come, but collects them for json, which is one document.
type hitPrinter struct {
	s    *session
	hits []Hit
}

func (p *hitPrinter) hit(h Hit) error {
	p.s.bar.Clear()
	switch p.s.set.Output {
	case "json":
		p.hits = append(p.hits, h)
		return nil
	case "jsonl":
		return terminal.WriteJSON(p.s.out, h, "")
	default:
		return hitText(p.s.out, h, p.s)
	}
}

// end closes the output: json gets its document; text and jsonl, where standard
// output is hits alone, tell the rest on standard error.
func (p *hitPrinter) end(req SearchRequest, r SearchResponse) error {
	p.s.bar.Clear()
	lacks(p.s.err, r.Behind)
	switch {
	case p.s.set.Output == "json":
		hits := p.hits
		if hits == nil {
			hits = []Hit{}
		}
		return p.s.show(struct {
			SearchResponse
			Hits []Hit `json:"hits"`
		}{r, hits}, nil)
	case req.Count && p.s.set.Output == "jsonl":
		return terminal.WriteJSON(p.s.out, r, "")
	case req.Count:
		_, err := fmt.Fprintf(p.s.out, "%s in %s\n", terminal.Count(r.Items, "item"), terminal.Count(r.Records, "record"))
		return err
	}
	p.s.bar.Clear()
	fmt.Fprintf(p.s.err, "%s in %s\n", terminal.Count(r.Items, "item"), terminal.Count(r.Records, "record"))
	if r.Cursor != "" {
		fmt.Fprintf(p.s.err, "there is more: --cursor %s\n", r.Cursor)
	}
	return nil
}

// lacks says that an answer is not complete, and why.
func lacks(w io.Writer, behind []IndexLag) {
	for _, b := range behind {
		fmt.Fprintf(w, "incomplete: the index lacks %s of lane %s, from block %d on\n", terminal.Count(b.Blocks-b.Indexed, "block"), terminal.Line(b.Lane), b.Indexed)
	}
}

// hitText is two lines: when, who and where; then what.
func hitText(w io.Writer, h Hit, s *session) error {
	arrow := map[string]string{"in": "<-", "out": "->"}[h.Direction]
	if arrow == "" {
		arrow = "--"
	}
	who := strings.TrimSpace(h.Person + " " + h.Name)
	kind := h.Kind
	if h.Sub != "" {
		kind += "/" + h.Sub
	}
	marks := hitMarks(h)
	_, err := fmt.Fprintf(w, "%s  %s %s %s  %s  %s%s\n    %s\n", clock(h.Time, s.set.Zone), terminal.Line(h.Number), arrow,
		terminal.Line(who), kind, h.Channel, marks, h.Item)
	if h.Text == "" {
		h.Text = h.Reason
	}
	if h.Bytes > 0 {
		h.Text = strings.Join(strings.Fields(h.Text+" "+h.MIME+" "+terminal.Size(h.Bytes)), " ")
	}
	if err != nil || h.Text == "" {
		return err
	}
	_, err = fmt.Fprintf(w, "    %s\n", terminal.Cut(terminal.Line(h.Text), max(s.width-4, 40)))
	return err
}

func hitMarks(h Hit) string {
	marks := ""
	for _, m := range []struct {
		on   bool
		text string
	}{{h.State != "", h.State}, {h.Edited, "edited"}, {h.Revoked, "revoked"}, {h.Erased, "erased"}, {len(h.Held) > 0, "media held"}, {h.HeldDiffers, "media differs from its sha256"}, {h.HeldEmpty, "media arrived without bytes"}} {
		if m.on {
			marks += "  " + m.text
		}
	}
	if len(h.Findings) > 0 {
		marks += "  ! " + strings.Join(h.Findings, ", ")
	}
	return marks
}
