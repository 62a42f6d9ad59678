package unseal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// maxRecords bounds the leaves of one block, 40 bytes each in the clear.
const maxRecords = 1 << 22

// Records opens a block: one Opened a leaf, in leaf order. What cannot be read
// stands in the Problems of its record; err joins everything that is wrong in
// the block, each naming its object, and is nil where nothing is. Lawful erasure
// is not wrong. A cancelled ctx gives ctx's error and no records.
func (r *Reader) Records(ctx context.Context, e *ledger.Entry) ([]*Opened, error) {
	if e.Records > maxRecords {
		return nil, fmt.Errorf("block %d in lane %s with %d records: %w", e.N, e.Lane, e.Records, ErrDamaged)
	}
	b := &block{r: r, records: make([]gathered, e.Records)}
	for i := range b.records {
		b.records[i].position = i
	}
	for i := range e.Segments {
		s, err := r.Segment(ctx, e, i)
		if err == nil {
			err = b.segment(ctx, s, i)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read block %d in lane %s: %w", e.N, e.Lane, ctx.Err())
		}
		if err != nil {
			b.problems = append(b.problems, err)
		}
	}
	out := make([]*Opened, len(b.records))
	problems := slices.Clone(b.problems)
	for i := range b.records {
		g := &b.records[i]
		if len(g.parts) == 0 && len(g.errs) == 0 && !g.erased() {
			g.errs = slices.Clone(b.problems) // a segment that did not open may have held it
		}
		out[i] = g.assemble()
		problems = append(problems, out[i].Problems...)
	}
	return out, errors.Join(dedupe(problems)...)
}

// dedupe drops errors said before: one bad cell troubles many records.
func dedupe(errs []error) []error {
	seen := map[string]bool{}
	return slices.DeleteFunc(errs, func(err error) bool {
		s := err.Error()
		was := seen[s]
		seen[s] = true
		return was
	})
}

// block collects what the segments of a block say of its records.
type block struct {
	r        *Reader
	records  []gathered
	problems []error // of segments as a whole
}

func (b *block) at(s *Segment, position int) (*gathered, error) {
	if position >= len(b.records) {
		return nil, fmt.Errorf("segment %s: speaks of leaf %d of %d: %w", s.Key, position, len(b.records), ErrDamaged)
	}
	g := &b.records[position]
	g.segment = s.Key
	return g, nil
}

// segment adds what a segment holds. A cell that does not open is noted with its
// records; an error means that the segment as a whole is not to be believed.
func (b *block) segment(ctx context.Context, s *Segment, index int) error {
	for i := range s.Directory.Shared {
		sh := &s.Directory.Shared[i]
		g, err := b.at(s, sh.Position)
		if err != nil {
			return err
		}
		if err := g.share(sh); err != nil {
			return fmt.Errorf("segment %s: leaf %d: %w", s.Key, sh.Position, err)
		}
	}
	for n := range s.Directory.Cells {
		for _, position := range s.Directory.Cells[n].Leaves {
			if _, err := b.at(s, position); err != nil {
				return err
			}
		}
		c, err := s.Cell(ctx, n)
		if err != nil {
			for _, position := range s.Directory.Cells[n].Leaves {
				b.records[position].miss(seal.Place{Segment: index, Cell: n}, err)
			}
			continue
		}
		for k := range c.Parts {
			b.records[c.Parts[k].Position].add(&c.Parts[k], c.keys, seal.Place{Segment: index, Cell: n})
		}
	}
	return nil
}

// share notes what a directory says of a shared record: every directory the same.
func (g *gathered) share(s *Shared) error {
	if g.shared != nil && !reflect.DeepEqual(g.shared, s) {
		return fmt.Errorf("two directories differ: %w", ErrDamaged)
	}
	g.shared = s
	return nil
}

// Record opens one record by the place the index gives: the entry of its block,
// the segment and cell that hold one of its pieces, and its name. Only what is
// needed is read. ErrErased: that cell's row is gone and nothing else of the
// record is left; a shared record comes with holes instead.
func (r *Reader) Record(ctx context.Context, e *ledger.Entry, place seal.Place, c record.Coordinates) (*Opened, error) {
	s, err := r.Peek(ctx, e, place.Segment)
	if err != nil {
		return nil, err
	}
	for i := range s.Directory.Shared {
		if sh := &s.Directory.Shared[i]; sh.Coordinates == c {
			return r.gather(ctx, e, map[int]*Segment{place.Segment: s}, sh)
		}
	}
	cell, err := s.Cell(ctx, place.Cell)
	if err != nil {
		return nil, err
	}
	for i := range cell.Parts {
		if cell.Parts[i].Coordinates == c {
			return named(s, cell, i, place)
		}
	}
	return nil, fmt.Errorf("record %s in segment %s cell %d: %w", c, s.Key, place.Cell, ErrNoRecord)
}

// named puts a record together and names the segment in what is wrong.
func named(s *Segment, c *Cell, part int, place seal.Place) (*Opened, error) {
	o, err := c.Record(part, place)
	if err != nil {
		err = fmt.Errorf("segment %s: %w", s.Key, err)
	}
	return o, err
}

// RecordAt opens one record by the position of its leaf. It reads the
// directories of the block's segments until one speaks of it.
func (r *Reader) RecordAt(ctx context.Context, e *ledger.Entry, position int) (*Opened, error) {
	for i := range e.Segments {
		s, err := r.Peek(ctx, e, i)
		if err != nil {
			return nil, err
		}
		if sh := s.Directory.find(position); sh != nil {
			return r.gather(ctx, e, map[int]*Segment{i: s}, sh)
		}
		for n := range s.Directory.Cells {
			at, ok := slices.BinarySearch(s.Directory.Cells[n].Leaves, position)
			if !ok {
				continue
			}
			cell, err := s.Cell(ctx, n)
			if err != nil {
				return nil, err
			}
			return named(s, cell, at, seal.Place{Segment: i, Cell: n})
		}
	}
	return nil, fmt.Errorf("leaf %d of block %d in lane %s: %w", position, e.N, e.Lane, ErrUncovered)
}

// gather opens the cells of a shared record.
func (r *Reader) gather(ctx context.Context, e *ledger.Entry, open map[int]*Segment, sh *Shared) (*Opened, error) {
	g := gathered{position: sh.Position, shared: sh}
	for _, row := range sh.Rows {
		s, ok := open[row.Segment]
		if !ok {
			var err error
			if s, err = r.Peek(ctx, e, row.Segment); err != nil {
				return nil, err
			}
			open[row.Segment] = s
		}
		g.segment = s.Key
		if row.Cell >= len(s.Directory.Cells) {
			return nil, fmt.Errorf("segment %s cell %d: %w: %w", s.Key, row.Cell, ErrNoRecord, ErrDamaged)
		}
		cell, err := s.Cell(ctx, row.Cell)
		if err != nil {
			g.miss(seal.Place{Segment: row.Segment, Cell: row.Cell}, err)
			continue
		}
		at := slices.IndexFunc(cell.Parts, func(p Part) bool { return p.Position == sh.Position })
		if at < 0 {
			return nil, fmt.Errorf("segment %s cell %d: has no part of leaf %d: %w", s.Key, row.Cell, sh.Position, ErrDamaged)
		}
		g.add(&cell.Parts[at], cell.keys, seal.Place{Segment: row.Segment, Cell: row.Cell})
	}
	o := g.assemble()
	return o, errors.Join(o.Problems...)
}

func sortRulings(r []seal.Ruling) {
	slices.SortStableFunc(r, func(a, b seal.Ruling) int { return cmp.Compare(a.Item, b.Item) })
}
