package whatsapp

import (
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// Headers the archiver reads beside CloudEvents' own. Names are compared
// without regard to case.
const (
	HeaderMetaSignature = "X-Hub-Signature-256"  // as Meta sent it
	HeaderSignature     = "x-waxseal-signature"  // ok | failed: a gateway that holds the app secret has checked it
	HeaderProvider      = "x-waxseal-provider"   // through whom the body came, where it is not raw from Meta
	HeaderMediaID       = "x-waxseal-media-id"   // wa.media: see INPUTS.md
	HeaderNumber        = "x-waxseal-number"     // wa.media: phone_number_id
	HeaderWABA          = "x-waxseal-waba"       // wa.media
	HeaderMessageID     = "x-waxseal-message-id" // wa.media: wamid of the message it belongs to
	HeaderSHA256        = "x-waxseal-sha256"     // wa.media: hex or base64
	HeaderFilename      = "x-waxseal-filename"   // wa.media
	HeaderWaID          = "x-waxseal-wa-id"      // wa.media: the outside person, digits
	HeaderUserID        = "x-waxseal-user-id"    // wa.media: the outside person, BSUID
	HeaderContentType   = "content-type"
)

// DefaultDepth is how deep a body may be nested. Meta's deepest known is below 20.
const DefaultDepth = 128

// Options say how to parse.
type Options struct {
	Depth int  // deepest nesting that is still read, 0 is DefaultDepth
	Reuse bool // what Parse returned is good until the next Parse: for who is done with a record before the next
}

// Parser reads records. It keeps its working memory from one record to the
// next, and so is for one goroutine at a time; what Parse returned does not
// depend on it, unless Options.Reuse says so.
type Parser struct {
	depth int
	reuse bool
	last  Parsed // what Parse returned last, to be used again

	t     *tape.Tape // of the text being read: outer, or inner
	outer tape.Tape
	inner tape.Tape // of a text inside base64 or a string
	held  *held     // set while reading inner

	holes []Hole
	hole  int // first hole not yet passed
	next  int // number of the next item

	items   []Item
	marks   []mark
	regions []Region // Person is a slot until the end
	texts   []string
	codes   []int
	people  people

	form     Form
	event    bool   // a CloudEvent
	provider string // who wrapped it
	wrong    string // path of the first member of a wrong type in the current item
}

// mark says where an item's texts and codes begin; they end where the next one's begin.
type mark struct{ text, code int }

// held is what a text inside base64 or a string concerns: all its items share
// one span, and it is one region if it concerns one person.
type held struct {
	span  record.Span
	slots []int
}

// NewParser makes a Parser.
func NewParser(opts Options) *Parser {
	if opts.Depth <= 0 {
		opts.Depth = DefaultDepth
	}
	return &Parser{depth: opts.Depth, reuse: opts.Reuse}
}

// Parse says what r holds. It never fails: what cannot be read is an Unparsed
// or Unknown item with a Reason. holes are the erased regions of a record read
// again, nil for a whole one; no item is given for what they held, and all
// others have the numbers they had.
func (p *Parser) Parse(role Role, r *record.Record, holes []Hole) *Parsed {
	p.reset(r, holes)
	switch {
	case role == RoleMedia:
		p.media(r)
	case r.Value == nil:
		p.opaque(r.Value, record.Unparsed, "null value (tombstone)")
	default:
		p.json(role, r)
	}
	return p.finish(role, r)
}

func (p *Parser) reset(r *record.Record, holes []Hole) {
	p.t, p.held = &p.outer, nil
	p.holes, p.hole, p.next = ordered(holes), 0, 0
	clear(p.texts)
	if cap(p.marks) > keepIDs {
		p.marks, p.texts = nil, nil
	}
	if p.reuse && cap(p.items) <= keepIDs {
		clear(p.items)
		clear(p.regions)
		p.items, p.regions = p.items[:0], p.regions[:0]
	} else {
		p.items, p.regions = nil, nil // the last ones are their caller's
	}
	p.marks = p.marks[:0]
	p.texts, p.codes = p.texts[:0], p.codes[:0]
	p.people.reset()
	p.form, p.event, p.provider, p.wrong = FormOpaque, false, "", ""
	if h, ok := r.Header(HeaderProvider); ok {
		p.provider = word(string(h))
	}
}

// json reads a value that ought to be JSON, behind a byte order mark or a
// schema registry's framing if there is one.
func (p *Parser) json(role Role, r *record.Record) {
	from := front(r.Value)
	if err := p.t.Index(r.Value, from, p.depth); err != nil {
		p.opaque(r.Value, record.Unparsed, reasonOf(err))
		return
	}
	_, binary := r.Header("ce_specversion")
	p.event = binary
	p.root(role, 0, false)
}

// front is the number of bytes in front of the JSON text: three of a byte order
// mark, five of a Confluent schema registry (a zero and the schema's number).
func front(value []byte) int {
	switch {
	case framed(value):
		return 5
	case len(value) >= 3 && value[0] == 0xEF && value[1] == 0xBB && value[2] == 0xBF:
		return 3
	}
	return 0
}

func framed(value []byte) bool { return len(value) > 5 && value[0] == 0 }

func reasonOf(err error) string {
	for _, known := range []error{tape.ErrUTF8, tape.ErrDepth, tape.ErrDuplicate, tape.ErrSize} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return tape.ErrSyntax.Error()
}

// opaque gives one item for the whole value, unless it is gone.
func (p *Parser) opaque(value []byte, kind record.Kind, reason string) {
	if p.erased(0, len(value)) {
		return
	}
	it := p.emitSpan(record.Span{Start: 0, End: len(value)})
	it.Kind, it.Reason = kind, reason
}

func (p *Parser) finish(role Role, r *record.Record) *Parsed {
	if len(p.items) == 0 {
		p.opaque(r.Value, record.Unknown, "nothing in it")
	}
	out := new(Parsed)
	if p.reuse {
		out = &p.last
	}
	*out = Parsed{
		Form: p.form, CloudEvent: p.event, Provider: p.provider,
		Framed:    role != RoleMedia && p.form != FormOpaque && framed(r.Value),
		Signature: signature(r),
		People:    p.people.finish(),
	}
	out.Items, out.Regions = p.items, p.regions
	texts := append([]string(nil), p.texts...)
	codes := append([]int(nil), p.codes...)
	for i := range out.Items {
		it, from, to := &out.Items[i], p.marks[i], mark{len(texts), len(codes)}
		if i+1 < len(p.marks) {
			to = p.marks[i+1]
		}
		if from.text < to.text {
			it.Text = texts[from.text:to.text:to.text]
		}
		if from.code < to.code {
			it.Codes = codes[from.code:to.code:to.code]
		}
		it.Person = p.people.index(it.Person)
		it.Field = field(it.Field, role)
	}
	for i := range out.Regions {
		out.Regions[i].Person = p.people.index(out.Regions[i].Person)
	}
	return out
}

func field(name string, role Role) string {
	if name == "" && role != RoleWebhooks {
		return string(role)
	}
	return name
}

// signature is the state of Meta's signature over the value. The archiver holds
// no app secret and believes a gateway that does.
func signature(r *record.Record) record.Signature {
	if h, ok := r.Header(HeaderSignature); ok {
		switch {
		case strings.EqualFold(string(h), "ok"):
			return record.SignatureOK
		case strings.EqualFold(string(h), "failed"):
			return record.SignatureFailed
		}
	}
	if h, ok := r.Header(HeaderMetaSignature); ok && len(h) > 0 {
		return record.SignatureUnchecked
	}
	return record.SignatureAbsent
}

// emit begins the next item, at node n. The pointer is good until the next emit.
func (p *Parser) emit(n int) *Item { return p.emitSpan(p.span(n)) }

func (p *Parser) emitSpan(s record.Span) *Item {
	p.pass(s.Start)
	switch {
	case p.items == nil:
		p.items = make([]Item, 0, 1) // most records hold one
	case len(p.items) == cap(p.items):
		p.items = slices.Grow(p.items, len(p.items)) // append's own steps are too small for items this large
	}
	p.items = append(p.items, Item{})
	it := &p.items[len(p.items)-1]
	it.N, it.Span, it.Person = p.next, s, -1
	it.Kind, it.Channel, it.Direction, it.Provenance = record.Unknown, record.ChannelUnknown, record.NoWay, record.Live
	p.marks = append(p.marks, mark{len(p.texts), len(p.codes)})
	p.next++
	return it
}

// done ends an item: one with a member of a wrong type is unknown, whatever
// else was understood of it.
func (p *Parser) done(it *Item) {
	if p.wrong != "" {
		it.Kind, it.Sub, it.Reason = record.Unknown, "", "wrong type: "+p.wrong
		p.wrong = ""
	}
}

// unknown gives an Unknown item at node n.
func (p *Parser) unknown(sc *scope, n int, reason string) {
	it := p.emit(n)
	sc.put(it)
	it.Kind, it.Reason = record.Unknown, reason
}

// begin opens a region at node n, which belongs to slot; end closes it. A node
// that is no object, or has no owner, is none.
func (p *Parser) begin(sc *scope, n, slot int) (region int) {
	if slot < 0 || p.t.Kind(n) != tape.Object {
		return -1
	}
	if p.held != nil {
		p.held.slots = append(p.held.slots, slot)
		return -1
	}
	s := p.span(n)
	p.pass(s.Start)
	if p.regions == nil {
		p.regions = make([]Region, 0, 2)
	}
	p.regions = append(p.regions, Region{Span: s, Person: slot, Number: sc.number, FirstItem: p.next})
	return len(p.regions) - 1
}

func (p *Parser) end(region int) {
	if region < 0 {
		return
	}
	g := &p.regions[region]
	if g.Items = p.next - g.FirstItem; g.Items > 0 && g.Number == "" {
		g.Number = p.items[len(p.items)-g.Items].Number
	}
}

func (p *Parser) span(n int) record.Span {
	if p.held != nil {
		return p.held.span
	}
	start, end := p.t.Span(n)
	return record.Span{Start: start, End: end}
}

// pass counts the items of the holes that begin at or before start.
func (p *Parser) pass(start int) {
	for p.hole < len(p.holes) && p.holes[p.hole].Start <= start {
		p.next += p.holes[p.hole].Items
		p.hole++
	}
}

// isHole says whether node n is the filler of an erased region.
func (p *Parser) isHole(n int) bool {
	if len(p.holes) == 0 || p.held != nil {
		return false
	}
	start, _ := p.t.Span(n)
	i := sort.Search(len(p.holes), func(i int) bool { return p.holes[i].Start >= start })
	return i < len(p.holes) && p.holes[i].Start == start
}

// erased says whether items are gone from [start, end).
func (p *Parser) erased(start, end int) bool {
	i := sort.Search(len(p.holes), func(i int) bool { return p.holes[i].Start >= start })
	for ; i < len(p.holes) && p.holes[i].Start < end; i++ {
		if p.holes[i].Items > 0 {
			return true
		}
	}
	return false
}

func ordered(holes []Hole) []Hole {
	less := func(i, j int) bool { return holes[i].Start < holes[j].Start }
	if sort.SliceIsSorted(holes, less) {
		return holes
	}
	holes = append([]Hole(nil), holes...)
	sort.SliceStable(holes, func(i, j int) bool { return holes[i].Start < holes[j].Start })
	return holes
}
