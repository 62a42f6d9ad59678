package index

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Source is everything a row is made of: the record with what it was understood
// as, what was decided, and where it was sealed.
type Source struct {
	Record *record.Record
	Parsed *whatsapp.Parsed
	Item   *whatsapp.Item // one of Parsed.Items

	Lane   record.Lane
	Block  uint64
	Sealed int64 // the entry's time, Unix milliseconds

	Segment string // key of the segment that holds the item's piece
	Cell    int

	Class        string // of the piece, as sealed: already clamped and rounded
	Duty, Retain int64

	Rule  []byte // the ruling's rule: JSON {"in":…,"out":…}
	Epoch uint32 // of the token key
}

// Builder makes rows. A row depends on its Source and the keys alone, whatever
// the Builder made before; the Builder only remembers decoded rules and repeated
// strings. Not safe for concurrent use.
type Builder struct {
	keys    *Keys
	rules   map[string]*ruling // by JSON
	strings map[string]string
}

// Bounds of what a Builder remembers and a row keeps.
const (
	maxRules   = 4096
	maxStrings = 16384
	maxString  = 256 // bytes of any string in a row; the rest is in the record
	maxCodes   = 16
)

// NewBuilder returns a Builder that hashes with keys.
func NewBuilder(keys *Keys) *Builder {
	return &Builder{keys: keys, rules: map[string]*ruling{}, strings: map[string]string{}}
}

// ruling is what a row takes from a rule. The names are those of policy.Input
// and policy.Decision; this package reads them itself, so that an index does not
// depend on a policy engine.
type ruling struct {
	In struct {
		Custodian  string `json:"custodian"`
		Department string `json:"department"`
	} `json:"in"`
	Out struct {
		Findings []struct {
			Rule     string `json:"rule"`
			Severity string `json:"severity"`
		} `json:"findings"`
		Revision    string `json:"revision"`
		Provisional bool   `json:"provisional"`
	} `json:"out"`

	findings []string
	severity string
}

// Severities a finding may have, the least first.
var severities = [...]string{"info", "low", "medium", "high"}

// SeverityRank orders severities: 0 for none or an unknown one, 4 for high.
func SeverityRank(s string) int { return slices.Index(severities[:], s) + 1 }

// Row makes the row of one item. It fails where the rule does not parse or the
// epoch's token key is not held. Nothing in the row aliases the record.
func (b *Builder) Row(src Source) (Row, error) {
	var row Row
	err := b.Fill(&row, &src)
	return row, err
}

// Fill makes the row in memory of an earlier one, whose lists it overwrites; a
// list of it may be empty where Row gives nil.
func (b *Builder) Fill(row *Row, src *Source) error {
	it := src.Item
	rule, err := b.rule(src.Rule)
	if err != nil {
		return err
	}
	tokens, err := b.keys.appendTokens(row.Tokens, src.Epoch, it.Text)
	if err != nil {
		return err
	}
	*row = Row{
		Item:  record.ItemID{Coordinates: src.Record.Coordinates, N: it.N},
		Lane:  src.Lane,
		Block: src.Block,

		Segment: src.Segment,
		Cell:    src.Cell,
		Span:    it.Span,

		Platform: it.Time,
		Device:   it.Device,
		Kafka:    src.Record.Timestamp,
		Sealed:   src.Sealed,

		Kind:       it.Kind,
		Sub:        b.keep(it.Sub),
		Detail:     b.keep(it.Detail),
		Channel:    it.Channel,
		Direction:  it.Direction,
		Provenance: it.Provenance,
		Provider:   b.keep(src.Parsed.Provider),
		Signature:  src.Parsed.Signature,
		Field:      b.keep(it.Field),

		WABA:   b.keep(it.WABA),
		Number: b.keep(it.Number),

		Custodian:  b.keep(rule.In.Custodian),
		Department: b.keep(rule.In.Department),
		Template:   b.keep(it.Template.Name),
		TemplateID: b.keep(it.Template.ID),
		Reason:     b.keep(it.Reason),

		Class:       b.keep(src.Class),
		Duty:        src.Duty,
		Retain:      src.Retain,
		Findings:    rule.findings,
		Severity:    rule.severity,
		Provisional: rule.Out.Provisional,
		Policy:      rule.Out.Revision,

		TokenEpoch: src.Epoch,
		Tokens:     tokens,
		Aliases:    row.Aliases[:0],
		Codes:      append(row.Codes[:0], it.Codes[:min(len(it.Codes), maxCodes)]...),
	}
	b.actor(row, it)
	b.tags(row, it, src.Parsed)
	row.Item.Topic = b.keep(row.Item.Topic)
	return nil
}

// actor names who acted: the sender of an API send, the employee of a directory
// entry.
func (b *Builder) actor(row *Row, it *whatsapp.Item) {
	if it.Actor != (whatsapp.Actor{}) {
		row.Actor = b.keep(it.Actor.Kind + ":" + it.Actor.ID)
	}
	if it.Kind == record.Directory && row.Custodian == "" {
		row.Custodian = b.keep(it.Dir.Employee)
		row.Department = b.keep(it.Dir.Department)
	}
}

func (b *Builder) tags(row *Row, it *whatsapp.Item, parsed *whatsapp.Parsed) {
	k := b.keys
	if it.Display != "" {
		row.Display = k.DisplayTag(it.Display)
	}
	if it.Person >= 0 && it.Person < len(parsed.People) {
		row.Subject, row.Aliases = k.appendPerson(row.Aliases, it.Number, &parsed.People[it.Person], changedIDs(&it.Change))
	}
	if it.Group != "" {
		row.Group = k.GroupTag(it.Number, it.Group)
	}
	switch {
	case row.Group != Tag{}:
		row.Conversation = k.ConversationTag(it.Number, row.Group)
	case row.Subject != Tag{}:
		row.Conversation = k.ConversationTag(it.Number, row.Subject)
	}
	row.ID, row.Target, row.ReplyTo = b.message(it.ID), b.message(it.Target), b.message(it.ReplyTo)
	if link := it.MediaLink(); link != "" {
		row.ID = k.MediaTag(it.Number, link)
	}
}

func (b *Builder) message(id string) Tag {
	if id == "" {
		return Tag{}
	}
	return b.keys.MessageTag(id)
}

// keep gives a copy of s that does not alias the record, at most maxString bytes.
func (b *Builder) keep(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > maxString {
		s = strings.ToValidUTF8(s[:maxString], "")
	}
	if kept, ok := b.strings[s]; ok {
		return kept
	}
	if len(b.strings) >= maxStrings {
		clear(b.strings)
	}
	s = strings.Clone(s)
	b.strings[s] = s
	return s
}

// rule decodes a rule, or finds it decoded.
func (b *Builder) rule(data []byte) (*ruling, error) {
	if r, ok := b.rules[string(data)]; ok {
		return r, nil
	}
	r := new(ruling)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read the rule of an item: %w", err)
	}
	for _, f := range r.Out.Findings {
		r.findings = append(r.findings, f.Rule)
		if SeverityRank(f.Severity) > SeverityRank(r.severity) {
			r.severity = f.Severity
		}
	}
	slices.Sort(r.findings)
	r.findings = slices.Compact(r.findings)
	if len(b.rules) >= maxRules {
		clear(b.rules)
	}
	b.rules[string(data)] = r
	return r, nil
}

// String gives a tag in hex, as a row shows it.
func (t Tag) String() string { return fmt.Sprintf("%x", t[:]) }

// String gives a token in hex.
func (t Token) String() string { return strconv.FormatUint(uint64(t), 16) }
