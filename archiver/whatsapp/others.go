package whatsapp

import (
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// contactSync reads an element of state_sync: one change of the address book.
func (p *Parser) contactSync(sc *scope, n int) {
	c := p.object(p.t.Get(n, "contact"), "contact")
	who := Person{
		WaID:     p.phone(p.get(c, "phone_number"), "contact.phone_number"),
		UserID:   p.id(p.get(c, "user_id"), "contact.user_id"),
		ParentID: p.id(p.get(c, "parent_user_id"), "contact.parent_user_id"),
		Username: p.str(p.get(c, "username"), "contact.username"),
		Name:     p.str(p.get(c, "full_name"), "contact.full_name"),
	}
	first := p.str(p.get(c, "first_name"), "contact.first_name")
	if who.Name == "" {
		who.Name = first
	}
	slot := p.resolve(sc, who)
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind = slot, record.ContactSync
	it.Sub = p.word(p.t.Get(n, "action"), "action")
	it.Contact.Remove = it.Sub == "remove"
	it.Time = p.time(p.get(p.object(p.t.Get(n, "metadata"), "metadata"), "timestamp"), "metadata.timestamp")
	p.say(who.Name)
	if first != who.Name {
		p.say(first)
	}
	p.say(who.Username)
	if kind := p.str(p.t.Get(n, "type"), "type"); kind != "" && kind != "contact" || c == 0 {
		it.Kind, it.Reason = record.Unknown, "state of unknown type"
	}
	p.done(it)
	p.end(region)
}

// preference reads an element of user_preferences: the person's own switch for marketing.
func (p *Parser) preference(sc *scope, n int) {
	slot := p.resolve(sc, p.ids(n))
	if slot < 0 {
		slot = p.alone(sc)
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind = slot, record.Preference
	it.PrefCategory = p.word(p.t.Get(n, "category"), "category")
	it.PrefValue = p.word(p.t.Get(n, "value"), "value")
	it.Sub = it.PrefValue
	it.Time = p.time(p.t.Get(n, "timestamp"), "timestamp")
	p.add(p.t.Get(n, "detail"), "detail")
	p.done(it)
	p.end(region)
}

// ids reads the ids that stand in an element itself.
func (p *Parser) ids(n int) Person {
	return Person{
		WaID:     p.phone(p.t.Get(n, "wa_id"), "wa_id"),
		UserID:   p.id(p.t.Get(n, "user_id"), "user_id"),
		ParentID: p.id(p.t.Get(n, "parent_user_id"), "parent_user_id"),
		Username: p.str(p.t.Get(n, "username"), "username"),
	}
}

// userID reads an element of user_id_update: a person's BSUID was replaced.
func (p *Parser) userID(sc *scope, n int) {
	user := p.object(p.t.Get(n, "user_id"), "user_id")
	parent := p.object(p.t.Get(n, "parent_user_id"), "parent_user_id")
	who := Person{
		WaID:     p.phone(p.t.Get(n, "wa_id"), "wa_id"),
		UserID:   p.id(p.get(user, "previous"), "user_id.previous"),
		ParentID: p.id(p.get(parent, "previous"), "parent_user_id.previous"),
	}
	slot := p.resolve(sc, who)
	if slot < 0 {
		slot = p.alone(sc)
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind = slot, record.Identity
	it.Change = IdentityChange{
		UserID:    p.id(p.get(user, "current"), "user_id.current"),
		ParentID:  p.id(p.get(parent, "current"), "parent_user_id.current"),
		OldUserID: who.UserID, OldParentID: who.ParentID,
	}
	it.Time = p.time(p.t.Get(n, "timestamp"), "timestamp")
	p.add(p.t.Get(n, "detail"), "detail")
	p.done(it)
	p.end(region)
}

// call reads an element of calls. The outside person is whoever did not start
// a call the business started, and else who did.
func (p *Parser) call(sc *scope, n int) {
	var m message
	m.read(p, n)
	from, to := m.sender(p), m.recipient(p)
	way := p.str(p.t.Get(n, "direction"), "direction")
	who, direction, channel := from, record.Inbound, record.ChannelUser
	switch {
	case way == "BUSINESS_INITIATED", way == "" && sc.display != "" && from.WaID == sc.display:
		who, direction, channel = to, record.Outbound, record.ChannelAPI
	case way == "":
		direction, channel = record.NoWay, record.ChannelUnknown
	}
	slot := p.resolve(sc, who)
	if slot < 0 {
		slot = p.alone(sc)
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind, it.Direction, it.Channel = slot, record.Call, direction, channel
	it.ID, it.Time = p.str(m.id, "id"), p.time(m.time, "timestamp")
	it.Sub = p.word(p.t.Get(n, "event"), "event")
	it.Detail = p.word(p.t.Get(n, "status"), "status")
	it.Callback = p.str(m.callback, "biz_opaque_callback_data")
	for _, name := range [...]string{"recording", "call_recording", "transcription", "call_transcription", "media"} {
		if media := p.t.Get(n, name); media != 0 {
			p.mediaOf(it, p.object(media, name), name)
		}
	}
	p.errorCodes(m.errors)
	p.done(it)
	p.end(region)
}

// group reads an element of groups. The people listed in it are regions of
// their own, without items, unless the event is about one person alone: then it
// is theirs.
func (p *Parser) group(sc *scope, n int) {
	slot, several := p.resolve(sc, p.ids(n)), false
	if slot < 0 {
		var one int
		if one, several = p.participants(n); one != 0 && !several {
			slot = p.resolve(sc, p.participant(one))
		}
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind = slot, record.Group
	it.Group = p.id(p.t.Get(n, "group_id"), "group_id")
	it.Sub = p.word(p.t.Get(n, "type"), "type")
	it.Detail = p.word(p.t.Get(n, "reason"), "reason")
	it.Time = p.time(p.t.Get(n, "timestamp"), "timestamp")
	p.add(p.t.Get(n, "subject"), "subject")
	p.add(p.t.Get(n, "description"), "description")
	p.errorCodes(p.t.Get(n, "errors"))
	p.done(it)
	p.end(region)
	if several && region < 0 {
		p.cutParticipants(sc, n)
	}
}

// participants is the only element of the lists of people in a group event, or
// that there are several.
func (p *Parser) participants(n int) (one int, several bool) {
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		if !strings.HasSuffix(p.t.Name(k), "participants") || p.t.Kind(k+1) != tape.Array {
			continue
		}
		for e, end := k+2, p.t.Next(k+1); e < end; e = p.t.Next(e) {
			if one != 0 {
				return one, true
			}
			one = e
		}
	}
	return one, false
}

func (p *Parser) cutParticipants(sc *scope, n int) {
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		if !strings.HasSuffix(p.t.Name(k), "participants") || p.t.Kind(k+1) != tape.Array {
			continue
		}
		for e, end := k+2, p.t.Next(k+1); e < end; e = p.t.Next(e) {
			if !p.isHole(e) && p.t.Kind(e) == tape.Object {
				p.end(p.begin(sc, e, p.resolve(sc, p.participant(e))))
			}
		}
	}
	p.wrong = ""
}

// participant is whom an element of a list of people names: input is the phone
// number somebody was invited by.
func (p *Parser) participant(n int) Person {
	if p.t.Kind(n) != tape.Object {
		return Person{}
	}
	who := p.ids(n)
	if who.WaID == "" {
		who.WaID = p.phone(p.t.Get(n, "input"), "input")
	}
	return who
}

func upper(s string) string { return strings.ToUpper(s) }
