package main

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

// ledgerOnly is an archive of leaves alone, in a folder, each write forced to disk.
type ledgerOnly struct {
	locked *dir.Store
	meta   *dir.Meta
	spare  *dir.Meta
	cfg    lane.Config
	keys   *ledger.Verifier
	print  ledger.Hash
	leaves int
}

const ledgerName = "bench.example"

// newLedger makes an archive with a genesis and a writer.
func newLedger(ctx context.Context, root string) (l *ledgerOnly, err error) {
	l = &ledgerOnly{}
	if l.locked, err = dir.Create(filepath.Join(root, "locked"), dir.Options{}); err != nil {
		return nil, err
	}
	if l.meta, err = dir.CreateMeta(filepath.Join(root, "meta"), dir.Options{}); err != nil {
		return nil, err
	}
	if l.spare, err = dir.CreateMeta(filepath.Join(root, "spare"), dir.Options{}); err != nil {
		return nil, err
	}
	signer, err := ledger.NewSigner(ledgerName, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		return nil, err
	}
	l.keys = signer.Verifier()
	horizon := func(now time.Time) time.Time { return now.AddDate(1, 0, 0) }
	l.cfg = lane.Config{
		Locked: l.locked, Meta: l.meta, Spare: l.spare, Signer: signer, Horizon: horizon, Now: time.Now, Sleep: archiver.Sleep,
		Report: func(string, error) {},
	}
	return l, l.begin(ctx)
}

// begin enters genesis and this writer's start.
func (l *ledgerOnly) begin(ctx context.Context) error {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	until := l.cfg.Horizon(time.Now()).Unix()
	cfg := control.Config{
		Config: l.cfg, Archive: ledgerName, Publish: l.meta, Recipients: []age.Recipient{id.Recipient()},
		Retention: func(time.Time) seal.Retention { return seal.Retention{Class: "audit", Duty: until, Retain: until} },
	}
	cfg.Lane = record.Control
	now := time.Now().UTC().Format(ledger.TimeFormat)
	genesis := ledger.Genesis{
		Archive: ledgerName, Mode: ledger.Production, Created: now,
		Keys: ledger.PublicKeys{Ed25519: l.cfg.Signer.Public()}, Recipients: ledger.Recipients{Firm: []string{id.Recipient().String()}},
	}
	if err := control.Create(ctx, cfg, genesis, "bench"); err != nil {
		return err
	}
	log, err := control.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer log.Close()
	log.View(func(v *control.View) { l.print = v.Fingerprint })
	l.cfg.Writer, err = log.Start(ctx, ledger.Start{Binary: "bench", Clock: now, Instance: "1"}, "bench")
	return err
}

// append commits steps of so many leaves in each of some lanes, side by side, and
// says how many leaves became durable a second.
func (l *ledgerOnly) append(ctx context.Context, lanes, steps, leaves int) (float64, error) {
	taken := make([]*lane.Lane, lanes)
	for i := range taken {
		cfg, partition := l.cfg, int32(i)
		cfg.Lane = record.PartitionLane(partition)
		var err error
		taken[i], err = lane.Take(ctx, cfg, lane.Taking{Keys: l.keys, Topics: []string{"wa.webhooks"}, Partition: partition, Assigned: func() bool { return true }})
		if err != nil {
			return 0, err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for _, one := range taken {
		g.Go(func() error { return steadily(ctx, one, steps, leaves) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	l.leaves += lanes * steps * leaves
	return float64(lanes*steps*leaves) / time.Since(start).Seconds(), nil
}

// steadily commits step after step of one lane.
func steadily(ctx context.Context, l *lane.Lane, steps, leaves int) error {
	hashes := make([]ledger.Hash, leaves)
	src := l.Head().Source[0]
	for n := range steps {
		for i := range hashes {
			binary.BigEndian.PutUint64(hashes[i][:], uint64(n*leaves+i))
		}
		src.First, src.Next, src.Records = src.Next, src.Next+int64(leaves), uint64(leaves)
		if _, err := l.Commit(ctx, &lane.Step{Time: time.Now(), Sources: []ledger.Source{src}, Leaves: hashes}); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledgerOnly) close() error {
	return errors.Join(l.locked.Close(), l.meta.Close(), l.spare.Close())
}

func ledgerAppend(ctx context.Context, b *bench) ([]figure, error) {
	// A step waits for the disk alone, so that lanes wait side by side.
	const many, few = 64, 4
	single, _, err := appending(ctx, filepath.Join(b.dir, "ledger-1"), many, 60, 1)
	if err != nil {
		return nil, err
	}
	thousand, leaves, err := appending(ctx, filepath.Join(b.dir, "ledger-1000"), few, 400, 1000)
	if err != nil {
		return nil, err
	}
	return []figure{
		figure{Name: "ledger_append_1", Value: single, Unit: "leaves/s", note: fmt.Sprintf("%d lanes side by side", many)}.atLeast(1000),
		figure{Name: "ledger_append_1000", Value: thousand, Unit: "leaves/s", note: fmt.Sprintf("%d lanes side by side", few)}.atLeast(300_000),
		figure{Name: "verify_leaves", Value: leaves, Unit: "leaves/s"}.atLeast(1_000_000),
	}, nil
}

// appending fills a ledger and says how many leaves a second became durable, and
// how many a second its verification takes in.
func appending(ctx context.Context, root string, lanes, steps, leaves int) (appended, verified float64, err error) {
	l, err := newLedger(ctx, root)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if appended, err = l.append(ctx, lanes, steps, leaves); err != nil {
		return 0, 0, err
	}
	for range rounds {
		rate, err := l.verify(ctx)
		if err != nil {
			return 0, 0, err
		}
		verified = max(verified, rate)
	}
	return appended, verified, nil
}

// verify says how many leaves a second a whole verification takes in.
func (l *ledgerOnly) verify(ctx context.Context) (float64, error) {
	start := time.Now()
	r, err := verify.Run(ctx, verify.Config{Locked: l.locked, Meta: l.meta, Spare: l.spare, RowHashes: seal.RowHashes, Fingerprint: &l.print})
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	if !r.OK || r.Records != uint64(l.leaves) {
		return 0, fmt.Errorf("verify: %d leaves of %d, %d findings, as %v", r.Records, l.leaves, r.Failures, r.Findings[0])
	}
	return float64(r.Records) / took.Seconds(), nil
}
