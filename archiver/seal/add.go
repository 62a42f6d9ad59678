package seal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// none ends a list of indexes.
const none = -1

// rec is a record of the open block; its index is the leaf's position.
type rec struct {
	record.Coordinates
	epoch int32
	time  int64
}

// piece is a piece of the open block. Its bytes alias the record's until Finish.
type piece struct {
	bytes        []byte
	rulings      []Ruling // of the block's arena
	media        *media   // PieceMedia only
	first, items int
	index        uint32
	typ          ledger.PieceType
	next         int32 // the part's next piece
}

// part is what one record has in one cell.
type part struct {
	rec    int32
	head   int32 // first piece
	pieces int32
	next   int32 // the cell's next part
	shared bool
}

// cell is one row's parts within a segment.
type cell struct {
	row          *liveRow
	segment      *segment
	number       int
	head, tail   int32 // parts
	parts        int
	raw          int
	stored, size int // once sealed: length in the segment, length of the plaintext
}

// segment is a segment of the open block.
type segment struct {
	class  *class
	serial uint64
	index  int
	cells  []int32
	shared []int32
	raw    int
}

// slot is one row of the record in hand and its pieces.
type slot struct {
	row        *liveRow
	cell       int32
	head, tail int32
	pieces     int32
	raw        int
}

// shared is a record under several rows: its ranges of the arenas.
type shared struct {
	rec          int32
	pieces, rows [2]int32
}

type sharedPiece struct {
	commitment   ledger.Hash
	first, items int
	length       int
	slot         int32
	typ          ledger.PieceType
}

type sharedRow struct {
	row  *liveRow
	cell int32
}

// Add seals one more record of the block and gives its leaf, whose position is
// the number of Adds before it, and the place of each piece in the order of
// cut.Pieces. The places are valid until the next call. Add may keep the bytes,
// rules and evidence of the cut until Finish, not the cut itself.
//
// ErrCut and ErrLarge leave the block as it was; after another error the block
// is aborted.
func (w *Writer) Add(cut *Cut) (ledger.Leaf, []Place, error) {
	if !w.open {
		return ledger.Leaf{}, nil, fmt.Errorf("seal record: %w", ErrState)
	}
	if err := check(cut); err != nil {
		return ledger.Leaf{}, nil, fmt.Errorf("seal record %s: %w", cut.Record.Coordinates, err)
	}
	w.adds++
	if err := w.commit(cut); err != nil {
		w.Abort()
		return ledger.Leaf{}, nil, fmt.Errorf("seal record %s: %w", cut.Record.Coordinates, err)
	}
	r := cut.Record
	n := int32(len(w.recs))
	w.recs = append(w.recs, rec{r.Coordinates, r.LeaderEpoch, r.Timestamp})
	for i := range w.slots {
		w.place(&w.slots[i], n)
	}
	w.places = w.places[:0]
	first := len(w.pieces) - len(cut.Pieces)
	for i := range cut.Pieces {
		c := &w.cells[w.slots[w.pieces[first+i].next].cell]
		w.places = append(w.places, Place{Segment: c.segment.index, Cell: c.number})
	}
	if len(w.slots) > 1 {
		w.share(n, first)
	}
	w.link(first)
	leaf := ledger.Leaf{Coordinates: r.Coordinates, LeaderEpoch: r.LeaderEpoch, Timestamp: r.Timestamp, Root: ledger.PiecesRoot(w.refs, w.commitments)}
	return leaf, w.places, nil
}

// commit gives each piece its row and its commitment and copies it into the
// block. Until link runs, a piece's next is its slot.
func (w *Writer) commit(cut *Cut) error {
	w.slots, w.refs, w.commitments = w.slots[:0], w.refs[:0], w.commitments[:0]
	var ref ledger.PieceRef
	for i := range cut.Pieces {
		p := &cut.Pieces[i]
		if i > 0 && p.Type == ref.Type {
			ref.Index++
		} else {
			ref = ledger.PieceRef{Type: p.Type}
		}
		s, err := w.slot(p)
		if err != nil {
			return err
		}
		b := p.Bytes
		np := piece{bytes: b, first: p.FirstItem, items: p.Items, index: ref.Index, typ: p.Type, next: s}
		if p.Type == ledger.PieceDecision {
			from := len(w.rulings)
			w.rulings = append(w.rulings, p.Rulings...)
			np.rulings = w.rulings[from:len(w.rulings):len(w.rulings)]
			w.scratch = AppendRulings(w.scratch[:0], p.Rulings)
			b, np.bytes = w.scratch, nil
		}
		slot := &w.slots[s]
		salt := Salt(&slot.row.salt, &cut.Record.Coordinates, ref)
		w.refs = append(w.refs, ref)
		w.commitments = append(w.commitments, ledger.Commit(&salt, b))
		if p.Type == ledger.PieceMedia {
			np.media, np.bytes = w.addMedia(slot.row, b, w.commitments[i]), nil
			slot.raw += mediaSize
		} else {
			slot.raw += len(b)
		}
		w.raw += int64(len(b))
		w.pieces = append(w.pieces, np)
		w.sharedPieces = append(w.sharedPieces, sharedPiece{
			commitment: w.commitments[i], first: p.FirstItem, items: p.Items, length: len(b), slot: s, typ: p.Type,
		})
	}
	return nil
}

// AppendRulings appends the committed bytes of a decision piece.
func AppendRulings(b []byte, rulings []Ruling) []byte {
	for i := range rulings {
		r := &rulings[i]
		b = binary.AppendUvarint(b, uint64(r.Item))
		b = append(b, r.Rule.Hash[:]...)
		b = appendBytes(b, r.Saw)
	}
	return b
}

// slot gives the index of the piece's row among the record's slots.
func (w *Writer) slot(p *Piece) (int32, error) {
	c := w.last
	if c == nil || c.retention != p.Retention {
		c = w.rows.class(&p.Retention)
		w.last = c
	}
	var row *liveRow
	if p.Owner.Kind == OwnerSubject {
		row = c.people[p.Owner.Tag]
	} else {
		for i := range w.slots {
			if r := w.slots[i].row; r.class == c && r.Owner == p.Owner {
				return int32(i), nil
			}
		}
	}
	if row == nil {
		var err error
		if row, err = w.newRow(c, p.Owner); err != nil {
			return 0, err
		}
	}
	if row.add != w.adds {
		row.add, row.slot = w.adds, int32(len(w.slots))
		w.slots = append(w.slots, slot{row: row, head: none, tail: none})
	}
	return row.slot, nil
}

// newRow makes a row of the open block.
func (w *Writer) newRow(c *class, o Owner) (*liveRow, error) {
	if w.newRows == MaxRows {
		return nil, fmt.Errorf("block has %d new rows already: %w", w.newRows, ErrLarge)
	}
	row := &liveRow{Row: Row{Owner: o, Retention: c.retention}, class: c}
	if _, err := io.ReadFull(w.rand, row.Key[:]); err != nil {
		return nil, fmt.Errorf("make a row: %w", err)
	}
	row.enc, row.salt = row.Subkeys()
	if c.box == nil {
		c.box = &box{class: c}
		w.boxes = append(w.boxes, c.box)
	}
	c.box.rows = append(c.box.rows, row)
	w.newRows++
	if o.Kind == OwnerSubject {
		w.rows.keep(row)
	}
	return row, nil
}

// place finds or opens the cell of a slot and puts the record's part there.
func (w *Writer) place(s *slot, n int32) {
	c := s.row.class
	if c.seg == nil || c.seg.raw > 0 && c.seg.raw+s.raw > w.cfg.SegmentBytes {
		w.serial++
		c.seg = &segment{class: c, serial: w.serial, index: len(w.segments)}
		w.segments = append(w.segments, c.seg)
	}
	seg, row := c.seg, s.row
	if row.seg != seg.serial || w.cells[row.cell].raw+s.raw > w.cfg.CellBytes {
		row.seg, row.cell = seg.serial, int32(len(w.cells))
		w.cells = append(w.cells, cell{row: row, segment: seg, number: len(seg.cells), head: none, tail: none})
		seg.cells = append(seg.cells, row.cell)
	}
	cl := &w.cells[row.cell]
	s.cell = row.cell
	cl.raw += s.raw
	seg.raw += s.raw
	at := int32(len(w.parts))
	w.parts = append(w.parts, part{rec: n, head: none, next: none, shared: len(w.slots) > 1})
	if cl.tail == none {
		cl.head = at
	} else {
		w.parts[cl.tail].next = at
	}
	cl.tail = at
	cl.parts++
}

// link makes the list of pieces of each part of the record in hand.
func (w *Writer) link(first int) {
	base := len(w.parts) - len(w.slots)
	for i := first; i < len(w.pieces); i++ {
		p := &w.pieces[i]
		s := &w.slots[p.next]
		if s.head == none {
			s.head = int32(i)
		} else {
			w.pieces[s.tail].next = int32(i)
		}
		s.tail = int32(i)
		s.pieces++
	}
	for i := range w.slots {
		s := &w.slots[i]
		w.pieces[s.tail].next = none
		w.parts[base+i].head, w.parts[base+i].pieces = s.head, s.pieces
	}
	if len(w.slots) == 1 {
		w.sharedPieces = w.sharedPieces[:len(w.sharedPieces)-(len(w.pieces)-first)]
	}
}

// share notes a record under several rows in every segment that holds a part of it.
func (w *Writer) share(n int32, first int) {
	at := int32(len(w.shared))
	pieces := len(w.pieces) - first
	sh := shared{rec: n, pieces: [2]int32{int32(len(w.sharedPieces) - pieces), int32(len(w.sharedPieces))}}
	sh.rows[0] = int32(len(w.sharedRows))
	for i := range w.slots {
		s := &w.slots[i]
		w.sharedRows = append(w.sharedRows, sharedRow{s.row, s.cell})
		seg := w.cells[s.cell].segment
		if k := len(seg.shared); k == 0 || seg.shared[k-1] != at {
			seg.shared = append(seg.shared, at)
		}
	}
	sh.rows[1] = int32(len(w.sharedRows))
	w.shared = append(w.shared, sh)
}

// check holds a cut to what the format can say and a reader can put together.
func check(cut *Cut) error {
	r := cut.Record
	if r.Partition < 0 || r.Offset < 0 || len(r.Topic) > 249 || len(r.Topic) == 0 {
		return fmt.Errorf("coordinates: %w", ErrCut)
	}
	at, total, seen := 0, 0, [5]int{}
	for i := range cut.Pieces {
		p := &cut.Pieces[i]
		switch {
		case p.Type > ledger.PieceMedia || i > 0 && p.Type < cut.Pieces[i-1].Type:
			return fmt.Errorf("piece %d: type: %w", i, ErrCut)
		case p.Owner.Kind < OwnerSubject || p.Owner.Kind > OwnerMedia || !p.Owner.Kind.tagged() && p.Owner.Tag != [16]byte{}:
			return fmt.Errorf("piece %d: owner: %w", i, ErrCut)
		case len(p.Retention.Class) > 255 || p.Retention.Duty < 0 || p.Retention.Retain < 0:
			return fmt.Errorf("piece %d: retention: %w", i, ErrCut)
		case p.FirstItem < 0 || p.Items < 0:
			return fmt.Errorf("piece %d: items: %w", i, ErrCut)
		}
		seen[p.Type]++
		if p.Type == ledger.PieceMedia {
			at += len(p.Bytes)
			continue
		}
		total += len(p.Bytes)
		if p.Type == ledger.PieceValue {
			if end := at + len(p.Bytes); end > len(r.Value) || !bytes.Equal(p.Bytes, r.Value[at:end]) {
				return fmt.Errorf("piece %d: does not continue the value: %w", i, ErrCut)
			}
			at += len(p.Bytes)
		}
		for j := range p.Rulings {
			if p.Type != ledger.PieceDecision || p.Rulings[j].Rule == nil || p.Rulings[j].Item < 0 {
				return fmt.Errorf("piece %d: ruling %d: %w", i, j, ErrCut)
			}
			total += 48 + len(p.Rulings[j].Saw)
		}
	}
	switch {
	case seen[ledger.PieceMedia] == 1:
		if err := checkMedia(cut); err != nil {
			return err
		}
	case seen[ledger.PieceMedia] > 1:
		return fmt.Errorf("several media: %w", ErrCut)
	}
	switch {
	case at != len(r.Value):
		return fmt.Errorf("value is not covered: %w", ErrCut)
	case seen[ledger.PieceKeyHeaders] > 1 || seen[ledger.PieceKeyHeaders] == 0 && (seen[ledger.PieceBody] == 0 || at > 0):
		return fmt.Errorf("key and headers: %w", ErrCut)
	case total > maxRecord:
		return fmt.Errorf("%d bytes: %w", total, ErrLarge)
	}
	return nil
}
