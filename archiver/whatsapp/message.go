package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
)

// message is the members of a message that stand beside its content.
type message struct {
	from, fromUser, fromParent, to, toUser, toParent int
	id, time, kind, context, referral, group, errors int
	callback, history, creation                      int
}

// read finds the members of the message at n; their nodes, 0 where absent.
func (m *message) read(p *Parser, n int) {
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		v := k + 1
		switch p.t.Name(k) {
		case "from":
			m.from = v
		case "from_user_id":
			m.fromUser = v
		case "from_parent_user_id":
			m.fromParent = v
		case "to":
			m.to = v
		case "to_user_id":
			m.toUser = v
		case "to_parent_user_id":
			m.toParent = v
		case "id":
			m.id = v
		case "timestamp":
			m.time = v
		case "type":
			m.kind = v
		case "context":
			m.context = v
		case "referral":
			m.referral = v
		case "group_id":
			m.group = v
		case "errors":
			m.errors = v
		case "history_context":
			m.history = v
		case "message_creation_type":
			m.creation = v
		case "biz_opaque_callback_data":
			m.callback = v
		}
	}
}

func (m *message) sender(p *Parser) Person {
	return Person{
		WaID: p.phone(m.from, "from"), UserID: p.id(m.fromUser, "from_user_id"), ParentID: p.id(m.fromParent, "from_parent_user_id"),
	}
}

func (m *message) recipient(p *Parser) Person {
	return Person{
		WaID: p.phone(m.to, "to"), UserID: p.id(m.toUser, "to_user_id"), ParentID: p.id(m.toParent, "to_parent_user_id"),
	}
}

// inbound reads an element of messages: what the outside person wrote, or what
// happened to them.
func (p *Parser) inbound(sc *scope, n int) {
	var m message
	m.read(p, n)
	who := m.sender(p)
	if who.UserID == "" {
		who.UserID = p.formerID(n)
	}
	slot := p.resolve(sc, who)
	if slot < 0 {
		slot = p.alone(sc)
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	it.Person, it.Direction, it.Channel = slot, record.Inbound, record.ChannelUser
	p.message(sc, it, n, &m)
	p.end(region)
}

// echo reads an element of message_echoes: what the business wrote by another
// way than the API.
func (p *Parser) echo(sc *scope, n int) {
	var m message
	m.read(p, n)
	who := m.recipient(p)
	if sc.display != "" && who.WaID == sc.display {
		// The two are the wrong way round in some senders' bodies.
		if from := m.sender(p); from.WaID != sc.display {
			who = from
		}
	}
	slot := p.resolve(sc, who)
	if slot < 0 {
		slot = p.alone(sc)
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	it.Person, it.Direction = slot, record.Outbound
	switch sc.field {
	case "smb_message_echoes", "history":
		it.Channel = record.ChannelApp
	case "message_echoes":
		it.Channel = record.ChannelAgent
	}
	p.message(sc, it, n, &m)
	p.end(region)
}

// message reads all of a message but who wrote it to whom.
func (p *Parser) message(sc *scope, it *Item, n int, m *message) {
	sc.put(it)
	it.ID = p.str(m.id, "id")
	it.Time = p.time(m.time, "timestamp")
	it.Group = p.id(m.group, "group_id")
	it.Callback = p.str(m.callback, "biz_opaque_callback_data")
	it.Detail = p.word(m.creation, "message_creation_type")
	p.context(it, m.context)
	kind := p.str(m.kind, "type")
	body := p.get(n, kind)
	switch {
	case kind != "":
		p.content(it, n, kind, body)
	case m.errors != 0:
		p.unsupported(it, n, "")
	case p.wrong == "":
		it.Kind, it.Reason = record.Unknown, "message without a type"
	}
	if m.errors != 0 {
		p.errorCodes(m.errors)
	}
	if m.referral != 0 {
		p.gather(p.object(m.referral, "referral"), referralText)
	}
	p.done(it)
}

func referralText(name string) bool { return name == "headline" || name == "body" || name == "text" }

// context reads what a message answers and whether it was forwarded.
func (p *Parser) context(it *Item, n int) {
	if n = p.object(n, "context"); n == 0 {
		return
	}
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		switch p.t.Name(k) {
		case "id", "message_id":
			it.ReplyTo = p.id(k+1, "context.id")
		case "forwarded", "frequently_forwarded":
			it.Forwarded = it.Forwarded || p.bool(k+1, "context.forwarded")
		}
	}
}

// formerID is the BSUID a system message says has ended, which is the one the
// person was known by.
func (p *Parser) formerID(n int) string {
	sys := p.get(n, "system")
	if sys == 0 {
		return ""
	}
	return p.id(p.t.Get(sys, "previous_user_id"), "system.previous_user_id")
}
