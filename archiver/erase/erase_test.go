package erase_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/erase"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// desk is the ledger and the control lane of a test: acts in memory, with a
// fault for each call.
type desk struct {
	a        *sealtest.Archive
	acts     []erase.Pending
	receipts map[ledger.ActRef]bool
	calls    int
	faultAt  int // the call that fails, -1 none
	stored   bool
}

func (d *desk) Lanes(context.Context) ([]record.Lane, error) {
	var lanes []record.Lane
	for l := range d.a.Entries {
		lanes = append(lanes, l)
	}
	slices.Sort(lanes)
	return lanes, nil
}

func (d *desk) Head(_ context.Context, lane record.Lane) (uint64, error) {
	return uint64(len(d.a.Entries[lane]) - 1), nil
}

func (d *desk) Entry(_ context.Context, lane record.Lane, n uint64) (*ledger.Entry, error) {
	return d.a.Entries[lane][n], nil
}

func (d *desk) Boxes(ctx context.Context, lane record.Lane, n uint64) ([]ledger.Box, error) {
	return d.a.Boxes(ctx, lane, n)
}

// call runs one act with the fault of its turn.
func (d *desk) call(run func()) error {
	d.calls++
	if d.calls-1 != d.faultAt {
		run()
		return nil
	}
	if d.stored {
		run()
	}
	return sealtest.ErrStop
}

func (d *desk) Commit(_ context.Context, act ledger.Erase) (ref ledger.ActRef, err error) {
	err = d.call(func() {
		ref = ledger.ActRef{Block: uint64(len(d.acts))}
		d.acts = append(d.acts, erase.Pending{Ref: ref, Erase: act})
		for _, b := range act.Boxes {
			for _, e := range d.a.Entries[b.Lane][b.Block].Boxes {
				if e.Key == b.Old || d.a.Current[e.Key].Key == b.Old {
					d.a.Current[e.Key] = b.New
				}
			}
		}
	})
	return ref, err
}

func (d *desk) Receipt(_ context.Context, r ledger.EraseReceipt) error {
	return d.call(func() { d.receipts[r.Act] = true })
}

func (d *desk) Pending(context.Context) ([]erase.Pending, error) {
	var out []erase.Pending
	for _, p := range d.acts {
		if !d.receipts[p.Ref] {
			out = append(out, p)
		}
	}
	return out, nil
}

// scene is an archive with people in single and batch records over several
// blocks and two lanes, an uncommitted step, and nobody's rows in use.
type scene struct {
	*sealtest.Archive
	desk    *desk
	cuts    map[record.Lane][][]*seal.Cut
	traffic *sealtest.Traffic
	reader  *unseal.Reader
	eraser  *erase.Eraser
}

const erased = 1 // the person the tests erase

func free(int) seal.Retention { return sealtest.Free }

func newScene(t testing.TB) *scene {
	t.Helper()
	a := sealtest.New(t)
	s := &scene{Archive: a, desk: &desk{a: a, receipts: map[ledger.ActRef]bool{}, faultAt: -1}, cuts: map[record.Lane][][]*seal.Cut{}}
	tr := sealtest.NewTraffic(1)
	s.traffic = tr
	f := sealtest.Free
	s.block(t, "0", tr.Message(1, f), tr.Message(2, f), tr.Batch([]int{1, 2, 3}, free), tr.Message(9, sealtest.Duty))
	s.block(t, "0", tr.Message(1, f), tr.Message(4, f), tr.Batch([]int{4, 5}, free), tr.Batch([]int{5, 1}, free))
	s.block(t, "1", tr.Message(3, f), tr.Batch([]int{2, 1}, free))

	// A step of block 2 that died before its commit, then the next owner's empty block.
	// It had rows of its own, as after a takeover.
	s.Restart("0")
	waste, _, _ := s.Seal(t, "0", tr.Message(1, f), tr.Message(2, f))
	s.Store(t, waste)
	s.Restart("0")
	s.Restart("1")
	s.block(t, "0")
	s.block(t, "1")
	s.open(t)
	return s
}

func (s *scene) block(t testing.TB, lane record.Lane, cuts ...*seal.Cut) {
	s.Block(t, lane, cuts...)
	s.cuts[lane] = append(s.cuts[lane], cuts)
}

func (s *scene) open(t testing.TB) {
	t.Helper()
	var err error
	s.reader, err = unseal.New(unseal.Config{
		Identities: s.Identities(), Origin: sealtest.Origin, Locked: s.Archive.Locked, Unlocked: s.Meta, Spare: s.Spare, Boxes: s.Boxes,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.eraser, err = erase.New(erase.Config{
		Reader: s.reader, Identities: []age.Identity{s.BoxIdentity}, Recipients: s.Config.BoxRecipients,
		Locked: s.Archive.Locked, Unlocked: s.Meta, Spare: s.Spare, Ledger: s.desk, Acts: s.desk, Now: func() time.Time { return s.Now },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) erase(req erase.Request) error {
	ctx := context.Background()
	p, err := s.eraser.Plan(ctx, req)
	if err != nil {
		return err
	}
	return s.eraser.Execute(ctx, p)
}

func person(n int) erase.Request { return erase.Request{Tags: [][16]byte{sealtest.Tag(n)}} }

// gone says whether a piece goes with the erased people: theirs, and key and
// headers of a record that has one of theirs.
func gone(cut *seal.Cut, people ...int) func(i int) bool {
	var tags [][16]byte
	for _, p := range people {
		tags = append(tags, sealtest.Tag(p))
	}
	theirs := func(p seal.Piece) bool {
		return p.Owner.Kind == seal.OwnerSubject && slices.Contains(tags, p.Owner.Tag)
	}
	return func(i int) bool {
		p := cut.Pieces[i]
		return theirs(p) || p.Owner.Kind == seal.OwnerHeaders && slices.ContainsFunc(cut.Pieces, theirs)
	}
}

// check reads the whole archive and fails unless exactly the people are gone.
func (s *scene) check(t testing.TB, people ...int) {
	t.Helper()
	ctx := context.Background()
	s.reader.Forget()
	for lane, blocks := range s.cuts {
		for n, cuts := range blocks {
			got, err := s.reader.Records(ctx, s.Entries[lane][n])
			if err != nil {
				t.Fatalf("lane %s block %d: %v", lane, n, err)
			}
			for i, o := range got {
				checkRecord(t, o, cuts[i], s.Leaves[lane][n][i], people...)
			}
		}
	}
	s.checkStores(t, people...)
}

func checkRecord(t testing.TB, o *unseal.Opened, cut *seal.Cut, leaf ledger.Hash, people ...int) {
	t.Helper()
	is := gone(cut, people...)
	missing := 0
	for i := range cut.Pieces {
		if is(i) {
			missing++
		}
	}
	if missing == len(cut.Pieces) {
		if !o.Gone || o.Known || len(o.Record.Value) > 0 || len(o.Pieces) > 0 {
			t.Fatalf("leaf %d: is not gone: %+v", o.Position, o)
		}
		return
	}
	if !o.Known || o.Leaf.Hash() != leaf {
		t.Fatalf("leaf %d: cannot be computed any more", o.Position)
	}
	if len(o.Erased) != missing || o.Complete != (missing == 0) {
		t.Fatalf("leaf %d: %d pieces erased, want %d", o.Position, len(o.Erased), missing)
	}
	at, holes := 0, 0
	for i, p := range cut.Pieces {
		q := o.Pieces[i]
		if q.Present == is(i) {
			t.Fatalf("leaf %d piece %d: present is %v", o.Position, i, q.Present)
		}
		if p.Type == ledger.PieceKeyHeaders && o.KeyHeadersErased != is(i) {
			t.Fatalf("leaf %d: key and headers erased is %v", o.Position, o.KeyHeadersErased)
		}
		if p.Type != ledger.PieceValue {
			continue
		}
		got := o.Record.Value[at : at+len(p.Bytes)]
		at += len(p.Bytes)
		switch {
		case !is(i) && !bytes.Equal(got, p.Bytes):
			t.Fatalf("leaf %d piece %d: bytes differ", o.Position, i)
		case is(i) && strings.TrimRight(string(got), " ") != "{}":
			t.Fatalf("leaf %d piece %d: %q where nothing may be", o.Position, i, got)
		case is(i):
			want := unseal.Hole{Span: record.Span{Start: at - len(p.Bytes), End: at}, FirstItem: p.FirstItem, Items: p.Items}
			if o.Holes[holes] != want {
				t.Fatalf("leaf %d: hole %+v, want %+v", o.Position, o.Holes[holes], want)
			}
			holes++
		}
	}
	if at != len(o.Record.Value) || holes != len(o.Holes) {
		t.Fatalf("leaf %d: value of %d bytes with %d holes", o.Position, len(o.Record.Value), len(o.Holes))
	}
}

// checkStores fails if a row of the people lies anywhere, or the copies differ.
func (s *scene) checkStores(t testing.TB, people ...int) {
	t.Helper()
	for _, st := range []*mem.Store{s.Archive.Locked, s.Meta.Store, s.Spare.Store} {
		for _, key := range st.Keys() {
			if !strings.Contains(key, "box-") {
				continue
			}
			body, _, err := st.Get(context.Background(), key)
			if err != nil {
				t.Fatal(err)
			}
			b, err := unseal.DecodeBox(body, s.Identities())
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range b.Rows {
				for _, p := range people {
					if row.Owner == sealtest.Person(p) {
						t.Fatalf("box %s still has a row of person %d", key, p)
					}
				}
			}
		}
	}
	if m, sp := s.Meta.Keys(), s.Spare.Keys(); !reflect.DeepEqual(m, sp) {
		t.Fatalf("copies differ: %v and %v", m, sp)
	}
}

func TestErase(t *testing.T) {
	s := newScene(t)
	s.check(t)
	if err := s.erase(person(erased)); err != nil {
		t.Fatal(err)
	}
	s.check(t, erased)
	if len(s.desk.acts) != 1 || len(s.desk.receipts) != 1 {
		t.Fatalf("%d acts, %d receipts", len(s.desk.acts), len(s.desk.receipts))
	}
	p, err := s.eraser.Plan(context.Background(), person(erased))
	if err != nil || !p.Empty() {
		t.Fatalf("a second plan: %+v, %v", p, err)
	}
	if err := s.erase(erase.Request{Tags: [][16]byte{sealtest.Tag(2), sealtest.Tag(4)}}); err != nil {
		t.Fatal(err)
	}
	s.check(t, 1, 2, 4)
	if len(s.desk.acts) != 2 || len(s.desk.receipts) != 2 {
		t.Fatalf("%d acts, %d receipts", len(s.desk.acts), len(s.desk.receipts))
	}
}

// TestActNamesNobody holds the act to hashes and keys.
func TestActNamesNobody(t *testing.T) {
	s := newScene(t)
	before := map[ledger.Hash]bool{}
	for _, e := range s.Entries["0"] {
		for i := range e.Boxes {
			body, _, err := s.Meta.Get(context.Background(), e.Boxes[i].Key)
			if errors.Is(err, worm.ErrNotFound) {
				continue
			}
			c, err := seal.DecodeBox(body)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range c.Hashes {
				before[h] = true
			}
		}
	}
	if err := s.erase(person(erased)); err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, b := range s.desk.acts[0].Erase.Boxes {
		if !strings.HasPrefix(b.New.Key, b.Old+".") {
			t.Errorf("new box %s for %s", b.New.Key, b.Old)
		}
		for _, h := range b.Removed {
			if b.Lane == "0" && !before[h] {
				t.Errorf("removed hash %s stood in no box", h)
			}
			removed++
		}
	}
	// Person 1 has a row in each lane; two batches in lane 0 and one in lane 1 have a row of key and headers.
	if removed != 5 {
		t.Errorf("%d rows removed, want 5", removed)
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	t.Run("under duty", func(t *testing.T) {
		s := newScene(t)
		_, err := s.eraser.Plan(ctx, person(9))
		if !errors.Is(err, erase.ErrUnderDuty) || !strings.Contains(err.Error(), "box-") {
			t.Fatalf("%v", err)
		}
		p, err := s.eraser.Plan(ctx, erase.Request{Tags: [][16]byte{sealtest.Tag(9), sealtest.Tag(1)}, Partial: true})
		if err != nil || len(p.Duty) != 1 || len(p.Boxes) == 0 {
			t.Fatalf("%+v, %v", p, err)
		}
	})
	t.Run("in use", func(t *testing.T) {
		s := newScene(t)
		s.block(t, "0", sealtest.NewTraffic(2).Message(7, sealtest.Free))
		_, err := s.eraser.Plan(ctx, person(7))
		if !errors.Is(err, erase.ErrRowInUse) || !strings.Contains(err.Error(), "box-") {
			t.Fatalf("%v", err)
		}
		s.Writer(t, "0").Retire(1 << 30)
		s.block(t, "0")
		if err := s.erase(person(7)); err != nil {
			t.Fatal(err)
		}
		s.check(t, 7)
	})
	t.Run("stale", func(t *testing.T) {
		s := newScene(t)
		p, err := s.eraser.Plan(ctx, person(2))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.erase(person(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.eraser.Execute(ctx, p); !errors.Is(err, erase.ErrStale) {
			t.Fatalf("%v", err)
		}
	})
}

// TestDutyEnds erases a row whose duty has ended from the locked store.
func TestDutyEnds(t *testing.T) {
	s := newScene(t)
	s.Now = time.Unix(sealtest.Duty.Duty, 0).UTC().Add(time.Hour)
	held := ""
	for _, key := range s.Archive.Locked.Keys() {
		if strings.Contains(key, "box-") {
			held = key
		}
	}
	if err := s.Archive.Locked.Hold(context.Background(), held, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.eraser.Plan(context.Background(), person(9)); !errors.Is(err, erase.ErrUnderDuty) {
		t.Fatalf("under hold: %v", err)
	}
	if err := s.Archive.Locked.Hold(context.Background(), held, false); err != nil {
		t.Fatal(err)
	}
	if err := s.erase(person(9)); err != nil {
		t.Fatal(err)
	}
	s.check(t, 9)
}

// TestRowGoneWithoutAct is a loss, and said to be one.
func TestRowGoneWithoutAct(t *testing.T) {
	s := newScene(t)
	key := s.Entries["0"][0].Boxes[0].Key
	s.Meta.Remove(key)
	if _, err := s.reader.Records(context.Background(), s.Entries["0"][0]); err != nil {
		t.Fatalf("with one copy left: %v", err)
	}
	s.Spare.Remove(key)
	s.reader.Forget()
	_, err := s.reader.Records(context.Background(), s.Entries["0"][0])
	if !errors.Is(err, unseal.ErrRowMissing) || !strings.Contains(err.Error(), key) {
		t.Fatalf("%v", err)
	}
}

// interrupt runs one erasure with a fault and then again until it is through.
func interrupt(t *testing.T, name string, fault func(*scene) (happened func() bool)) bool {
	t.Helper()
	s := newScene(t)
	happened := fault(s)
	err := s.erase(person(erased))
	if !happened() {
		if err != nil {
			t.Fatalf("%s: no fault and yet %v", name, err)
		}
		return false
	}
	if err == nil {
		t.Fatalf("%s: the fault went unnoticed", name)
	}
	s.Meta.Hook(nil)
	s.Spare.Hook(nil)
	s.Archive.Locked.Hook(nil)
	s.desk.faultAt = -1
	s.open(t) // another process
	if len(s.desk.acts) == 0 {
		s.check0(t)
	}
	if err := s.erase(person(erased)); err != nil {
		t.Fatalf("%s: again: %v", name, err)
	}
	s.Meta.ReleaseAll()
	s.Spare.ReleaseAll()
	s.check(t, erased)
	if len(s.desk.acts) != 1 || len(s.desk.receipts) != 1 {
		t.Fatalf("%s: %d acts, %d receipts", name, len(s.desk.acts), len(s.desk.receipts))
	}
	return true
}

// check0 reads the archive after an erasure that was not decided: nobody is gone.
func (s *scene) check0(t testing.TB) {
	t.Helper()
	for lane, blocks := range s.cuts {
		for n, cuts := range blocks {
			got, err := s.reader.Records(context.Background(), s.Entries[lane][n])
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range got {
				checkRecord(t, o, cuts[i], s.Leaves[lane][n][i])
			}
		}
	}
}

func TestInterrupted(t *testing.T) {
	steps := 0
	for _, which := range []string{"meta", "spare"} {
		for _, f := range []mem.Fault{mem.Lost, mem.Stored, mem.Late, mem.Forgotten, mem.Partial, mem.Full} {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%s write %d fault %d", which, n, f)
				if !interrupt(t, name, func(s *scene) func() bool {
					st := s.Meta.Store
					if which == "spare" {
						st = s.Spare.Store
					}
					before := len(st.Writes())
					st.FaultAt(n, f)
					return func() bool { return len(st.Writes()) > before+n }
				}) {
					break
				}
				steps++
			}
		}
	}
	for _, stored := range []bool{false, true} {
		for n := 0; ; n++ {
			if !interrupt(t, fmt.Sprintf("act %d stored %v", n, stored), func(s *scene) func() bool {
				s.desk.faultAt, s.desk.stored = n, stored
				return func() bool { return s.desk.calls > n }
			}) {
				break
			}
			steps++
		}
	}
	if steps < 60 {
		t.Errorf("only %d interruptions", steps)
	}
	t.Logf("%d interruptions", steps)
}

// TestCopies holds the end of an erasure to the new boxes: one lost copy is made
// again from the other, and without a good one the old box stays.
func TestCopies(t *testing.T) {
	ctx := context.Background()
	decided := func(t *testing.T) (*scene, ledger.ErasedBox) {
		s := newScene(t)
		s.desk.faultAt, s.desk.stored = 0, true
		if err := s.erase(person(erased)); err == nil {
			t.Fatal("the fault went unnoticed")
		}
		s.desk.faultAt = -1
		return s, s.desk.acts[0].Erase.Boxes[0]
	}
	t.Run("one lost", func(t *testing.T) {
		s, b := decided(t)
		s.Spare.Remove(b.New.Key)
		if err := s.eraser.Resume(ctx); err != nil {
			t.Fatal(err)
		}
		s.check(t, erased)
	})
	t.Run("one changed", func(t *testing.T) {
		s, b := decided(t)
		s.Spare.Tamper(b.New.Key, []byte("other"))
		if err := s.eraser.Resume(ctx); !errors.Is(err, erase.ErrCopies) || !strings.Contains(err.Error(), b.New.Key) {
			t.Fatalf("%v", err)
		}
		if _, err := s.Meta.Head(ctx, b.Old); err != nil {
			t.Fatalf("the old box: %v", err)
		}
	})
	t.Run("both lost", func(t *testing.T) {
		s, b := decided(t)
		s.Meta.Remove(b.New.Key)
		s.Spare.Remove(b.New.Key)
		if err := s.eraser.Resume(ctx); !errors.Is(err, erase.ErrCopies) {
			t.Fatalf("%v", err)
		}
		if _, err := s.Meta.Head(ctx, b.Old); err != nil {
			t.Fatalf("the old box: %v", err)
		}
	})
}
