package exporter

import (
	"cmp"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/exporter/format"
)

// directory knows who is who among the facts of a production. Records name one
// person by phone number, BSUID or username, as they please; those that some
// record names together are one person, unless that would make one of two BSUIDs:
// phone numbers and usernames pass on to others.
type directory struct {
	keys    *index.Keys
	users   map[onNumber]map[string]bool // BSUIDs seen beside a phone number or username
	phones  map[onNumber]map[string]bool // phone numbers seen beside a username
	parties map[index.Tag]*format.Party
	named   map[string]int64 // by party: when its name was said
	firms   map[string]*format.Party
}

// onNumber is an identity on a business number.
type onNumber struct{ number, id string }

func newDirectory(keys *index.Keys) *directory {
	return &directory{
		keys: keys, users: map[onNumber]map[string]bool{}, phones: map[onNumber]map[string]bool{},
		parties: map[index.Tag]*format.Party{}, named: map[string]int64{}, firms: map[string]*format.Party{},
	}
}

// meet learns which identities go together, of all facts before anybody is asked for.
func (d *directory) meet(f *fact) {
	p := f.person
	if p == nil {
		return
	}
	username := index.UsernameID(p.Username)
	for _, other := range [...]string{p.WaID, username} {
		if other != "" && p.UserID != "" {
			put(d.users, onNumber{f.number, other}, p.UserID)
		}
	}
	if username != "" && p.WaID != "" {
		put(d.phones, onNumber{f.number, username}, p.WaID)
	}
}

func put(m map[onNumber]map[string]bool, key onNumber, id string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][id] = true
}

// only gives the one element of a set; "" where there are none or several.
func only(set map[string]bool) string {
	if len(set) != 1 {
		return ""
	}
	for id := range set {
		return id
	}
	return ""
}

// primary is the identity that a person goes by.
func (d *directory) primary(number string, p *whatsapp.Person) string {
	username := index.UsernameID(p.Username)
	phone := p.WaID
	if phone == "" && username != "" {
		phone = only(d.phones[onNumber{number, username}])
	}
	return cmp.Or(p.UserID, only(d.users[onNumber{number, phone}]), only(d.users[onNumber{number, username}]), phone, username, p.ParentID)
}

// tag names the person of a fact; zero where nobody is.
func (d *directory) tag(f *fact) index.Tag {
	if f.person == nil {
		return f.subject
	}
	return d.keys.PersonTag(f.number, d.primary(f.number, f.person))
}

// learn takes over what facts say of people, in their order.
func (d *directory) learn(facts []*fact) {
	for _, f := range facts {
		firm := d.firms[f.number]
		if firm == nil {
			firm = &format.Party{ID: cmp.Or(f.number, "business"), Business: true}
			d.firms[f.number] = firm
		}
		firm.Phone = cmp.Or(firm.Phone, f.display)
		p, who, at := d.party(f), f.person, f.unix()
		if p == nil || who == nil {
			continue
		}
		p.Phone, p.Username, p.BSUID = cmp.Or(p.Phone, who.WaID), cmp.Or(p.Username, who.Username), cmp.Or(p.BSUID, who.UserID)
		if said, ok := d.named[p.ID]; who.Name != "" && (!ok || at > said || at == said && who.Name > p.Name) {
			p.Name, d.named[p.ID] = who.Name, at
		}
	}
}

// party gives who a fact is about; nil nobody.
func (d *directory) party(f *fact) *format.Party {
	tag := d.tag(f)
	if tag == (index.Tag{}) {
		return nil
	}
	p := d.parties[tag]
	if p == nil {
		p = &format.Party{ID: tag.String()}
		d.parties[tag] = p
	}
	return p
}

// talkKey names a conversation: a number and a person, or a group.
type talkKey struct {
	number string
	who    index.Tag
	group  bool
}

// talk gives the conversation that a fact stands in; no number and nobody where none.
func (d *directory) talk(f *fact) talkKey {
	if f.group != (index.Tag{}) {
		return talkKey{f.number, f.group, true}
	}
	if tag := d.tag(f); tag != (index.Tag{}) {
		return talkKey{f.number, tag, false}
	}
	return talkKey{}
}

// id is how search prints a conversation.
func (d *directory) id(k talkKey) string { return d.keys.ConversationTag(k.number, k.who).String() }

// from is who wrote an item of a conversation, "" where that is not told.
func (d *directory) from(k talkKey, f *fact) string {
	switch f.direction {
	case record.Outbound:
		return d.firms[k.number].ID
	case record.Inbound:
		if p := d.party(f); p != nil {
			return p.ID
		}
	}
	return ""
}

// parties lists the parties of a conversation: the business first, then the
// others by when they first appear in facts, which are in order.
func (d *directory) list(k talkKey, facts []*fact) []format.Party {
	out := []format.Party{*d.firms[k.number]}
	for _, f := range facts {
		p := d.party(f)
		if p == nil || slices.ContainsFunc(out, func(have format.Party) bool { return have.ID == p.ID }) {
			continue
		}
		out = append(out, *p)
	}
	return out
}
