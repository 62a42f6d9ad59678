package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// content reads what a message of the platform's type kind says: body is the
// member of that name, 0 where the message n has none.
func (p *Parser) content(it *Item, n int, kind string, body int) {
	switch kind {
	case "text":
		it.Kind = record.Text
		if body = p.object(body, "text"); body != 0 {
			p.add(p.t.Get(body, "body"), "text.body")
		}
	case "image", "video", "audio", "document", "sticker":
		it.Kind = mediaKind(kind)
		p.mediaOf(it, p.object(body, kind), kind)
	case "location":
		it.Kind = record.Location
		if body = p.object(body, "location"); body != 0 {
			p.add(p.t.Get(body, "name"), "location.name")
			p.add(p.t.Get(body, "address"), "location.address")
		}
	case "contacts":
		it.Kind = record.Contacts
		p.cards(p.array(body, "contacts"))
	case "interactive":
		it.Kind = record.Interactive
		p.interactive(it, p.object(body, "interactive"))
	case "button":
		it.Kind = record.Button
		if body = p.object(body, "button"); body != 0 {
			p.add(p.t.Get(body, "text"), "button.text")
			it.Payload = p.id(p.t.Get(body, "payload"), "button.payload")
		}
	case "order":
		it.Kind = record.Order
		if body = p.object(body, "order"); body != 0 {
			p.gather(body, orderText)
		}
	case "template":
		it.Kind = record.Template
		p.template(it, p.object(body, "template"))
	case "reaction":
		p.reaction(it, p.object(body, "reaction"))
	case "request_welcome":
		it.Kind = record.RequestWelcome
		return // has no body
	case "media_placeholder":
		it.Kind, it.Reason = record.MediaPlaceholder, "media not supplied"
		return
	case "unsupported", "unknown", "errors":
		p.unsupported(it, n, kind)
		return
	case "edit":
		p.edit(it, p.object(body, "edit"))
		return
	case "revoke":
		it.Kind = record.Revoke
		if body = p.object(body, "revoke"); body != 0 {
			it.Target = p.id(p.t.Get(body, "original_message_id"), "revoke.original_message_id")
		}
		if it.Target == "" {
			it.Reason = "revoked, of which message not supplied"
		}
		return
	case "system":
		p.system(it, p.object(body, "system"))
	default:
		it.Kind, it.Reason = record.Unknown, "message type is not known"
		p.gather(body, anyText)
		return
	}
	if body == 0 {
		it.Reason = "content not supplied"
	}
}

func mediaKind(kind string) record.Kind {
	switch kind {
	case "image":
		return record.Image
	case "video":
		return record.Video
	case "audio":
		return record.Audio
	case "document":
		return record.Document
	}
	return record.Sticker
}

// mediaOf reads a media object: what names the bytes, and its caption.
func (p *Parser) mediaOf(it *Item, n int, kind string) {
	if n == 0 {
		return
	}
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		v := k + 1
		switch p.t.Name(k) {
		case "id":
			it.Media.ID = p.id(v, kind+".id")
		case "mime_type":
			it.Media.MIME = p.str(v, kind+".mime_type")
		case "sha256":
			it.Media.SHA256, it.Media.Hashed = sum(p.str(v, kind+".sha256"))
		case "filename":
			it.Media.Filename = p.str(v, kind+".filename")
			p.say(it.Media.Filename)
		case "caption":
			p.add(v, kind+".caption")
		case "voice":
			if p.bool(v, kind+".voice") {
				it.Sub = "voice"
			}
		case "animated":
			if p.bool(v, kind+".animated") {
				it.Sub = "animated"
			}
		}
	}
}

// cards reads the address-book cards of a contacts message. They name third
// persons, who cannot be cut out of the message: it belongs to its sender.
func (p *Parser) cards(n int) {
	if n == 0 {
		return
	}
	for c, end := n+1, p.t.Next(n); c < end; c = p.t.Next(c) {
		if p.t.Kind(c) != tape.Object {
			p.bad("contacts[]")
			continue
		}
		before := len(p.texts)
		p.gather(c, cardText)
		if len(p.texts) == before {
			p.add(p.t.Get(c, "vcard"), "contacts[].vcard")
		}
	}
}

func cardText(name string) bool {
	switch name {
	case "formatted_name", "phone", "email", "company", "department", "title", "street", "city", "zip", "state", "country":
		return true
	}
	return false
}

func orderText(name string) bool { return name == "text" || name == "product_retailer_id" }

// anyText is what a person reads in an object of unknown or wide shape.
func anyText(name string) bool {
	switch name {
	case "text", "title", "description", "display_text", "body", "caption", "button", "footer", "header", "question":
		return true
	}
	return false
}

// interactive reads a choice a person made, or the message that offers one.
func (p *Parser) interactive(it *Item, n int) {
	if n == 0 {
		return
	}
	kind := p.str(p.t.Get(n, "type"), "interactive.type")
	it.Sub = word(kind)
	switch kind {
	case "button_reply", "list_reply":
		if r := p.object(p.t.Get(n, kind), "interactive reply"); r != 0 {
			it.Payload = p.id(p.t.Get(r, "id"), "interactive reply id")
			p.add(p.t.Get(r, "title"), "interactive reply title")
			p.add(p.t.Get(r, "description"), "interactive reply description")
		}
	case "nfm_reply":
		if r := p.object(p.t.Get(n, kind), "interactive.nfm_reply"); r != 0 {
			p.add(p.t.Get(r, "body"), "interactive.nfm_reply.body")
			p.add(p.t.Get(r, "response_json"), "interactive.nfm_reply.response_json")
		}
	case "call_permission_reply":
		if r := p.object(p.t.Get(n, kind), "interactive.call_permission_reply"); r != 0 {
			it.Detail = p.word(p.t.Get(r, "response"), "interactive.call_permission_reply.response")
		}
	default:
		p.gather(n, anyText)
	}
}

// template reads the use of a template, as a send or an echo has it: parameters
// but no text around them.
func (p *Parser) template(it *Item, n int) {
	if n == 0 {
		return
	}
	it.Template.Name = ident(p.str(p.t.Get(n, "name"), "template.name"), 512)
	it.Template.ID = p.code(p.t.Get(n, "id"), "template.id")
	switch lang := p.t.Get(n, "language"); {
	case lang == 0:
	case p.t.Kind(lang) == tape.Object:
		it.Template.Language = language(p.str(p.t.Get(lang, "code"), "template.language.code"))
	default:
		it.Template.Language = language(p.str(lang, "template.language"))
	}
	p.gather(p.array(p.t.Get(n, "components"), "template.components"), parameterText)
}

func parameterText(name string) bool {
	return name == "text" || name == "payload" || name == "fallback_value" || name == "coupon_code"
}

// reaction reads an emoji on a message; absent or empty, it was taken away.
func (p *Parser) reaction(it *Item, n int) {
	it.Kind, it.Sub = record.Reaction, "removed"
	if n == 0 {
		it.Sub = ""
		return
	}
	it.Target = p.id(p.t.Get(n, "message_id"), "reaction.message_id")
	if emoji := p.str(p.t.Get(n, "emoji"), "reaction.emoji"); emoji != "" {
		it.Sub = ""
		p.say(emoji)
	}
}

// unsupported reads a message whose content the platform withholds. An edit
// may come this way too: that it happened is known, the new text is not.
func (p *Parser) unsupported(it *Item, n int, kind string) {
	it.Kind, it.Reason = record.Unsupported, "the platform supplies no content"
	if u := p.object(p.t.Get(n, "unsupported"), "unsupported"); u != 0 {
		it.Sub = p.word(p.t.Get(u, "type"), "unsupported.type")
	} else if kind == "errors" {
		it.Sub = kind
	}
	if it.Sub == "edit" {
		it.Kind = record.Edit
		p.editMissing(it)
		if e := p.object(p.t.Get(n, "edit"), "edit"); e != 0 {
			it.Target = p.id(p.t.Get(e, "original_message_id"), "edit.original_message_id")
		}
	}
	if it.Sub == "revoke" {
		it.Kind, it.Sub, it.Reason = record.Revoke, "", "revoked, of which message not supplied"
	}
}

func (p *Parser) editMissing(it *Item) {
	it.Sub, it.Reason = "not_supplied", "edited, new text not supplied"
}

// edit reads a message's new content and which message it replaces. Sub is the
// new content's type.
func (p *Parser) edit(it *Item, n int) {
	if n == 0 {
		it.Kind = record.Edit
		p.editMissing(it)
		return
	}
	inner := p.object(p.t.Get(n, "message"), "edit.message")
	kind := p.str(p.get(inner, "type"), "edit.message.type")
	switch kind {
	case "":
		p.editMissing(it)
	case "edit", "revoke", "system", "unsupported", "unknown", "errors", "request_welcome":
		p.editMissing(it)
	default:
		p.content(it, inner, kind, p.t.Get(inner, kind))
		known := it.Kind != record.Unknown
		it.Sub, it.Reason = word(kind), ""
		if !known {
			it.Reason = "edited, new type is not known"
		}
		if p.t.Get(inner, kind) == 0 {
			p.editMissing(it)
		}
		p.context(it, p.t.Get(inner, "context"))
	}
	it.Kind = record.Edit
	it.Target = p.id(p.t.Get(n, "original_message_id"), "edit.original_message_id")
}

// system reads a change of number or identity. It is no message: nobody wrote it.
func (p *Parser) system(it *Item, n int) {
	it.Kind, it.Direction, it.Channel = record.System, record.NoWay, record.ChannelUnknown
	if n == 0 {
		return
	}
	it.Sub = p.word(p.t.Get(n, "type"), "system.type")
	p.add(p.t.Get(n, "body"), "system.body")
	c := &it.Change
	c.WaID = p.phone(p.t.Get(n, "wa_id"), "system.wa_id")
	if c.WaID == "" {
		c.WaID = p.phone(p.t.Get(n, "new_wa_id"), "system.new_wa_id")
	}
	c.UserID = p.id(p.t.Get(n, "user_id"), "system.user_id")
	c.ParentID = p.id(p.t.Get(n, "parent_user_id"), "system.parent_user_id")
	c.OldUserID = p.id(p.t.Get(n, "previous_user_id"), "system.previous_user_id")
	c.OldParentID = p.id(p.t.Get(n, "previous_parent_user_id"), "system.previous_parent_user_id")
}
