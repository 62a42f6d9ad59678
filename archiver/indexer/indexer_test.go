package indexer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"filippo.io/age"
	"go.uber.org/goleak"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/indexer"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/worm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// batches are the blocks of an archive with their rows, lane by lane in order, as
// the archiver offers them.
func batches(t *testing.T, a *archivetest.Archive) (out []index.Encoded) {
	t.Helper()
	rows := map[string][]index.Row{}
	for _, r := range archivetest.Rows(t, a.Index) {
		k := fmt.Sprint(r.Lane, r.Block)
		rows[k] = append(rows[k], r)
	}
	for _, l := range []record.Lane{"0", "1"} {
		for n := uint64(0); ; n++ {
			_, err := lane.ReadBlock(t.Context(), a.Locked, l, n)
			if errors.Is(err, worm.ErrNotFound) {
				break
			}
			must(t, err)
			of := rows[fmt.Sprint(l, n)]
			out = append(out, index.Encoded{Lane: l, Block: n, Rows: len(of), Data: index.EncodeRows(of)})
		}
	}
	return out
}

// watched is an index whose inserts wait for leave, and which holds that no lane's
// position is ever ahead of the rows it was given.
type watched struct {
	index.Index
	t     *testing.T
	leave chan struct{} // nil: at once
	fail  func() error

	mu   sync.Mutex
	next map[record.Lane]uint64
}

func (w *watched) Insert(ctx context.Context, bs ...index.Batch) error {
	if w.leave != nil {
		<-w.leave
	}
	if w.fail != nil {
		if err := w.fail(); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range bs {
		if b.Block > w.next[b.Lane] {
			w.t.Errorf("block %d of lane %s goes in before block %d", b.Block, b.Lane, w.next[b.Lane])
		}
		w.next[b.Lane] = max(w.next[b.Lane], b.Block+1)
	}
	return w.Index.Insert(ctx, bs...)
}

func watch(t *testing.T) *watched {
	return &watched{Index: archivetest.OpenIndex(t), t: t, next: map[record.Lane]uint64{}}
}

// run runs an indexer until stop.
func run(t *testing.T, x *indexer.Indexer) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { x.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}

// TestDroppedRows offers more blocks than there is room for while the index does
// not answer: what was dropped comes from the outboxes, in order.
func TestDroppedRows(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{MaxRecords: 1})
	a.FeedSamples(t, "../..")
	a.Archive(t)
	all := batches(t, a)
	w := watch(t)
	w.leave = make(chan struct{})
	fed := 0
	feeder := reindex.NewFeeder(reindex.FeedConfig{Locked: a.Locked, Meta: a.Meta, Index: w, Indexer: []age.Identity{a.Indexer}})
	x := indexer.New(w, func(ctx context.Context) error {
		f, err := feeder.Feed(ctx)
		fed += int(f.Blocks)
		return err
	}, quiet)
	stop := run(t, x)
	for _, b := range all { // never waits, though nothing goes in
		x.Offer(b)
	}
	close(w.leave)
	must(t, x.Wait(t.Context()))
	stop()
	if fed == 0 {
		t.Errorf("all %d blocks had room", len(all))
	}
	same(t, w.Index, a.Index)
}

func same(t *testing.T, got, want index.Index) {
	t.Helper()
	g, w := archivetest.Rows(t, got), archivetest.Rows(t, want)
	names := func(rows []index.Row) (out []string) {
		for _, r := range rows {
			out = append(out, fmt.Sprint(r.Item, r.Lane, r.Block, r.Kind, len(r.Tokens)))
		}
		slices.Sort(out)
		return out
	}
	if !slices.Equal(names(g), names(w)) || len(g) == 0 {
		t.Errorf("%d rows, %d wanted", len(g), len(w))
	}
}

// TestInsertFails lets the index refuse for a while and then no block come: all
// goes in by itself, from outboxes, and from memory alone where nobody can read them.
func TestInsertFails(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.FeedSamples(t, "../..")
	a.Archive(t)
	for _, readable := range []bool{true, false} {
		w := watch(t)
		failures := 5
		w.fail = func() error {
			if failures > 0 {
				failures--
				return errors.New("busy")
			}
			return nil
		}
		var catchUp indexer.CatchUp
		if readable {
			feeder := reindex.NewFeeder(reindex.FeedConfig{Locked: a.Locked, Meta: a.Meta, Index: w, Indexer: []age.Identity{a.Indexer}})
			catchUp = func(ctx context.Context) error { _, err := feeder.Feed(ctx); return err }
		}
		x := indexer.New(w, catchUp, quiet)
		x.TryAgainAfter(1)
		offered := batches(t, a)
		if !readable {
			offered = offered[:12] // all of them in memory
		}
		rows := 0
		for _, b := range offered {
			x.Offer(b)
			rows += b.Rows
		}
		stop := run(t, x)
		must(t, x.Wait(t.Context()))
		stop()
		if failures != 0 {
			t.Errorf("%d failures were not met", failures)
		}
		if got := len(archivetest.Rows(t, w.Index)); got != rows {
			t.Errorf("%d rows of %d", got, rows)
		}
		if readable {
			same(t, w.Index, a.Index)
		}
	}
}

// TestStopsWithRest ends an indexer with blocks still in memory: they go in.
func TestStopsWithRest(t *testing.T) {
	w := watch(t)
	x := indexer.New(w, nil, quiet)
	for n := range uint64(10) {
		x.Offer(index.Encoded{Lane: "0", Block: n})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x.Run(ctx)
	pos, err := w.Position(t.Context(), "0")
	must(t, err)
	if pos != 10 {
		t.Errorf("position %d", pos)
	}
	must(t, x.Wait(t.Context()))
}

// TestHoleWithoutIdentity drops a block where nobody can read outboxes: the
// position stays before it and Wait says so instead of waiting.
func TestHoleWithoutIdentity(t *testing.T) {
	w := watch(t)
	x := indexer.New(w, nil, quiet)
	for _, n := range []uint64{0, 1, 3, 4} {
		x.Offer(index.Encoded{Lane: "0", Block: n})
	}
	stop := run(t, x)
	err := x.Wait(t.Context())
	stop()
	if !errors.Is(err, indexer.ErrHole) {
		t.Errorf("wait: %v", err)
	}
	pos, err := w.Position(t.Context(), "0")
	must(t, err)
	if pos != 2 {
		t.Errorf("position %d, ahead of a block that is not there", pos)
	}
}
