package sealtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// Origin is the fictional archive's.
const Origin = "archive.example/test"

// Archive is a small archive in memory: stores, and a ledger without signatures.
type Archive struct {
	Config      seal.Config
	Identity    age.Identity
	BoxIdentity age.Identity
	Locked      *mem.Store
	Meta, Spare mem.Meta
	Now         time.Time
	Entries     map[record.Lane][]*ledger.Entry
	Leaves      map[record.Lane][][]ledger.Hash
	Current     map[string]ledger.Object // replaced boxes by the key of the entry

	writers map[record.Lane]*seal.Writer
}

// New makes an archive with classic recipients, segments and boxes to different
// ones.
func New(tb testing.TB) *Archive {
	tb.Helper()
	a := &Archive{
		Now: time.Unix(1764000000, 0).UTC(), Entries: map[record.Lane][]*ledger.Entry{}, Leaves: map[record.Lane][][]ledger.Hash{},
		Current: map[string]ledger.Object{}, writers: map[record.Lane]*seal.Writer{},
	}
	clock := func() time.Time { return a.Now }
	a.Locked, a.Meta, a.Spare = mem.New(clock), mem.NewMeta(clock), mem.NewMeta(clock)
	seg, box := Classic(tb), Classic(tb)
	a.Identity, a.BoxIdentity = seg, box
	a.Config = seal.Config{
		Origin: Origin, Recipients: []age.Recipient{seg.Recipient()}, BoxRecipients: []age.Recipient{box.Recipient()}, Now: clock,
	}
	return a
}

// Classic makes a classic identity.
func Classic(tb testing.TB) *age.X25519Identity {
	tb.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Writer is the writer of a lane.
func (a *Archive) Writer(tb testing.TB, lane record.Lane) *seal.Writer {
	tb.Helper()
	w, ok := a.writers[lane]
	if !ok {
		cfg := a.Config
		cfg.Lane = lane
		var err error
		if w, err = seal.NewWriter(cfg); err != nil {
			tb.Fatal(err)
		}
		a.writers[lane] = w
	}
	return w
}

// Restart makes the lane's next writer begin with new rows.
func (a *Archive) Restart(lane record.Lane) { delete(a.writers, lane) }

// Seal seals cuts as the lane's next block and stores nothing.
func (a *Archive) Seal(tb testing.TB, lane record.Lane, cuts ...*seal.Cut) (*seal.Sealed, *ledger.Entry, []ledger.Hash) {
	tb.Helper()
	n := uint64(len(a.Entries[lane]))
	w := a.Writer(tb, lane)
	if err := w.Begin(n); err != nil {
		tb.Fatal(err)
	}
	var leaves []ledger.Hash
	for _, c := range cuts {
		leaf, places, err := w.Add(c)
		if err != nil {
			tb.Fatal(err)
		}
		if len(places) != len(c.Pieces) {
			tb.Fatalf("%d places for %d pieces", len(places), len(c.Pieces))
		}
		leaves = append(leaves, leaf.Hash())
	}
	s, err := w.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	e := &ledger.Entry{V: 1, Lane: lane, N: n, RowsFrom: s.RowsFrom, Records: uint64(len(leaves)), RecordsRoot: ledger.Root(leaves)}
	for i := range s.Segments {
		e.Segments = append(e.Segments, s.Segments[i].Entry())
	}
	for i := range s.Media {
		e.Media = append(e.Media, s.Media[i].Entry())
	}
	for i := range s.Boxes {
		e.Boxes = append(e.Boxes, s.Boxes[i].Entry())
	}
	return s, e, leaves
}

// Store puts the objects of a sealed block.
func (a *Archive) Store(tb testing.TB, s *seal.Sealed) {
	tb.Helper()
	put := func(st worm.Store, o *seal.Object, until int64) {
		var lock worm.Lock
		if until > 0 {
			lock.RetainUntil = time.Unix(until, 0).UTC()
		}
		if _, err := st.Put(context.Background(), o.Key, o.Body, o.SHA256, lock); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range s.Segments {
		put(a.Locked, &s.Segments[i], s.Segments[i].Retention.Retain)
	}
	for i := range s.Media {
		put(a.Locked, &s.Media[i], s.Media[i].Retention.Retain)
	}
	for i := range s.Boxes {
		if b := &s.Boxes[i]; b.Locked {
			put(a.Locked, &b.Object, b.Retention.Duty)
		} else {
			put(a.Meta, &b.Object, 0)
			put(a.Spare, &b.Object, 0)
		}
	}
}

// Block seals, stores and commits a block.
func (a *Archive) Block(tb testing.TB, lane record.Lane, cuts ...*seal.Cut) *ledger.Entry {
	tb.Helper()
	s, e, leaves := a.Seal(tb, lane, cuts...)
	a.Store(tb, s)
	a.Entries[lane] = append(a.Entries[lane], e)
	a.Leaves[lane] = append(a.Leaves[lane], leaves)
	return e
}

// Boxes answers as unseal.Boxes.
func (a *Archive) Boxes(_ context.Context, lane record.Lane, block uint64) ([]ledger.Box, error) {
	if block >= uint64(len(a.Entries[lane])) {
		return nil, fmt.Errorf("no block %d in lane %s", block, lane)
	}
	boxes := slices.Clone(a.Entries[lane][block].Boxes)
	for i := range boxes {
		if o, ok := a.Current[boxes[i].Key]; ok {
			boxes[i].Object = o
		}
	}
	return boxes, nil
}

// Identities open everything.
func (a *Archive) Identities() []age.Identity { return []age.Identity{a.Identity, a.BoxIdentity} }

// ErrStop is what interrupted steps of tests answer.
var ErrStop = errors.New("stopped by the test")
