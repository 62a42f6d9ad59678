package reindex_test

import (
	"errors"
	"reflect"
	"testing"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

func feeder(t *testing.T, a *archivetest.Archive, to index.Index, rebuild bool) *reindex.Feeder {
	t.Helper()
	cfg := reindex.FeedConfig{Locked: a.Locked, Meta: a.Meta, Index: to, Indexer: []age.Identity{a.Indexer}}
	if rebuild {
		src := config(t, a, to).Source
		cfg.Source = &src
	}
	return reindex.NewFeeder(cfg)
}

func feed(t *testing.T, f *reindex.Feeder) reindex.Fed {
	t.Helper()
	fed, err := f.Feed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fed
}

func TestFeedFromOutboxes(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.FeedSamples(t, root)
	a.Archive(t)
	fresh := archivetest.OpenIndex(t)
	f := feeder(t, a, fresh, false)
	fed := feed(t, f)
	sameRows(t, fresh, a.Index)
	if fed.Rows == 0 || fed.Blocks < 10 || fed.Rebuilt != 0 || len(fed.Gaps) != 0 {
		t.Errorf("%+v", fed)
	}
	samePosition(t, a, fresh)

	if fed = feed(t, f); fed.Blocks != 0 {
		t.Errorf("fed %d blocks again", fed.Blocks)
	}
	feedTwoPeople(t, a)
	a.Archive(t)
	if fed = feed(t, f); fed.Rows != 6 {
		t.Errorf("%+v", fed)
	}
	sameRows(t, fresh, a.Index)
	samePosition(t, a, fresh)
}

func samePosition(t *testing.T, a *archivetest.Archive, x index.Index) {
	t.Helper()
	for _, l := range []record.Lane{"0", "1"} {
		want, err := a.Index.Position(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.Position(t.Context(), l); err != nil || got != want {
			t.Errorf("lane %s at %d, want %d, %v", l, got, want, err)
		}
	}
}

// firstOutbox gives the first outbox with rows, and its block.
func firstOutbox(t *testing.T, a *archivetest.Archive) (string, record.Lane, uint64) {
	t.Helper()
	r := archivetest.Rows(t, a.Index)[0]
	return ledger.DataKey(r.Lane, r.Block, "outbox"), r.Lane, r.Block
}

func TestFeedWithoutAnOutbox(t *testing.T) {
	for name, damage := range map[string]func(a *archivetest.Archive, key string){
		"gone":  func(a *archivetest.Archive, key string) { a.Meta.Remove(key) },
		"other": func(a *archivetest.Archive, key string) { a.Meta.Tamper(key, []byte("something else")) },
	} {
		t.Run(name, func(t *testing.T) {
			a := archivetest.New(t, archivetest.Options{MaxRecords: 2})
			feedTwoPeople(t, a)
			a.Archive(t)
			key, lane, block := firstOutbox(t, a)
			damage(a, key)

			fresh := archivetest.OpenIndex(t)
			if fed := feed(t, feeder(t, a, fresh, true)); fed.Rebuilt != 1 || len(fed.Gaps) != 0 || fed.Rows != 6 {
				t.Errorf("with the identities: %+v", fed)
			}
			sameRows(t, fresh, a.Index)

			fresh = archivetest.OpenIndex(t)
			f := feeder(t, a, fresh, false)
			fed := feed(t, f)
			if len(fed.Gaps) != 1 || fed.Gaps[0].Lane != lane || fed.Gaps[0].Block != block || fed.Gaps[0].Why == nil {
				t.Fatalf("without: %+v", fed)
			}
			if n, err := fresh.Position(t.Context(), lane); err != nil || n != block {
				t.Errorf("position %d, want to stay at %d, %v", n, block, err)
			}
			if got, want := len(archivetest.Rows(t, fresh)), len(archivetest.Rows(t, a.Index)); got == 0 || got >= want {
				t.Errorf("%d rows of %d", got, want)
			}
			if fed := feed(t, f); fed.Blocks != 0 || len(fed.Gaps) != 1 {
				t.Errorf("again: %+v", fed)
			}
		})
	}
}

// An outbox that is whole and belongs to another block is none.
func TestFeedFromAnotherBlocksOutbox(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{MaxRecords: 2})
	feedTwoPeople(t, a)
	a.Archive(t)
	_, lane, block := firstOutbox(t, a)
	a.Forge(t, lane, block+1, func(next *ledger.Block) {
		a.Forge(t, lane, block, func(b *ledger.Block) { b.Entry.Outbox = next.Entry.Outbox })
	})
	fed := feed(t, feeder(t, a, archivetest.OpenIndex(t), false))
	if len(fed.Gaps) != 1 || fed.Gaps[0].Block != block {
		t.Errorf("%+v", fed)
	}
	fed = feed(t, feeder(t, a, archivetest.OpenIndex(t), true))
	if len(fed.Gaps) != 0 || fed.Rebuilt != 1 || fed.Rows != 6 {
		t.Errorf("%+v", fed)
	}
}

func TestFeedWithAnotherIdentity(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	feedTwoPeople(t, a)
	a.Archive(t)
	fresh := archivetest.OpenIndex(t)
	f := reindex.NewFeeder(reindex.FeedConfig{Locked: a.Locked, Meta: a.Meta, Index: fresh, Indexer: []age.Identity{a.Firm}})
	if _, err := f.Feed(t.Context()); !errors.As(err, new(*age.NoIdentityMatchError)) {
		t.Errorf("error %v", err)
	}
}

func TestLanes(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.Archive(t)
	for _, key := range []string{"lanes/0~2/blocks/000000000000", "lanes/10/data/000000000000/seg-0", "lanes/x/blocks/000000000000"} {
		a.Locked.AddVersion(key, []byte("x"), worm.Lock{})
	}
	got, err := reindex.Lanes(t.Context(), a.Locked)
	if err != nil || !reflect.DeepEqual(got, []record.Lane{"0", "0~2", "1", "10"}) {
		t.Errorf("%v, %v", got, err)
	}
}
