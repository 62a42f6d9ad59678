package state

import (
	"strings"

	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// person is an outside person within a scope: a business number, or an account
// where consent was given for all its numbers. A person has at most one phone
// and one BSUID for good: another phone or BSUID is another person, which is how
// a changed or recycled number does not inherit consent.
type person struct {
	scope     uint32
	messaged  bool // ever exchanged a message
	truncated bool // older consent events than the kept ones were known
	phone     tag  // zero none
	bsuid     tag  // zero none; a user name where nothing else is known
	runs      [2]run
	horizon   uint32 // before it service windows were known that had to go
}

// identity is what an item names a person by.
type identity struct{ phone, bsuid tag }

func (s *State) identity(p *whatsapp.Person) (id identity) {
	if p == nil {
		return id
	}
	if p.WaID != "" {
		id.phone = s.hash.tag(ofPhone, p.WaID)
	}
	switch {
	case p.UserID != "":
		id.bsuid = s.hash.tag(ofBSUID, p.UserID)
	case p.WaID == "" && p.Username != "":
		id.bsuid = s.hash.tag(ofUsername, strings.ToLower(p.Username))
	}
	return id
}

func (id identity) none() bool { return id == identity{} }

// nobody stands for no person where an index is expected.
const nobody = ^uint32(0)

func (s *State) find(scope uint32, t tag) uint32 {
	if t == (tag{}) {
		return nobody
	}
	if p, ok := s.ids[t.within(scope)]; ok {
		return p
	}
	return nobody
}

// match is how an identity falls to known people. Target is the person, or
// nobody where it is a new one; all that is known of Merge holds for the target
// too (the same person, met before under the other id); of From only withdrawals
// carry over (a changed or recycled number: a refusal outlives it, a permission
// does not).
type match struct {
	target uint32
	merge  uint32
	from   [2]uint32
	n      int // of from
}

func (m *match) carry(p uint32) {
	m.from[m.n] = p
	m.n++
}

// known says whether the identity touches anybody the state knows.
func (m *match) known() bool { return m.target != nobody || m.n > 0 }

// match finds who an identity is within a scope, changing nothing.
func (s *State) match(scope uint32, id identity) match {
	m := match{target: nobody, merge: nobody}
	a, b := s.find(scope, id.phone), s.find(scope, id.bsuid)
	var zero tag
	switch {
	case id.bsuid == zero || a == b:
		m.target = a
	case id.phone == zero:
		m.target = b
	case b == nobody && s.people[a].bsuid == zero:
		m.target = a
	case b == nobody: // the phone is known under another BSUID
		m.carry(a)
	case a == nobody && s.people[b].phone == zero:
		m.target = b
	case a == nobody: // the BSUID is known under another phone
		m.carry(b)
	default:
		s.matchTwo(&m, a, b, id)
	}
	return m
}

// matchTwo is match where phone and BSUID are each known, of two people.
func (s *State) matchTwo(m *match, a, b uint32, id identity) {
	pa, pb := &s.people[a], &s.people[b]
	fitsA := pa.bsuid == tag{} || pa.bsuid == id.bsuid
	fitsB := pb.phone == tag{} || pb.phone == id.phone
	switch {
	case fitsA && fitsB:
		m.target, m.merge = b, a
	case fitsB:
		m.target = b
		m.carry(a)
	case fitsA:
		m.target = a
		m.carry(b)
	default:
		m.carry(a)
		m.carry(b)
	}
}

// settle makes a match true: new ids are linked, what holds for the target too is
// copied. It gives the person.
func (s *State) settle(scope uint32, id identity, m match, at uint32) uint32 {
	p := m.target
	if p == nobody {
		if len(s.people) >= maxPeople {
			s.forget(at)
			return nobody
		}
		p = uint32(len(s.people))
	}
	if id.phone != (tag{}) && s.find(scope, id.phone) != p {
		s.do(change{code: changeLink, tag: id.phone, kind: kindPhone, a: uint64(p), b: uint64(scope)})
	}
	if id.bsuid != (tag{}) && s.find(scope, id.bsuid) != p {
		s.do(change{code: changeLink, tag: id.bsuid, kind: kindBSUID, a: uint64(p), b: uint64(scope)})
	}
	if m.merge != nobody {
		s.copyAll(m.merge, p)
	}
	for _, from := range m.from[:m.n] {
		s.copyWithdrawals(from, p, at)
	}
	return p
}

// copyAll copies what is known of a person who turned out to be another.
func (s *State) copyAll(from, to uint32) {
	old := s.people[from]
	if old.messaged {
		s.markMessaged(to)
	}
	for _, r := range old.runs {
		s.open(to, r)
	}
	s.hide(to, old.horizon, old.truncated)
	for _, e := range s.consent[from] {
		s.addEvent(to, e)
	}
}

// hide notes that older facts of a person were known and had to go.
func (s *State) hide(p uint32, horizon uint32, truncated bool) {
	who := s.people[p]
	if horizon <= who.horizon && (!truncated || who.truncated) {
		return
	}
	kind := byte(0)
	if truncated {
		kind = 1
	}
	s.do(change{code: changeHidden, a: uint64(p), at: horizon, kind: kind})
}

// copyWithdrawals copies the refusals that stand at a time.
func (s *State) copyWithdrawals(from, to uint32, at uint32) {
	s.hide(to, 0, s.people[from].truncated)
	var standing []event
	for _, e := range s.consent[from] {
		if e.at <= at {
			standing = latest(standing, e)
		}
	}
	for _, e := range standing {
		if e.value == withdrawn {
			s.addEvent(to, e)
		}
	}
}
