package reindex

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Source is what rows are made of again: the locked store, a Reader that holds
// the identities, and the archive's keys.
type Source struct {
	Locked worm.Reader
	Reader *unseal.Reader
	Keys   *index.Keys
	Topics map[string]whatsapp.Role        // what each topic carries, as the archiver was told
	Epoch  func(writer ledger.Hash) uint32 // of the token key a writer hashed with; nil: as Epochs tells
}

// ErrRecord says that a record could not be made into its rows: it contradicts
// the ledger, or it is read differently today.
var ErrRecord = errors.New("record gives no rows")

// maker makes the rows of blocks. For one goroutine.
type maker struct {
	src    *Source
	epoch  func(writer ledger.Hash) uint32
	reader *reread.Reader
	rows   *reread.Maker
}

func (s *Source) maker(ctx context.Context) (*maker, error) {
	m := &maker{s, s.Epoch, reread.NewReader(s.Topics), reread.NewMaker(s.Keys)}
	if m.epoch == nil {
		var err error
		if m.epoch, err = Epochs(ctx, s.Locked); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// made is what became of a block.
type made struct {
	rows          []index.Row
	erasedItems   uint64 // gone from records of which others are left
	erasedRecords uint64 // gone as a whole
	problems      []error
}

// block makes the rows of a block. An error is one that another try or another
// identity may mend; what contradicts the ledger is among the problems.
func (m *maker) block(ctx context.Context, b *ledger.Block) (*made, error) {
	out := &made{}
	if b.Entry.Records == 0 {
		return out, nil
	}
	opened, err := m.src.Reader.Records(ctx, b.Entry)
	if err != nil && !reread.Contradicts(err) {
		return nil, fmt.Errorf("open lane %s block %d: %w", b.Entry.Lane, b.Entry.N, err)
	}
	if opened == nil {
		out.problem(b.Entry, err)
	}
	for _, o := range opened {
		if err := m.record(b, o, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m *maker) record(b *ledger.Block, o *unseal.Opened, out *made) error {
	switch err := errors.Join(o.Problems...); {
	case err != nil:
		out.problem(b.Entry, err)
		return nil
	case o.Gone:
		out.erasedRecords++
		return nil
	case !reread.Proven(b, o):
		out.problem(b.Entry, fmt.Errorf("record %s is not the one whose leaf the block holds", o.Record.Coordinates))
		return nil
	}
	g := m.reader.Read(o)
	out.erasedItems += uint64(g.ErasedItems)
	rows, err := m.rows.Rows(b.Entry, m.epoch(b.Entry.Writer), g)
	if errors.Is(err, reread.ErrDiffers) {
		out.problem(b.Entry, err)
		err = nil
	}
	out.rows = append(out.rows, rows...)
	return err
}

func (m *made) problem(e *ledger.Entry, err error) {
	m.problems = append(m.problems, fmt.Errorf("lane %s block %d: %w: %w", e.Lane, e.N, ErrRecord, err))
}

// readBlock reads a block whose parts agree with each other.
func readBlock(ctx context.Context, locked worm.Reader, l record.Lane, n uint64) (*ledger.Block, error) {
	b, err := lane.ReadBlock(ctx, locked, l, n)
	if err == nil && (b.Entry.Lane != l || b.Entry.N != n) {
		err = fmt.Errorf("read %s: is block %d of lane %s: %w", ledger.BlockKey(l, n), b.Entry.N, b.Entry.Lane, ledger.ErrBlock)
	}
	if err == nil {
		err = b.CheckRoots()
	}
	return b, err
}

// broken says that a block is there no more, or is none.
func broken(err error) bool {
	return errors.Is(err, worm.ErrNotFound) || errors.Is(err, worm.ErrDamaged) || errors.Is(err, ledger.ErrBlock) || errors.Is(err, ledger.ErrEntry)
}
