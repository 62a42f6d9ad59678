package state

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// event is one statement of a person about one purpose.
type event struct {
	purpose  uint64 // keyed hash of the purpose's name
	at       uint32
	value    value
	evidence evidence
}

// value is what an event says.
type value byte

const (
	given     value = 1
	withdrawn value = 2
	cleared   value = 3 // the platform's "resume": takes the platform's stop back, and permits nothing itself
)

// maxEvents bounds the events kept of one person; the oldest go first.
const maxEvents = 64

// The purposes a marketing decision reads. A consent that names no purpose is
// general. The platform's own switch is a purpose of its own: the firm's opt-in
// does not lift it.
const (
	purposeMarketing = "marketing"
	purposeGeneral   = "general"
	purposePlatform  = "platform marketing_messages"
)

// purposes are the keyed hashes of the three.
type purposes struct{ marketing, general, platform uint64 }

func (s *State) hashPurposes() purposes {
	return purposes{s.purpose(purposeMarketing), s.purpose(purposeGeneral), s.purpose(purposePlatform)}
}

func (s *State) purpose(name string) uint64 {
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "", "all", "any":
		name = purposeGeneral
	}
	t := s.hash.tag(ofPurpose, name)
	return binary.LittleEndian.Uint64(t[:8])
}

// statement reads a consent or preference item. ok is false where it says nothing.
func (s *State) statement(it *whatsapp.Item) (purpose uint64, v value, ok bool) {
	if it.Kind == record.Preference {
		purpose = s.purposes.platform
		switch it.PrefValue {
		case "stop":
			return purpose, withdrawn, true
		case "resume":
			return purpose, cleared, true
		case "signup":
			return purpose, given, true
		}
		return 0, 0, false
	}
	switch {
	case it.Consent.Given || it.Sub == "given":
		return s.purpose(it.Consent.Purpose), given, true
	case it.Sub == "withdrawn":
		return s.purpose(it.Consent.Purpose), withdrawn, true
	}
	return 0, 0, false
}

// before orders events by time; of two at one time the refusal counts, so it is last.
func (e event) compare(o event) int {
	if e.at != o.at {
		return cmp.Compare(e.at, o.at)
	}
	return cmp.Compare(e.rank(), o.rank())
}

func (e event) rank() uint32 {
	if e.value == withdrawn {
		return 1
	}
	return 0
}

// addEvent notes an event, unless the same is known: a consent record delivered
// again keeps its first evidence.
func (s *State) addEvent(p uint32, e event) {
	for _, o := range s.consent[p] {
		if o.purpose == e.purpose && o.at == e.at && o.value == e.value {
			return
		}
	}
	s.do(change{code: changeConsent, a: uint64(p), sum64: e.purpose, kind: byte(e.value), at: e.at, evidence: e.evidence})
}

// insertEvent is the change itself.
func (s *State) insertEvent(p uint32, e event) {
	list := s.consent[p]
	i, _ := slices.BinarySearchFunc(list, e, event.compare)
	for i < len(list) && list[i].compare(e) == 0 { // behind its equals: order of arrival
		i++
	}
	list = slices.Insert(list, i, e)
	if len(list) > maxEvents {
		list = slices.Delete(list, 0, 1)
		s.people[p].truncated = true
	}
	s.consent[p] = list
}

// latest keeps, of each purpose, the last event.
func latest(list []event, e event) []event {
	for i := range list {
		if list[i].purpose == e.purpose {
			if list[i].compare(e) <= 0 {
				list[i] = e
			}
			return list
		}
	}
	return append(list, e)
}

// marketing gathers the events that bear on marketing as of a time, from several
// people (the number's, the account's).
type marketing struct {
	at                           uint32
	marketing, general, platform event
	truncated                    bool
}

// look takes in a person's events; refusals alone where only those carry over.
func (m *marketing) look(s *State, p uint32, refusalsOnly bool) {
	if p == nobody {
		return
	}
	m.truncated = m.truncated || s.people[p].truncated
	events := s.consent[p]
	if len(events) == 0 {
		return
	}
	for _, slot := range [3]struct {
		purpose uint64
		to      *event
	}{
		{s.purposes.marketing, &m.marketing},
		{s.purposes.general, &m.general},
		{s.purposes.platform, &m.platform},
	} {
		if e, ok := asOf(events, slot.purpose, m.at); ok && (!refusalsOnly || e.value == withdrawn) {
			if slot.to.value == 0 || slot.to.compare(e) <= 0 {
				*slot.to = e
			}
		}
	}
}

// asOf is the last event of a purpose at or before a time.
func asOf(events []event, purpose uint64, at uint32) (event, bool) {
	for _, e := range slices.Backward(events) {
		if e.purpose == purpose && e.at <= at {
			return e, true
		}
	}
	return event{}, false
}

// answer is given, withdrawn, never or unknown, and the evidence. A stop on the
// platform stands until taken back there. Of the firm's own records the word on
// marketing stands before a general one; only a later general refusal beats it.
func (m *marketing) answer(complete bool) (string, evidence, bool) {
	switch own := m.own(); {
	case m.platform.value == withdrawn:
		return "withdrawn", m.platform.evidence, true
	case own.value == withdrawn:
		return "withdrawn", own.evidence, true
	case own.value == given:
		return "given", own.evidence, true
	case m.platform.value == given:
		return "given", m.platform.evidence, true
	case complete && !m.truncated:
		return "never", evidence{}, false
	}
	return "unknown", evidence{}, false
}

func (m *marketing) own() event {
	general := m.general
	switch {
	case m.marketing.value == 0:
		return general
	case general.value == withdrawn && general.at > m.marketing.at:
		return general
	}
	return m.marketing
}
