package state

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
)

// magic begins a snapshot; the last byte is the version.
var magic = [8]byte{'w', 'a', 'x', 'l', 'a', 'n', 'e', 1}

// Snapshot gives the whole state as bytes: equal states give equal bytes. It is
// ErrPending while changes wait for Delta.
func (s *State) Snapshot() ([]byte, error) {
	if s.count > 0 {
		return nil, fmt.Errorf("snapshot of the lane state: %w", ErrPending)
	}
	x := coder{out: make([]byte, 0, 64+40*len(s.people))}
	s.body(&x)
	return x.out, nil
}

// Load gives the state a snapshot was made of. The key is the one it was made
// under. Anything else than what Snapshot writes is ErrDamaged; what is allocated
// stays below 64 times the input's size.
func Load(key Key, snapshot []byte) (*State, error) {
	s := New(key)
	x := coder{reading: true, in: snapshot}
	s.body(&x)
	if err := x.end(); err != nil {
		return nil, fmt.Errorf("load lane state: %w", err)
	}
	return s, nil
}

// body is the format of a snapshot, both ways. FORMAT.md draws it.
func (s *State) body(x *coder) {
	head := magic
	x.fixed(head[:])
	check := slices.Clone(s.hash.check())
	x.fixed(check)
	if x.reading && (head != magic || !bytes.Equal(check, s.hash.check())) {
		x.fail("no snapshot, or of another version or key")
		return
	}
	flags := byte(0)
	bit(&flags, false, 0, &s.complete)
	x.byte(&flags)
	if flags > 1 {
		x.fail("flags")
	}
	bit(&flags, true, 0, &s.complete)
	x.u32(&s.birth, math.MaxUint32)
	x.uint(&s.seq, math.MaxUint64)
	s.bodyTables(x)
	s.bodyScopes(x)
	s.bodyPeople(x)
	s.bodyShelf(x)
	s.bodyTitles(x)
}

func (s *State) bodyTables(x *coder) {
	for i := range x.count(len(s.words.list), maxWords, 2) {
		var c change
		if !x.reading {
			c.text = s.words.list[i]
		}
		x.text(&c.text)
		s.remake(x, changeWord, &c)
	}
	for i := range x.count(len(s.sources.list), maxSources, 3) {
		var c change
		if !x.reading {
			src := s.sources.list[i]
			c.text, c.a, c.b = src.topic, uint64(src.era), uint64(src.partition)
		}
		x.text(&c.text)
		x.uint(&c.a, math.MaxUint32)
		x.uint(&c.b, math.MaxInt32)
		s.remake(x, changeSource, &c)
	}
}

// remake makes the change that a part of a snapshot amounts to, with its checks.
func (s *State) remake(x *coder, as code, c *change) {
	if !x.reading || x.err != nil {
		return
	}
	c.code = as
	if err := s.make(c); err != nil {
		x.fail("%v", err)
	}
}

func (s *State) bodyScopes(x *coder) {
	n := x.count(len(s.scopes.list), maxScopes, 18)
	for i := range n {
		var c change
		if !x.reading {
			c.tag = s.scopes.list[i]
		}
		x.fixed(c.tag[:])
		s.remake(x, changeScope, &c)
	}
	for i := range n {
		if x.err != nil {
			return
		}
		p := &s.places[i]
		x.u32(&p.waba, uint32(n))
		s.bodyDirectory(x, p)
	}
}

func (s *State) bodyDirectory(x *coder, p *scope) {
	n := x.count(len(p.directory), maxEntries, 8)
	if x.reading {
		p.directory = make([]entry, n)
	}
	words := uint32(len(s.words.list))
	for i := range p.directory {
		e := &p.directory[i]
		x.u32(&e.employee, words)
		x.u32(&e.role, words)
		x.u32(&e.department, words)
		x.u32(&e.from, math.MaxUint32)
		x.u32(&e.to, math.MaxUint32)
		x.evidence(&e.evidence)
		if e.employee == 0 || !s.stands(e.evidence) || i > 0 && p.directory[i-1].from > e.from ||
			slices.ContainsFunc(p.directory[:i], e.same) {
			x.fail("directory")
		}
	}
}

func (s *State) bodyPeople(x *coder) {
	n := x.count(len(s.people), maxPeople, 19)
	if x.reading {
		s.people = make([]person, n)
	}
	for i := range s.people {
		if x.err != nil {
			return
		}
		s.bodyPerson(x, uint32(i))
	}
}

// bodyPerson is a person: scope, flags, the ids flagged, the runs, the events.
func (s *State) bodyPerson(x *coder, i uint32) {
	p := &s.people[i]
	x.u32(&p.scope, math.MaxUint32)
	if !s.scopes.has(uint64(p.scope)) {
		x.fail("person in an unknown scope")
		return
	}
	hasPhone, hasBSUID := p.phone != tag{}, p.bsuid != tag{}
	ownsPhone, ownsBSUID := s.owns(p.phone, i), s.owns(p.bsuid, i)
	first, second := !p.runs[0].none(), !p.runs[1].none()
	events := len(s.consent[i]) > 0
	hidden := p.horizon > 0
	var low, high byte
	for _, reading := range [2]bool{false, true} {
		if reading {
			x.byte(&low)
			x.byte(&high)
		}
		for n, v := range []*bool{&hasPhone, &hasBSUID, &ownsPhone, &ownsBSUID, &p.messaged, &hidden, &p.truncated} {
			bit(&low, reading, uint(n), v)
		}
		for n, v := range []*bool{&first, &second, &events} {
			bit(&high, reading, uint(n), v)
		}
	}
	if low>>7 != 0 || high>>3 != 0 || second && !first || ownsPhone && !hasPhone || ownsBSUID && !hasBSUID || !hasPhone && !hasBSUID {
		x.fail("flags of a person")
		return
	}
	s.bodyID(x, i, &p.phone, hasPhone, ownsPhone)
	s.bodyID(x, i, &p.bsuid, hasBSUID, ownsBSUID)
	s.bodyRuns(x, p, first, second)
	if hidden {
		x.time(&p.horizon)
		if p.horizon == 0 {
			x.fail("horizon")
		}
	}
	if events {
		s.bodyEvents(x, i)
	}
	if x.reading {
		s.places[p.scope].people++
	}
}

func (s *State) owns(t tag, p uint32) bool {
	return t != (tag{}) && s.find(s.people[p].scope, t) == p
}

func (s *State) bodyID(x *coder, p uint32, t *tag, has, owns bool) {
	if !has {
		return
	}
	x.fixed(t[:])
	if *t == (tag{}) {
		x.fail("identity of zeros")
	}
	if !x.reading || !owns || x.err != nil {
		return
	}
	if s.find(s.people[p].scope, *t) != nobody {
		x.fail("identity of two people")
		return
	}
	s.ids[t.within(s.people[p].scope)] = p
}

func (s *State) bodyRuns(x *coder, p *person, first, second bool) {
	for i, has := range [2]bool{first, second} {
		if !has {
			continue
		}
		r := &p.runs[i]
		length := r.last - r.start
		x.time(&r.start)
		x.u32(&length, math.MaxUint32)
		r.last = r.start + length
		if r.last < r.start || r.start == 0 {
			x.fail("window")
		}
	}
	if second && (p.runs[0].touches(p.runs[1]) || p.runs[0].start < p.runs[1].start) {
		x.fail("windows out of order")
	}
}

func (s *State) bodyEvents(x *coder, p uint32) {
	list := s.consent[p]
	n := x.count(len(list), maxEvents, 13)
	if x.reading {
		list = make([]event, n)
	}
	for i := range list {
		e := &list[i]
		x.hash(&e.purpose)
		x.byte((*byte)(&e.value))
		x.time(&e.at)
		x.evidence(&e.evidence)
		if e.value < given || e.value > cleared || !s.stands(e.evidence) || i > 0 && list[i-1].compare(*e) > 0 {
			x.fail("consent")
		}
	}
	if n == 0 {
		x.fail("no consent where some was promised")
	}
	if x.reading && x.err == nil {
		s.consent[p] = list
	}
}

func (s *State) bodyShelf(x *coder) {
	n := x.count(len(s.shelf), maxShelf, 2)
	if x.reading {
		s.shelf = make([]template, n)
	}
	words := uint32(len(s.words.list))
	for i := range s.shelf {
		t := &s.shelf[i]
		named := byte(0)
		bit(&named, false, 0, &t.named)
		x.byte(&named)
		if named > 1 {
			x.fail("flags of a template")
		}
		t.named = named == 1
		n := x.count(len(t.events), maxTemplateEvents, 7)
		if x.reading {
			t.events = make([]templateEvent, n)
		}
		for j := range t.events {
			e := &t.events[j]
			x.time(&e.at)
			x.u32(&e.status, words)
			x.u32(&e.category, words)
			x.sum(&e.hash)
			x.evidence(&e.evidence)
			if !s.stands(e.evidence) || j > 0 && t.events[j-1].at > e.at {
				x.fail("template")
			}
		}
	}
}

// bodyTitles is the keys of the templates, in the order of their bytes.
func (s *State) bodyTitles(x *coder) {
	keys := slices.SortedFunc(maps.Keys(s.titles), func(a, b tag) int { return bytes.Compare(a[:], b[:]) })
	n := x.count(len(keys), 2*maxShelf, 17)
	var last tag
	for i := range n {
		var t uint32
		var key tag
		if !x.reading {
			key = keys[i]
			t = s.titles[key]
		}
		x.fixed(key[:])
		x.u32(&t, maxShelf)
		if bytes.Compare(key[:], last[:]) <= 0 || uint64(t) >= uint64(len(s.shelf)) {
			x.fail("template key")
			return
		}
		last = key
		s.titles[key] = t
	}
}
