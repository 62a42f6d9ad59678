package whatsapp

import "github.com/waxseal/waxseal/archiver/record"

// status reads an element of statuses: what became of a message sent through
// the API, or of a call. It carries no content.
func (p *Parser) status(sc *scope, n int) {
	var s struct{ id, status, kind, pricing, errors, recipientType, time, callback int }
	var who, participant Person
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		v := k + 1
		switch p.t.Name(k) {
		case "id":
			s.id = v
		case "status":
			s.status = v
		case "type":
			s.kind = v
		case "timestamp":
			s.time = v
		case "pricing":
			s.pricing = v
		case "errors":
			s.errors = v
		case "recipient_type":
			s.recipientType = v
		case "biz_opaque_callback_data":
			s.callback = v
		case "recipient_id":
			who.WaID = p.id(v, "recipient_id")
		case "recipient_user_id":
			who.UserID = p.id(v, "recipient_user_id")
		case "recipient_parent_user_id":
			who.ParentID = p.id(v, "recipient_parent_user_id")
		case "recipient_participant_id":
			participant.WaID = p.phone(v, "recipient_participant_id")
		case "recipient_participant_user_id":
			participant.UserID = p.id(v, "recipient_participant_user_id")
		case "recipient_participant_parent_user_id":
			participant.ParentID = p.id(v, "recipient_participant_parent_user_id")
		}
	}
	group := ""
	if p.str(s.recipientType, "recipient_type") == "group" {
		group, who = who.WaID, participant
	}
	who.WaID = digits(who.WaID)
	slot := p.resolve(sc, who)
	if slot < 0 && group == "" {
		slot = p.alone(sc)
	}
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Group = slot, group
	it.Kind, it.Sub = record.Status, p.word(s.status, "status")
	if p.str(s.kind, "type") == "call" {
		it.Kind = record.CallStatus
	}
	it.Target, it.Time = p.str(s.id, "id"), p.time(s.time, "timestamp")
	it.Callback = p.str(s.callback, "biz_opaque_callback_data")
	if s.pricing != 0 {
		it.Detail = p.word(p.get(p.object(s.pricing, "pricing"), "category"), "pricing.category")
	}
	if s.errors != 0 {
		p.errorCodes(s.errors)
	}
	if it.Sub == "" {
		it.Kind, it.Reason = record.Unknown, "status without a state"
	}
	p.done(it)
	p.end(region)
}
