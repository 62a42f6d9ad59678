package exporter

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/exporter/format"
	"github.com/waxseal/waxseal/ledger"
)

// source is a record that facts come from, and where the bag shows it.
type source struct {
	name   record.Coordinates
	block  blockID
	leaf   int // -1: all of it was erased
	hash   ledger.Hash
	size   int64 // of the value
	at     *pick // how the index finds it
	proof  string
	pieces []rawPiece
}

// rawPiece says which file of the bag holds the items from first on.
type rawPiece struct {
	first, items int
	path         string
}

// ledger says where item n stands and which files show it.
func (s *source) ledger(n int) format.Ledger {
	l := format.Ledger{
		Record: s.name.String(), Lane: string(s.block.lane), Block: s.block.n, Leaf: s.leaf, Hash: s.hash.String(), Proof: s.proof,
	}
	if s.leaf < 0 {
		l.Hash = ""
	}
	for _, p := range s.pieces {
		if n >= p.first && n < p.first+p.items {
			l.Raw = p.path
		}
	}
	return l
}

// fact is what the archive has of one item.
type fact struct {
	item record.ItemID
	from *source
	hit  bool
	kept bool // in the production

	kind       record.Kind
	sub        string
	detail     string
	direction  record.Direction
	channel    record.Channel
	provenance record.Provenance
	platform   int64 // Unix seconds, 0 not told
	device     bool
	kafka      int64 // Unix milliseconds

	number, display string
	group           index.Tag
	person          *whatsapp.Person // nil none, or erased
	subject         index.Tag        // what the person is indexed under
	stands          index.Tag        // conversation as the index has it

	id, target                 index.Tag
	messageID, about, answered string // message ids in the record's words

	text, reason string
	forwarded    bool
	template     string
	actor        string
	media        *whatsapp.Media
	links        []index.Tag // of what the archived bytes of its media are found by; of media bytes its own
	bytes        bool        // of media bytes: there are some to put into the bag
	held         *held       // of media bytes: in the bag
	erased       bool

	custodian string
	class     string
	policy    string
	findings  []format.Finding
}

// unix is the time the item is ordered by, Unix seconds.
func (f *fact) unix() int64 {
	r := index.Row{Platform: f.platform, Kafka: f.kafka}
	return r.Time()
}

func (f *fact) time() time.Time { return time.Unix(f.unix(), 0).UTC() }

func (f *fact) clock() string {
	switch {
	case f.platform == 0:
		return "kafka"
	case f.device:
		return "device"
	}
	return "platform"
}

// row is as much of an index row as joining takes, made of what was read.
func (f *fact) row() index.Row {
	return index.Row{
		Item: f.item, Platform: f.platform, Kafka: f.kafka, Kind: f.kind, Sub: f.sub, Detail: f.detail,
		Direction: f.direction, Provenance: f.provenance, Subject: f.subject, ID: f.id, Target: f.target,
	}
}

// facts makes the facts of the items picked of one record.
func (e *export) facts(o *retrieve.Opening, picks []*pick) ([]*fact, []format.Exception, error) {
	if o.Problem != nil {
		return nil, []format.Exception{{Item: o.Coordinates.String(), Code: codeTampered, Reason: o.Problem.Error()}}, nil
	}
	src := &source{
		name: o.Coordinates, block: blockID{o.Block.Entry.Lane, o.Block.Entry.N}, leaf: -1, size: int64(len(o.Record.Value)), at: picks[0],
	}
	if m := o.Media(); m != nil {
		src.size = m.Media.Length
	}
	if o.Known {
		src.leaf, src.hash = o.Position, o.Block.Leaves[o.Position]
	}
	var out []*fact
	var exceptions []format.Exception
	for _, p := range picks {
		f := &fact{item: p.item, from: src, hit: p.hit, kafka: o.Record.Timestamp}
		it := o.Item(p.item.N)
		switch {
		case it == nil && (o.Gone || o.Shapeless || erased(o, p.item.N)):
			f.erased, f.kind = true, record.Unknown // the index may still know more
			out = append(out, f)
			continue
		case it == nil:
			exceptions = append(exceptions, format.Exception{
				Item: p.item.String(), Code: codeNotThere, Reason: "the index names an item that its record does not have; 'waxseal reindex' makes the index anew",
			})
			continue
		}
		f.read(o, it, e.cfg.Library.Keys)
		f.bytes = o.Media() != nil || f.kind == record.MediaBytes && f.media.Size > 0
		if err := f.decided(o, it, &e.rules); err != nil {
			return nil, nil, fmt.Errorf("decision of %s: %w", p.item, err)
		}
		out = append(out, f)
	}
	return out, exceptions, nil
}

// erased says that item n lies in an erased range of the record.
func erased(o *retrieve.Opening, n int) bool {
	for _, h := range o.Holes {
		if n >= h.FirstItem && n < h.FirstItem+h.Items {
			return true
		}
	}
	return false
}

// read takes over what the item says. Nothing in a fact aliases the record.
func (f *fact) read(o *retrieve.Opening, it *whatsapp.Item, keys *index.Keys) {
	f.kind, f.sub, f.detail = it.Kind, strings.Clone(it.Sub), strings.Clone(it.Detail)
	f.direction, f.channel, f.provenance = it.Direction, it.Channel, it.Provenance
	f.platform, f.device = it.Time, it.Device
	f.number, f.display = strings.Clone(it.Number), strings.Clone(it.Display)
	f.messageID, f.about, f.answered = strings.Clone(it.ID), strings.Clone(it.Target), strings.Clone(it.ReplyTo)
	f.text, f.reason = strings.Join(it.Text, "\n"), strings.Clone(it.Reason)
	if len(it.Text) == 1 {
		f.text = strings.Clone(f.text)
	}
	f.forwarded, f.template = it.Forwarded, strings.Clone(it.Template.Name)
	if it.Actor != (whatsapp.Actor{}) {
		f.actor = it.Actor.Kind + ":" + it.Actor.ID
	}
	if it.Media.ID != "" || it.Media.Hashed || it.Kind == record.MediaBytes {
		f.media = &whatsapp.Media{
			ID: strings.Clone(it.Media.ID), MIME: strings.Clone(it.Media.MIME), Filename: strings.Clone(it.Media.Filename),
			SHA256: it.Media.SHA256, Hashed: it.Media.Hashed, Held: it.Media.Held, Size: it.Media.Size,
		}
	}
	f.links = mediaLinks(it, keys)
	if f.messageID != "" {
		f.id = keys.MessageTag(f.messageID)
	}
	if f.about != "" {
		f.target = keys.MessageTag(f.about)
	}
	if it.Group != "" {
		f.group = keys.GroupTag(f.number, it.Group)
	}
	if who := o.Person(it); who != nil {
		f.person = clonePerson(who)
		f.subject, _ = keys.Person(f.number, f.person)
	}
}

func clonePerson(p *whatsapp.Person) *whatsapp.Person {
	return &whatsapp.Person{
		WaID: strings.Clone(p.WaID), UserID: strings.Clone(p.UserID), ParentID: strings.Clone(p.ParentID),
		Username: strings.Clone(p.Username), Name: strings.Clone(p.Name),
	}
}

// rules remembers the decisions that were taken apart.
type rules struct{ known sync.Map } // by hash: *rule

// rule is what a production shows of a decision.
type rule struct {
	In struct {
		Custodian string `json:"custodian"`
	} `json:"in"`
	Out struct {
		Findings []format.Finding `json:"findings"`
		Revision string           `json:"revision"`
	} `json:"out"`
}

// decided takes over what was decided for the item.
func (f *fact) decided(o *retrieve.Opening, it *whatsapp.Item, known *rules) error {
	if piece := o.Piece(it.N); piece != nil {
		f.class = piece.Retention.Class
	}
	ruling := o.Ruling(it.N)
	if ruling == nil {
		return nil
	}
	r, ok := known.known.Load(ruling.Rule.Hash)
	if !ok {
		made := new(rule)
		if err := json.Unmarshal(ruling.Rule.JSON, made); err != nil {
			return err
		}
		r, _ = known.known.LoadOrStore(ruling.Rule.Hash, made)
	}
	decided := r.(*rule)
	f.custodian, f.policy, f.findings = decided.In.Custodian, decided.Out.Revision, decided.Out.Findings
	return nil
}

// recall fills in what the index still says of an erased item.
func (f *fact) recall(row *index.Row) {
	f.kind, f.sub, f.detail = row.Kind, row.Sub, row.Detail
	f.direction, f.channel, f.provenance = row.Direction, row.Channel, row.Provenance
	f.platform, f.device, f.kafka = row.Platform, row.Device, row.Kafka
	f.number, f.group, f.subject, f.stands = row.Number, row.Group, row.Subject, row.Conversation
	f.id, f.target = row.ID, row.Target
	f.class, f.policy, f.custodian = row.Class, row.Policy, row.Custodian
	f.template, f.actor = row.Template, row.Actor
	for _, name := range row.Findings {
		f.findings = append(f.findings, format.Finding{Rule: name, Severity: row.Severity})
	}
}

// compareFacts is the order of answers: time, then item.
func compareFacts(a, b *fact) int {
	if a.unix() != b.unix() {
		return int(min(max(a.unix()-b.unix(), -1), 1))
	}
	return index.CompareItems(a.item, b.item)
}

func sortFacts(list []*fact) { slices.SortFunc(list, compareFacts) }
