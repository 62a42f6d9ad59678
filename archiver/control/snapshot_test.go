package control_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

const archive = "control.example"

// desk is a control lane over stores in memory.
type desk struct {
	cfg         control.Config
	locked      *mem.Store
	meta, spare mem.Meta
	gets        *atomic.Int64
	id          *age.X25519Identity // audit
	key         ed25519.PrivateKey
}

// counted counts the objects read.
type counted struct {
	worm.Store
	n *atomic.Int64
}

func (c counted) Get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	c.n.Add(1)
	return c.Store.Get(ctx, key)
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ledger.NewSigner(archive, key)
	must(t, err)
	id, err := age.GenerateX25519Identity()
	must(t, err)
	d := &desk{locked: mem.New(time.Now), meta: mem.NewMeta(time.Now), spare: mem.NewMeta(time.Now), gets: new(atomic.Int64), id: id, key: key}
	d.cfg = control.Config{
		Config: lane.Config{
			Lane: record.Control, Locked: counted{d.locked, d.gets}, Meta: d.meta, Spare: d.spare, Signer: signer,
			Horizon: func(now time.Time) time.Time { return now.AddDate(1, 0, 0) }, Now: time.Now,
			Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
			Report: func(what string, err error) { t.Logf("%s: %v", what, err) },
		},
		Archive: archive, Recipients: []age.Recipient{id.Recipient()}, Publish: d.meta,
		Retention: func(now time.Time) seal.Retention {
			until := now.AddDate(0, 1, 0).Unix()
			return seal.Retention{Class: "audit", Duty: until, Retain: until}
		},
	}
	g := ledger.Genesis{
		Archive: archive, Mode: ledger.Production, Created: time.Now().UTC().Format(ledger.TimeFormat), Keys: ledger.PublicKeys{Ed25519: signer.Public()},
		Recipients: ledger.Recipients{Firm: []string{id.Recipient().String()}}, Sealed: ledger.Sealed{Subject: []byte{1}, Token: []byte{2}, State: []byte{3}},
	}
	must(t, control.Create(t.Context(), d.cfg, g, "test"))
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) looks(t *testing.T, n int) {
	t.Helper()
	log, err := control.Open(t.Context(), d.cfg)
	must(t, err)
	defer log.Close()
	_, err = log.Start(t.Context(), ledger.Start{Binary: "test", Policy: "p", Clock: time.Now().UTC().Format(ledger.TimeFormat)}, "test")
	must(t, err)
	for range n {
		_, err := log.Commit(t.Context(), control.Draft{Act: ledger.Act{Type: ledger.ActLook, Actor: "test", Look: &ledger.Look{Kind: "cat"}}})
		must(t, err)
	}
}

func (d *desk) verify(t *testing.T) {
	t.Helper()
	r, err := verify.Run(t.Context(), verify.Config{Locked: d.locked, Meta: d.meta, Spare: d.spare, RowHashes: seal.RowHashes})
	must(t, err)
	if !r.OK || r.Warnings > 0 {
		t.Errorf("verify: %+v", r.Findings)
	}
}

// TestSnapshots opens a long control lane through its snapshot: the view is that
// of all acts, and what is read does not grow with the lane. A snapshot that is
// gone or wrong costs time alone.
func TestSnapshots(t *testing.T) {
	d := newDesk(t)
	d.looks(t, 560)
	d.verify(t)

	whole, _, err := control.Read(t.Context(), d.locked, nil)
	must(t, err)
	d.gets.Store(0)
	view, chain, err := control.Read(t.Context(), d.cfg.Locked, d.meta)
	must(t, err)
	if d.gets.Load() > 60 {
		t.Errorf("%d objects read of %d blocks", d.gets.Load(), chain.Size())
	}
	if !reflect.DeepEqual(view, whole) || view.Looks != 560 {
		t.Errorf("view by snapshot:\n%+v\nby all acts:\n%+v", view, whole)
	}

	var names []string
	must(t, d.meta.List(t.Context(), ledger.DataKey(record.Control, 0, "")[:len("lanes/control/data/")], "", func(v worm.Version) error {
		if strings.HasSuffix(v.Key, "-snapshot") {
			names = append(names, v.Key)
		}
		return nil
	}))
	if len(names) != 2 {
		t.Fatalf("%d snapshots, want 2", len(names))
	}
	for i := len(names) - 1; i >= 0; i-- { // the newest, then both
		must(t, d.meta.Delete(t.Context(), names[i]))
		again, _, err := control.Read(t.Context(), d.locked, d.meta)
		must(t, err)
		if !reflect.DeepEqual(again, whole) {
			t.Errorf("view without %s differs", names[i])
		}
	}
}
