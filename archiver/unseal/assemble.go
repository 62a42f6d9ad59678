package unseal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// gathered is what a block's segments gave of one record.
type gathered struct {
	position int
	parts    []gatheredPart
	shared   *Shared
	segment  string       // key of a segment that speaks of it
	gone     []seal.Place // cells whose row was lawfully erased
	errs     []error      // of cells that did not open for another reason
}

func (g *gathered) erased() bool  { return len(g.gone) > 0 }
func (g *gathered) damaged() bool { return len(g.errs) > 0 }

type gatheredPart struct {
	part  *Part
	row   *rowKeys
	place seal.Place
}

// add notes a part.
func (g *gathered) add(p *Part, row *rowKeys, place seal.Place) {
	g.parts = append(g.parts, gatheredPart{p, row, place})
}

// miss notes a cell that did not open.
func (g *gathered) miss(place seal.Place, err error) {
	if errors.Is(err, ErrErased) {
		g.gone = append(g.gone, place)
		return
	}
	g.errs = append(g.errs, err)
}

// assemble puts a record together.
func (g *gathered) assemble() *Opened {
	o := &Opened{Position: g.position, Problems: g.errs}
	var err error
	switch {
	case g.shared != nil:
		err = g.many(o)
	case len(g.parts) == 1 && !g.parts[0].part.Shared && !g.erased() && !g.damaged():
		err = g.one(o)
	case len(g.parts) == 0 && g.erased() && !g.damaged():
		o.Gone = true
	case len(g.parts) == 0 && !g.erased() && !g.damaged():
		err = ErrUncovered
	case len(g.parts) > 0:
		err = fmt.Errorf("leaf is claimed twice, or its record is not among the shared: %w", ErrDamaged)
	}
	if err != nil {
		if g.segment != "" {
			err = fmt.Errorf("segment %s: %w", g.segment, err)
		}
		o.Problems = append(o.Problems, fmt.Errorf("leaf %d: %w", g.position, err))
	}
	o.Complete = o.Known && len(o.Erased) == 0 && len(o.Problems) == 0
	return o
}

// one puts a record of a single row together.
func (g *gathered) one(o *Opened) error {
	p := g.parts[0].part
	leaf := ledger.Leaf{Coordinates: p.Coordinates, LeaderEpoch: p.LeaderEpoch, Timestamp: p.Timestamp}
	refs := make([]ledger.PieceRef, len(p.Pieces))
	commitments := make([]ledger.Hash, len(p.Pieces))
	o.Pieces = make([]Piece, len(p.Pieces))
	at := 0
	for i := range p.Pieces {
		q := &p.Pieces[i]
		o.Pieces[i] = open(q, &g.parts[0], &p.Coordinates)
		if q.Ref.Type == ledger.PieceValue {
			o.Pieces[i].Span = record.Span{Start: at, End: at + len(q.Bytes)}
			at += len(q.Bytes)
		}
		refs[i], commitments[i] = q.Ref, o.Pieces[i].Commitment
	}
	leaf.Root = ledger.PiecesRoot(refs, commitments)
	o.Leaf, o.Known = leaf, true
	return g.fill(o, at)
}

// many puts a record of several rows together, with holes where rows are gone.
func (g *gathered) many(o *Opened) error {
	s := g.shared
	o.Leaf, o.Known = s.leafOf(), true
	at := 0
	o.Pieces = make([]Piece, len(s.Pieces))
	index := make(map[ledger.PieceRef]int, len(s.Pieces))
	for i := range s.Pieces {
		q := &s.Pieces[i]
		row := &s.Rows[q.Row]
		o.Pieces[i] = Piece{
			Ref: q.Ref, FirstItem: q.FirstItem, Items: q.Items, Commitment: q.Commitment,
			Row: row.Row, Place: seal.Place{Segment: row.Segment, Cell: row.Cell},
		}
		if q.Ref.Type == ledger.PieceValue {
			o.Pieces[i].Span = record.Span{Start: at, End: at + q.Length}
			at += q.Length
		}
		index[q.Ref] = i
	}
	for i := range g.parts {
		if err := g.match(o, &g.parts[i], index); err != nil {
			return err
		}
	}
	for i := range o.Pieces {
		p := &o.Pieces[i]
		switch {
		case p.Present:
		case slices.Contains(g.gone, p.Place):
			o.Erased = append(o.Erased, p.Ref)
		case !g.damaged():
			return fmt.Errorf("piece %d of type %d is in no cell: %w", p.Ref.Index, p.Ref.Type, ErrDamaged)
		}
	}
	return g.fill(o, at)
}

// match holds a part's pieces to what the shared record says of them.
func (g *gathered) match(o *Opened, gp *gatheredPart, index map[ledger.PieceRef]int) error {
	s, p := g.shared, gp.part
	if !p.Shared || p.Coordinates != s.Coordinates || p.LeaderEpoch != s.LeaderEpoch || p.Timestamp != s.Timestamp {
		return fmt.Errorf("a part and the directory name different records: %w", ErrDamaged)
	}
	for i := range p.Pieces {
		q := &p.Pieces[i]
		at, ok := index[q.Ref]
		if !ok {
			return fmt.Errorf("piece %d of type %d is not in the directory: %w", q.Ref.Index, q.Ref.Type, ErrDamaged)
		}
		known := &o.Pieces[at]
		found := open(q, gp, &p.Coordinates)
		if known.Present || found.Commitment != known.Commitment || len(found.Committed) != s.Pieces[at].Length ||
			found.Row != known.Row || found.Place != known.Place || found.FirstItem != known.FirstItem || found.Items != known.Items {
			return fmt.Errorf("piece %d of type %d is not the one committed to: %w", q.Ref.Index, q.Ref.Type, ErrDamaged)
		}
		found.Span = known.Span
		*known = found
	}
	return nil
}

// open computes what proves a piece.
func open(q *PartPiece, gp *gatheredPart, c *record.Coordinates) Piece {
	p := Piece{
		Ref: q.Ref, FirstItem: q.FirstItem, Items: q.Items, Row: gp.row.ID, Place: gp.place,
		Present: true, Salt: seal.Salt(&gp.row.salt, c, q.Ref), Committed: q.Committed(),
		Owner: gp.row.Owner, Retention: gp.row.Retention, Media: q.Media,
	}
	if q.Media != nil {
		p.Commitment = q.Media.Commitment
	} else {
		p.Commitment = ledger.Commit(&p.Salt, p.Committed)
	}
	return p
}

// fill makes the record of the pieces; size is the length of its value.
func (g *gathered) fill(o *Opened, size int) error {
	r := &o.Record
	r.Coordinates, r.LeaderEpoch, r.Timestamp = o.Leaf.Coordinates, o.Leaf.LeaderEpoch, o.Leaf.Timestamp
	r.Value = make([]byte, size)
	null, keyHeaders, act, media := false, false, false, false
	for i := range o.Pieces {
		p := &o.Pieces[i]
		switch {
		case p.Ref.Type == ledger.PieceValue && p.Present:
			copy(r.Value[p.Span.Start:p.Span.End], p.Committed)
		case p.Ref.Type == ledger.PieceValue:
			blank(r.Value[p.Span.Start:p.Span.End])
			o.Holes = append(o.Holes, Hole{p.Span, p.FirstItem, p.Items})
		case p.Ref.Type == ledger.PieceMedia:
			media = true
		case p.Ref.Type == ledger.PieceBody:
			act = true
			if p.Present {
				o.Bodies = append(o.Bodies, p.Committed)
			}
		case p.Ref.Type == ledger.PieceKeyHeaders && !p.Present:
			keyHeaders, o.KeyHeadersErased = true, slices.Contains(o.Erased, p.Ref)
		case p.Ref.Type == ledger.PieceKeyHeaders:
			var err error
			if null, err = seal.DecodeKeyHeaders(p.Committed, r); err != nil || keyHeaders || null && size > 0 {
				return errors.Join(fmt.Errorf("key and headers: %w", ErrDamaged), err)
			}
			keyHeaders = true
		}
	}
	if media && null {
		return fmt.Errorf("a null value that is media: %w", ErrDamaged)
	}
	for i := range g.parts {
		for k := range g.parts[i].part.Pieces {
			o.Rulings = append(o.Rulings, g.parts[i].part.Pieces[k].Rulings...)
		}
	}
	sortRulings(o.Rulings)
	if null || act && size == 0 {
		r.Value = nil
	}
	if !keyHeaders && !act {
		return fmt.Errorf("no key and headers: %w", ErrDamaged)
	}
	return nil
}
