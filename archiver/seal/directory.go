package seal

import (
	"encoding/binary"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// source is what the records of a topic partition have in common.
type source struct {
	topic     string
	era       record.Era
	partition int32
}

// directory collects the tables of a segment while its cells are written.
type directory struct {
	sources []source
	last    int // index of the source used last
	rules   []*Rule
	index   map[ledger.Hash]int
}

func newDirectory() *directory { return &directory{index: map[ledger.Hash]int{}} }

func (d *directory) source(c *record.Coordinates) uint64 {
	want := source{c.Topic, c.Era, c.Partition}
	if d.last < len(d.sources) && d.sources[d.last] == want {
		return uint64(d.last)
	}
	for i := range d.sources {
		if d.sources[i] == want {
			d.last = i
			return uint64(i)
		}
	}
	d.sources = append(d.sources, want)
	d.last = len(d.sources) - 1
	return uint64(d.last)
}

func (d *directory) rule(r *Rule) uint64 {
	i, ok := d.index[r.Hash]
	if !ok {
		i = len(d.rules)
		d.index[r.Hash] = i
		d.rules = append(d.rules, r)
	}
	return uint64(i)
}

// appendParts appends the plaintext of a cell.
func (w *Writer) appendParts(b []byte, d *directory, c *cell) []byte {
	var prev int32
	for i := c.head; i != none; i = w.parts[i].next {
		p := &w.parts[i]
		r := &w.recs[p.rec]
		b = binary.AppendUvarint(b, uint64(p.rec-prev))
		prev = p.rec
		b = d.appendLeaf(b, r)
		var flags byte
		if p.shared {
			flags = FlagShared
		}
		b = append(b, flags)
		b = binary.AppendUvarint(b, uint64(p.pieces))
		for k := p.head; k != none; k = w.pieces[k].next {
			b = d.appendPiece(b, &w.pieces[k])
		}
	}
	return b
}

// appendLeaf appends what a leaf says beside its root.
func (d *directory) appendLeaf(b []byte, r *rec) []byte {
	b = binary.AppendUvarint(b, d.source(&r.Coordinates))
	b = binary.AppendUvarint(b, uint64(r.Offset))
	b = AppendSigned(b, int64(r.epoch))
	return AppendSigned(b, r.time)
}

func (d *directory) appendPiece(b []byte, p *piece) []byte {
	b = append(b, byte(p.typ))
	b = binary.AppendUvarint(b, uint64(p.index))
	b = binary.AppendUvarint(b, uint64(p.first))
	b = binary.AppendUvarint(b, uint64(p.items))
	if p.media != nil {
		return p.media.appendRef(b)
	}
	if p.typ != ledger.PieceDecision {
		return appendBytes(b, p.bytes)
	}
	b = binary.AppendUvarint(b, uint64(len(p.rulings)))
	for i := range p.rulings {
		r := &p.rulings[i]
		b = binary.AppendUvarint(b, uint64(r.Item))
		b = binary.AppendUvarint(b, d.rule(r.Rule))
		b = appendBytes(b, r.Saw)
	}
	return b
}

// appendDirectory appends the plaintext of the segment's directory. The sources
// of shared records are in the table already: each has a part in the segment.
func (w *Writer) appendDirectory(b []byte, d *directory, s *segment) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.sources)))
	for _, src := range d.sources {
		b = appendBytes(b, []byte(src.topic))
		b = binary.AppendUvarint(b, uint64(src.era))
		b = binary.AppendUvarint(b, uint64(src.partition))
	}
	b = binary.AppendUvarint(b, uint64(len(d.rules)))
	for _, r := range d.rules {
		b = appendBytes(b, r.JSON)
	}
	b = w.appendCells(b, s)
	b = binary.AppendUvarint(b, uint64(len(s.shared)))
	var prev int32
	for _, i := range s.shared {
		sh := &w.shared[i]
		b = binary.AppendUvarint(b, uint64(sh.rec-prev))
		prev = sh.rec
		b = d.appendLeaf(b, &w.recs[sh.rec])
		b = w.appendShared(b, sh)
	}
	return b
}

func (w *Writer) appendCells(b []byte, s *segment) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.cells)))
	var id RowID
	for _, i := range s.cells {
		c := &w.cells[i]
		b = binary.AppendUvarint(b, uint64(c.stored))
		b = AppendSigned(b, int64(c.row.ID-id))
		id = c.row.ID
		b = binary.AppendUvarint(b, uint64(c.size))
		b = binary.AppendUvarint(b, uint64(c.parts))
		var prev int32
		for k := c.head; k != none; k = w.parts[k].next {
			b = binary.AppendUvarint(b, uint64(w.parts[k].rec-prev))
			prev = w.parts[k].rec
		}
	}
	return b
}

func (w *Writer) appendShared(b []byte, sh *shared) []byte {
	rows := w.sharedRows[sh.rows[0]:sh.rows[1]]
	b = binary.AppendUvarint(b, uint64(len(rows)))
	var id RowID
	for _, r := range rows {
		b = AppendSigned(b, int64(r.row.ID-id))
		id = r.row.ID
		c := &w.cells[r.cell]
		b = binary.AppendUvarint(b, uint64(c.segment.index))
		b = binary.AppendUvarint(b, uint64(c.number))
	}
	pieces := w.sharedPieces[sh.pieces[0]:sh.pieces[1]]
	b = binary.AppendUvarint(b, uint64(len(pieces)))
	for i := range pieces {
		p := &pieces[i]
		b = append(b, byte(p.typ))
		b = binary.AppendUvarint(b, uint64(p.slot))
		b = binary.AppendUvarint(b, uint64(p.first))
		b = binary.AppendUvarint(b, uint64(p.items))
		b = binary.AppendUvarint(b, uint64(p.length))
		b = append(b, p.commitment[:]...)
	}
	return b
}
