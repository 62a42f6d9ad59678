package unseal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

func records(t *testing.T, r *unseal.Reader, e *ledger.Entry) []*unseal.Opened {
	t.Helper()
	got, err := r.Records(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestMediaRoundTrip seals media of every length that matters, small ones that
// are held in memory and one that is read twice, beside other records.
func TestMediaRoundTrip(t *testing.T) {
	a := sealtest.New(t)
	const chunk = seal.MediaChunk
	var cuts []*seal.Cut
	for i, n := range []int{1, chunk - 1, chunk, chunk + 1, 3 * chunk, 8 << 20, 8<<20 + 1, 9<<20 + 17} {
		owner := sealtest.Person(i % 2)
		if i == 3 {
			owner = seal.Owner{Kind: seal.OwnerMedia, Tag: sealtest.Tag(77)}
		}
		cuts = append(cuts, sealtest.Media(int64(i), n, owner, mixed(i)))
	}
	tr := sealtest.NewTraffic(4)
	cuts = append(cuts, tr.Message(1, sealtest.Duty), tr.Batch([]int{0, 1}, mixed))
	e := a.Block(t, "0", cuts...)
	if len(e.Media) != 8 {
		t.Fatalf("%d media objects", len(e.Media))
	}
	r := reader(t, a)
	for i, o := range records(t, r, e) {
		if o.Leaf.Hash() != a.Leaves["0"][0][i] || !o.Complete {
			t.Fatalf("leaf %d: %+v", i, o)
		}
		if i >= len(e.Media) {
			same(t, o, cuts[i])
			continue
		}
		want := cuts[i].Record
		p := o.Media()
		if p == nil || p.Media.Object != i || p.Media.Length != int64(len(want.Value)) || p.Media.SHA256 != ledger.Sum(want.Value) ||
			p.Commitment != ledger.Commit(&p.Salt, want.Value) || p.Owner != cuts[i].Pieces[0].Owner || o.Record.Value == nil || len(o.Record.Value) > 0 {
			t.Fatalf("media %d: %+v", i, p)
		}
		s, err := r.Media(t.Context(), e, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, want.Value) || s.Close() != nil {
			t.Fatalf("media %d: %d bytes, %v", i, len(got), err)
		}
		if b, err := r.MediaBytes(t.Context(), e, o); err != nil || !bytes.Equal(b, want.Value) {
			t.Fatalf("media %d: %v", i, err)
		}
	}
	if _, err := r.Media(t.Context(), e, records(t, r, e)[8]); !errors.Is(err, unseal.ErrNoRecord) {
		t.Fatalf("a record without media: %v", err)
	}
	for i := range e.Media {
		body, _, err := a.Locked.Get(t.Context(), e.Media[i].Key)
		if err != nil || bytes.Contains(body, cuts[i].Record.Value[:min(16, len(cuts[i].Record.Value))]) && len(cuts[i].Record.Value) > 16 {
			t.Fatalf("media %d: %v", i, err)
		}
	}
}

// TestMediaAnyBit: a changed byte of the object is told before the first byte of
// the media is given out, and so is an object of another place.
func TestMediaAnyBit(t *testing.T) {
	ctx := context.Background()
	a := sealtest.New(t)
	e := a.Block(t, "0", sealtest.Media(1, 200_000, sealtest.Person(1), sealtest.Duty), sealtest.Media(2, 200_000, sealtest.Person(1), sealtest.Duty))
	r := reader(t, a)
	got := records(t, r, e)
	key := e.Media[0].Key
	good, _, err := a.Locked.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := a.Locked.Get(ctx, e.Media[1].Key)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, body []byte) {
		t.Helper()
		a.Locked.Tamper(key, body)
		s, err := r.Media(ctx, e, got[0])
		if s != nil {
			t.Fatalf("%s: bytes were given out", what)
		}
		named(t, err, unseal.ErrDamaged, key, what)
		named(t, r.CheckMedia(ctx, e, got[0]), unseal.ErrDamaged, key, what)
	}
	for at := 0; at < len(good); at += len(good) / 150 {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		try(fmt.Sprintf("byte %d", at), bad)
	}
	try("cut off", good[:len(good)-1])
	try("cut off at a chunk", good[:len(good)/2])
	try("empty", nil)
	try("another's object", other)
	a.Locked.Remove(key)
	if _, err := r.Media(ctx, e, got[0]); !errors.Is(err, worm.ErrNotFound) {
		t.Fatalf("missing: %v", err)
	}
	if b, err := r.MediaBytes(ctx, e, got[1]); err != nil || len(b) != 200_000 {
		t.Fatalf("the other: %v", err)
	}
}

// TestMediaChangesBetweenReadings: a long media is read twice; what differs the
// second time ends the stream with an error and never with io.EOF.
func TestMediaChangesBetweenReadings(t *testing.T) {
	ctx := context.Background()
	a := sealtest.New(t)
	e := a.Block(t, "0", sealtest.Media(1, 9<<20, sealtest.Person(1), sealtest.Duty))
	r := reader(t, a)
	o := records(t, r, e)[0]
	s, err := r.Media(ctx, e, o)
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := a.Locked.Get(ctx, e.Media[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(body)
	bad[len(bad)-5]++
	a.Locked.Tamper(e.Media[0].Key, bad)
	n, err := io.Copy(io.Discard, s)
	named(t, err, unseal.ErrDamaged, e.Media[0].Key, "second reading")
	if n >= 9<<20 {
		t.Fatalf("all %d bytes were given out", n)
	}
}

// TestMediaErased: without the row nothing opens the object.
func TestMediaErased(t *testing.T) {
	ctx := context.Background()
	a := sealtest.New(t)
	e := a.Block(t, "0", sealtest.Media(1, 1000, sealtest.Person(1), sealtest.Free))
	r := reader(t, a)
	o := records(t, r, e)[0]
	box, err := r.OpenBox(ctx, "0", 0, &e.Boxes[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	clear := &seal.BoxClear{Hashes: box.Clear.Hashes, Removed: []bool{true}}
	body, err := seal.EncodeBox(clear, &box.About, nil, a.Config.BoxRecipients)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range []*mem.Store{a.Meta.Store, a.Spare.Store} {
		st.Remove(e.Boxes[0].Key)
		if _, err := st.Put(ctx, e.Boxes[0].Key+".0000000000000001", body, ledger.Sum(body), worm.Lock{}); err != nil {
			t.Fatal(err)
		}
	}
	r.Forget()
	if _, err := r.Media(ctx, e, o); !errors.Is(err, unseal.ErrErased) {
		t.Fatalf("%v", err)
	}
	if got := records(t, r, e); !got[0].Gone {
		t.Fatalf("%+v", got[0])
	}
}

// FuzzMediaHeader: no bytes make it panic, and what it accepts is the one
// encoding.
func FuzzMediaHeader(f *testing.F) {
	h := seal.MediaHeader{Block: 7, Index: 1, Row: 9, Length: 5, Lane: "0", Retention: sealtest.Duty, Coordinates: record.Coordinates{Topic: "wa.media", Era: 1}}
	f.Add(h.Append(nil))
	f.Add([]byte(seal.MagicMedia))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := unseal.DecodeMediaHeader(b)
		if err == nil && !bytes.Equal(h.Append(nil), b[:n]) {
			t.Fatalf("%x is read as %+v", b, h)
		}
	})
}
