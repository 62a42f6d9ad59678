package deep_test

import (
	"context"
	"errors"
	"testing"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/retrieve/deep"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

const root = "../../.."

func run(t *testing.T, a *archivetest.Archive, cfg unseal.Config) *verify.Report {
	t.Helper()
	r, err := verify.Run(t.Context(), verify.Config{
		Locked: a.Locked, Meta: a.Meta, Spare: a.Spare, Opener: deep.NewOpener(cfg),
		RowHashes: func(box []byte) ([]ledger.Hash, []bool, error) {
			c, err := seal.DecodeBox(box)
			if err != nil {
				return nil, nil, err
			}
			return c.Hashes, c.Removed, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// codes counts the failures that an Opener has to do with.
func codes(r *verify.Report) map[verify.Code]int {
	out := map[verify.Code]int{}
	for _, f := range r.Findings {
		switch f.Code {
		case verify.CodeOpen, verify.CodeLeaf, verify.CodeRows, verify.CodeErasure:
			out[f.Code]++
		}
	}
	return out
}

func TestDeepVerification(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	records := a.FeedSamples(t, root)
	a.Archive(t)
	a.Archive(t)
	r := run(t, a, a.UnsealConfig())
	if !r.OK || !r.Deep || r.Leaves != uint64(len(records)) || r.Gone != 0 {
		t.Fatalf("%d leaves of %d, %d gone, %v, %+v", r.Leaves, len(records), r.Gone, codes(r), r.Findings)
	}

	a.Erase(t, archivetest.Number, archivetest.Ada.BSUID, archivetest.Ada.Phone)
	r = run(t, a, a.UnsealConfig())
	if !r.OK || r.Gone == 0 || r.Leaves+r.Gone != uint64(len(records)) {
		t.Errorf("after an erasure: %d leaves and %d gone of %d, %v, %+v", r.Leaves, r.Gone, len(records), codes(r), r.Findings)
	}

	other := a.UnsealConfig()
	other.Identities = []age.Identity{a.Indexer}
	if r = run(t, a, other); r.OK || codes(r)[verify.CodeOpen] == 0 {
		t.Errorf("another identity: %v", codes(r))
	}
}

// The leaf in the block is what counts: one that is another's is found although
// segment and block agree with everything else.
func TestLeaves(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.FeedSamples(t, root)
	a.Archive(t)
	o := deep.NewOpener(a.UnsealConfig())
	row := archivetest.Rows(t, a.Index)[0]
	read := func() []verify.Opened {
		var out []verify.Opened
		b := block(t, a, row.Lane, row.Block)
		if err := o.Leaves(t.Context(), b.Entry, a.Boxes, func(v verify.Opened) { out = append(out, v) }); err != nil {
			t.Fatal(err)
		}
		if len(out) != len(b.Leaves) || len(out) == 0 {
			t.Fatalf("%d of %d", len(out), len(b.Leaves))
		}
		return out
	}
	b := block(t, a, row.Lane, row.Block)
	for i, v := range read() {
		if v.Err != nil || v.Erased || v.Hash != b.Leaves[i] || v.Object == "" {
			t.Errorf("leaf %d: %+v", i, v)
		}
	}
	a.Locked.Tamper(row.Segment, []byte("x"))
	bad := 0
	for _, v := range read() {
		if v.Err != nil && v.Object == row.Segment && errors.Is(v.Err, unseal.ErrDamaged) {
			bad++
		}
	}
	if bad == 0 {
		t.Error("a segment that was changed opens")
	}
}

func TestRows(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.FeedSamples(t, root)
	a.Archive(t)
	row := archivetest.Rows(t, a.Index)[0]
	boxes, err := a.Boxes(t.Context(), row.Lane, row.Block)
	if err != nil || len(boxes) == 0 {
		t.Fatal(err)
	}
	o := deep.NewOpener(a.UnsealConfig())
	b := boxes[0]
	ctx := context.Background()
	if err := o.Rows(ctx, row.Lane, row.Block, b); err != nil {
		t.Error(err)
	}
	if err := o.Rows(ctx, row.Lane, row.Block+1, b); !errors.Is(err, unseal.ErrDamaged) {
		t.Errorf("another block: %v", err)
	}
	a.Meta.Tamper(b.Key, []byte("x"))
	if err := o.Rows(ctx, row.Lane, row.Block, b); err != nil {
		t.Errorf("one copy is good: %v", err)
	}
	a.Spare.Remove(b.Key)
	if err := o.Rows(ctx, row.Lane, row.Block, b); !errors.Is(err, unseal.ErrDamaged) {
		t.Errorf("no copy is good: %v", err)
	}
}

func block(t *testing.T, a *archivetest.Archive, l record.Lane, n uint64) *ledger.Block {
	t.Helper()
	raw, _, err := a.Locked.Get(t.Context(), ledger.BlockKey(l, n))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ledger.DecodeBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
