package format

import (
	"fmt"
	"slices"
	"strings"
)

// bounds keep an RSMF file within what Relativity takes: it recommends at most
// 10,000 events a file and does not support more than 2 GB, which base64 makes of
// three quarters of that.
type bounds struct {
	events int
	bytes  int64 // of media
}

var rsmfBounds = bounds{events: 10_000, bytes: 1_400 << 20}

// slice is what one RSMF file holds: a part of a conversation-day, and the
// messages from elsewhere that its replies are to.
type slice struct {
	date        string
	part, parts int
	own         []*Message // by time
	carried     []*Message // by time
}

// path is the file's place in the bag.
func (s *slice) path(c *Conversation) string {
	if s.parts == 1 {
		return fmt.Sprintf("data/rsmf/%s_%s.rsmf", c.ID, s.date)
	}
	return fmt.Sprintf("data/rsmf/%s_%s_%03d.rsmf", c.ID, s.date, s.part)
}

// slices cuts each day of the conversation.
func (c *Conversation) slices(b bounds) []*slice {
	byID := map[string]*Message{}
	for i := range c.Days {
		for _, m := range c.Days[i].Messages {
			if m.ID != "" && byID[m.ID] == nil {
				byID[m.ID] = m
			}
		}
	}
	var all []*slice
	for i := range c.Days {
		all = append(all, c.Days[i].slices(byID, b)...)
	}
	return all
}

func (d *Day) slices(byID map[string]*Message, b bounds) []*slice {
	var list []*slice
	var s *slice
	var used map[*Message]bool // what s holds, carried messages too
	var bytes int64
	for _, m := range byTime(d.Messages) {
		parent := byID[m.ReplyTo]
		if parent != nil && !precedes(parent, m) {
			parent = nil
		}
		for {
			add := []*Message{}
			if !used[m] {
				add = append(add, m)
			}
			if parent != nil && !used[parent] {
				add = append(add, parent)
			}
			size := bytes
			for _, a := range add {
				size += a.Media.stored()
			}
			if s != nil && (len(s.own) == 0 || len(used)+len(add) <= b.events && size <= b.bytes) {
				for _, a := range add {
					used[a] = true
				}
				bytes = size
				s.own = append(s.own, m)
				break
			}
			s, used, bytes = &slice{date: d.Date, part: len(list) + 1}, map[*Message]bool{}, 0
			list = append(list, s)
		}
	}
	for _, s := range list {
		s.parts = len(list)
		s.carry(byID)
	}
	return list
}

// carry finds the messages that replies are to and that stand in another file.
func (s *slice) carry(byID map[string]*Message) {
	in := make(map[*Message]bool, len(s.own))
	for _, m := range s.own {
		in[m] = true
	}
	for _, m := range s.own {
		if parent := byID[m.ReplyTo]; parent != nil && !in[parent] && precedes(parent, m) {
			in[parent] = true
			s.carried = append(s.carried, parent)
		}
	}
	s.carried = byTime(s.carried)
}

// precedes says that parent may be named as m's parent: not later, and another.
func precedes(parent, m *Message) bool { return parent != m && !parent.Time.After(m.Time) }

// events are all of the file's messages by time.
func (s *slice) events() []*Message { return byTime(append(slices.Clone(s.carried), s.own...)) }

func byTime(list []*Message) []*Message {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b *Message) int { return a.Time.Compare(b.Time) })
	return out
}

// stored is how many bytes the bag has of the media.
func (a *Media) stored() int64 {
	if a == nil || a.Path == "" {
		return 0
	}
	return a.Size
}

// cast names the participants of a file: ids and displays, each display once
// and without a comma, as X-RSMF-Participants lists them.
type cast struct {
	parties  []Party
	display  map[string]string
	business string // id of the custodian, "" none
	other    string // id of the only other party of a direct conversation, "" none
	known    bool   // somebody is told apart as unknown
}

func newCast(c *Conversation, messages []*Message) *cast {
	k := &cast{parties: slices.Clone(c.Parties), display: map[string]string{}}
	others := 0
	for i := range k.parties {
		if p := &k.parties[i]; p.Business && k.business == "" {
			k.business = p.ID
		} else if !p.Business {
			others++
			k.other = p.ID
		}
	}
	if others != 1 || c.Group {
		k.other = ""
	}
	for _, m := range messages {
		k.known = k.known || k.needsUnknown(m)
	}
	if k.known {
		k.parties = append(k.parties, Party{ID: unknownParty, Name: "Unknown"})
	}
	taken := map[string]bool{}
	for i := range k.parties {
		p := &k.parties[i]
		d := headerName(p.name())
		if taken[d] && p.Phone != "" {
			d = strings.TrimSpace(d + " +" + p.Phone)
		}
		if d == "" || taken[d] {
			d = strings.TrimSpace(d + " " + p.ID)
		}
		taken[d] = true
		k.display[p.ID] = d
	}
	return k
}

// needsUnknown says whether a message has somebody that is not told where RSMF
// wants a participant.
func (k *cast) needsUnknown(m *Message) bool {
	if m.From == "" && written(m.Kind) {
		return true
	}
	for i := range m.Edits {
		if m.Edits[i].From == "" && m.From == "" {
			return true
		}
	}
	for i := range m.Statuses {
		if s := &m.Statuses[i]; receiptAction(s.Sub) != "" && s.From == "" && k.other == "" {
			return true
		}
	}
	for _, r := range standing(m.Reactions) {
		if r.From == "" {
			return true
		}
	}
	return false
}

// headerName is a name as it may stand in a list that commas divide.
func headerName(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(plain(s), ",", " ")), " ")
}

// standing are the reactions that were not taken back: the latest of each
// person, in order. Those of unknown people stand each for itself.
func standing(list []Mark) []Mark {
	last := map[string]int{}
	for i := range list {
		if list[i].From != "" {
			last[list[i].From] = i
		}
	}
	var out []Mark
	for i := range list {
		if at, ok := last[list[i].From]; (!ok || at == i) && list[i].Text != "" {
			out = append(out, list[i])
		}
	}
	return out
}

// receiptAction is RSMF's word for a status, "" where it has none.
func receiptAction(sub string) string {
	switch sub {
	case "delivered", "read":
		return sub
	}
	return ""
}
