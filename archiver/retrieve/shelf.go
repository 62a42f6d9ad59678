package retrieve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// How much one question remembers: blocks of at most some 600 KB, directories,
// cells of some 256 KB, and records.
const (
	heldBlocks   = 32
	heldSegments = 32
	heldCells    = 64
	heldRecords  = 64
)

// shelf is what one question has opened so far, so that a page of hits in one
// segment opens it once. For one goroutine.
type shelf struct {
	l        *Library
	reader   *reread.Reader
	blocks   keep[blockName, *ledger.Block]
	segments keep[segmentName, *unseal.Segment]
	cells    keep[cellName, *unseal.Cell]
	records  keep[record.Coordinates, *found]
}

type segmentName struct {
	blockName
	i int
}

type cellName struct {
	segmentName
	n int
}

// found is a record, read, and the block that proves it.
type found struct {
	*reread.Reading
	block *ledger.Block
}

func (l *Library) shelf() *shelf {
	return &shelf{
		l: l, reader: reread.NewReader(l.Topics),
		blocks:   newKeep[blockName, *ledger.Block](heldBlocks),
		segments: newKeep[segmentName, *unseal.Segment](heldSegments),
		cells:    newKeep[cellName, *unseal.Cell](heldCells),
		records:  newKeep[record.Coordinates, *found](heldRecords),
	}
}

// block gives a block whose parts agree with each other.
func (s *shelf) block(ctx context.Context, name blockName) (*ledger.Block, error) {
	return s.blocks.get(name, func() (*ledger.Block, error) { return readBlock(ctx, s.l, name) })
}

func readBlock(ctx context.Context, l *Library, name blockName) (*ledger.Block, error) {
	b, err := lane.ReadBlock(ctx, l.Locked, name.lane, name.n)
	if err == nil && (b.Entry.Lane != name.lane || b.Entry.N != name.n) {
		err = fmt.Errorf("is block %d of lane %s: %w", b.Entry.N, b.Entry.Lane, ledger.ErrBlock)
	}
	if err == nil {
		err = b.CheckRoots()
	}
	if errors.Is(err, ledger.ErrBlock) || errors.Is(err, ledger.ErrEntry) {
		return nil, tampered(name.lane, name.n, ledger.BlockKey(name.lane, name.n), err)
	}
	return b, err
}

// open gives the record of an index row. Where the row is wrong about the place,
// the ledger tells it. A record that is erased comes without bytes.
func (s *shelf) open(ctx context.Context, row *index.Row) (*found, error) {
	return s.records.get(row.Item.Coordinates, func() (*found, error) {
		f, err := s.openAt(ctx, row)
		if errors.Is(err, errPlace) {
			return s.openNamed(ctx, row.Item.Coordinates)
		}
		return f, err
	})
}

// errPlace says that an index row names a place where its record is not.
var errPlace = errors.New("index names a wrong place")

func (s *shelf) openAt(ctx context.Context, row *index.Row) (*found, error) {
	name := blockName{row.Lane, row.Block}
	b, err := s.block(ctx, name)
	if errors.Is(err, worm.ErrNotFound) {
		return nil, errPlace
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(b.Entry.Segments, func(g ledger.Segment) bool { return g.Key == row.Segment })
	if i < 0 {
		return nil, errPlace
	}
	o, err := s.unseal(ctx, b, segmentName{name, i}, row.Cell, row.Item.Coordinates)
	if errors.Is(err, unseal.ErrNoRecord) {
		return nil, errPlace
	}
	return s.judge(b, row.Segment, o, err)
}

// judge holds what was opened to its leaf and reads it.
func (s *shelf) judge(b *ledger.Block, object string, o *unseal.Opened, err error) (*found, error) {
	e := b.Entry
	switch {
	case err == nil && o.Gone:
	case errors.Is(err, unseal.ErrErased):
		o = &unseal.Opened{Position: -1, Gone: true}
	case err != nil && reread.Contradicts(err):
		return nil, tampered(e.Lane, e.N, object, err)
	case err != nil:
		return nil, fmt.Errorf("open a record of lane %s block %d: %w", e.Lane, e.N, err)
	case !reread.Proven(b, o):
		return nil, tampered(e.Lane, e.N, object, fmt.Errorf("leaf %d is not that of %s", o.Position, o.Record.Coordinates))
	}
	return &found{s.reader.Read(o), b}, nil
}

// unseal opens one record. One of a single row is put together from its cell,
// which is remembered; one of several takes all its cells.
func (s *shelf) unseal(ctx context.Context, b *ledger.Block, name segmentName, cell int, c record.Coordinates) (*unseal.Opened, error) {
	seg, err := s.segments.get(name, func() (*unseal.Segment, error) { return s.l.Reader.Peek(ctx, b.Entry, name.i) })
	if err != nil {
		return nil, err
	}
	shared := func(sh unseal.Shared) bool { return sh.Coordinates == c }
	if slices.ContainsFunc(seg.Directory.Shared, shared) {
		return s.l.Reader.Record(ctx, b.Entry, seal.Place{Segment: name.i, Cell: cell}, c)
	}
	opened, err := s.cells.get(cellName{name, cell}, func() (*unseal.Cell, error) { return seg.Cell(ctx, cell) })
	if err != nil {
		return nil, err
	}
	for i := range opened.Parts {
		if opened.Parts[i].Coordinates == c {
			return opened.Record(i, seal.Place{Segment: name.i, Cell: cell})
		}
	}
	return nil, fmt.Errorf("record %s in segment %s cell %d: %w", c, seg.Key, cell, unseal.ErrNoRecord)
}
