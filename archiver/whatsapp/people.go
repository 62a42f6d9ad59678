package whatsapp

// people collects who a record names. Two ids that are named together anywhere
// in a business number's part of the record are one person: an equivalence, so
// that taking away all regions of one person changes nothing for the others.
//
// The zero value is ready for use; reset makes it ready for the next record.
type people struct {
	slots []slot
	ids   map[personKey]int // only once there are more than linear slots
}

// slot is a person as first named. up leads to the slot it was joined with, and
// in the end to the lowest one, which stands for all.
type slot struct {
	Person
	waba, number string
	up, final    int
}

type personKey struct{ waba, number, kind, id string }

// linear is up to how many people are searched one by one; keepIDs is how large
// a map may be to be used again.
const (
	linear  = 8
	keepIDs = 4096
)

func (p *people) reset() {
	clear(p.slots)
	p.slots = p.slots[:0]
	if len(p.ids) > keepIDs {
		p.ids = nil
	}
	clear(p.ids)
}

func (p *people) root(i int) int {
	for p.slots[i].up != i {
		p.slots[i].up = p.slots[p.slots[i].up].up
		i = p.slots[i].up
	}
	return i
}

// resolve gives the slot of the person known by any of who's ids on that
// number, a new one where nobody is, and -1 where who has no id.
func (p *people) resolve(waba, number string, who Person) int {
	found := -1
	for _, id := range who.aliases() {
		if id.ID == "" {
			continue
		}
		s := p.lookup(waba, number, id)
		switch {
		case s < 0:
		case found < 0:
			found = s
		case s != found:
			found = p.join(found, s)
		}
	}
	if found < 0 {
		if who.WaID == "" && who.UserID == "" && who.ParentID == "" && who.Username == "" {
			return -1
		}
		found = len(p.slots)
		p.slots = append(p.slots, slot{Person: who, waba: waba, number: number, up: found})
	} else {
		p.slots[found].absorb(who)
	}
	p.note(found, who)
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

func (p *people) lookup(waba, number string, id Alias) int {
	if len(p.slots) > linear {
		if s, ok := p.ids[personKey{waba, number, id.Kind, id.ID}]; ok {
			return p.root(s)
		}
		return -1
	}
	for i := range p.slots {
		s := &p.slots[i]
		if s.number == number && s.waba == waba && s.has(id) {
			return p.root(i)
		}
	}
	return -1
}

// note keeps the map up once there is one.
func (p *people) note(i int, who Person) {
	switch n := len(p.slots); {
	case n <= linear:
	case len(p.ids) == 0:
		if p.ids == nil {
			p.ids = make(map[personKey]int)
		}
		for i := range p.slots {
			p.enter(i, p.slots[i].Person)
		}
	default:
		p.enter(i, who)
	}
}

func (p *people) enter(i int, who Person) {
	s := &p.slots[i]
	for _, id := range who.aliases() {
		if id.ID != "" {
			p.ids[personKey{s.waba, s.number, id.Kind, id.ID}] = i
		}
	}
	for _, id := range who.Also {
		p.ids[personKey{s.waba, s.number, id.Kind, id.ID}] = i
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
				p.slots[r].also(id)
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

func (a *Person) aliases() [4]Alias {
	return [4]Alias{
		{AliasWaID, a.WaID}, {AliasUserID, a.UserID}, {AliasParentID, a.ParentID}, {AliasUsername, a.Username},
	}
}

func (a *Person) has(id Alias) bool {
	for _, own := range a.Also {
		if own == id {
			return true
		}
	}
	switch id.Kind {
	case AliasWaID:
		return a.WaID == id.ID
	case AliasUserID:
		return a.UserID == id.ID
	case AliasParentID:
		return a.ParentID == id.ID
	default:
		return a.Username == id.ID
	}
}

// absorb adds what b knows: into empty fields, else as further aliases.
func (a *Person) absorb(b Person) {
	fill(a, &a.WaID, b.WaID, AliasWaID)
	fill(a, &a.UserID, b.UserID, AliasUserID)
	fill(a, &a.ParentID, b.ParentID, AliasParentID)
	fill(a, &a.Username, b.Username, AliasUsername)
	if a.Name == "" {
		a.Name = b.Name
	}
}

func fill(a *Person, field *string, id, kind string) {
	switch {
	case id == "" || id == *field:
	case *field == "":
		*field = id
	default:
		a.also(Alias{kind, id})
	}
}

func (a *Person) also(id Alias) {
	if !a.has(id) {
		a.Also = append(a.Also, id)
	}
}
