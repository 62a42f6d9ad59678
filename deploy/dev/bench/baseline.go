package main

import (
	"bytes"
	"crypto/sha256"
	"runtime"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/waxseal/waxseal/deploy/dev/traffic"
)

// chunk is how many raw bytes the baseline seals at a time: about a block.
const chunk = 16 << 20

// plainSealing is how many of the same records a second go through nothing but
// zstd -1, age and SHA-256, in memory, on all cores.
func plainSealing(records int) (float64, error) {
	var chunks [][]byte
	t := traffic.New(1, time.Now().Unix(), traffic.People)
	var buf []byte
	for range records {
		r := t.Next()
		buf = append(append(buf, r.Key...), r.Value...)
		for _, h := range r.Headers {
			buf = append(append(buf, h.Key...), h.Value...)
		}
		if len(buf) >= chunk {
			chunks, buf = append(chunks, buf), nil
		}
	}
	chunks = append(chunks, buf)
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return 0, err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	start := time.Now()
	for _, c := range chunks {
		g.Go(func() error {
			z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
			if err != nil {
				return err
			}
			var out bytes.Buffer
			w, err := age.Encrypt(&out, id.Recipient(), id.Recipient())
			if err != nil {
				return err
			}
			if _, err := w.Write(z.EncodeAll(c, nil)); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			sha256.Sum256(out.Bytes())
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return float64(records) / time.Since(start).Seconds(), nil
}
