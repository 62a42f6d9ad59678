package state

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/policy"
)

// Facts is what a decision about an item may know, as of the item's own time at
// (Unix seconds: the platform's clock where it is sane, else Kafka's). p is the
// item's person, nil where it has none. It changes nothing; call it before Apply
// of the same item.
//
// saw is the evidence behind the facts that bear on the item, as canonical JSON
// {"category":ITEM,"custodian":ITEM,"marketing":ITEM,"snapshot":ITEM,"template":ITEM}
// with the parts that are known; nil where none is. Consent and template bear on
// what the business sends, the custodian on everything.
func (s *State) Facts(it *whatsapp.Item, p *whatsapp.Person, at int64) (policy.Facts, []byte) {
	f := policy.Facts{Marketing: "unknown", Window: "unknown", Messaged: "unknown"}
	t := seconds(at)
	number, known := s.scopeOf(ofNumber, it.Number)
	live := it.Provenance != record.Backfill
	var b saw

	var mark evidence
	marked := false
	if id := s.identity(p); !id.none() {
		m := match{target: nobody, merge: nobody}
		if known {
			m = s.match(number, id)
		}
		if it.Number != "" {
			f.Messaged = s.messaged(m)
		}
		if it.Number != "" && live {
			f.Window = s.window(m, t)
		}
		if live {
			f.Marketing, mark, marked = s.marketing(it, number, known, id, m, t)
		}
	}

	var tpl sent
	if it.Kind == record.Template && live {
		tpl = s.templateAsOf(s.account(it), &it.Template, t)
		f.Template, f.Category = tpl.status, tpl.category
	}
	if tpl.hasCategory {
		b.add(s, "category", tpl.bycategory)
	}
	if known {
		if e, ok := s.onDuty(number, t); ok {
			f.Custodian, f.Role, f.Department = s.text(e.employee), s.text(e.role), s.text(e.department)
			b.add(s, "custodian", e.evidence)
		}
	}
	if marked && it.Direction == record.Outbound {
		b.add(s, "marketing", mark)
	}
	if tpl.hash {
		b.add(s, "snapshot", tpl.byhash)
	}
	if tpl.hasStatus {
		b.add(s, "template", tpl.bystatus)
	}
	return f, b
}

// marketing asks the number's consents, then the account's, then those given for all.
func (s *State) marketing(it *whatsapp.Item, number uint32, known bool, id identity, m match, t uint32) (string, evidence, bool) {
	q := marketing{at: t}
	q.match(s, m)
	scopes, n := s.broad(it, number, known)
	for _, scope := range scopes[:n] {
		q.match(s, s.match(scope, s.also(id, m.target)))
	}
	return q.answer(s.complete)
}

func (m *marketing) match(s *State, who match) {
	m.look(s, who.target, false)
	m.look(s, who.merge, false)
	for _, p := range who.from[:who.n] {
		m.look(s, p, true)
	}
}

// also adds what the state knows of a person to what the item says.
func (s *State) also(id identity, p uint32) identity {
	if p == nobody {
		return id
	}
	if id.phone == (tag{}) {
		id.phone = s.people[p].phone
	}
	if id.bsuid == (tag{}) {
		id.bsuid = s.people[p].bsuid
	}
	return id
}

// broad lists the scopes above a number in which anybody stands.
func (s *State) broad(it *whatsapp.Item, number uint32, known bool) (list [2]uint32, n int) {
	account, ok := s.scopeOf(ofWABA, it.WABA)
	if it.WABA == "" && known && s.places[number].waba != 0 {
		account, ok = s.places[number].waba-1, true
	}
	if ok && s.places[account].people > 0 {
		list[n] = account
		n++
	}
	if all, ok := s.scopes.index[s.all]; ok && s.places[all].people > 0 {
		list[n] = all
		n++
	}
	return list, n
}

// scopeOf finds a scope, without making it.
func (s *State) scopeOf(domain byte, id string) (uint32, bool) {
	if id == "" {
		return 0, false
	}
	i, ok := s.scopes.index[s.hash.tag(domain, id)]
	return i, ok
}
