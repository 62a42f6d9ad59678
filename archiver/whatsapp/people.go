package whatsapp

import "slices"

// people collects who a record names. Two ids that are named together anywhere
// in a business number's part of the record are one person: an equivalence, so
// that taking away all regions of one person changes nothing for the others.
//
// The zero value is ready for use; reset makes it ready for the next record.
type people struct {
	slots []slot
	ids   map[personKey]int // only once there are more than linear slots
	books []book
	pages map[book]int // the same for books
}

// book is one business number's part of the record: only in the same book are
// equal ids the same person's.
type book struct{ waba, number string }

// slot is a person as first named. up leads to the slot it was joined with, and
// in the end to the lowest one, which stands for all.
type slot struct {
	Person
	book, up, final int
}

type personKey struct {
	book, kind int
	id         string
}

const (
	linear  = 8    // up to so many people are searched one by one
	keepIDs = 4096 // up to this size a map is used again

	// maxAliases bounds what a body can make of one person. An id beyond it is
	// not kept and joins nobody.
	maxAliases = 64
)

// kinds are the kinds of ids in the order of Person.ids.
var kinds = [4]string{AliasWaID, AliasUserID, AliasParentID, AliasUsername}

func (p *people) reset() {
	clear(p.slots)
	p.slots = p.slots[:0]
	clear(p.books)
	p.books = p.books[:0]
	if len(p.ids) > keepIDs || len(p.pages) > keepIDs {
		p.ids, p.pages = nil, nil
	}
	clear(p.ids)
	clear(p.pages)
}

// book is the number of the book of these two.
func (p *people) book(waba, number string) int {
	b := book{waba, number}
	if len(p.books) > linear {
		if n, ok := p.pages[b]; ok {
			return n
		}
	} else {
		for n := range p.books {
			if p.books[n] == b {
				return n
			}
		}
	}
	p.books = append(p.books, b)
	if len(p.books) > linear {
		if p.pages == nil {
			p.pages = make(map[book]int)
		}
		for n := len(p.pages); n < len(p.books); n++ {
			p.pages[p.books[n]] = n
		}
	}
	return len(p.books) - 1
}

func (p *people) root(i int) int {
	for p.slots[i].up != i {
		p.slots[i].up = p.slots[p.slots[i].up].up
		i = p.slots[i].up
	}
	return i
}

// resolve gives the slot of the person known by any of who's ids in a book, a
// new one where nobody is, and -1 where who has no id.
func (p *people) resolve(book int, who Person) int {
	found, named, news := -1, false, false
	ids := who.ids()
	for kind, id := range ids {
		if id == "" {
			continue
		}
		named = true
		switch s := p.lookup(book, kind, id); {
		case s < 0:
			news = true
		case found < 0:
			found = s
		case s != found:
			found = p.join(found, s)
		}
	}
	switch {
	case !named:
		return -1
	case found < 0:
		found = len(p.slots)
		p.slots = append(p.slots, slot{Person: who, book: book, up: found})
	default:
		p.slots[found].absorb(who)
	}
	if news && len(p.slots) > linear {
		p.note(found, ids)
	}
	return found
}

// link says that two slots are one person.
func (p *people) link(a, b int) int {
	if a < 0 {
		return b
	}
	if b < 0 {
		return a
	}
	return p.join(p.root(a), p.root(b))
}

func (p *people) join(a, b int) int {
	if a > b {
		a, b = b, a
	}
	p.slots[b].up = a
	return a
}

func (p *people) lookup(book, kind int, id string) int {
	if len(p.slots) > linear {
		if s, ok := p.ids[personKey{book, kind, id}]; ok {
			return p.root(s)
		}
		return -1
	}
	for i := range p.slots {
		if s := &p.slots[i]; s.book == book && s.has(kind, id) {
			return p.root(i)
		}
	}
	return -1
}

// note enters in the map the ids that a slot has been given; the first time,
// all of all slots.
func (p *people) note(i int, ids [4]string) {
	if len(p.ids) > 0 {
		for kind, id := range ids {
			if id != "" && p.slots[i].has(kind, id) {
				p.ids[personKey{p.slots[i].book, kind, id}] = i
			}
		}
		return
	}
	if p.ids == nil {
		p.ids = make(map[personKey]int)
	}
	for i := range p.slots {
		s := &p.slots[i]
		for kind, id := range s.ids() {
			if id != "" {
				p.ids[personKey{s.book, kind, id}] = i
			}
		}
		for _, a := range s.Also {
			p.ids[personKey{s.book, slices.Index(kinds[:], a.Kind), a.ID}] = i
		}
	}
}

// finish gives the people, each once, in the order in which they were first
// named, and numbers the slots.
func (p *people) finish() []Person {
	n := 0
	for i := range p.slots {
		if r := p.root(i); r != i {
			p.slots[r].absorb(p.slots[i].Person)
			for _, id := range p.slots[i].Also {
				if len(p.slots[r].Also) < maxAliases && !p.slots[r].has(slices.Index(kinds[:], id.Kind), id.ID) {
					p.slots[r].Also = append(p.slots[r].Also, id)
				}
			}
			continue
		}
		p.slots[i].final = n
		n++
	}
	if n == 0 {
		return nil
	}
	out := make([]Person, 0, n)
	for i := range p.slots {
		if r := p.slots[i].up; r == i {
			out = append(out, p.slots[i].Person)
		}
	}
	return out
}

// index is the place in finish's answer of the person of slot i, -1 for none.
func (p *people) index(i int) int {
	if i < 0 {
		return -1
	}
	return p.slots[p.root(i)].final
}

// ids are a person's ids in the order of kinds.
func (a *Person) ids() [4]string { return [4]string{a.WaID, a.UserID, a.ParentID, a.Username} }

func (a *Person) has(kind int, id string) bool {
	var own string
	switch kind {
	case 0:
		own = a.WaID
	case 1:
		own = a.UserID
	case 2:
		own = a.ParentID
	default:
		own = a.Username
	}
	return own == id || len(a.Also) > 0 && slices.Contains(a.Also, Alias{kinds[kind], id})
}

// absorb adds what b knows: into empty fields, else as further aliases.
func (a *Person) absorb(b Person) {
	a.fill(&a.WaID, b.WaID, 0)
	a.fill(&a.UserID, b.UserID, 1)
	a.fill(&a.ParentID, b.ParentID, 2)
	a.fill(&a.Username, b.Username, 3)
	if a.Name == "" {
		a.Name = b.Name
	}
}

func (a *Person) fill(field *string, id string, kind int) {
	switch {
	case id == "" || id == *field:
	case *field == "":
		*field = id
	case len(a.Also) < maxAliases && !a.has(kind, id):
		a.Also = append(a.Also, Alias{kinds[kind], id})
	}
}
