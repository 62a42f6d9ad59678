package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// own reads one object of an input of our own. INPUTS.md and the schemas
// describe them; what breaks them is archived just the same, as far understood
// as it can be.
func (p *Parser) own(role Role, sc scope, n int) {
	sc.waba = p.code(p.t.Get(n, "waba_id"), "waba_id")
	sc.number = p.code(p.t.Get(n, "phone_number_id"), "phone_number_id")
	sc.display = p.phone(p.t.Get(n, "display_phone_number"), "display_phone_number")
	sc.field, sc.book = string(role), p.people.book(sc.waba, sc.number)
	sc.time = p.time(p.t.Get(n, "time"), "time")
	switch role {
	case RoleSends:
		p.send(&sc, n)
	case RoleConsent:
		p.consent(&sc, n)
	case RoleTemplates:
		p.templates(&sc, n)
	default:
		p.directory(&sc, n)
	}
}

// actor reads {kind, id}.
func (p *Parser) actor(n int, name string) Actor {
	if n = p.object(n, name); n == 0 {
		return Actor{}
	}
	return Actor{Kind: p.word(p.t.Get(n, "kind"), name+".kind"), ID: p.id(p.t.Get(n, "id"), name+".id")}
}

// person reads a person object of ours.
func (p *Parser) person(n int) Person {
	if n = p.object(n, "person"); n == 0 {
		return Person{}
	}
	who := p.ids(n)
	who.Name = p.str(p.t.Get(n, "name"), "person.name")
	return who
}

// consent reads an element of wa.consent: somebody allowed something, or took it back.
func (p *Parser) consent(sc *scope, n int) {
	slot := p.resolve(sc, p.person(p.t.Get(n, "person")))
	region := p.begin(sc, n, slot)
	it := p.emit(n)
	sc.put(it)
	it.Person, it.Kind, it.Time = slot, record.Consent, sc.time
	it.Actor = p.actor(p.t.Get(n, "actor"), "actor")
	it.Sub = p.word(p.t.Get(n, "action"), "action")
	it.Consent = Consent{
		Purpose:  p.word(p.t.Get(n, "purpose"), "purpose"),
		Given:    it.Sub == "given",
		Business: p.str(p.t.Get(n, "business"), "business"),
		Method:   p.word(p.t.Get(n, "method"), "method"),
	}
	if e := p.t.Get(n, "evidence"); e != 0 {
		if it.Consent.Evidence = p.t.Raw(e); p.t.Kind(e) == tape.String {
			it.Consent.Evidence = p.t.Str(e)
		}
	}
	p.add(p.t.Get(n, "text"), "text")
	switch {
	case it.Sub != "given" && it.Sub != "withdrawn":
		it.Kind, it.Reason = record.Unknown, "consent neither given nor withdrawn"
	case slot < 0:
		it.Reason = "consent of nobody named"
	}
	p.done(it)
	p.end(region)
}

// templates reads an element of wa.templates: a snapshot around the answer of
// the platform, that answer itself, or its list of many.
func (p *Parser) templates(sc *scope, n int) {
	if list := p.t.Get(n, "data"); list != 0 && p.t.Kind(list) == tape.Array && !p.t.Empty(list) {
		for e, end := list+1, p.t.Next(list); e < end; e = p.t.Next(e) {
			if p.t.Kind(e) != tape.Object {
				p.unknown(sc, e, "element is not an object")
				continue
			}
			p.wrong = ""
			p.snapshot(sc, e, e)
		}
		return
	}
	t := p.object(p.t.Get(n, "template"), "template")
	if t == 0 {
		t = n
	}
	p.snapshot(sc, n, t)
}

// snapshot reads the template t. Its hash is over the bytes of components as
// they stand: what a send names as template_hash.
func (p *Parser) snapshot(sc *scope, n, t int) {
	it := p.emit(n)
	sc.put(it)
	it.Kind, it.Time = record.TemplateShot, sc.time
	it.Actor = p.actor(p.t.Get(n, "actor"), "actor")
	it.Template = Template{
		ID:       p.code(p.t.Get(t, "id"), "template.id"),
		Name:     ident(p.str(p.t.Get(t, "name"), "template.name"), 512),
		Language: language(p.str(p.t.Get(t, "language"), "template.language")),
		Category: upper(p.word(p.t.Get(t, "category"), "template.category")),
		Event:    upper(p.word(p.t.Get(t, "status"), "template.status")),
	}
	it.Sub = it.Template.Event
	if c := p.t.Get(t, "components"); c != 0 && p.array(c, "template.components") != 0 {
		hash := sha256.Sum256([]byte(p.t.Raw(c)))
		it.Template.Hash = hex.EncodeToString(hash[:])
		p.gather(c, anyText)
	}
	if it.Template.Name == "" && it.Template.ID == "" {
		it.Kind, it.Reason = record.Unknown, "template without a name"
	}
	p.done(it)
}

// directory reads an element of wa.directory: who of the firm answers on a number.
func (p *Parser) directory(sc *scope, n int) {
	it := p.emit(n)
	sc.put(it)
	it.Kind, it.Time = record.Directory, sc.time
	it.Actor = p.actor(p.t.Get(n, "actor"), "actor")
	it.Dir = DirectoryEntry{
		Employee:   p.id(p.t.Get(n, "employee"), "employee"),
		Role:       p.str(p.t.Get(n, "role"), "role"),
		Department: p.str(p.t.Get(n, "department"), "department"),
		From:       p.time(p.t.Get(n, "from"), "from"),
		To:         p.time(p.t.Get(n, "to"), "to"),
	}
	p.add(p.t.Get(n, "name"), "name")
	if it.Dir.Employee == "" || it.Number == "" {
		it.Kind, it.Reason = record.Unknown, "directory entry without employee or number"
	}
	p.done(it)
}

// media gives the item of a wa.media record: opaque bytes, named by headers.
func (p *Parser) media(r *record.Record) {
	head := func(name string) string {
		v, _ := r.Header(name)
		return string(v)
	}
	p.form = FormOwn
	if p.erased(0, len(r.Value)) {
		return
	}
	it := p.emitSpan(record.Span{Start: 0, End: len(r.Value)})
	it.Kind, it.Field = record.MediaBytes, string(RoleMedia)
	it.WABA, it.Number = ident(head(HeaderWABA), 64), ident(head(HeaderNumber), 64)
	it.Media.ID, it.Media.MIME, it.Media.Filename = head(HeaderMediaID), head(HeaderContentType), head(HeaderFilename)
	it.Media.SHA256, it.Media.Hashed = sum(head(HeaderSHA256))
	it.Target = head(HeaderMessageID)
	it.Person = p.people.resolve(p.people.book(it.WABA, it.Number), Person{WaID: digits(head(HeaderWaID)), UserID: head(HeaderUserID)})
	p.say(it.Media.Filename)
	if it.Person >= 0 { // else it is nobody's in particular: whose, its message tells
		p.regions = append(p.regions, Region{Span: it.Span, Person: it.Person, Number: it.Number, Items: 1})
	}
	switch {
	case r.Value == nil:
		it.Kind, it.Reason = record.Unparsed, "null value (tombstone)"
	case it.MediaLink() == "":
		it.Kind, it.Reason = record.Unknown, "media without id, hash or message"
	}
	if len(r.Value) > 0 {
		it.hold(sha256.Sum256(r.Value), int64(len(r.Value)))
	}
}

// hold says what the bytes of an item of wa.media are.
func (it *Item) hold(sum [32]byte, size int64) {
	it.Span, it.Media.Held, it.Media.Size = record.Span{End: int(size)}, sum, size
	if it.Media.Hashed && it.Media.SHA256 != sum {
		it.Detail = MediaDiffers
	}
}

// Hold completes a record of wa.media that was read again without its bytes: it
// says what they are, as parsing them would have.
func (p *Parsed) Hold(sum [32]byte, size int64) {
	for i := range p.Items {
		p.Items[i].hold(sum, size)
	}
	for i := range p.Regions {
		p.Regions[i].Span = record.Span{End: int(size)}
	}
}

// MediaLink is what an item of wa.media is looked for by: media id, else hash,
// else message id. "" for none, and for other items.
func (it *Item) MediaLink() string {
	switch {
	case it.Kind != record.MediaBytes:
		return ""
	case it.Media.ID != "":
		return it.Media.ID
	case it.Media.Hashed:
		return hashLink(&it.Media.SHA256)
	case it.Target != "":
		return "message:" + it.Target
	}
	return ""
}

// MediaLinks are the links under which the bytes of an item's media may have been
// archived: nil for an item that names no media and is no message.
func (it *Item) MediaLinks() []string {
	var links []string
	if it.Media.ID != "" {
		links = append(links, it.Media.ID)
	}
	if it.Media.Hashed {
		links = append(links, hashLink(&it.Media.SHA256))
	}
	if it.ID != "" {
		links = append(links, "message:"+it.ID)
	}
	return links
}

func hashLink(sum *[32]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }
