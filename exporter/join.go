package exporter

import (
	"cmp"
	"slices"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/exporter/format"
)

// thread is one logical message: its deliveries and all that is about it.
type thread struct {
	deliveries, edits, revokes, reactions, statuses []*fact
	media                                           []*fact // bytes that name the message
	all                                             []*fact // in order
	bytes                                           *fact   // of its media, that are shown; nil none
	talk                                            talkKey
	hit, kept                                       bool
}

// shown is the fact that the message is shown by: its best delivery, or else the
// first that is about it.
func (t *thread) shown() *fact {
	if len(t.deliveries) > 0 {
		return t.deliveries[0]
	}
	return t.all[0]
}

// joined is what facts add up to, before the unit decides what is kept.
type joined struct {
	people  *directory
	talks   map[talkKey][]*thread // in order
	events  []*fact
	byMedia map[index.Tag][]*fact // archived bytes by what they are found by
}

// join makes threads of facts.
func join(keys *index.Keys, facts []*fact) *joined {
	j := &joined{people: newDirectory(keys), talks: map[talkKey][]*thread{}, byMedia: map[index.Tag][]*fact{}}
	byID := map[index.Tag][]*fact{}
	var single []*fact
	for _, f := range facts {
		j.people.meet(f)
		if f.kind == record.MediaBytes {
			for _, tag := range f.links {
				j.byMedia[tag] = append(j.byMedia[tag], f)
			}
		}
		id := about(f.kind, f.id, f.target)
		switch {
		case id != (index.Tag{}) && (talks(f.kind) || f.kind == record.MediaBytes):
			byID[id] = append(byID[id], f)
		default:
			single = append(single, f)
		}
	}
	for id, list := range byID {
		single = append(single, j.thread(id, list)...)
	}
	for _, f := range single {
		if t := (&thread{deliveries: []*fact{f}, all: []*fact{f}}); talks(f.kind) && j.place(t) {
			continue
		}
		j.events = append(j.events, f)
	}
	for _, list := range j.byMedia {
		sortFacts(list)
	}
	for _, list := range j.talks {
		slices.SortFunc(list, func(a, b *thread) int { return compareFacts(a.shown(), b.shown()) })
	}
	return j
}

// thread joins the facts of one message id and gives back what stands alone.
func (j *joined) thread(id index.Tag, facts []*fact) (alone []*fact) {
	sortFacts(facts)
	rows, byItem := make([]index.Row, len(facts)), make(map[record.ItemID]*fact, len(facts))
	for i, f := range facts {
		rows[i], byItem[f.item] = f.row(), f
	}
	joined := index.Join(id, rows)
	t := &thread{all: facts}
	for _, part := range []struct {
		rows []index.Row
		to   *[]*fact
	}{
		{joined.Deliveries, &t.deliveries}, {joined.Edits, &t.edits}, {joined.Revokes, &t.revokes},
		{joined.Reactions, &t.reactions}, {joined.Statuses, &t.statuses}, {joined.Others, &alone},
	} {
		for i := range part.rows {
			*part.to = append(*part.to, byItem[part.rows[i].Item])
		}
	}
	alone = slices.DeleteFunc(alone, func(f *fact) bool {
		switch f.kind {
		case record.MediaBytes:
			t.media = append(t.media, f)
		case record.Send: // the business read it, or typed an answer
			t.statuses = append(t.statuses, f)
		default:
			return false
		}
		return true
	})
	if len(t.deliveries)+len(t.edits)+len(t.revokes)+len(t.reactions)+len(t.statuses) == 0 || !j.place(t) {
		return facts
	}
	if len(alone) > 0 {
		t.all = slices.DeleteFunc(t.all, func(f *fact) bool { return slices.Contains(alone, f) })
	}
	return alone
}

// place puts a thread into its conversation: that of the fact it is shown by, or
// else of the first that tells one.
func (j *joined) place(t *thread) bool {
	for _, f := range append([]*fact{t.shown()}, t.all...) {
		if k := j.people.talk(f); k != (talkKey{}) {
			t.talk = k
			break
		}
	}
	if t.talk == (talkKey{}) {
		return false
	}
	for _, f := range t.all {
		t.hit = t.hit || f.hit
	}
	j.talks[t.talk] = append(j.talks[t.talk], t)
	return true
}

// settle joins facts and keeps what the unit asks for, again and again until
// nothing more is left out: what is out of scope must not decide who is who.
func (e *export) settle(facts []*fact) (*joined, []*fact) {
	for {
		j := join(e.cfg.Library.Keys, facts)
		e.keep(j)
		kept := make([]*fact, 0, len(facts))
		for _, f := range facts {
			if f.kept {
				kept = append(kept, f)
			}
		}
		if len(kept) == len(facts) {
			j.people.learn(facts)
			return j, facts
		}
		facts = kept
	}
}

// keep decides which threads and events are in the production.
func (e *export) keep(j *joined) {
	for _, f := range j.events {
		f.kept = f.hit
	}
	for _, list := range j.talks {
		e.keepThreads(list)
		for _, t := range list {
			for _, f := range t.all {
				f.kept = t.kept
			}
		}
	}
	attached := map[*fact]bool{}
	for _, list := range j.talks {
		for _, t := range list {
			if t.bytes = j.bytesOf(t); t.kept && t.bytes != nil {
				t.bytes.kept, attached[t.bytes] = true, true
			}
		}
	}
	j.events = slices.DeleteFunc(j.events, func(f *fact) bool { return !f.kept || attached[f] })
}

// keepThreads decides in one conversation, whose threads are in order.
func (e *export) keepThreads(list []*thread) {
	days, some := map[string]bool{}, false
	for _, t := range list {
		t.kept = t.hit
		if !t.hit {
			continue
		}
		some = true
		days[e.day(t.shown().unix())] = true
		for _, f := range t.all {
			if f.hit {
				days[e.day(f.unix())] = true
			}
		}
	}
	if e.req.All {
		return
	}
	for i, t := range list {
		switch e.req.Unit {
		case Conversations:
			t.kept = t.kept || some
		case Days:
			t.kept = t.kept || days[e.day(t.shown().unix())]
		default:
			for n := max(0, i-e.req.Context); n < min(len(list), i+e.req.Context+1); n++ {
				t.kept = t.kept || list[n].hit
			}
		}
	}
}

// model makes the model of one conversation.
func (e *export) model(j *joined, k talkKey) *format.Conversation {
	list := j.talks[k]
	var facts []*fact
	for _, t := range list {
		facts = append(facts, t.shown())
		facts = append(facts, t.all...)
	}
	c := &format.Conversation{ID: j.people.id(k), Number: k.number, Group: k.group, Parties: j.people.list(k, facts)}
	for _, t := range list {
		day := e.day(t.shown().unix())
		if len(c.Days) == 0 || last(c.Days).Date != day {
			c.Days = append(c.Days, format.Day{Date: day})
		}
		d := &c.Days[len(c.Days)-1]
		d.Messages = append(d.Messages, e.message(j, t))
	}
	return c
}

// message makes the model of a thread.
func (e *export) message(j *joined, t *thread) *format.Message {
	f := t.shown()
	m := &format.Message{
		Item: f.item.String(), Time: f.time(), Clock: f.clock(), Kind: f.kind, Sub: f.sub, Direction: f.direction, Channel: f.channel,
		Backfill: f.provenance == record.Backfill, From: j.people.from(t.talk, f), Custodian: f.custodian, Actor: f.actor,
		Forwarded: f.forwarded, Template: f.template, Reason: f.reason, Hit: t.hit, Erased: f.erased,
		Findings: f.findings, Class: f.class, Policy: f.policy, Ledger: f.from.ledger(f.item.N),
	}
	for _, d := range t.deliveries {
		m.ID, m.ReplyTo, m.Text = cmp.Or(m.ID, d.messageID), cmp.Or(m.ReplyTo, d.answered), cmp.Or(m.Text, d.text)
		m.Actor, m.Custodian, m.Template = cmp.Or(m.Actor, d.actor), cmp.Or(m.Custodian, d.custodian), cmp.Or(m.Template, d.template)
		m.Forwarded = m.Forwarded || d.forwarded
		m.Deliveries = append(m.Deliveries, format.Delivery{
			Item: d.item.String(), Time: time.UnixMilli(d.kafka).UTC(), Kind: d.kind,
			Backfill: d.provenance == record.Backfill, Ledger: d.from.ledger(d.item.N),
		})
	}
	if len(t.deliveries) == 0 {
		m.ID, m.Text = f.about, ""
		m.Reason = "the message itself is not in the archive, only what is about it"
	}
	if f.erased {
		m.Reason = "erased"
	}
	before := m.Text
	for _, d := range t.edits {
		m.Edits = append(m.Edits, format.Edit{Mark: e.mark(j, t, d), Before: before, Missing: d.text == "" && !d.erased})
		before = d.text
	}
	for _, part := range []struct {
		from []*fact
		to   *[]format.Mark
	}{{t.revokes, &m.Revokes}, {t.reactions, &m.Reactions}, {t.statuses, &m.Statuses}} {
		for _, d := range part.from {
			*part.to = append(*part.to, e.mark(j, t, d))
		}
	}
	m.Media = e.attached(t)
	return m
}

// mark makes the model of something that happened to a message. What was
// delivered or read, the other side received.
func (e *export) mark(j *joined, t *thread, f *fact) format.Mark {
	m := format.Mark{
		Item: f.item.String(), Time: f.time(), From: j.people.from(t.talk, f), Sub: f.sub, Text: f.text, Reason: f.reason, Ledger: f.from.ledger(f.item.N),
	}
	switch f.kind {
	case record.Status, record.CallStatus:
		m.From = ""
		if p := j.people.party(f); p != nil && (f.sub == "delivered" || f.sub == "read" || f.sub == "played") {
			m.From = p.ID
		}
	case record.Send:
		m.From = j.people.firms[t.talk.number].ID
	}
	return m
}

// happened makes the model of an event.
func (e *export) happened(j *joined, f *fact) *format.Event {
	return &format.Event{
		Item: f.item.String(), Time: f.time(), Clock: f.clock(), Kind: f.kind, Sub: f.sub, Number: f.number, Person: j.people.party(f),
		Text: f.text, Template: f.template, Reason: f.reason, Erased: f.erased, Hit: f.hit, Findings: f.findings,
		Class: f.class, Policy: f.policy, Ledger: f.from.ledger(f.item.N),
	}
}
