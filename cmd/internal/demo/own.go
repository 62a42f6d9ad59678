package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// own writes a record of the firm's middleware.
func (d *day) own(role whatsapp.Role, t time.Time, n number, members ...any) {
	v := object{"time", rfc3339(t), "waba_id", n.waba}
	if role != whatsapp.RoleTemplates {
		v = v.with("phone_number_id", n.id)
	}
	d.put(role, t, n.waba, plain(v.with(members...)))
}

func actor(kind, id string) object { return object{"kind", kind, "id", id} }

// answers enters who answers on a number from a time on.
func (d *day) answers(t time.Time, n number, e employee, since time.Time) {
	d.own(whatsapp.RoleDirectory, t, n, "employee", e.id, "name", e.name, "role", e.role, "department", e.department,
		"from", rfc3339(since), "actor", actor("human", mira.id))
}

// consent enters that a person allowed something, or took it back, at a time
// that may lie before the record's.
func (d *day) consent(t, when time.Time, n number, p person, purpose, action, words, method string) {
	v := object{"time", rfc3339(when), "waba_id", n.waba, "phone_number_id", n.id,
		"person", object{"wa_id", p.phone, "user_id", p.userID, "name", p.name}, "business", firmName,
		"purpose", purpose, "action", action, "text", words, "method", method, "actor", actor("bot", "crm")}
	d.put(whatsapp.RoleConsent, t, n.waba, plain(v))
}

// sent is a message that went out through the API.
type sent struct {
	id   string
	at   time.Time
	n    number
	to   person
	cost object
}

// call enters an API call and the platform's answer, and gives what was sent.
func (d *day) call(t time.Time, n number, p person, by object, request object, more ...any) sent {
	s := sent{id: d.wamid(p, true), at: t, n: n, to: p}
	req := object{"messaging_product", "whatsapp", "recipient_type", "individual", "to", "+" + p.phone}.with(request...)
	d.own(whatsapp.RoleSends, t, n, append([]any{
		"display_phone_number", n.display, "actor", by, "request", req, "http_status", 200,
		"response", object{"messaging_product", "whatsapp",
			"contacts", list{object{"input", "+" + p.phone, "wa_id", p.phone, "user_id", p.userID}},
			"messages", list{object{"id", s.id, "message_status", "accepted"}}},
	}, more...)...)
	return s
}

// statuses delivers statuses of a send, so long after it, in the order given,
// which need not be that of their times.
func (d *day) statuses(s sent, arrive time.Duration, names ...string) {
	after := map[string]time.Duration{"sent": 2 * time.Second, "delivered": 4 * time.Second, "read": 50 * time.Second}
	for _, name := range names {
		more := []any{}
		if name == "sent" && s.cost != nil {
			more = object{"pricing", s.cost}
		}
		arrive = max(arrive, after[name])
		d.statusAt(s.at.Add(arrive), s.at.Add(after[name]), s, name, more...)
		arrive += 7 * time.Second
	}
}

// statusAt delivers at one time a status of another.
func (d *day) statusAt(arrives, t time.Time, s sent, name string, more ...any) {
	d.post(arrives, s.n.waba, meta(envelope(s.n.waba, 0, change("messages", head(s.n).with(
		"contacts", list{s.to.card()}, "statuses", list{statusOf(t, s.to, s.id, name).with(more...)})))))
}

// tpl is a template as it stands at a time.
type tpl struct {
	id             int64
	name, category string
	body, button   string
}

// components as they stand in the platform's answer.
func (x tpl) components() list {
	c := list{object{"type", "BODY", "text", x.body}}
	if x.button != "" {
		c = append(c, object{"type", "BUTTONS", "buttons", list{object{"type", "QUICK_REPLY", "text", x.button}}})
	}
	return c
}

// hash is what a send names as template_hash.
func (x tpl) hash() string {
	sum := sha256.Sum256(plain(x.components()))
	return hex.EncodeToString(sum[:])
}

// snapshot enters the platform's answer about a template.
func (d *day) snapshot(t time.Time, x tpl, status string) {
	d.own(whatsapp.RoleTemplates, t, advice, "source", "get", "template", object{
		"id", x.idText(), "name", x.name, "language", "en_US", "category", x.category, "status", status, "components", x.components()})
}

func (x tpl) idText() string { return string(plain(x.id)) }

// sendTemplate sends a template with the person's first name and further
// parameters.
func (d *day) sendTemplate(t time.Time, n number, p person, by object, x tpl, parameters ...string) sent {
	parameters = append([]string{firstName(p)}, parameters...)
	body, values := x.body, list{}
	for i, v := range parameters {
		values = append(values, object{"type", "text", "text", v})
		body = strings.ReplaceAll(body, "{{"+string(rune('1'+i))+"}}", v)
	}
	rendered := object{"body", body}
	if x.button != "" {
		rendered = rendered.with("buttons", list{x.button})
	}
	s := d.call(t, n, p, by, object{"type", "template", "template", object{"name", x.name, "language", object{"code", "en_US"},
		"components", list{object{"type", "body", "parameters", values}}}},
		"template_id", x.idText(), "template_category", x.category, "template_hash", x.hash(), "rendered", rendered)
	s.cost = object{"billable", true, "pricing_model", "PMP", "type", "regular", "category", strings.ToLower(x.category)}
	return s
}

func firstName(p person) string {
	first, _, _ := strings.Cut(p.name, " ")
	return first
}

// bytesOf puts the bytes of a file on wa.media, as middleware does that fetched
// them for a message.
func (d *day) bytesOf(t time.Time, n number, p person, message string, f file) {
	headers := object{whatsapp.HeaderMediaID, f.id, whatsapp.HeaderNumber, n.id, whatsapp.HeaderWABA, n.waba,
		whatsapp.HeaderContentType, f.mime, whatsapp.HeaderSHA256, f.hex(), whatsapp.HeaderMessageID, message,
		whatsapp.HeaderWaID, p.phone, whatsapp.HeaderUserID, p.userID}
	if f.name != "" {
		headers = headers.with(whatsapp.HeaderFilename, f.name)
	}
	var all []record.Header
	for i := 0; i < len(headers); i += 2 {
		if v := headers[i+1].(string); v != "" {
			all = append(all, record.Header{Key: headers[i].(string), Value: []byte(v)})
		}
	}
	d.put(whatsapp.RoleMedia, t, n.waba, f.bytes, all...)
}
