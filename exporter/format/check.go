package format

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrModel is returned for a model that cannot be written: what refers to
// nothing, or would make a path or an id that is none.
var ErrModel = errors.New("model of a production")

var safeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// check holds a conversation to what the writers rely on.
func (c *Conversation) check() error {
	if !safeName.MatchString(c.ID) {
		return fmt.Errorf("conversation id %q: not a name of letters, digits, dot, dash and underscore: %w", c.ID, ErrModel)
	}
	if len(c.Parties) == 0 {
		return fmt.Errorf("conversation %s: nobody takes part in it: %w", c.ID, ErrModel)
	}
	known := map[string]bool{"": true}
	for i := range c.Parties {
		id := c.Parties[i].ID
		if !safeName.MatchString(id) || known[id] || id == unknownParty {
			return fmt.Errorf("conversation %s: party %d: its id is empty, taken, or no name: %w", c.ID, i, ErrModel)
		}
		known[id] = true
	}
	date := ""
	for i := range c.Days {
		d := &c.Days[i]
		if d.Date <= date || !safeName.MatchString(d.Date) {
			return fmt.Errorf("conversation %s: day %q after %q: %w", c.ID, d.Date, date, ErrModel)
		}
		if date = d.Date; len(d.Messages) == 0 {
			return fmt.Errorf("conversation %s: no message on %s: %w", c.ID, date, ErrModel)
		}
		for _, m := range d.Messages {
			if err := m.check(known); err != nil {
				return fmt.Errorf("conversation %s, %s: %w", c.ID, d.Date, err)
			}
		}
	}
	return nil
}

func (m *Message) check(known map[string]bool) error {
	if m.Item == "" {
		return fmt.Errorf("a message without item name: %w", ErrModel)
	}
	if m.Time.IsZero() {
		return fmt.Errorf("%s: no time: %w", m.Item, ErrModel)
	}
	if !known[m.From] {
		return fmt.Errorf("%s: its sender is no party of the conversation: %w", m.Item, ErrModel)
	}
	marks := make([]*Mark, 0, 8)
	for i := range m.Edits {
		marks = append(marks, &m.Edits[i].Mark)
	}
	for _, list := range [][]Mark{m.Revokes, m.Reactions, m.Statuses} {
		for i := range list {
			marks = append(marks, &list[i])
		}
	}
	for _, k := range marks {
		if k.Item == "" || k.Time.IsZero() {
			return fmt.Errorf("%s: a mark without item or time: %w", m.Item, ErrModel)
		}
		if !known[k.From] {
			return fmt.Errorf("%s: the sender of %s is no party of the conversation: %w", m.Item, k.Item, ErrModel)
		}
	}
	if m.Media != nil && (m.Media.Path == "") != (m.Media.Open == nil) {
		return fmt.Errorf("%s: media with a path and no bytes, or the other way round: %w", m.Item, ErrModel)
	}
	return nil
}

// check holds events, gaps and exceptions to what the writers rely on.
func (p *Production) check(events []*Event) error {
	for _, e := range events {
		if e.Item == "" || e.Time.IsZero() {
			return fmt.Errorf("event %s: no item or no time: %w", e.Item, ErrModel)
		}
	}
	for i := range p.Gaps {
		if g := &p.Gaps[i]; g.What == "" || g.Time.IsZero() {
			return fmt.Errorf("gap at %s: no words or no time: %w", g.Record, ErrModel)
		}
	}
	for i := range p.Exceptions {
		if e := &p.Exceptions[i]; e.Item == "" || e.Code == "" {
			return fmt.Errorf("exception %d: no item or no code: %w", i, ErrModel)
		}
	}
	return nil
}

// unknownParty stands in RSMF for somebody who is not told.
const unknownParty = "unknown"
