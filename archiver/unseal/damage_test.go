package unseal_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// small is a block with a single and a batch record, under duty and not.
func small(t testing.TB) (*sealtest.Archive, *ledger.Entry) {
	t.Helper()
	a := sealtest.New(t)
	tr := sealtest.NewTraffic(9)
	return a, a.Block(t, "0", tr.Message(1, sealtest.Duty), tr.Batch([]int{1, 2}, mixed), tr.Message(3, sealtest.Free))
}

// read reads the block with a new reader and gives what is wrong.
func read(t testing.TB, a *sealtest.Archive, e *ledger.Entry) error {
	t.Helper()
	_, err := reader(t, a).Records(context.Background(), e)
	return err
}

// named fails unless the error is the sentinel and names the object.
func named(t *testing.T, err error, want error, key, what string) {
	t.Helper()
	if !errors.Is(err, want) || !strings.Contains(err.Error(), key) {
		t.Fatalf("%s of %s: %v", what, key, err)
	}
	if strings.Contains(err.Error(), "1555010") {
		t.Fatalf("%s of %s: error tells a number", what, key)
	}
}

// TestAnyBit flips one bit of each byte of each object in turn: first as it is,
// then with the entry's SHA-256 made to fit, as somebody would who could forge the
// ledger but has no identity.
func TestAnyBit(t *testing.T) {
	a, e := small(t)
	flip := func(stores []*mem.Store, o *ledger.Object) {
		good, _, err := stores[0].Get(context.Background(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		sum := o.SHA256
		step := max(1, len(good)/120)
		for at := 0; at < len(good); at += step {
			bad := bytes.Clone(good)
			bad[at] ^= 1 << (at % 8)
			for _, s := range stores {
				s.Tamper(o.Key, bad)
			}
			named(t, read(t, a, e), unseal.ErrDamaged, o.Key, "a changed byte")
			o.SHA256 = ledger.Sum(bad)
			err := read(t, a, e)
			if err == nil || !strings.Contains(err.Error(), o.Key) || errors.Is(err, unseal.ErrErased) {
				t.Fatalf("byte %d of %s, with the ledger forged: %v", at, o.Key, err)
			}
			o.SHA256 = sum
		}
		for _, s := range stores {
			s.Tamper(o.Key, good)
		}
	}
	for i := range e.Segments {
		flip([]*mem.Store{a.Locked}, &e.Segments[i].Object)
	}
	for i := range e.Boxes {
		if e.Boxes[i].DutyUntil != "" {
			flip([]*mem.Store{a.Locked}, &e.Boxes[i].Object)
		} else {
			flip([]*mem.Store{a.Meta.Store, a.Spare.Store}, &e.Boxes[i].Object)
		}
	}
	if err := read(t, a, e); err != nil {
		t.Fatalf("put back: %v", err)
	}
}

// TestMissing takes each object away in turn.
func TestMissing(t *testing.T) {
	a, e := small(t)
	for i := range e.Segments {
		key := e.Segments[i].Key
		body, _, err := a.Locked.Get(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		a.Locked.Remove(key)
		named(t, read(t, a, e), worm.ErrNotFound, key, "absence")
		if _, err := a.Locked.Put(context.Background(), key, body, ledger.Sum(body), worm.Lock{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range e.Boxes {
		a.Locked.Remove(e.Boxes[i].Key)
		a.Meta.Remove(e.Boxes[i].Key)
		a.Spare.Remove(e.Boxes[i].Key)
		named(t, read(t, a, e), unseal.ErrRowMissing, e.Boxes[i].Key, "absence")
	}
}

// TestOneCopy reads boxes from whichever copy is good.
func TestOneCopy(t *testing.T) {
	for _, which := range []int{0, 1} {
		for _, change := range []func(*mem.Store, string){
			func(s *mem.Store, key string) { s.Remove(key) },
			func(s *mem.Store, key string) { s.Tamper(key, []byte("other")) },
		} {
			a, e := small(t)
			for i := range e.Boxes {
				if e.Boxes[i].DutyUntil == "" {
					change([]*mem.Store{a.Meta.Store, a.Spare.Store}[which], e.Boxes[i].Key)
				}
			}
			if err := read(t, a, e); err != nil {
				t.Errorf("copy %d: %v", which, err)
			}
		}
	}
}

// TestForeign puts objects where they do not belong.
func TestForeign(t *testing.T) {
	ctx := context.Background()
	t.Run("segments swapped", func(t *testing.T) {
		a, e := small(t)
		e.Segments[0], e.Segments[1] = e.Segments[1], e.Segments[0]
		named(t, read(t, a, e), unseal.ErrDamaged, e.Segments[0].Key, "swap")
	})
	t.Run("boxes swapped", func(t *testing.T) {
		a, e := small(t)
		e.Boxes[0], e.Boxes[1] = e.Boxes[1], e.Boxes[0]
		named(t, read(t, a, e), unseal.ErrDamaged, "box-", "swap")
	})
	t.Run("another lane", func(t *testing.T) {
		a, e := small(t)
		a.Entries["7"] = a.Entries["0"]
		e.Lane = "7"
		named(t, read(t, a, e), unseal.ErrDamaged, e.Segments[0].Key, "lane")
	})
	t.Run("another archive", func(t *testing.T) {
		a, e := small(t)
		r, err := unseal.New(unseal.Config{Identities: a.Identities(), Origin: "other.example", Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare, Boxes: a.Boxes})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Records(ctx, e)
		named(t, err, unseal.ErrDamaged, e.Segments[0].Key, "origin")
	})
	t.Run("a box with other rows", func(t *testing.T) {
		a, e := small(t)
		b := sealtest.New(t)
		b.Config.BoxRecipients = a.Config.BoxRecipients
		tr := sealtest.NewTraffic(9)
		f := b.Block(t, "0", tr.Message(1, sealtest.Duty), tr.Batch([]int{1, 2}, mixed), tr.Message(3, sealtest.Free))
		store, other := a.Locked, b.Locked
		if e.Boxes[0].DutyUntil == "" {
			store, other = a.Meta.Store, b.Meta.Store
		}
		body, _, err := other.Get(ctx, f.Boxes[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		store.Tamper(e.Boxes[0].Key, body)
		a.Spare.Remove(e.Boxes[0].Key)
		e.Boxes[0].Object = f.Boxes[0].Object
		named(t, read(t, a, e), unseal.ErrDamaged, e.Boxes[0].Key, "other rows with the ledger's root kept")
		e.Boxes[0].RowsRoot = f.Boxes[0].RowsRoot
		named(t, read(t, a, e), unseal.ErrDamaged, e.Segments[0].Key[:20], "other rows")
	})
	t.Run("more records than leaves", func(t *testing.T) {
		a, e := small(t)
		e.Records--
		named(t, read(t, a, e), unseal.ErrDamaged, "seg-", "a leaf too many")
		e.Records += 2
		named(t, read(t, a, e), unseal.ErrUncovered, "leaf 3", "a leaf without a record")
	})
}

// TestIdentities opens nothing with one half alone.
func TestIdentities(t *testing.T) {
	a, e := small(t)
	for i, ids := range [][]int{{0}, {1}, {}} {
		cfg := unseal.Config{Origin: sealtest.Origin, Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare, Boxes: a.Boxes}
		for _, k := range ids {
			cfg.Identities = append(cfg.Identities, a.Identities()[k])
		}
		if len(ids) == 0 {
			cfg.Identities = append(cfg.Identities, sealtest.Classic(t))
		}
		r, err := unseal.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Records(context.Background(), e)
		if !errors.Is(err, unseal.ErrIdentity) || errors.Is(err, unseal.ErrDamaged) {
			t.Errorf("case %d: %v", i, err)
		}
		for _, o := range got {
			if o.Complete || o.Gone || len(o.Erased) > 0 {
				t.Errorf("case %d: leaf %d: %+v", i, o.Position, o)
			}
		}
	}
}

// TestOutage is no damage.
func TestOutage(t *testing.T) {
	a, e := small(t)
	for n := range 12 {
		calls := 0
		a.Locked.Hook(func(_ context.Context, c mem.Call) mem.Fault {
			if calls++; calls == n+1 {
				return mem.Lost
			}
			return mem.None
		})
		_, err := reader(t, a).RecordAt(context.Background(), e, 1)
		if err != nil && (errors.Is(err, unseal.ErrDamaged) || !errors.Is(err, mem.ErrFault)) {
			t.Errorf("call %d: %v", n, err)
		}
		if err == nil && n == 0 {
			t.Error("no call was made")
		}
	}
}

// TestPartlyErased: a damaged cell beside an erased one is not taken for erased.
func TestPartlyErased(t *testing.T) {
	a := sealtest.New(t)
	tr := sealtest.NewTraffic(3)
	e := a.Block(t, "0", tr.Batch([]int{1, 2}, mixed))
	for i := range e.Boxes {
		if e.Boxes[i].DutyUntil != "" {
			a.Locked.Remove(e.Boxes[i].Key)
		}
	}
	got, err := reader(t, a).Records(context.Background(), e)
	if !errors.Is(err, unseal.ErrRowMissing) {
		t.Fatalf("%v", err)
	}
	o := got[0]
	if !o.Known || o.Complete || len(o.Erased) > 0 || o.Leaf.Hash() != a.Leaves["0"][0][0] || len(o.Holes) == 0 || len(o.Problems) == 0 {
		t.Fatalf("%+v", o)
	}
	var present int
	for _, p := range o.Pieces {
		if p.Present {
			present++
		}
	}
	if present == 0 || present == len(o.Pieces) {
		t.Fatalf("%d of %d pieces", present, len(o.Pieces))
	}
}
