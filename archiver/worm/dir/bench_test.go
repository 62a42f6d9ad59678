package dir_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
)

func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		name     string
		size     int
		locked   bool
		parallel int
	}{{"8KiB", 8 << 10, true, 1}, {"8KiB-8at-once", 8 << 10, true, 8}, {"1MiB", 1 << 20, true, 1}, {"8KiB-unlocked", 8 << 10, false, 1}} {
		b.Run(c.name, func(b *testing.B) {
			var s worm.Store
			lock := worm.Lock{RetainUntil: time.Now().Add(time.Hour)}
			root := filepath.Join(b.TempDir(), "s")
			if c.locked {
				s = must(dir.Create(root, dir.Options{}))
			} else {
				s, lock = must(dir.CreateMeta(root, dir.Options{})), worm.Lock{}
			}
			body := make([]byte, c.size)
			sum := sha256.Sum256(body)
			var n atomic.Int64
			b.SetBytes(int64(c.size))
			b.SetParallelism(c.parallel)
			one := func() {
				if _, err := s.Put(b.Context(), fmt.Sprintf("lanes/0/blocks/%012d", n.Add(1)), body, sum, lock); err != nil {
					b.Error(err)
				}
			}
			if c.parallel > 1 {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one()
					}
				})
				return
			}
			for b.Loop() {
				one()
			}
		})
	}
}

// BenchmarkTail lists the last ten of many blocks, as taking a lane does.
func BenchmarkTail(b *testing.B) {
	m := must(dir.CreateMeta(filepath.Join(b.TempDir(), "s"), dir.Options{}))
	const n = 3000
	for i := range n {
		if err := m.Swap(b.Context(), fmt.Sprintf("lanes/0/blocks/%012d", i), nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	after := fmt.Sprintf("lanes/0/blocks/%012d", n-11)
	for b.Loop() {
		got := 0
		if err := m.List(b.Context(), "lanes/0/blocks/", after, func(worm.Version) error { got++; return nil }); err != nil || got != 10 {
			b.Fatal(got, err)
		}
	}
}
