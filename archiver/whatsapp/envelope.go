package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// Provider360 names 360dialog, which wraps history and address book as
// {id, event, data} on its partner webhook, data being Meta's value with the
// account's id in it.
const Provider360 = "360dialog"

// scope is where in a body an item stands: what the levels around it say of it.
type scope struct {
	waba, number, display, field string

	book       int   // of waba and number, in people
	time       int64 // entry.time
	provenance record.Provenance
	sole       int // the only element of the value's contacts array, 0 if none or several
	soleSlot   int // its slot, once met
	met        bool
	threadOf   int // in a history thread: its person's slot, -1 if it names none
}

// put writes on an item what its surroundings say.
func (s *scope) put(it *Item) {
	it.WABA, it.Number, it.Display, it.Field = s.waba, s.number, s.display, s.field
	it.Provenance = s.provenance
}

// root reads the body, or an element of a body that is an array. inside says
// that it stands in a CloudEvent already.
func (p *Parser) root(role Role, n int, inside bool) {
	if p.isHole(n) {
		p.is(FormOwn) // only there can a whole body, or an element of one, be a region
		return
	}
	sc := scope{provenance: record.Live}
	switch {
	case p.t.Kind(n) == tape.Array:
		if inside && n != 0 {
			p.unknown(&sc, n, "array within an array")
			return
		}
		for e, end := n+1, p.t.Next(n); e < end; e = p.t.Next(e) {
			if p.t.Kind(e) == tape.Array {
				p.unknown(&sc, e, "array within an array")
				continue
			}
			p.root(role, e, inside)
		}
	case p.t.Kind(n) != tape.Object:
		p.unknown(&sc, n, "not an object")
	case role == RoleWebhooks && p.t.Get(n, "entry") != 0:
		p.webhook(sc, n)
	case !inside && p.t.Get(n, "specversion") != 0 && (p.t.Get(n, "data") != 0 || p.t.Get(n, "data_base64") != 0):
		p.cloudEvent(role, n)
	case role == RoleWebhooks:
		p.webhook(sc, n)
	case role == RoleSends, role == RoleConsent, role == RoleTemplates, role == RoleDirectory:
		p.is(FormOwn)
		p.own(role, sc, n)
	default:
		p.unknown(&sc, n, "topic of no known role")
	}
}

// is notes the form of the body; where several stand in one, the outermost or first.
func (p *Parser) is(f Form) {
	if p.form == FormOpaque {
		p.form = f
	}
}

func (p *Parser) webhook(sc scope, n int) {
	if entry := p.t.Get(n, "entry"); entry != 0 {
		p.is(FormMeta)
		p.entries(sc, entry)
		return
	}
	if value := p.t.Get(n, "value"); value != 0 && p.t.Get(n, "field") != 0 {
		p.is(FormChange)
		p.change(sc, n)
		return
	}
	if data := p.t.Get(n, "data"); data != 0 && p.t.Get(n, "event") != 0 && p.t.Kind(data) == tape.Object {
		if p.provider == "" {
			p.provider = Provider360
		}
		p.is(Form("provider:" + p.provider))
		sc.field = p.word(p.t.Get(n, "event"), "event")
		sc.waba = p.code(p.t.Get(data, "id"), "data.id")
		p.value(sc, n, data)
		return
	}
	if p.speaks(n) {
		p.is(FormValue)
		p.value(sc, n, n)
		return
	}
	p.unknown(&sc, n, "unknown shape")
}

func (p *Parser) entries(sc scope, entries int) {
	if p.t.Kind(entries) != tape.Array {
		p.unknown(&sc, entries, "entry is not an array")
		return
	}
	for e, end := entries+1, p.t.Next(entries); e < end; e = p.t.Next(e) {
		if p.t.Kind(e) != tape.Object {
			p.unknown(&sc, e, "entry is not an object")
			continue
		}
		in := sc
		in.waba = p.code(p.t.Get(e, "id"), "entry.id")
		in.time = p.time(p.t.Get(e, "time"), "entry.time")
		changes := p.t.Get(e, "changes")
		if changes == 0 || p.t.Kind(changes) != tape.Array || p.t.Empty(changes) {
			p.unknown(&in, e, "entry without changes")
			continue
		}
		for c, end := changes+1, p.t.Next(changes); c < end; c = p.t.Next(c) {
			if p.t.Kind(c) != tape.Object {
				p.unknown(&in, c, "change is not an object")
				continue
			}
			p.change(in, c)
		}
	}
}

// change reads one {field, value}.
func (p *Parser) change(sc scope, n int) {
	sc.field = p.word(p.t.Get(n, "field"), "field")
	v := p.t.Get(n, "value")
	if v == 0 || p.t.Kind(v) != tape.Object {
		p.unknown(&sc, n, "change without a value object")
		return
	}
	p.value(sc, n, v)
}
