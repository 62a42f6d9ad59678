package state

import (
	"encoding/hex"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// template is what is known of one message template, in order of time.
type template struct {
	events []templateEvent
	named  bool // has a numeric id
}

// templateEvent says one or more of: status, category, content. Zero is no word.
type templateEvent struct {
	at               uint32
	status, category uint32 // index into words, plus 1
	hash             [32]byte
	evidence         evidence
}

// maxTemplateEvents bounds the events kept of one template; the oldest go first.
const maxTemplateEvents = 32

// templateTags are the keys of a template: its id, and its name and language,
// each within its account. Either is zero where the item does not say it.
func (s *State) templateTags(waba string, t *whatsapp.Template) (id, name tag) {
	if t.ID != "" {
		id = s.hash.tag(ofTemplate, waba, t.ID)
	}
	if t.Name != "" {
		// Webhooks write en-US, the API en_US.
		name = s.hash.tag(ofTemplateName, waba, t.Name, strings.ToLower(strings.ReplaceAll(t.Language, "-", "_")))
	}
	return id, name
}

// findTemplate looks under the id, then under name and language.
func (s *State) findTemplate(id, name tag) (uint32, bool) {
	if t, ok := s.titles[id]; ok && id != (tag{}) {
		return t, true
	}
	if t, ok := s.titles[name]; ok && name != (tag{}) {
		return t, true
	}
	return 0, false
}

// applyTemplate notes what an item says of a template.
func (s *State) applyTemplate(item record.ItemID, waba string, it *whatsapp.Item, at uint32) {
	id, name := s.templateTags(waba, &it.Template)
	if id == (tag{}) && name == (tag{}) {
		return
	}
	e := templateEvent{at: at}
	switch it.Kind {
	case record.TemplateStatus, record.TemplateShot:
		e.status = s.word(platformWord(first(it.Template.Event, it.Sub)), at)
	}
	e.category = s.word(platformWord(it.Template.Category), at)
	if b, err := hex.DecodeString(it.Template.Hash); err == nil && len(b) == len(e.hash) {
		copy(e.hash[:], b)
	}
	if e.status == 0 && e.category == 0 && e.hash == [32]byte{} {
		return
	}
	var ok bool
	if e.evidence, ok = s.evidence(item, at); !ok {
		return
	}
	if t, ok := s.linkTemplate(id, name, at); ok {
		s.addTemplateEvent(t, e)
	}
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// linkTemplate finds or makes the template and gives it both keys. A name that
// belonged to a template without id becomes known by its id; one that belonged
// to another id (deleted and made again) moves.
func (s *State) linkTemplate(id, name tag, at uint32) (uint32, bool) {
	t, known := s.titles[id]
	known = known && id != (tag{})
	old, ok := s.titles[name]
	ok = ok && name != (tag{})
	switch {
	case !known && ok && (id == (tag{}) || !s.shelf[old].named):
		t = old
	case !known:
		if len(s.shelf) >= maxShelf {
			s.forget(at)
			return 0, false
		}
		t = uint32(len(s.shelf))
	case ok && old != t && !s.shelf[old].named:
		for _, e := range s.shelf[old].events {
			s.addTemplateEvent(t, e)
		}
	}
	s.linkTitle(id, t, true)
	s.linkTitle(name, t, false)
	return t, true
}

func (s *State) linkTitle(key tag, t uint32, isID bool) {
	if at, ok := s.titles[key]; key == (tag{}) || ok && at == t {
		return
	}
	kind := byte(kindName)
	if isID {
		kind = kindID
	}
	s.do(change{code: changeTitle, tag: key, kind: kind, a: uint64(t)})
}

func (s *State) addTemplateEvent(t uint32, e templateEvent) {
	for _, o := range s.shelf[t].events {
		if o.at == e.at && o.status == e.status && o.category == e.category && o.hash == e.hash {
			return
		}
	}
	s.do(change{code: changeTemplate, a: uint64(t), at: e.at, b: uint64(e.status), c: uint64(e.category), sum: e.hash, evidence: e.evidence})
}

// insertTemplateEvent is the change itself.
func (s *State) insertTemplateEvent(t uint32, e templateEvent) {
	list := s.shelf[t].events
	i := len(list)
	for i > 0 && list[i-1].at > e.at {
		i--
	}
	list = append(list, templateEvent{})
	copy(list[i+1:], list[i:])
	list[i] = e
	if len(list) > maxTemplateEvents {
		list = append(list[:0], list[1:]...)
	}
	s.shelf[t].events = list
}

// sent is what was known of a template when it was sent.
type sent struct {
	status, category             string
	bystatus, bycategory, byhash evidence
	hasStatus, hasCategory, hash bool
}

func (s *State) templateAsOf(waba string, t *whatsapp.Template, at uint32) sent {
	out := sent{status: "unknown", category: first(platformWord(t.Category), "unknown")}
	known, ok := s.findTemplate(s.templateTags(waba, t))
	if !ok {
		return out
	}
	for _, e := range s.shelf[known].events {
		if e.at > at {
			break
		}
		if e.status != 0 {
			out.status, out.bystatus, out.hasStatus = s.words.list[e.status-1], e.evidence, true
		}
		if e.category != 0 {
			out.category, out.bycategory, out.hasCategory = s.words.list[e.category-1], e.evidence, true
		}
		if e.hash != [32]byte{} {
			out.byhash, out.hash = e.evidence, true
		}
	}
	return out
}

// platformWord accepts a status or category as the platform writes it: capital
// letters and underscores. Digits would let a number in.
func platformWord(w string) string {
	if len(w) > 32 {
		return ""
	}
	w = strings.ToUpper(w)
	for _, c := range []byte(w) {
		if (c < 'A' || c > 'Z') && c != '_' {
			return ""
		}
	}
	return w
}

// maxWord bounds a word, a topic and a name, in bytes.
const maxWord = 256

// word gives the number of a word plus 1, 0 for "".
func (s *State) word(w string, at uint32) uint32 {
	if w == "" {
		return 0
	}
	if i, ok := s.words.index[w]; ok {
		return i + 1
	}
	if len(w) > maxWord || len(s.words.list) >= maxWords {
		s.forget(at)
		return 0
	}
	s.do(change{code: changeWord, text: strings.Clone(w)})
	return uint32(len(s.words.list))
}
