package unseal_test

import (
	"bytes"
	"context"
	"reflect"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
)

func reader(t testing.TB, a *sealtest.Archive) *unseal.Reader {
	t.Helper()
	r, err := unseal.New(unseal.Config{
		Identities: a.Identities(), Origin: sealtest.Origin, Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare, Boxes: a.Boxes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func always(ret seal.Retention) func(int) seal.Retention {
	return func(int) seal.Retention { return ret }
}

// mixed gives odd people a duty and even ones none.
func mixed(person int) seal.Retention {
	if person%2 == 1 {
		return sealtest.Duty
	}
	return sealtest.Free
}

// variety is a block of every shape of record.
func variety(seed uint64) []*seal.Cut {
	tr := sealtest.NewTraffic(seed)
	cuts := []*seal.Cut{
		tr.Message(1, sealtest.Duty), tr.Message(2, sealtest.Free), tr.Message(1, sealtest.Duty),
		tr.Batch([]int{1, 2, 3}, mixed), tr.Batch([]int{4, 5}, always(sealtest.Free)), tr.Message(1, sealtest.Free),
	}
	odd := []record.Record{
		{Value: nil, Key: nil},
		{Value: []byte{}, Key: []byte{}, LeaderEpoch: -1, Timestamp: -1},
		{Value: []byte("not json"), Headers: []record.Header{{Key: "", Value: nil}, {Key: "a", Value: []byte{}}, {Key: "a", Value: []byte("\x00\xff")}}},
		{Value: bytes.Repeat([]byte("long "), 40_000)},
		{Value: bytes.Repeat([]byte{0}, 3<<20)},
	}
	for i := range odd {
		r := &odd[i]
		r.Coordinates = record.Coordinates{Topic: "wa.sends", Era: 2, Partition: 7, Offset: 1<<40 + int64(i)}
		cuts = append(cuts, sealtest.Whole(r, seal.Owner{Kind: seal.OwnerRecord}, sealtest.Duty, sealtest.Rule(i)))
	}
	act := &record.Record{Coordinates: record.Coordinates{Topic: "control", Era: 1, Offset: 9}, LeaderEpoch: -1}
	body := seal.Piece{Type: ledger.PieceBody, Owner: seal.Owner{Kind: seal.OwnerAct}, Retention: seal.Retention{Class: "audit", Duty: 1924992000, Retain: 1924992000}, Bytes: []byte(`{"query":"x"}`)}
	return append(cuts, &seal.Cut{Record: act, Pieces: []seal.Piece{body}})
}

// same fails unless the opened record is the one that was cut.
func same(t *testing.T, o *unseal.Opened, cut *seal.Cut) {
	t.Helper()
	if !o.Complete || !o.Known || len(o.Problems) > 0 {
		t.Fatalf("leaf %d: not complete: %+v", o.Position, o.Problems)
	}
	want := *cut.Record
	if !reflect.DeepEqual(o.Record, want) {
		t.Fatalf("leaf %d: %+v, want %+v", o.Position, o.Record, want)
	}
	if len(o.Pieces) != len(cut.Pieces) {
		t.Fatalf("leaf %d: %d pieces, want %d", o.Position, len(o.Pieces), len(cut.Pieces))
	}
	rulings := 0
	for i := range cut.Pieces {
		p, q := &cut.Pieces[i], &o.Pieces[i]
		if q.Ref.Type != p.Type || q.Owner != p.Owner || q.Retention != p.Retention || q.FirstItem != p.FirstItem || q.Items != p.Items {
			t.Fatalf("leaf %d piece %d: %+v, want %+v", o.Position, i, q, p)
		}
		if ledger.Commit(&q.Salt, q.Committed) != q.Commitment {
			t.Fatalf("leaf %d piece %d: commitment", o.Position, i)
		}
		if p.Type == ledger.PieceValue && !bytes.Equal(q.Span.Of(o.Record.Value), p.Bytes) {
			t.Fatalf("leaf %d piece %d: span", o.Position, i)
		}
		if p.Type == ledger.PieceBody && !bytes.Equal(o.Bodies[0], p.Bytes) {
			t.Fatalf("leaf %d: body %q", o.Position, o.Bodies)
		}
		for _, r := range p.Rulings {
			got := o.Rulings[rulings]
			rulings++
			if got.Item != r.Item || !reflect.DeepEqual(got.Rule, r.Rule) || !bytes.Equal(got.Saw, r.Saw) {
				t.Fatalf("leaf %d: ruling %+v, want %+v", o.Position, got, r)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	a := sealtest.New(t)
	first, second := variety(1), variety(2)
	for _, cuts := range [][]*seal.Cut{first, second} {
		e := a.Block(t, "0", cuts...)
		r := reader(t, a)
		got, err := r.Records(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range got {
			same(t, o, cuts[i])
			if o.Leaf.Hash() != a.Leaves["0"][e.N][i] {
				t.Fatalf("leaf %d differs from the one Add gave", i)
			}
		}
	}
	if n := len(a.Entries["0"][1].Boxes); n == 0 {
		t.Fatal("the second block made no rows of its own")
	}
}

func TestPlaces(t *testing.T) {
	ctx := context.Background()
	a := sealtest.New(t)
	cuts := variety(3)
	w := a.Writer(t, "0")
	if err := w.Begin(0); err != nil {
		t.Fatal(err)
	}
	places := make([][]seal.Place, len(cuts))
	for i, c := range cuts {
		_, p, err := w.Add(c)
		if err != nil {
			t.Fatal(err)
		}
		places[i] = append([]seal.Place{}, p...)
	}
	w.Abort()
	a.Restart("0")
	e := a.Block(t, "0", cuts...)
	r := reader(t, a)
	for i, c := range cuts {
		for k, p := range places[i] {
			o, err := r.Record(ctx, e, p, c.Record.Coordinates)
			if err != nil {
				t.Fatalf("record %d piece %d: %v", i, k, err)
			}
			same(t, o, c)
			if o.Position != i || o.Pieces[k].Place != p {
				t.Fatalf("record %d piece %d: position %d, place %v, want %v", i, k, o.Position, o.Pieces[k].Place, p)
			}
		}
		o, err := r.RecordAt(ctx, e, i)
		if err != nil {
			t.Fatal(err)
		}
		same(t, o, c)
	}
}

// TestSplit makes cells and segments so small that they split.
func TestSplit(t *testing.T) {
	a := sealtest.New(t)
	a.Config.CellBytes, a.Config.SegmentBytes = 2000, 10_000
	tr := sealtest.NewTraffic(4)
	var cuts []*seal.Cut
	for i := range 100 {
		cuts = append(cuts, tr.Message(i%3, sealtest.Duty))
		if i%10 == 0 {
			cuts = append(cuts, tr.Batch([]int{0, 1, 2, 3}, mixed))
		}
	}
	e := a.Block(t, "0", cuts...)
	if len(e.Segments) < 5 {
		t.Fatalf("%d segments", len(e.Segments))
	}
	got, err := reader(t, a).Records(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range got {
		same(t, o, cuts[i])
	}
}

// TestManyRecordsOfOnePerson reaches the Zstandard method.
func TestManyRecordsOfOnePerson(t *testing.T) {
	a := sealtest.New(t)
	tr := sealtest.NewTraffic(5)
	var cuts []*seal.Cut
	raw := 0
	for range 1000 {
		cuts = append(cuts, tr.Message(1, sealtest.Duty))
		raw += cuts[len(cuts)-1].Record.Size()
	}
	e := a.Block(t, "0", cuts...)
	if e.Segments[0].Bytes > int64(raw/3) {
		t.Errorf("%d bytes stored of %d raw", e.Segments[0].Bytes, raw)
	}
	got, err := reader(t, a).Records(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range got {
		same(t, o, cuts[i])
	}
}
