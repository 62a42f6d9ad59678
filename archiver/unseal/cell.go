package unseal

import (
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// Cell is one row's parts within a segment, opened.
type Cell struct {
	Row   seal.Row
	Parts []Part // in leaf order

	keys *rowKeys
}

// Record puts together the record of part i, which is not shared, without
// reading anything more. place is the cell's own.
func (c *Cell) Record(i int, place seal.Place) (*Opened, error) {
	p := &c.Parts[i]
	g := gathered{position: p.Position}
	g.add(p, c.keys, place)
	o := g.assemble()
	return o, errors.Join(o.Problems...)
}

// Part is what one record has in one cell.
type Part struct {
	Position    int // of the record's leaf in the block
	Coordinates record.Coordinates
	LeaderEpoch int32
	Timestamp   int64
	Shared      bool // the record has pieces under other rows too
	Pieces      []PartPiece
}

// PartPiece is a piece as it lies in a cell. Bytes alias the cell's plaintext.
type PartPiece struct {
	Ref              ledger.PieceRef
	FirstItem, Items int
	Bytes            []byte        // committed bytes; of a decision see Rulings
	Rulings          []seal.Ruling // PieceDecision only
	Media            *MediaRef     // PieceMedia only, in place of Bytes
}

// Committed gives the committed bytes of the piece; nil for media, which are an
// object of their own.
func (p *PartPiece) Committed() []byte {
	if p.Ref.Type == ledger.PieceDecision {
		return seal.AppendRulings(nil, p.Rulings)
	}
	return p.Bytes
}

// Least bytes of a part, a piece, a ruling.
const (
	minPart   = 7
	minPiece  = 5
	minRuling = 3
)

// DecodeCell reads a cell's plaintext. d is the directory of its segment and
// leaves are the positions it says the cell has.
func DecodeCell(b []byte, d *Directory, leaves []int) ([]Part, error) {
	c := cursor{b: b}
	if len(leaves) > len(b)/minPart {
		return nil, fmt.Errorf("cell of %d bytes with %d parts: %w", len(b), len(leaves), errShort)
	}
	parts := make([]Part, len(leaves))
	prev := 0
	for i := range parts {
		p := &parts[i]
		prev = c.position(prev, i == 0)
		p.Position = prev
		if c.err == nil && prev != leaves[i] {
			c.failf("position %d where the directory says %d", prev, leaves[i])
		}
		p.decode(&c, d)
		if c.err != nil {
			return nil, fmt.Errorf("cell: part %d: %w", i, c.err)
		}
	}
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("cell: %w", err)
	}
	return parts, nil
}

func (p *Part) decode(c *cursor, d *Directory) {
	l := c.leaf(d.Sources)
	p.Coordinates, p.LeaderEpoch, p.Timestamp = l.Coordinates, l.epoch, l.time
	flags := c.u8()
	if flags&^seal.FlagShared != 0 {
		c.failf("flags %#x", flags)
	}
	p.Shared = flags&seal.FlagShared != 0
	n := c.count(minPiece)
	if c.err == nil && n == 0 {
		c.failf("no pieces")
	}
	p.Pieces = make([]PartPiece, n)
	for i := range p.Pieces {
		q := &p.Pieces[i]
		q.decode(c, d)
		if c.err != nil {
			return
		}
		if i > 0 && !follows(p.Pieces[i-1].Ref, q.Ref) {
			c.failf("piece %d is out of order", i)
		}
		if !p.Shared && !next(p.Pieces[:i], q.Ref) {
			c.failf("piece %d leaves a hole", i)
		}
		if q.Media != nil && (p.Shared || q.Ref.Index > 0 || i == 0 || p.Pieces[0].Ref.Type != ledger.PieceKeyHeaders) {
			c.failf("piece %d is media in a record that has more than media", i)
		}
	}
}

func follows(a, b ledger.PieceRef) bool {
	return b.Type > a.Type || b.Type == a.Type && b.Index > a.Index
}

// next says that ref is the one that follows the pieces without a hole.
func next(before []PartPiece, ref ledger.PieceRef) bool {
	if n := len(before); n > 0 && before[n-1].Ref.Type == ref.Type {
		return ref.Index == before[n-1].Ref.Index+1
	}
	return ref.Index == 0
}

func (p *PartPiece) decode(c *cursor, d *Directory) {
	t := c.u8()
	if c.err == nil && ledger.PieceType(t) > ledger.PieceMedia {
		c.failf("piece of type %d", t)
	}
	p.Ref = ledger.PieceRef{Type: ledger.PieceType(t), Index: uint32(c.upTo(maxInt))}
	p.FirstItem, p.Items = int(c.upTo(maxInt)), int(c.upTo(maxInt))
	switch p.Ref.Type {
	case ledger.PieceDecision:
	case ledger.PieceMedia:
		p.media(c)
		return
	default:
		p.Bytes = c.bytes()
		return
	}
	p.Rulings = make([]seal.Ruling, c.count(minRuling))
	for i := range p.Rulings {
		r := &p.Rulings[i]
		r.Item = int(c.upTo(maxInt))
		rule := c.uvarint()
		if c.err == nil && rule >= uint64(len(d.Rules)) {
			c.failf("rule %d of %d", rule, len(d.Rules))
		}
		if saw := c.bytes(); len(saw) > 0 {
			r.Saw = saw
		}
		if c.err != nil {
			return
		}
		r.Rule = &d.Rules[rule]
	}
}
