package unseal

import (
	"crypto/sha256"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// Directory is what a segment says of its cells to whoever has the age identity,
// also where rows are gone.
type Directory struct {
	Sources []Source
	Rules   []seal.Rule
	Cells   []CellInfo
	Shared  []Shared // sorted by position
}

// Source is a topic partition in one of its lives.
type Source struct {
	Topic     string
	Era       record.Era
	Partition int32
}

// CellInfo places a cell in the segment's plaintext.
type CellInfo struct {
	Offset, Length int64
	Row            seal.RowID
	Plain          uint64 // length of its plaintext
	Leaves         []int  // positions of the records it holds parts of, ascending
}

// Shared is a record under several rows: everything its leaf needs.
type Shared struct {
	Position    int
	Coordinates record.Coordinates
	LeaderEpoch int32
	Timestamp   int64
	Rows        []SharedRow
	Pieces      []SharedPiece // sorted by type, then index
}

// SharedRow says where the pieces of one row of a shared record are.
type SharedRow struct {
	Row           seal.RowID
	Segment, Cell int
}

// SharedPiece is a piece of a shared record.
type SharedPiece struct {
	Ref              ledger.PieceRef
	Row              int // index into Rows
	FirstItem, Items int
	Length           int // of the committed bytes
	Commitment       ledger.Hash
}

// DecodeHeader reads the header at the start of a segment's plaintext and gives
// its length.
func DecodeHeader(b []byte) (seal.Header, int, error) {
	c := cursor{b: b}
	c.magic(seal.MagicSegment)
	h := seal.Header{Origin: c.hash(), Dictionary: c.hash(), Block: c.u64(), Segment: c.u32()}
	h.Retention.Duty, h.Retention.Retain = int64(c.u64()), int64(c.u64())
	h.Lane = c.short()
	h.Retention.Class = c.short()
	if c.err != nil {
		return seal.Header{}, 0, fmt.Errorf("header: %w", c.err)
	}
	return h, len(b) - len(c.b), nil
}

// maxHeader is the length of the longest header.
const maxHeader = 100 + 2*256

// trailer is the end of a segment.
type trailer struct {
	offset, length, plain uint64
	method                seal.Method
	sum                   ledger.Hash
}

func decodeTrailer(b []byte) (trailer, error) {
	c := cursor{b: b}
	t := trailer{offset: c.u64(), length: c.u64(), plain: c.u64(), method: seal.Method(c.u8())}
	if zero := c.take(7); string(zero) != "\x00\x00\x00\x00\x00\x00\x00" {
		c.failf("padding is not zero")
	}
	t.sum = c.hash()
	c.magic(seal.MagicTrailer)
	if t.method == seal.Zstd {
		c.failf("directory with method %d", t.method)
	}
	if err := c.end(); err != nil {
		return trailer{}, fmt.Errorf("trailer: %w", err)
	}
	return t, nil
}

// DecodeDirectory reads a directory's plaintext. The cells fill the segment from
// offset from to offset to exactly.
func DecodeDirectory(b []byte, from, to int64) (*Directory, error) {
	c := cursor{b: b}
	d := &Directory{}
	d.sources(&c)
	d.rules(&c)
	d.cells(&c, from, to)
	d.shared(&c)
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return d, nil
}

func (d *Directory) sources(c *cursor) {
	d.Sources = make([]Source, c.count(3))
	for i := range d.Sources {
		s := &d.Sources[i]
		s.Topic = string(c.bytes())
		s.Era = record.Era(c.upTo(1<<32 - 1))
		s.Partition = int32(c.upTo(1<<31 - 1))
	}
}

func (d *Directory) rules(c *cursor) {
	d.Rules = make([]seal.Rule, c.count(1))
	for i := range d.Rules {
		d.Rules[i].JSON = c.bytes()
		d.Rules[i].Hash = sha256.Sum256(d.Rules[i].JSON)
		if c.err != nil {
			return
		}
	}
}

func (d *Directory) cells(c *cursor, from, to int64) {
	d.Cells = make([]CellInfo, c.count(4))
	var id seal.RowID
	for i := range d.Cells {
		ci := &d.Cells[i]
		ci.Offset = from
		ci.Length = int64(c.upTo(uint64(to - from)))
		from += ci.Length
		id += seal.RowID(c.svarint())
		ci.Row = id
		ci.Plain = c.upTo(seal.MaxPlain)
		if c.err == nil && ci.Length < seal.CellOverhead {
			c.failf("cell %d of %d bytes", i, ci.Length)
		}
		ci.Leaves = make([]int, c.count(1))
		prev := 0
		for k := range ci.Leaves {
			prev = c.position(prev, k == 0)
			ci.Leaves[k] = prev
		}
		if c.err != nil {
			return
		}
	}
	if from != to {
		c.failf("cells end at %d, not at %d", from, to)
	}
}

func (d *Directory) shared(c *cursor) {
	d.Shared = make([]Shared, c.count(minShared))
	prev := 0
	for i := range d.Shared {
		s := &d.Shared[i]
		prev = c.position(prev, i == 0)
		s.Position = prev
		l := c.leaf(d.Sources)
		s.Coordinates, s.LeaderEpoch, s.Timestamp = l.Coordinates, l.epoch, l.time
		s.rows(c)
		s.pieces(c)
		if c.err != nil {
			return
		}
	}
}

// Least bytes of the elements of a shared record.
const (
	minSharedRow   = 3
	minSharedPiece = 5 + 32
	minShared      = 5 + 1 + 2*minSharedRow + 1 + 2*minSharedPiece
)

func (s *Shared) rows(c *cursor) {
	n := c.count(minSharedRow)
	if c.err == nil && n < 2 {
		c.failf("record with %d rows among the shared", n)
	}
	s.Rows = make([]SharedRow, n)
	var id seal.RowID
	for i := range s.Rows {
		r := &s.Rows[i]
		id += seal.RowID(c.svarint())
		r.Row = id
		r.Segment, r.Cell = int(c.upTo(maxInt)), int(c.upTo(maxInt))
	}
}

func (s *Shared) pieces(c *cursor) {
	s.Pieces = make([]SharedPiece, c.count(minSharedPiece))
	var ref ledger.PieceRef
	total := 0
	for i := range s.Pieces {
		p := &s.Pieces[i]
		t := ledger.PieceType(c.u8())
		switch {
		case c.err == nil && (t > ledger.PieceBody || i > 0 && t < ref.Type):
			c.failf("piece of type %d", t)
		case i > 0 && t == ref.Type:
			ref.Index++
		default:
			ref = ledger.PieceRef{Type: t}
		}
		p.Ref = ref
		row := c.uvarint()
		if c.err == nil && row >= uint64(len(s.Rows)) {
			c.failf("row %d of %d", row, len(s.Rows))
		}
		p.Row = int(row)
		p.FirstItem, p.Items = int(c.upTo(maxInt)), int(c.upTo(maxInt))
		p.Length = int(c.upTo(seal.MaxPlain))
		p.Commitment = c.hash()
		if total += p.Length; total > seal.MaxPlain {
			c.failf("record of more than %d bytes", seal.MaxPlain)
		}
		if c.err != nil {
			return
		}
	}
}

// find gives the shared record at a position.
func (d *Directory) find(position int) *Shared {
	lo, hi := 0, len(d.Shared)
	for lo < hi {
		mid := (lo + hi) / 2
		if d.Shared[mid].Position < position {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(d.Shared) && d.Shared[lo].Position == position {
		return &d.Shared[lo]
	}
	return nil
}

// leafOf is the leaf of a shared record, from its commitments.
func (s *Shared) leafOf() ledger.Leaf {
	refs := make([]ledger.PieceRef, len(s.Pieces))
	commitments := make([]ledger.Hash, len(s.Pieces))
	for i := range s.Pieces {
		refs[i], commitments[i] = s.Pieces[i].Ref, s.Pieces[i].Commitment
	}
	return ledger.Leaf{Coordinates: s.Coordinates, LeaderEpoch: s.LeaderEpoch, Timestamp: s.Timestamp, Root: ledger.PiecesRoot(refs, commitments)}
}
