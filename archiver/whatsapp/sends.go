package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// send reads an element of wa.sends: what was asked of the platform, by whom,
// what it answered, and whether somebody else took the conversation over.
func (p *Parser) send(sc *scope, n int) {
	req := p.object(p.t.Get(n, "request"), "request")
	answer := p.object(p.t.Get(n, "response"), "response")
	slot, group := p.recipient(sc, n, req, answer)
	region := p.begin(sc, n, slot)
	handover := p.object(p.t.Get(n, "handover"), "handover")
	if req != 0 || answer != 0 || handover == 0 {
		it := p.emit(n)
		sc.put(it)
		it.Person, it.Group, it.Time = slot, group, sc.time
		it.Actor = p.actor(p.t.Get(n, "actor"), "actor")
		it.HTTP = p.number(p.t.Get(n, "http_status"), "http_status")
		p.request(it, req)
		p.rendered(it, n)
		p.answer(it, answer)
		p.done(it)
	}
	if handover != 0 {
		p.handover(sc, handover, slot)
	}
	p.end(region)
}

// recipient joins the ids of request and answer: they are one person's.
func (p *Parser) recipient(sc *scope, n, req, answer int) (slot int, group string) {
	slot = p.resolve(sc, p.person(p.t.Get(n, "person")))
	to := p.id(p.get(req, "to"), "request.to")
	if p.str(p.get(req, "recipient_type"), "request.recipient_type") == "group" {
		return slot, to
	}
	if c := p.array(p.get(answer, "contacts"), "response.contacts"); c != 0 && p.t.Kind(c+1) == tape.Object {
		slot = p.people.link(slot, p.resolve(sc, p.ids(c+1)))
	}
	slot = p.people.link(slot, p.resolve(sc, Person{
		WaID: digits(to), UserID: p.id(p.get(req, "recipient"), "request.recipient"),
	}))
	return slot, ""
}

// request reads the body of POST /<phone_number_id>/messages.
func (p *Parser) request(it *Item, req int) {
	if req == 0 {
		it.Kind, it.Reason = record.Unknown, "send without a request"
		return
	}
	it.Direction, it.Channel = record.Outbound, record.ChannelAPI
	it.Callback = p.str(p.t.Get(req, "biz_opaque_callback_data"), "request.biz_opaque_callback_data")
	p.context(it, p.t.Get(req, "context"))
	kind := p.str(p.t.Get(req, "type"), "request.type")
	if status := p.word(p.t.Get(req, "status"), "request.status"); status != "" && kind == "" {
		it.Kind, it.Sub, it.Direction = record.Send, status, record.NoWay
		it.Target = p.str(p.t.Get(req, "message_id"), "request.message_id")
		if p.t.Get(req, "typing_indicator") != 0 {
			it.Detail = "typing"
		}
		return
	}
	if kind == "" {
		kind = "text" // the platform's default
	}
	p.content(it, req, kind, p.t.Get(req, kind))
}

// rendered reads what the person was shown where a template was sent; it takes
// the place of the bare parameters.
func (p *Parser) rendered(it *Item, n int) {
	if h := p.str(p.t.Get(n, "template_hash"), "template_hash"); h != "" {
		if _, ok := sum(h); ok {
			it.Template.Hash = h
		}
	}
	if id := p.code(p.t.Get(n, "template_id"), "template_id"); id != "" {
		it.Template.ID = id
	}
	if c := p.word(p.t.Get(n, "template_category"), "template_category"); c != "" {
		it.Template.Category = upper(c)
	}
	r := p.object(p.t.Get(n, "rendered"), "rendered")
	if r == 0 {
		return
	}
	if it.Kind == record.Template {
		p.texts = p.texts[:p.marks[len(p.marks)-1].text]
	}
	for k, end := r+1, p.t.Next(r); k < end; k = p.t.Next(k + 1) {
		switch p.t.Name(k) {
		case "header", "body", "footer":
			p.add(k+1, "rendered."+p.t.Name(k))
		case "buttons":
			b := p.array(k+1, "rendered.buttons")
			if b == 0 {
				continue
			}
			for e, end := b+1, p.t.Next(b); e < end; e = p.t.Next(e) {
				p.add(e, "rendered.buttons[]")
			}
		}
	}
}

// answer reads the platform's answer: the id that joins a send to its statuses,
// or the error.
func (p *Parser) answer(it *Item, answer int) {
	if answer == 0 {
		return
	}
	if m := p.array(p.t.Get(answer, "messages"), "response.messages"); m != 0 && p.t.Kind(m+1) == tape.Object {
		it.ID = p.str(p.t.Get(m+1, "id"), "response.messages[].id")
		it.Detail = p.word(p.t.Get(m+1, "message_status"), "response.messages[].message_status")
	}
	if e := p.object(p.t.Get(answer, "error"), "response.error"); e != 0 {
		for _, name := range [...]string{"code", "error_subcode"} {
			if code := p.number(p.t.Get(e, name), "response.error."+name); code != 0 {
				p.codes = append(p.codes, code)
			}
		}
	}
}

// handover reads that a conversation went from one actor to another.
func (p *Parser) handover(sc *scope, n, slot int) {
	p.wrong = ""
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind, it.Time = slot, record.Handover, sc.time
	if at := p.time(p.t.Get(n, "time"), "handover.time"); at != 0 {
		it.Time = at
	}
	it.Detail = p.actor(p.t.Get(n, "from"), "handover.from").Kind
	it.Actor = p.actor(p.t.Get(n, "to"), "handover.to")
	it.Sub = it.Actor.Kind
	p.add(p.t.Get(n, "reason"), "handover.reason")
	p.done(it)
}
