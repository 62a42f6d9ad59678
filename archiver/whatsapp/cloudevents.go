package whatsapp

import (
	"encoding/base64"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// cloudEvent reads a CloudEvent in structured mode, n being the event. Binary
// mode needs no reading: there the value is the data as it is.
//
// Data in base64, or JSON within a JSON string, is decoded for reading. Bytes in
// it cannot be told apart in the record, so all its items have the span of that
// string element, which is one region if all in it is about one person, and else
// none. A producer who wants people erasable one by one sends data as JSON.
func (p *Parser) cloudEvent(role Role, n int) {
	p.event = true
	p.is(FormStructured)
	if data := p.t.Get(n, "data"); data != 0 && p.t.Kind(data) != tape.String {
		p.root(role, data, true)
		return
	} else if data != 0 && p.t.Get(n, "data_base64") == 0 {
		p.within(role, data, []byte(p.t.Str(data)))
		return
	}
	data := p.t.Get(n, "data_base64")
	if p.t.Kind(data) != tape.String {
		if !p.isHole(data) {
			p.unknown(&scope{provenance: record.Live}, data, "data_base64 is not a string")
		}
		return
	}
	text, err := base64.StdEncoding.DecodeString(p.t.Str(data))
	if err != nil {
		p.unparsed(data, "data_base64 is not base64")
		return
	}
	p.within(role, data, text)
}

// within reads text, decoded from the string at node n.
func (p *Parser) within(role Role, n int, text []byte) {
	if err := p.inner.Index(text, front(text), p.depth); err != nil {
		p.unparsed(n, reasonOf(err))
		return
	}
	s := p.span(n)
	p.pass(s.Start)
	first, before, provider := p.next, len(p.items), p.provider
	p.held = &held{span: s}
	p.t = &p.inner
	p.root(role, 0, true)
	p.t = &p.outer
	slots := p.held.slots
	p.held = nil
	if provider != p.provider {
		return // what only this text tells about the record must stay
	}
	if owner := p.owner(slots, p.items[before:]); owner >= 0 {
		p.regions = append(p.regions, Region{
			Span: s, Person: owner, Number: p.items[before].Number, FirstItem: first, Items: p.next - first,
		})
	}
}

// owner is the one person whom all the slots and items concern, -1 if several or none.
func (p *Parser) owner(slots []int, items []Item) int {
	if len(slots) == 0 || len(items) == 0 {
		return -1
	}
	owner := p.people.root(slots[0])
	for _, slot := range slots {
		if p.people.root(slot) != owner {
			return -1
		}
	}
	for i := range items {
		if items[i].Person < 0 || p.people.root(items[i].Person) != owner {
			return -1
		}
	}
	return owner
}

func (p *Parser) unparsed(n int, reason string) {
	it := p.emit(n)
	it.Kind, it.Reason = record.Unparsed, reason
}
