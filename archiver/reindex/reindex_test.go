package reindex_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
)

const root = "../.."

func config(t *testing.T, a *archivetest.Archive, to index.Index) reindex.Config {
	t.Helper()
	return reindex.Config{
		Source: reindex.Source{Locked: a.Locked, Reader: a.Reader(t), Keys: a.Keys(), Topics: a.Topics},
		Index:  to, Before: a.Index,
	}
}

// sameRows fails where two indexes differ, and says where first.
func sameRows(t *testing.T, got, want index.Index) {
	t.Helper()
	g, w := archivetest.Rows(t, got), archivetest.Rows(t, want)
	for i := range min(len(g), len(w)) {
		if !reflect.DeepEqual(g[i], w[i]) {
			t.Fatalf("row %d\n got %+v\nwant %+v", i, g[i], w[i])
		}
	}
	if len(g) != len(w) {
		t.Fatalf("%d rows, want %d", len(g), len(w))
	}
}

func TestRebuildGivesTheSameRows(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{Regulated: true})
	a.FeedSamples(t, root)
	a.Archive(t)
	a.NewEpoch(t)
	again := a.FeedSamples(t, root)
	a.Archive(t)

	fresh := archivetest.OpenIndex(t)
	var last, total uint64
	cfg := config(t, a, fresh)
	cfg.Workers, cfg.Progress = 1, func(done, of uint64) { last, total = done, of }
	got, err := reindex.Rebuild(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, fresh, a.Index)
	if got.Changed != 0 || got.Dropped != 0 || got.Failed != 0 || got.ErasedItems != 0 || got.ErasedRecords != 0 {
		t.Errorf("%+v", got)
	}
	if got.Lanes != 2 || got.Records != uint64(2*len(again)) || got.Rows < got.Records {
		t.Errorf("%+v of %d records", got, 2*len(again))
	}
	if last != got.Blocks || total != got.Blocks || got.Blocks < 10 {
		t.Errorf("progress ended at %d of %d, %d blocks", last, total, got.Blocks)
	}
	for _, l := range []index.Index{a.Index, fresh} {
		if n, err := l.Position(t.Context(), "0"); err != nil || n == 0 {
			t.Errorf("position %d, %v", n, err)
		}
	}
}

// Two people share a batch, one of them is erased: the other's rows are what
// they were, but for what only the headers said.
func TestRebuildAfterErasure(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	feedTwoPeople(t, a)
	a.Archive(t)
	a.Archive(t) // new owner: the rows of the first are in nobody's use
	before := archivetest.Rows(t, a.Index)
	a.Erase(t, archivetest.Number, archivetest.Ada.BSUID, archivetest.Ada.Phone)

	fresh := archivetest.OpenIndex(t)
	got, err := reindex.Rebuild(t.Context(), config(t, a, fresh))
	if err != nil {
		t.Fatal(err)
	}
	ada := a.Keys().PersonTag(archivetest.Number, archivetest.Ada.BSUID)
	var want []index.Row
	for _, r := range before {
		switch {
		case r.Subject == ada:
			continue
		case r.Item.Offset == batchOffset:
			r.Signature = reread.SignatureErased
		}
		want = append(want, r)
	}
	rows := archivetest.Rows(t, fresh)
	if !reflect.DeepEqual(rows, want) {
		t.Fatalf("\n got %+v\nwant %+v", rows, want)
	}
	if len(want) != 3 || got.Dropped != 3 || got.Changed != 1 || got.ErasedRecords != 1 || got.ErasedItems != 2 || got.Failed != 0 {
		t.Errorf("%d rows left, %+v", len(want), got)
	}
}

const batchOffset = 0

// feedTwoPeople feeds a batch of Ada, Bea, Ada; a record of Ada; two of Bea.
func feedTwoPeople(t *testing.T, a *archivetest.Archive) {
	t.Helper()
	ada, bea, now := archivetest.Ada, archivetest.Bea, a.Now().Unix()
	text := func(p archivetest.Person, id, body string) string {
		return archivetest.Text(p, "wamid.T"+id, now, body)
	}
	message := func(p archivetest.Person, m string) *record.Record {
		return archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(p)+`,"messages":[`+m+`]`))
	}
	a.Feed(t, "wa.webhooks",
		archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(ada, bea)+`,"messages":[`+
			text(ada, "1", "first of ada")+","+text(bea, "2", "first of bea")+","+text(ada, "3", "second of ada")+`]`)),
		message(ada, text(ada, "4", "alone")),
		message(bea, text(bea, "5", "second of bea")),
		message(bea, text(bea, "6", "third of bea")),
	)
}

func TestRebuildSaysWhatItCouldNotRead(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{MaxRecords: 2})
	feedTwoPeople(t, a)
	a.Archive(t)
	var segment string
	for _, r := range archivetest.Rows(t, a.Index) {
		if r.Item.Offset == 3 {
			segment = r.Segment
		}
	}
	body, _, err := a.Locked.Get(t.Context(), segment)
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)/2] ^= 1
	a.Locked.Tamper(segment, body)

	fresh := archivetest.OpenIndex(t)
	got, err := reindex.Rebuild(t.Context(), config(t, a, fresh))
	if !errors.Is(err, reindex.ErrIncomplete) || !errors.Is(err, reindex.ErrRecord) || !strings.Contains(err.Error(), segment) {
		t.Errorf("error %v", err)
	}
	if got.Failed != 2 || got.Rows != 4 || got.Dropped != 2 || got.Changed != 0 {
		t.Errorf("%+v", got)
	}

	key := ledger.BlockKey("0", 1)
	if archivetest.Rows(t, a.Index)[0].Lane == "1" {
		key = ledger.BlockKey("1", 1)
	}
	a.Locked.Remove(key)
	got, err = reindex.Rebuild(t.Context(), config(t, a, fresh))
	if !errors.Is(err, reindex.ErrIncomplete) || !strings.Contains(err.Error(), key) || got.Failed != 3 {
		t.Errorf("error %v, %+v", err, got)
	}
}

// A record whose leaf is not in its block gives no rows, although its segment is
// whole.
func TestRebuildHoldsRecordsToTheirLeaves(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{MaxRecords: 2})
	feedTwoPeople(t, a)
	a.Archive(t)
	row := archivetest.Rows(t, a.Index)[0]
	a.Forge(t, row.Lane, row.Block, archivetest.ForgeLeaves)
	got, err := reindex.Rebuild(t.Context(), config(t, a, archivetest.OpenIndex(t)))
	if !errors.Is(err, reindex.ErrRecord) || got.Failed != 2 || got.Rows != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRebuildWithoutAnIdentityStops(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	feedTwoPeople(t, a)
	a.Archive(t)
	cfg := config(t, a, archivetest.OpenIndex(t))
	u := a.UnsealConfig()
	u.Identities = []age.Identity{a.Indexer}
	var err error
	if cfg.Reader, err = unseal.New(u); err != nil {
		t.Fatal(err)
	}
	if _, err := reindex.Rebuild(t.Context(), cfg); !errors.Is(err, unseal.ErrIdentity) || errors.Is(err, reindex.ErrIncomplete) {
		t.Errorf("error %v", err)
	}
}

func TestOpenSecrets(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.NewEpoch(t)
	view, _, err := control.Read(t.Context(), a.Locked, a.Meta)
	if err != nil {
		t.Fatal(err)
	}
	s, err := reindex.OpenSecrets(view, []age.Identity{a.Firm})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Keys(), a.Keys()) || len(s.Tokens) != 2 || s.State != a.State {
		t.Error("not the archive's keys")
	}
	if text := fmt.Sprintf("%v %+v %#v", *s, s, *s); strings.ReplaceAll(text, "(secrets)", "") != "  " {
		t.Errorf("keys are printed: %d bytes", len(text))
	}
	if _, err := reindex.OpenSecrets(view, []age.Identity{a.Indexer}); !errors.Is(err, reindex.ErrSealedKey) {
		t.Errorf("another identity: %v", err)
	}
}

func TestCompareAndMove(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{MaxRecords: 2})
	feedTwoPeople(t, a)
	a.Archive(t)
	rows := archivetest.Rows(t, a.Index)
	other := archivetest.OpenIndex(t)
	changed := rows[1]
	changed.Custodian = "somebody else"
	extra := rows[2]
	extra.Item.Offset = 99
	if err := other.Insert(t.Context(), index.Batch{Lane: rows[0].Lane, Block: 1, Rows: []index.Row{rows[0], changed, extra}}); err != nil {
		t.Fatal(err)
	}
	n, dropped, err := reindex.Compare(t.Context(), other, a.Index)
	if err != nil || n != uint64(len(rows)-1) || dropped != 1 {
		t.Errorf("%d changed, %d dropped, %v", n, dropped, err)
	}
	if err := reindex.Move(t.Context(), a.Index, other, []record.Lane{"0", "1"}); err != nil {
		t.Fatal(err)
	}
	sameRows(t, other, a.Index)
	for _, l := range []record.Lane{"0", "1"} {
		want, err := a.Index.Position(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := other.Position(t.Context(), l); err != nil || got != want || got == 0 {
			t.Errorf("lane %s at %d, want %d, %v", l, got, want, err)
		}
	}
}
