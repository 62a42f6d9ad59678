package exporter_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/exporter"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/exporter/format"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
)

func (b *bag) same(t *testing.T, other *bag) {
	t.Helper()
	if mine, theirs := b.paths(t), other.paths(t); !slices.Equal(mine, theirs) {
		t.Errorf("%d files, then %d", len(mine), len(theirs))
		return
	}
	for _, path := range b.paths(t) {
		if !bytes.Equal(b.read(t, path), other.read(t, path)) {
			t.Errorf("%s differs", path)
		}
	}
}

// TestRepeat: the same question gives the same bytes, also after more was archived
// outside of it, more heads were sealed, and the index was made anew.
func TestRepeat(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 2})
	s.sealed(t,
		text(ada, "wamid.1", s.at(9, 0), "of the first day"), text(bea, "wamid.2", s.at(9, 1), "of bea"), echo(ada, "wamid.3", s.at(9, 2), "an answer"),
		messages([]archivetest.Person{ada, bea}, archivetest.Text(ada, "wamid.4", s.at(9, 3), "also"), archivetest.Text(bea, "wamid.5", s.at(9, 3), "also bea")),
	)
	req := exporter.Request{Search: words("first"), Scope: "first", Unit: exporter.Days}
	first, _ := s.export(t, req)
	if got := first.texts(t); len(got) != 3 {
		t.Fatalf("%q", got)
	}
	again, _ := s.export(t, req)
	first.same(t, again)

	s.Pass(48 * time.Hour)
	s.Look(t)
	s.sealed(t, text(ada, "wamid.6", s.at(9, 0)+2*24*3600, "of another day"), text(bea, "wamid.7", s.at(9, 5), "of somebody else"))
	rows := archivetest.Rows(t, s.Index)
	slices.Reverse(rows)
	s.Index = archivetest.OpenIndex(t)
	for i := range rows {
		insert(t, s, &rows[i])
	}
	later, _ := s.export(t, req)
	first.same(t, later)
}

// TestSealsHeads: where no act covers what is in scope, heads are sealed first.
func TestSealsHeads(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	s.Feed(t, "wa.webhooks", text(ada, "wamid.1", s.at(9, 0), "hello"))
	s.Archive.Archive(t)
	first, _ := s.export(t, exporter.Request{All: true})
	again, _ := s.export(t, exporter.Request{All: true})
	first.same(t, again)
}

// TestSince puts a proof into the bag that a checkpoint from before is of the same
// history.
func TestSince(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	s.sealed(t, text(ada, "wamid.1", s.at(9, 0), "hello"))
	if err := s.Log.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, _, err := s.Meta.Get(t.Context(), ledger.CheckpointKey(record.Control))
	if err != nil {
		t.Fatal(err)
	}
	s.sealed(t, text(ada, "wamid.2", s.at(9, 1), "again"))
	b, _ := s.export(t, exporter.Request{Search: words("again"), Since: kept})
	if len(b.read(t, "proofs/consistency.json")) == 0 {
		t.Error("no consistency proof")
	}
	if _, err := exporter.Export(t.Context(), s.config(t), exporter.Request{All: true, Since: []byte("nothing"), Zone: time.UTC, Unit: exporter.Days, Out: t.TempDir() + "/x"}); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Error(err)
	}
}

// TestInterrupted: whatever ends an export, no folder looks finished.
func TestInterrupted(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	s.sealed(t, text(ada, "wamid.1", s.at(9, 0), "hello"))
	boom := errors.New("boom")
	for name, change := range map[string]func(*exporter.Config, context.CancelFunc){
		"look": func(c *exporter.Config, _ context.CancelFunc) {
			c.Look = func(context.Context, *exporter.Estimate) error { return boom }
		},
		"prover": func(c *exporter.Config, _ context.CancelFunc) {
			c.Prover = func(context.Context) (*prove.Prover, error) { return nil, boom }
		},
		"sign": func(c *exporter.Config, _ context.CancelFunc) {
			c.Sign = func(context.Context, ledger.Hash, ledger.Hash) ([]byte, error) { return nil, boom }
		},
		"cancelled": func(c *exporter.Config, cancel context.CancelFunc) {
			c.Progress = func(what string, _, _ int64) {
				if what == "blocks proven" {
					cancel()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg, out := s.config(t), filepath.Join(t.TempDir(), "bag")
			change(&cfg, cancel)
			_, err := exporter.Export(ctx, cfg, exporter.Request{All: true, Zone: time.UTC, Unit: exporter.Days, Out: out})
			if !errors.Is(err, boom) && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			for _, path := range []string{out, out + ".partial"} {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %v", filepath.Base(path), err)
				}
			}
		})
	}
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exporter.Export(t.Context(), s.config(t), exporter.Request{All: true, Zone: time.UTC, Unit: exporter.Days, Out: out}); !errors.Is(err, bundle.ErrExists) {
		t.Error(err)
	}
}

// TestSamples exports everything that the project has samples of, odd records and
// damaged ones among them, and holds each file to its proof.
func TestSamples(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 20})
	all := s.FeedSamples(t, "..")
	s.sealed(t)
	b, report := s.export(t, exporter.Request{All: true, Unit: exporter.Conversations})
	if report.Counts.Records != len(all) || len(b.proven) != len(all) || report.Counts.Withheld != 0 {
		t.Errorf("%d records, %d proven, of %d; %d withheld", report.Counts.Records, len(b.proven), len(all), report.Counts.Withheld)
	}
	for _, r := range all {
		c := r.Coordinates
		if shown := b.proven[c.String()]; shown.Withheld != 0 {
			t.Errorf("%s: %d pieces withheld", c, shown.Withheld)
		}
		if c.Topic == "wa.media" || len(r.Value) == 0 {
			continue
		}
		if got := b.values(t, c); len(got) != 1 || !bytes.Equal(got[0], r.Value) {
			t.Errorf("%s is not there byte for byte", c)
		}
	}
	items := map[string]bool{}
	for _, file := range []string{format.MessagesPath, "data/events.jsonl"} {
		for _, l := range b.lines(t, file) {
			for _, list := range []any{[]any{l}, l["deliveries"], l["edits"], l["revokes"], l["reactions"], l["statuses"], l["media"]} {
				note(items, list)
			}
		}
	}
	for _, row := range archivetest.Rows(t, s.Index) {
		if !items[row.Item.String()] && row.Kind != record.Reaction { // of reactions the latest of each person is shown
			t.Errorf("%s (%s) stands in no line", row.Item, row.Kind)
		}
	}
}

// note takes the item names of a line's members.
func note(items map[string]bool, v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			note(items, x)
		}
	case line:
		note(items, map[string]any(v))
	case map[string]any:
		if name, ok := v["item"].(string); ok {
			items[name] = true
		}
	}
}
