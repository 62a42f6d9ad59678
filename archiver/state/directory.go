package state

import (
	"math"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// scope is what is known of a business number (or account) itself.
type scope struct {
	waba      uint32 // number of its account's scope plus 1, 0 unknown
	people    uint32 // how many persons stand in it
	directory []entry
}

// entry says which employee answered on a number, from when to when. Names are
// as the directory gives them: they are the firm's own people.
type entry struct {
	employee, role, department uint32 // index into words, plus 1
	from, to                   uint32 // to MaxUint32 is open
	evidence                   evidence
}

const forever = math.MaxUint32

// maxEntries bounds the directory of one number; the oldest start goes first.
const maxEntries = 1024

func (s *State) applyDirectory(item record.ItemID, number uint32, d *whatsapp.DirectoryEntry, at uint32) {
	e := entry{from: seconds(d.From), to: forever}
	if d.To != 0 {
		e.to = seconds(d.To)
	}
	e.employee = s.word(directoryWord(d.Employee), at)
	if e.employee == 0 {
		return
	}
	e.role = s.word(directoryWord(d.Role), at)
	e.department = s.word(directoryWord(d.Department), at)
	var ok bool
	if e.evidence, ok = s.evidence(item, at); !ok {
		return
	}
	for _, o := range s.places[number].directory {
		if o.same(e) && o.to == e.to && o.role == e.role && o.department == e.department {
			return
		}
	}
	s.do(change{code: changeDirectory, a: uint64(number), b: uint64(e.employee), c: uint64(e.role), d: uint64(e.department),
		at: e.from, until: e.to, evidence: e.evidence})
}

func directoryWord(w string) string {
	w = strings.ToValidUTF8(w, "\ufffd")
	if len(w) > maxWord {
		w = strings.ToValidUTF8(w[:maxWord], "")
	}
	return w
}

// same says that two entries are two words about one fact: the later replaces
// the earlier, as when an open entry is closed.
func (e entry) same(o entry) bool { return e.employee == o.employee && e.from == o.from }

// insertEntry is the change itself; entries stay in order of their start.
func (s *State) insertEntry(number uint32, e entry) {
	list := slices.DeleteFunc(s.places[number].directory, e.same)
	i := len(list)
	for i > 0 && list[i-1].from > e.from {
		i--
	}
	list = slices.Insert(list, i, e)
	if len(list) > maxEntries {
		list = slices.Delete(list, 0, 1)
	}
	s.places[number].directory = list
}

// onDuty is who answered on the number at a time: of several the latest start.
func (s *State) onDuty(number uint32, at uint32) (entry, bool) {
	for _, e := range slices.Backward(s.places[number].directory) {
		if e.from <= at && (at < e.to || e.to == forever) {
			return e, true
		}
	}
	return entry{}, false
}

// text is the word behind an index plus 1, "" for 0.
func (s *State) text(word uint32) string {
	if word == 0 {
		return ""
	}
	return s.words.list[word-1]
}
