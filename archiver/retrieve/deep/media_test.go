package deep_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/retrieve/deep"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

// mediaArchive has media of some lengths, one block of lane 0 with all of them.
func mediaArchive(t *testing.T) (*archivetest.Archive, *ledger.Block) {
	t.Helper()
	a := archivetest.New(t, archivetest.Options{})
	for i, n := range []int{1, 65536, 300_000} {
		a.Feed(t, "wa.media", &record.Record{Key: []byte(archivetest.WABA), Value: bytes.Repeat([]byte{byte(i)}, n), Headers: []record.Header{
			{Key: "x-waxseal-media-id", Value: []byte{'4', byte('0' + i)}}, {Key: "x-waxseal-number", Value: []byte(archivetest.Number)}}})
	}
	a.Archive(t)
	row := archivetest.Rows(t, a.Index)[0]
	b := block(t, a, row.Lane, row.Block)
	if len(b.Entry.Media) != 3 {
		t.Fatalf("%d media", len(b.Entry.Media))
	}
	return a, b
}

func findings(r *verify.Report, key string) []verify.Code {
	var out []verify.Code
	for _, f := range r.Findings {
		if f.Object == key {
			out = append(out, f.Code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestMedia: verification, plain and deep, names a media object that was changed
// or is gone, and counts one that no entry names as waste.
func TestMedia(t *testing.T) {
	a, b := mediaArchive(t)
	if r := run(t, a, a.UnsealConfig()); !r.OK || r.Leaves != 3 || r.Waste.Objects != 0 {
		t.Fatalf("%+v", r)
	}
	stray := ledger.DataKey(b.Entry.Lane, b.Entry.N, "media-9")
	if _, err := a.Locked.Put(t.Context(), stray, []byte("left by a crash"), ledger.Sum([]byte("left by a crash")), lockOf(t, a, b.Entry.Media[0].Key)); err != nil {
		t.Fatal(err)
	}
	if r := run(t, a, a.UnsealConfig()); !r.OK || r.Waste.Objects != 1 || !slices.Equal(findings(r, stray), []verify.Code{verify.CodeUnnamed}) {
		t.Fatalf("%+v", r)
	}
	for i := range b.Entry.Media {
		key := b.Entry.Media[i].Key
		good, _, err := a.Locked.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(good); at += len(good)/7 + 1 {
			bad := bytes.Clone(good)
			bad[at] ^= 4
			a.Locked.Tamper(key, bad)
			if got := findings(run(t, a, a.UnsealConfig()), key); !slices.Equal(got, []verify.Code{verify.CodeChanged, verify.CodeOpen}) {
				t.Fatalf("byte %d of media %d: %v", at, i, got)
			}
		}
		a.Locked.Tamper(key, good)
	}
	key := b.Entry.Media[1].Key
	a.Locked.Remove(key)
	if got := findings(run(t, a, a.UnsealConfig()), key); !slices.Equal(got, []verify.Code{verify.CodeMissing, verify.CodeOpen}) {
		t.Fatalf("gone: %v", got)
	}
}

// TestMediaOfNoRecord: an entry that names a media object of no record does not
// open, so that nothing can be kept beside the records unseen.
func TestMediaOfNoRecord(t *testing.T) {
	a, b := mediaArchive(t)
	e := *b.Entry
	e.Media = append(slices.Clone(e.Media), e.Media[0])
	e.Media[3].Key = ledger.DataKey(e.Lane, e.N, "media-3")
	err := deep.NewOpener(a.UnsealConfig()).Leaves(t.Context(), &e, a.Boxes, func(verify.Opened) {})
	if !errors.Is(err, unseal.ErrDamaged) || !strings.Contains(err.Error(), "media-3") {
		t.Fatalf("%v", err)
	}
}

func lockOf(t *testing.T, a *archivetest.Archive, key string) worm.Lock {
	t.Helper()
	info, err := a.Locked.Head(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return info.Lock
}
