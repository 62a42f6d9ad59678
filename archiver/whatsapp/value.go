package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// speaks says whether an object has an array that makes it a value of Meta's.
func (p *Parser) speaks(n int) bool {
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		switch p.t.Name(k) {
		case "messages", "statuses", "message_echoes", "history", "state_sync", "calls", "groups",
			"user_preferences", "user_id_update", "errors":
			return true
		}
	}
	return false
}

// value reads the value v of the change (or envelope, or bare value) n. Arrays
// are read by their own name, whatever the field is called.
func (p *Parser) value(sc scope, n, v int) {
	p.surroundings(&sc, v)
	before, class := len(p.items), classOf(sc.field)
	if class == classEvent {
		p.accountEvent(&sc, n, v)
	}
	strict := class == classMessages || class == classUnknown && p.speaks(v)
	for k, end := v+1, p.t.Next(v); k < end; k = p.t.Next(k + 1) {
		p.member(&sc, p.t.Name(k), k+1, strict)
	}
	start, end := p.t.Span(n)
	if len(p.items) > before || p.held == nil && p.erased(start, end) {
		return
	}
	p.leftover(&sc, n, v, class)
}

// surroundings reads what a value says about all in it.
func (p *Parser) surroundings(sc *scope, v int) {
	if sc.field == "history" {
		sc.provenance = record.Backfill
	}
	for k, end := v+1, p.t.Next(v); k < end; k = p.t.Next(k + 1) {
		n := k + 1
		switch p.t.Name(k) {
		case "metadata":
			sc.number = p.code(p.t.Get(n, "phone_number_id"), "metadata.phone_number_id")
			sc.display = p.phone(p.t.Get(n, "display_phone_number"), "metadata.display_phone_number")
		case "waba_info":
			if id := p.code(p.t.Get(n, "waba_id"), "waba_info.waba_id"); id != "" {
				sc.waba = id
			}
		case "contacts":
			if p.t.Kind(n) == tape.Array && !p.t.Empty(n) && p.t.Next(n+1) == p.t.Next(n) {
				sc.sole = n + 1
			}
		}
	}
	sc.book = p.people.book(sc.waba, sc.number)
	p.wrong = ""
}

// member reads one member of a value. strict: one of unknown meaning is reported.
func (p *Parser) member(sc *scope, name string, n int, strict bool) {
	switch name {
	case "contacts", "messages", "statuses", "message_echoes", "history", "state_sync", "user_preferences",
		"user_id_update", "calls", "groups", "errors":
		p.each(sc, n, name)
	case "metadata":
		if k := p.t.Kind(n); strict && k != tape.Object && k != tape.Null {
			p.unknown(sc, n, "wrong type: metadata")
		}
	default:
		if k := p.t.Kind(n); strict && (k == tape.Object || k == tape.Array) && !p.t.Empty(n) {
			p.unknown(sc, n, "member of unknown meaning")
		}
	}
}

// The arrays that stand deeper than in a value itself.
const (
	inHistoryThreads = "history threads"
	inThreadMessages = "thread messages"
	inHistoryErrors  = "history errors"
)

// element reads one element of the array called name.
func (p *Parser) element(sc *scope, n int, name string) {
	switch name {
	case "contacts":
		p.contact(sc, n)
	case "messages":
		p.inbound(sc, n)
	case "statuses":
		p.status(sc, n)
	case "message_echoes":
		p.echo(sc, n)
	case "history":
		p.chunk(sc, n)
	case "state_sync":
		p.contactSync(sc, n)
	case "user_preferences":
		p.preference(sc, n)
	case "user_id_update":
		p.userID(sc, n)
	case "calls":
		p.call(sc, n)
	case "groups":
		p.group(sc, n)
	case "errors":
		p.platformError(sc, n)
	case inHistoryThreads:
		p.thread(sc, n)
	case inThreadMessages:
		p.past(sc, n)
	case inHistoryErrors:
		p.declined(sc, n)
	}
}

// each reads the elements of node n, the array called name.
func (p *Parser) each(sc *scope, n int, name string) {
	switch p.t.Kind(n) {
	case tape.Array:
		for e, end := n+1, p.t.Next(n); e < end; e = p.t.Next(e) {
			if p.isHole(e) {
				continue
			}
			if p.t.Kind(e) != tape.Object {
				p.unknown(sc, e, "element is not an object")
				continue
			}
			p.wrong = ""
			p.element(sc, e, name)
		}
	case tape.Null:
	default:
		p.unknown(sc, n, "not an array")
	}
}

// contact reads an element of a value's contacts: no item, but a name and ids.
func (p *Parser) contact(sc *scope, n int) {
	slot := p.resolve(sc, p.named(n))
	region := p.begin(sc, n, slot)
	if p.wrong != "" {
		it := p.emit(n)
		sc.put(it)
		it.Person = slot
		p.done(it)
	}
	p.end(region)
}

// named is the person a contacts element names.
func (p *Parser) named(n int) Person {
	profile := p.object(p.t.Get(n, "profile"), "contacts[].profile")
	who := Person{
		WaID:     p.phone(p.t.Get(n, "wa_id"), "contacts[].wa_id"),
		UserID:   p.id(p.t.Get(n, "user_id"), "contacts[].user_id"),
		ParentID: p.id(p.t.Get(n, "parent_user_id"), "contacts[].parent_user_id"),
		Username: p.str(p.get(profile, "username"), "contacts[].profile.username"),
		Name:     p.str(p.get(profile, "name"), "contacts[].profile.name"),
	}
	if who.Username == "" {
		who.Username = p.str(p.t.Get(n, "username"), "contacts[].username")
	}
	return who
}

// resolve is the slot of who on the number, -1 for nobody.
func (p *Parser) resolve(sc *scope, who Person) int {
	return p.people.resolve(sc.book, who)
}

// alone is the person of an item that names none: whoever the value's only
// contacts element is.
func (p *Parser) alone(sc *scope) int {
	if sc.sole == 0 || p.t.Kind(sc.sole) != tape.Object {
		return -1
	}
	if !sc.met {
		wrong := p.wrong
		sc.soleSlot, sc.met = p.resolve(sc, p.named(sc.sole)), true
		p.wrong = wrong
	}
	return sc.soleSlot
}

// platformError reads an error at the level of the app or account.
func (p *Parser) platformError(sc *scope, n int) {
	it := p.emit(n)
	sc.put(it)
	it.Kind, it.Time = record.PlatformError, sc.time
	if code := p.number(p.t.Get(n, "code"), "errors[].code"); code != 0 {
		p.codes = append(p.codes, code)
	}
	p.add(p.t.Get(n, "title"), "errors[].title")
	p.done(it)
}
