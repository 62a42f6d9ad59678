package state

import (
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Apply takes an item into the state, in ledger order. p is its person, nil
// where it has none; at is the same time Facts was asked for.
func (s *State) Apply(item record.ItemID, it *whatsapp.Item, p *whatsapp.Person, at int64) {
	t := seconds(at)
	number, known := s.number(it, t)
	switch it.Kind {
	case record.Consent, record.Preference:
		s.applyConsent(item, it, p, number, known, t)
	case record.TemplateStatus, record.TemplateContent, record.TemplateChange, record.TemplateShot, record.TemplateQuality:
		s.applyTemplate(item, s.account(it), it, t)
	case record.Directory:
		if known {
			s.applyDirectory(item, number, &it.Dir, t)
		}
	case record.System, record.Identity:
		s.applyChange(it, p, number, known, t)
	}
	if known {
		s.applyPerson(it, p, number, t)
	}
}

// number makes the scope of the item's number and notes whose account it is.
func (s *State) number(it *whatsapp.Item, at uint32) (uint32, bool) {
	if it.Number == "" {
		return 0, false
	}
	n, ok := s.scope(s.hash.tag(ofNumber, it.Number), at)
	if !ok || it.WABA == "" {
		return n, ok
	}
	if w, ok := s.scope(s.hash.tag(ofWABA, it.WABA), at); ok && s.places[n].waba != w+1 {
		s.do(change{code: changeAccount, a: uint64(n), b: uint64(w)})
	}
	return n, true
}

// scope finds or makes a scope; ok is false where the table is full.
func (s *State) scope(t tag, at uint32) (uint32, bool) {
	if i, ok := s.scopes.index[t]; ok {
		return i, true
	}
	if len(s.scopes.list) >= maxScopes {
		s.forget(at)
		return 0, false
	}
	s.do(change{code: changeScope, tag: t})
	return uint32(len(s.scopes.list) - 1), true
}

// account is the tag, as text, of the account an item belongs to: its own word,
// else that of earlier items of the number. Send journals often name the number only.
func (s *State) account(it *whatsapp.Item) string {
	if it.WABA != "" {
		t := s.hash.tag(ofWABA, it.WABA)
		return string(t[:])
	}
	if n, ok := s.scopeOf(ofNumber, it.Number); ok && s.places[n].waba != 0 {
		t := s.scopes.list[s.places[n].waba-1]
		return string(t[:])
	}
	return ""
}

// applyConsent notes a statement in the narrowest scope it is about: a consent on
// the number it names, else the account, else everywhere. The platform's stop and
// resume are about the business, so they stand at the account.
func (s *State) applyConsent(item record.ItemID, it *whatsapp.Item, p *whatsapp.Person, number uint32, known bool, t uint32) {
	id := s.identity(p)
	purpose, v, ok := s.statement(it)
	if !ok || id.none() {
		return
	}
	where := number
	if !known || it.Kind == record.Preference {
		switch account := s.account(it); {
		case account != "":
			where, ok = s.scope(tag([]byte(account)), t)
		case !known:
			where, ok = s.scope(s.all, t)
		}
		if !ok {
			return
		}
	}
	e, ok := s.evidence(item, t)
	if !ok {
		return
	}
	if who := s.settle(where, id, s.match(where, id), t); who != nobody {
		s.addEvent(who, event{purpose: purpose, at: t, value: v, evidence: e})
	}
}

// applyPerson learns which ids are one person, whether they have exchanged a
// message, and when their window opened. Only a message makes a person known: an
// address book may hold millions who never wrote.
func (s *State) applyPerson(it *whatsapp.Item, p *whatsapp.Person, number uint32, t uint32) {
	id := s.identity(p)
	if id.none() || it.Kind == record.System || it.Kind == record.Identity {
		return // see applyChange
	}
	exchanged := exchanged(it)
	m := s.match(number, id)
	if !exchanged && !m.known() {
		return
	}
	who := s.settle(number, id, m, t)
	if who == nobody {
		return
	}
	if exchanged {
		s.markMessaged(who)
	}
	if opens(it) {
		s.open(who, run{t, t})
	}
	scopes, n := s.broad(it, number, true)
	for _, scope := range scopes[:n] {
		both := s.also(id, who)
		if m := s.match(scope, both); m.known() {
			s.settle(scope, both, m, t)
		}
	}
}

// applyChange takes in the platform's notice that a person goes on under another
// phone or BSUID. Those are two people here; what the old one refused, the new
// one has refused too.
func (s *State) applyChange(it *whatsapp.Item, p *whatsapp.Person, number uint32, known bool, t uint32) {
	old := s.identity(p)
	next := s.identity(&whatsapp.Person{WaID: it.Change.WaID, UserID: it.Change.UserID})
	if old.none() || next.none() {
		return
	}
	m := match{target: nobody}
	if known {
		m = s.match(number, old)
		s.carryOver(number, m.target, next, t)
	}
	scopes, n := s.broad(it, number, known)
	for _, scope := range scopes[:n] {
		s.carryOver(scope, s.match(scope, s.also(old, m.target)).target, next, t)
	}
}

// carryOver gives an identity what a person has refused.
func (s *State) carryOver(scope, from uint32, id identity, t uint32) {
	if from == nobody || !slices.ContainsFunc(s.consent[from], func(e event) bool { return e.value == withdrawn }) {
		return
	}
	if to := s.settle(scope, id, s.match(scope, id), t); to != nobody && to != from {
		s.copyWithdrawals(from, to, t)
	}
}

// exchanged says whether an item proves that a message or call passed between the
// person and the number.
func exchanged(it *whatsapp.Item) bool {
	switch it.Kind {
	case record.Status:
		return it.Sub != "failed"
	case record.Reaction, record.Edit, record.Revoke, record.MediaPlaceholder, record.Call:
		return true
	}
	return message(it.Kind) && it.HTTP < 400
}

// opens says whether an item opens or refreshes the service window: a message or
// call of the user, received live and not in a group. Reactions, edits and
// revokes are not counted as messages (facts: whether reactions are is not
// confirmed; not counting errs towards a finding).
func opens(it *whatsapp.Item) bool {
	if it.Provenance != record.Live || it.Direction != record.Inbound || it.Group != "" {
		return false
	}
	if it.Kind == record.Call {
		return it.Sub == "connect"
	}
	if it.Kind == record.Unsupported {
		switch it.Sub {
		case "edit", "reaction", "keep_in_chat", "pin", "poll_update":
			return false
		}
	}
	return message(it.Kind)
}

// message says whether a kind is a message with content of its own.
func message(k record.Kind) bool {
	switch k {
	case record.Text, record.Image, record.Video, record.Audio, record.Document, record.Sticker,
		record.Location, record.Contacts, record.Interactive, record.Button, record.Order,
		record.Template, record.RequestWelcome, record.Unsupported:
		return true
	}
	return false
}
