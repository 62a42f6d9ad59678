package retrieve

import (
	"context"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// PersonMedia is the archived media that names no person and that a person's
// items name. Media that names a person goes with that person's rows, and is not
// here.
type PersonMedia struct {
	Own    []index.Tag // nobody else's items name it: an erasure of the person asks for these rows too
	Shared []index.Tag // items of others name it as well, a picture sent to many: it stays, unless the caller decides otherwise
}

// PersonMedia finds that of the person with these tags, which are all of the
// person's. It goes by the index, which must be complete (archiver/reindex), and
// reads the person's items; and where media is found, all items on its number
// that may name it. What cannot be read may name media: it is an error.
func (l *Library) PersonMedia(ctx context.Context, person []index.Tag) (PersonMedia, error) {
	p := personMedia{l: l, s: l.shelf(), person: map[index.Tag]bool{}, found: map[index.Tag]*mediaUse{}}
	for _, t := range person {
		p.person[t] = true
	}
	if len(person) == 0 {
		return PersonMedia{}, nil
	}
	if err := p.find(ctx, person); err != nil {
		return PersonMedia{}, fmt.Errorf("media of a person: %w", err)
	}
	if err := p.share(ctx); err != nil {
		return PersonMedia{}, fmt.Errorf("media of a person: %w", err)
	}
	var out PersonMedia
	for tag, use := range p.found {
		if use.shared {
			out.Shared = append(out.Shared, tag)
		} else {
			out.Own = append(out.Own, tag)
		}
	}
	slices.SortFunc(out.Own, index.CompareTags)
	slices.SortFunc(out.Shared, index.CompareTags)
	return out, nil
}

// personMedia is one question under way.
type personMedia struct {
	l      *Library
	s      *shelf
	person map[index.Tag]bool
	found  map[index.Tag]*mediaUse
}

// mediaUse is media that names no person.
type mediaUse struct {
	numbers map[string]bool // on which its archived bytes were said to be; "" not said
	shared  bool
}

// hits opens all items of a query.
func (p *personMedia) hits(ctx context.Context, q index.Query, fn func([]*Hit) error) error {
	m := p.l.merge([]index.Query{q}, false, nil)
	for {
		rows, err := m.page(ctx, pageRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		var hits []*Hit
		for _, row := range rows {
			if !mayNameMedia(row.Kind) {
				continue
			}
			h, err := p.s.hit(ctx, row)
			if err == nil {
				err = h.Problem
			}
			if err != nil {
				return err
			}
			hits = append(hits, h)
		}
		if err := fn(hits); err != nil {
			return err
		}
	}
}

// mayNameMedia leaves out the kinds that never do, most of all statuses.
func mayNameMedia(k record.Kind) bool {
	switch k {
	case record.Status, record.CallStatus, record.Reaction, record.Revoke, record.Consent, record.Preference, record.Directory, record.MediaBytes, record.ContactSync:
		return false
	}
	return true
}

// find notes the media without a person that the person's items name.
func (p *personMedia) find(ctx context.Context, person []index.Tag) error {
	return p.hits(ctx, index.Query{People: person}, func(hits []*Hit) error {
		if err := p.s.named(ctx, hits); err != nil {
			return err
		}
		for _, h := range hits {
			for i := range h.Held {
				row := &h.Held[i]
				if row.Subject != (index.Tag{}) || row.ID == (index.Tag{}) {
					continue
				}
				use := p.found[row.ID]
				if use == nil {
					use = &mediaUse{numbers: map[string]bool{}}
					p.found[row.ID] = use
				}
				use.numbers[row.Number] = true
			}
		}
		return nil
	})
}

// share looks for items of others that name the media found.
func (p *personMedia) share(ctx context.Context) error {
	if len(p.found) == 0 {
		return nil
	}
	var q index.Query
	for _, use := range p.found {
		for n := range use.numbers {
			q.Numbers = append(q.Numbers, n)
		}
	}
	slices.Sort(q.Numbers)
	if q.Numbers = slices.Compact(q.Numbers); q.Numbers[0] == "" {
		q.Numbers = nil // on any
	}
	return p.hits(ctx, q, func(hits []*Hit) error {
		others := slices.DeleteFunc(hits, func(h *Hit) bool { return p.theirs(&h.Row) })
		if err := p.s.named(ctx, others); err != nil {
			return err
		}
		for _, h := range others {
			for i := range h.Held {
				if use := p.found[h.Held[i].ID]; use != nil {
					use.shared = true
				}
			}
		}
		return nil
	})
}

// theirs says that an item is about the person.
func (p *personMedia) theirs(r *index.Row) bool {
	return p.person[r.Subject] || slices.ContainsFunc(r.Aliases, func(t index.Tag) bool { return p.person[t] })
}
