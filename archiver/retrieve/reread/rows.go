package reread

import (
	"errors"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
)

// ErrDiffers says that a record falls into other items today than when it was
// archived: its topic carries something else, or another version reads it.
var ErrDiffers = errors.New("record is read differently than when it was archived")

// Maker makes index rows of records read again. Not safe for concurrent use.
type Maker struct{ builder *index.Builder }

// NewMaker makes a Maker that hashes with keys.
func NewMaker(keys *index.Keys) *Maker { return &Maker{index.NewBuilder(keys)} }

// Rows gives the rows of a reading in block e, those of its items that are left.
// epoch is that of the token key its archiver hashed words with. ErrDiffers
// comes beside the rows of the items that still stand under the number they were
// decided under.
func (m *Maker) Rows(e *ledger.Entry, epoch uint32, g *Reading) ([]index.Row, error) {
	if g.Shapeless {
		return nil, nil
	}
	at, err := time.Parse(ledger.TimeFormat, e.Time)
	if err != nil {
		return nil, fmt.Errorf("rows of %s: time of block %d: %w", g.Record.Coordinates, e.N, err)
	}
	rows := make([]index.Row, 0, len(g.Parsed.Items))
	for i := range g.Parsed.Items {
		it := &g.Parsed.Items[i]
		ruling, piece := g.Ruling(it.N), g.Piece(it.N)
		if ruling == nil || piece == nil || !piece.Present || piece.Place.Segment >= len(e.Segments) {
			err = ErrDiffers
			continue
		}
		row, rowErr := m.builder.Row(index.Source{
			Record: &g.Record, Parsed: g.Parsed, Item: it, Lane: e.Lane, Block: e.N, Sealed: at.UnixMilli(),
			Segment: e.Segments[piece.Place.Segment].Key, Cell: piece.Place.Cell,
			Class: piece.Retention.Class, Duty: piece.Retention.Duty, Retain: piece.Retention.Retain,
			Rule: ruling.Rule.JSON, Epoch: epoch,
		})
		if rowErr != nil {
			return nil, fmt.Errorf("row of %s: %w", itemOf(g, it.N), rowErr)
		}
		rows = append(rows, row)
	}
	if len(rows) < len(g.Rulings) || err != nil {
		return rows, fmt.Errorf("record %s: %d items of %d decided: %w", g.Record.Coordinates, len(g.Parsed.Items), len(g.Rulings), ErrDiffers)
	}
	return rows, nil
}

func itemOf(g *Reading, n int) record.ItemID {
	return record.ItemID{Coordinates: g.Record.Coordinates, N: n}
}

// Proven says that an opened record is the one whose leaf the block holds.
func Proven(b *ledger.Block, o *unseal.Opened) bool {
	return o.Position >= 0 && o.Position < len(b.Leaves) && o.Leaf.Hash() == b.Leaves[o.Position]
}
