package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// appSecret signs the day's webhooks as the platform's app secret signs real ones.
const appSecret = "the demonstration's app secret"

// gatewayDelay is how long after an event its webhook comes in.
const gatewayDelay = time.Second

func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post delivers a webhook body, signed, through a gateway that checked it.
func (d *day) post(t time.Time, waba string, body []byte) {
	d.put(whatsapp.RoleWebhooks, t.Add(gatewayDelay), waba, body,
		record.Header{Key: whatsapp.HeaderMetaSignature, Value: []byte(signature(body))},
		record.Header{Key: whatsapp.HeaderSignature, Value: []byte("ok")})
}

// hook delivers one change of a number's field; value is what stands behind its
// metadata.
func (d *day) hook(t time.Time, n number, field string, value object) {
	d.post(t, n.waba, meta(envelope(n.waba, 0, change(field, head(n).with(value...)))))
}

// account delivers an event of an account, which has a time of its own.
func (d *day) account(t time.Time, waba, field string, value object) {
	d.post(t, waba, meta(envelope(waba, t.Unix(), change(field, value))))
}

func envelope(waba string, at int64, changes ...any) object {
	entry := object{"id", waba}
	if at != 0 {
		entry = entry.with("time", at)
	}
	return object{"object", "whatsapp_business_account", "entry", list{entry.with("changes", list(changes))}}
}

func change(field string, value object) object { return object{"value", value, "field", field} }

func head(n number) object {
	return object{"messaging_product", "whatsapp", "metadata", object{"display_phone_number", n.display, "phone_number_id", n.id}}
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// card is the person's entry in contacts.
func (p person) card() object {
	profile := object{"name", p.name}
	if p.username != "" {
		profile = profile.with("username", p.username)
	}
	c := object{"profile", profile}
	if p.phone != "" {
		c = c.with("wa_id", p.phone)
	}
	return c.with("user_id", p.userID)
}

// message is a message of the person. content is its type and what belongs to it.
func message(p person, id string, t time.Time, content object) object {
	var m object
	if p.phone != "" {
		m = object{"from", p.phone}
	}
	return m.with("from_user_id", p.userID, "id", id, "timestamp", unix(t)).with(content...)
}

// says delivers a message of a person and gives its id.
func (d *day) says(t time.Time, n number, p person, content object) string {
	id := d.wamid(p, false)
	d.delivers(t, n, p, id, content)
	return id
}

func (d *day) delivers(t time.Time, n number, p person, id string, content object) {
	d.hook(t, n, "messages", object{"contacts", list{p.card()}, "messages", list{message(p, id, t, content)}})
}

// echo delivers what somebody of the firm wrote in the app, and gives its id.
func (d *day) echo(t time.Time, n number, p person, content object) string {
	id := d.wamid(p, true)
	d.hook(t, n, "smb_message_echoes", object{"message_echoes", list{echoed(n, p, id, t, content)}})
	return id
}

func echoed(n number, p person, id string, t time.Time, content object) object {
	m := object{"from", n.display}
	if p.phone != "" {
		m = m.with("to", p.phone)
	}
	return m.with("to_user_id", p.userID, "id", id, "timestamp", unix(t)).with(content...)
}

func statusOf(t time.Time, p person, id, status string) object {
	s := object{"id", id, "status", status, "timestamp", unix(t)}
	if p.phone != "" {
		s = s.with("recipient_id", p.phone)
	}
	return s.with("recipient_user_id", p.userID)
}

func text(body string) object { return object{"type", "text", "text", object{"body", body}} }

// replying adds what a message answers to.
func (o object) replying(from, id string) object {
	return o.with("context", object{"from", from, "id", id})
}

func edit(of string, content object) object {
	return object{"type", "edit", "edit", object{"original_message_id", of, "message", content}}
}

func revoke(of string) object {
	return object{"type", "revoke", "revoke", object{"original_message_id", of}}
}

func reaction(to, emoji string) object {
	return object{"type", "reaction", "reaction", object{"message_id", to, "emoji", emoji}}
}
