package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/deploy/dev/traffic"
	"github.com/waxseal/waxseal/ledger/verify"
)

// workers read sealed objects side by side, in verification and in its baseline.
const workers = 2

// verifyBytes verifies the archive that was made before, from the page cache,
// and hashes the same bytes, in memory, with nothing else.
func verifyBytes(ctx context.Context, b *bench) ([]figure, error) {
	if b.archive == "" {
		if _, err := b.archiveOnce(ctx, "sqlite", b.records, traffic.People); err != nil {
			return nil, err
		}
	}
	var stores [3]*dir.Reader
	for i, name := range []string{"locked", "meta", "spare"} {
		var err error
		if stores[i], err = dir.OpenReadOnly(filepath.Join(b.archive, name)); err != nil {
			return nil, err
		}
	}
	var bodies [][]byte
	total := 0
	for _, s := range stores {
		err := s.List(ctx, "", "", func(v worm.Version) error {
			body, _, err := s.Get(ctx, v.Key)
			bodies = append(bodies, body)
			total += len(body)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var best, plain float64
	for range 3 {
		start := time.Now()
		r, err := verify.Run(ctx, verify.Config{Locked: stores[0], Meta: stores[1], Spare: stores[2], RowHashes: seal.RowHashes, Workers: workers})
		if err != nil {
			return nil, err
		}
		if !r.OK || r.Records != uint64(b.records) {
			return nil, fmt.Errorf("verify: %d records of %d, %d findings", r.Records, b.records, r.Failures)
		}
		best = max(best, float64(total)/time.Since(start).Seconds())
		plain = max(plain, hashing(bodies, total))
	}
	return []figure{figure{Name: "verify_bytes", Value: best / 1e6, Unit: "MB/s"}.against(plain / 1e6).ratioAtLeast(0.6)}, nil
}

// hashing is how many bytes a second SHA-256 takes on as many cores.
func hashing(bodies [][]byte, total int) float64 {
	var g errgroup.Group
	g.SetLimit(workers)
	start := time.Now()
	for _, b := range bodies {
		g.Go(func() error { sha256.Sum256(b); return nil })
	}
	_ = g.Wait() // no error is given
	return float64(total) / time.Since(start).Seconds()
}
