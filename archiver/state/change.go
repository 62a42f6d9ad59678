package state

import (
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
)

// code says which change a change is. It is a stored byte: see FORMAT.md.
type code byte

const (
	changeWord      code = 1  // text: the next word
	changeSource    code = 2  // text, a, b: the next source: topic, era, partition
	changeScope     code = 3  // tag: the next scope
	changeAccount   code = 4  // a, b: number a belongs to account b
	changeLink      code = 5  // tag, kind, a, b: this identity is person a (maybe a new one) in scope b
	changeMessaged  code = 6  // a: person a has exchanged a message
	changeOpen      code = 7  // a, at, b: person a wrote at at and, without a closed window between, b seconds later
	changeConsent   code = 8  // a, sum64, kind, at, evidence: person a said kind about a purpose
	changeTitle     code = 9  // tag, kind, a: this key is template a (maybe a new one)
	changeTemplate  code = 10 // a, at, b, c, sum, evidence: template a has status b-1, category c-1, content sum
	changeDirectory code = 11 // a, b, c, d, at, until, evidence: on number a answers b-1, role c-1, department d-1
	changeForget    code = 12 // at: from here on the state is not complete for times before at
	changeHidden    code = 13 // a, at, kind: of person a older windows (before at) and, with kind 1, older consents are not known
)

// Kinds of a changeLink and a changeTitle.
const (
	kindPhone = 0
	kindBSUID = 1

	kindID   = 0
	kindName = 1
)

// change is one change of the state, with the fields its code names.
type change struct {
	code       code
	kind       byte
	a, b, c, d uint64
	at, until  uint32
	sum64      uint64
	tag        tag
	sum        [32]byte
	text       string
	evidence   evidence
}

// do makes a change of our own and writes it down for the next delta.
func (s *State) do(c change) {
	if err := s.make(&c); err != nil { // our own changes keep to the bounds
		panic("lane state: " + err.Error())
	}
	s.note(&c)
}

// forget notes that something could not be kept: the state is complete no more.
func (s *State) forget(at uint32) {
	if s.complete || s.birth < at {
		s.do(change{code: changeForget, at: at})
	}
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrDamaged)
}

// make checks a change against the state and makes it. All changes come through
// here, live ones and those of a delta.
func (s *State) make(c *change) error {
	switch c.code {
	case changeWord:
		if len(c.text) == 0 || len(c.text) > maxWord || !s.words.add(c.text) {
			return bad("word")
		}
	case changeSource:
		return s.makeSource(c)
	case changeScope:
		if c.tag == (tag{}) || !s.scopes.add(c.tag) {
			return bad("scope")
		}
		s.places = append(s.places, scope{})
	case changeAccount:
		if !s.scopes.has(c.a) || !s.scopes.has(c.b) {
			return bad("account of an unknown number")
		}
		s.places[c.a].waba = uint32(c.b) + 1
	case changeLink:
		return s.makeLink(c)
	case changeMessaged, changeOpen, changeConsent, changeHidden:
		return s.makePerson(c)
	case changeTitle:
		return s.makeTitle(c)
	case changeTemplate:
		return s.makeTemplate(c)
	case changeDirectory:
		return s.makeDirectory(c)
	case changeForget:
		s.complete, s.birth = false, max(s.birth, c.at)
	default:
		return bad("change %d is not known", c.code)
	}
	return nil
}

func (s *State) makeSource(c *change) error {
	src := source{c.text, record.Era(c.a), int32(c.b)}
	if len(c.text) > maxWord || c.a == 0 || c.a > 1<<32-1 || c.b > 1<<31-1 || !s.sources.add(src) {
		return bad("source")
	}
	return nil
}

func (s *State) makeLink(c *change) error {
	if c.a > uint64(len(s.people)) || c.a >= maxPeople || !s.scopes.has(c.b) || c.tag == (tag{}) || c.kind > kindBSUID {
		return bad("link")
	}
	if c.a == uint64(len(s.people)) {
		s.people = append(s.people, person{scope: uint32(c.b)})
		s.places[c.b].people++
	}
	p := &s.people[c.a]
	own := &p.phone
	if c.kind == kindBSUID {
		own = &p.bsuid
	}
	if p.scope != uint32(c.b) || *own != (tag{}) && *own != c.tag {
		return bad("link of an identity to a person who has another")
	}
	*own = c.tag
	s.ids[c.tag.within(p.scope)] = uint32(c.a)
	return nil
}

func (s *State) makePerson(c *change) error {
	if c.a >= uint64(len(s.people)) {
		return bad("change of an unknown person")
	}
	p := &s.people[c.a]
	switch c.code {
	case changeMessaged:
		p.messaged = true
	case changeOpen:
		if c.b > forever-uint64(c.at) || c.at == 0 {
			return bad("window past 2106 or before 1970")
		}
		p.noteRun(run{c.at, c.at + uint32(c.b)})
	case changeConsent:
		if v := value(c.kind); v < given || v > cleared || !s.stands(c.evidence) {
			return bad("consent")
		}
		s.insertEvent(uint32(c.a), event{purpose: c.sum64, at: c.at, value: value(c.kind), evidence: c.evidence})
	case changeHidden:
		if c.kind > 1 {
			return bad("hidden past")
		}
		p.horizon, p.truncated = max(p.horizon, c.at), p.truncated || c.kind == 1
	}
	return nil
}

func (s *State) makeTitle(c *change) error {
	if c.a > uint64(len(s.shelf)) || c.a >= maxShelf || c.tag == (tag{}) || c.kind > kindName {
		return bad("template key")
	}
	if c.a == uint64(len(s.shelf)) {
		s.shelf = append(s.shelf, template{})
	}
	if c.kind == kindID {
		s.shelf[c.a].named = true
	}
	s.titles[c.tag] = uint32(c.a)
	return nil
}

func (s *State) makeTemplate(c *change) error {
	n := uint64(len(s.words.list))
	if c.a >= uint64(len(s.shelf)) || c.b > n || c.c > n || !s.stands(c.evidence) {
		return bad("template event")
	}
	s.insertTemplateEvent(uint32(c.a), templateEvent{
		at: c.at, status: uint32(c.b), category: uint32(c.c), hash: c.sum, evidence: c.evidence})
	return nil
}

func (s *State) makeDirectory(c *change) error {
	n := uint64(len(s.words.list))
	if !s.scopes.has(c.a) || c.b == 0 || c.b > n || c.c > n || c.d > n || !s.stands(c.evidence) {
		return bad("directory entry")
	}
	s.insertEntry(uint32(c.a), entry{employee: uint32(c.b), role: uint32(c.c), department: uint32(c.d),
		from: c.at, to: c.until, evidence: c.evidence})
	return nil
}

// stands says whether evidence names a source the state knows.
func (s *State) stands(e evidence) bool {
	return s.sources.has(uint64(e.source)) && e.offset >= 0 && e.n <= 1<<31-1
}
