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

// media is how many media of 1 MiB the archive of verify_bytes holds.
const media = 256

// verifyBytes verifies an archive whose bytes are mostly media, from the page cache,
// and hashes the same bytes, in memory, with nothing else; and then the same with an
// archive of short texts, where most of the work is not in the bytes: 400,000 of them
// are 130 MB sealed, and as many leaves.
func verifyBytes(ctx context.Context, b *bench) ([]figure, error) {
	if b.archive == "" {
		if _, err := b.archiveOnce(ctx, "off", b.records, traffic.People, 0); err != nil {
			return nil, err
		}
	}
	small, err := verifyArchive(ctx, b.archive, b.records)
	if err != nil {
		return nil, err
	}
	small.Name = "verify_bytes_texts"
	if _, err := b.archiveOnce(ctx, "off", 1000, traffic.People, media); err != nil {
		return nil, err
	}
	large, err := verifyArchive(ctx, b.archive, 1000+media)
	if err != nil {
		return nil, err
	}
	large.Name = "verify_bytes"
	return []figure{large.ratioAtLeast(0.6), small}, nil
}

func verifyArchive(ctx context.Context, data string, records int) (figure, error) {
	var stores [3]*dir.Reader
	for i, name := range []string{"locked", "meta", "spare"} {
		var err error
		if stores[i], err = dir.OpenReadOnly(filepath.Join(data, name)); err != nil {
			return figure{}, err
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
			return figure{}, err
		}
	}
	var best, plain float64
	for range 3 {
		start := time.Now()
		r, err := verify.Run(ctx, verify.Config{Locked: stores[0], Meta: stores[1], Spare: stores[2], RowHashes: seal.RowHashes, Workers: workers})
		if err != nil {
			return figure{}, err
		}
		if !r.OK || r.Records != uint64(records) {
			return figure{}, fmt.Errorf("verify: %d records of %d, %d findings", r.Records, records, r.Failures)
		}
		best = max(best, float64(total)/time.Since(start).Seconds())
		plain = max(plain, hashing(bodies, total))
	}
	return figure{Value: best / 1e6, Unit: "MB/s"}.against(plain / 1e6), nil
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
