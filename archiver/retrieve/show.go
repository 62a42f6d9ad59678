package retrieve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
)

// Show calls fn for each logical message that a name stands for, in order, and
// stops at fn's first error. A name is an ITEM, a RECORD, a message id, or a
// person: a phone number, a BSUID or @username. ErrNone: it stands for nothing.
// Items whose record contradicts the ledger come with their Problem; in the end
// Show then returns ErrTampered.
func (l *Library) Show(ctx context.Context, name string, fn func(*Message) error) error {
	v := viewing{s: l.shelf(), fn: fn, seen: map[index.Tag]bool{}}
	n := parseName(name)
	v.named = n.item != nil || n.record != nil
	if err := v.s.resolve(ctx, name, func(row *index.Row) error { return v.show(ctx, row) }); err != nil {
		return fmt.Errorf("show: %w", err)
	}
	return errors.Join(v.problems...)
}

// viewing is one Show under way.
type viewing struct {
	s        *shelf
	fn       func(*Message) error
	named    bool // by item or record: these items are shown, not the best delivery
	seen     map[index.Tag]bool
	problems []error
}

// about is the message that a row is, or is about; zero for neither.
func about(r *index.Row) index.Tag {
	if r.Target != (index.Tag{}) && !isMessage(r) {
		return r.Target
	}
	return r.ID
}

func (v *viewing) show(ctx context.Context, row *index.Row) error {
	id := about(row)
	if v.seen[id] {
		return nil
	}
	m := &Message{}
	thread := &index.Thread{}
	if id != (index.Tag{}) {
		v.seen[id] = true
		threads, err := v.s.l.threads(ctx, []index.Tag{id})
		if err != nil {
			return err
		}
		thread = threads[id]
		if isMessage(row) && !slices.ContainsFunc(thread.Deliveries, func(d index.Row) bool { return d.Item == row.Item }) {
			thread.Deliveries = append(thread.Deliveries, *row) // the index lacks it
		}
	}
	if !v.named && len(thread.Deliveries) > 0 {
		row = &thread.Deliveries[0]
	}
	main, err := v.hit(ctx, row)
	if err != nil {
		return err
	}
	m.Hit = *main
	if isMessage(row) {
		m.status(thread)
	}
	if err := v.thread(ctx, m, thread); err != nil {
		return err
	}
	if err := v.media(ctx, m); err != nil {
		return err
	}
	m.ID = m.id()
	if m.from != nil {
		m.Ledger = m.from.place(row.Item.N)
		if m.Decision, err = m.from.decision(row.Item.N); err != nil {
			return err
		}
	}
	return v.fn(m)
}

// thread opens everything about a message.
func (v *viewing) thread(ctx context.Context, m *Message, t *index.Thread) error {
	for _, part := range []struct {
		rows []index.Row
		to   *[]*Hit
	}{{t.Deliveries, &m.Deliveries}, {t.Revokes, &m.Revokes}, {t.Reactions, &m.Reactions}, {t.Statuses, &m.Statuses}, {t.Others, &m.Others}} {
		for i := range part.rows {
			h, err := v.hit(ctx, &part.rows[i])
			if err != nil {
				return err
			}
			*part.to = append(*part.to, h)
		}
	}
	before := ""
	if i := slices.IndexFunc(m.Deliveries, func(h *Hit) bool { return h.Text() != "" }); i >= 0 {
		before = m.Deliveries[i].Text()
	}
	for i := range t.Edits {
		h, err := v.hit(ctx, &t.Edits[i])
		if err != nil {
			return err
		}
		m.Edits = append(m.Edits, Edit{h, before})
		before = h.Text()
	}
	return nil
}

func (v *viewing) hit(ctx context.Context, row *index.Row) (*Hit, error) {
	h, err := v.s.hit(ctx, row)
	if err != nil {
		return nil, err
	}
	if h.Problem != nil && len(v.problems) < maxTold {
		v.problems = append(v.problems, h.Problem)
	}
	return h, nil
}

// id is the message's id in the words of a record.
func (m *Message) id() string {
	if m.Item != nil && m.Item.Target != "" && !isMessage(&m.Row) {
		return m.Item.Target
	}
	if m.Item != nil && m.Item.ID != "" {
		return m.Item.ID
	}
	for _, h := range m.Deliveries {
		if h.Item != nil && h.Item.ID != "" {
			return h.Item.ID
		}
	}
	return ""
}
