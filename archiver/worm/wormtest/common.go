package wormtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

func testPutGet(s *suite) {
	before := s.now()
	info := s.put("lanes/0/data/1/seg-0", "sealed", worm.Lock{})
	s.holds("lanes/0/data/1/seg-0", "sealed")
	head, err := s.Store.Head(s.ctx, "lanes/0/data/1/seg-0")
	s.ok(err)
	if info.Key != head.Key || info.Size != head.Size || info.Lock != head.Lock {
		s.Fatalf("put says %+v, head %+v", info, head)
	}
	if head.ModTime.Unix() < before.Unix()-1 || head.ModTime.After(s.now().Add(time.Second)) { // clocks are exact to a second
		s.Fatalf("ModTime %v is not between %v and now", head.ModTime, before)
	}
	if s.Reopen != nil {
		s.Store = s.Reopen()
		s.holds("lanes/0/data/1/seg-0", "sealed")
	}
}

func testEmpty(s *suite) {
	s.put("empty", "", worm.Lock{})
	s.holds("empty", "")
	if body, _, _ := s.Store.Get(s.ctx, "empty"); body == nil {
		s.Fatal("an empty object is nil")
	}
	if n, err := s.Store.ReadAt(s.ctx, "empty", make([]byte, 1), 0); n != 0 || err != io.EOF {
		s.Fatalf("reading an empty object: %d, %v", n, err)
	}
	_, err := s.Store.Put(s.ctx, "empty", []byte("x"), sha256.Sum256([]byte("x")), worm.Lock{})
	s.want(err, worm.ErrExists)
}

func testMissing(s *suite) {
	s.put("a/b", "x", worm.Lock{})
	s.put(block(7), "x", worm.Lock{})
	for _, key := range []string{"nothing", "a", "a/b/c", "a/bb", "a/b.c", "lanes/0/blocks", block(8), block(7) + "0", "lanes/0/blocks/000000000"} {
		_, _, err := s.Store.Get(s.ctx, key)
		s.want(err, worm.ErrNotFound)
		_, err = s.Store.Head(s.ctx, key)
		s.want(err, worm.ErrNotFound)
		_, err = s.Store.ReadAt(s.ctx, key, make([]byte, 1), 0)
		s.want(err, worm.ErrNotFound)
		s.want(s.Store.Delete(s.ctx, key), worm.ErrNotFound)
	}
}

func testCreateOnly(s *suite) {
	s.put("k", "first", worm.Lock{})
	for _, body := range []string{"second", "first", ""} {
		_, err := s.Store.Put(s.ctx, "k", []byte(body), sha256.Sum256([]byte(body)), worm.Lock{})
		s.want(err, worm.ErrExists)
	}
	s.holds("k", "first")
}

// testRace lets 16 writers race for each of several keys: one wins, and what
// it wrote is what is there.
func testRace(s *suite) {
	for round := range 8 {
		var won atomic.Int64
		var winner atomic.Value
		s.together(16, func(i int) error {
			body := bytes.Repeat([]byte{byte(i)}, 1000+i)
			_, err := s.Store.Put(s.ctx, block(round), body, sha256.Sum256(body), worm.Lock{})
			if err == nil {
				won.Add(1)
				winner.Store(string(body))
			} else if !errors.Is(err, worm.ErrExists) {
				return err
			}
			return nil
		})
		if won.Load() != 1 {
			s.Fatalf("%d of 16 racing writers won", won.Load())
		}
		s.holds(block(round), winner.Load().(string))
	}
}

// together runs fn n times at once, all starting as close together as can be.
func (s *suite) together(n int, fn func(i int) error) {
	s.Helper()
	var wg sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	s.ok(errors.Join(errs...))
}

func testWrongSum(s *suite) {
	_, err := s.Store.Put(s.ctx, "k", []byte("these bytes"), sha256.Sum256([]byte("others")), worm.Lock{})
	s.want(err, worm.ErrSum)
	_, err = s.Store.Head(s.ctx, "k")
	s.want(err, worm.ErrNotFound)
	if keys := s.list("", ""); len(keys) != 0 {
		s.Fatalf("a refused object left %q", keys)
	}
}

func testKeys(s *suite) {
	bad := []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "a/..", "a/../b", "./a", "../a", "A", "a b", "a\x00", "a\\b", "ä", "a:b", "a*",
		strings.Repeat("k", worm.MaxSegment+1), "a/" + strings.Repeat("k", worm.MaxSegment+1) + "/b", strings.Repeat("k/", worm.MaxKey/2) + "k",
	}
	for _, key := range bad {
		_, err := s.Store.Put(s.ctx, key, nil, sha256.Sum256(nil), worm.Lock{})
		s.want(err, worm.ErrKey)
		_, _, err = s.Store.Get(s.ctx, key)
		s.want(err, worm.ErrKey)
		_, err = s.Store.Head(s.ctx, key)
		s.want(err, worm.ErrKey)
		_, err = s.Store.ReadAt(s.ctx, key, nil, 0)
		s.want(err, worm.ErrKey)
		s.want(s.Store.Delete(s.ctx, key), worm.ErrKey)
	}
	good := []string{"a", "0", ".a", "...", "a.", "~", "-", "_", "b/c/d", "lanes/3~2/blocks/000000000001", "tile/0/x001/x234/067.p/1", "~lock", "a.tmp", "tmp", "lock"}
	for _, key := range good {
		s.put(key, key, worm.Lock{})
	}
	sort.Strings(good)
	if got := s.list("", ""); !slices.Equal(got, good) {
		s.Fatalf("listed %q, want %q", got, good)
	}
	for _, key := range good {
		s.holds(key, key)
	}
}

func testLongKeys(s *suite) {
	keys := []string{
		strings.Repeat("k", worm.MaxSegment),
		strings.Repeat("a/", worm.MaxKey/2-1) + "bb",
		strings.Repeat("k", worm.MaxSegment-1) + "/" + strings.Repeat("l", worm.MaxSegment) + "/" + strings.Repeat("m", 111),
	}
	for _, key := range keys {
		s.put(key, "long", worm.Lock{})
		s.holds(key, "long")
	}
	sort.Strings(keys)
	if got := s.list("", ""); !slices.Equal(got, keys) {
		s.Fatalf("listed %q", got)
	}
}

func testReadAt(s *suite) {
	body := strings.Repeat("0123456789", 1000)
	s.put("k", body, worm.Lock{})
	size := int64(len(body))
	for _, c := range []struct {
		off  int64
		n    int
		want int
		err  error
	}{
		{0, 10, 10, nil}, {5, 10, 10, nil}, {0, len(body), len(body), nil}, {size - 3, 3, 3, nil},
		{size - 3, 4, 3, io.EOF}, {0, len(body) + 1, len(body), io.EOF}, {size, 1, 0, io.EOF}, {size + 100, 1, 0, io.EOF}, {7, 0, 0, nil},
	} {
		p := make([]byte, c.n)
		n, err := s.Store.ReadAt(s.ctx, "k", p, c.off)
		if n != c.want || err != c.err && (c.err != nil || n < len(p)) {
			s.Fatalf("ReadAt(%d bytes at %d) = %d, %v, want %d, %v", c.n, c.off, n, err, c.want, c.err)
		}
		if n > 0 && string(p[:n]) != body[c.off:c.off+int64(n)] {
			s.Fatalf("ReadAt(%d bytes at %d) gave other bytes", c.n, c.off)
		}
	}
	if _, err := s.Store.ReadAt(s.ctx, "k", make([]byte, 1), -1); err == nil || err == io.EOF {
		s.Fatalf("reading at a negative offset: %v", err)
	}
}

func testDeleteUnlocked(s *suite) {
	s.put("k", "one", worm.Lock{})
	s.put("k2", "other", worm.Lock{})
	s.ok(s.Store.Delete(s.ctx, "k"))
	_, err := s.Store.Head(s.ctx, "k")
	s.want(err, worm.ErrNotFound)
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrNotFound)
	if got := s.list("", ""); !slices.Equal(got, []string{"k2"}) {
		s.Fatalf("after a delete %q are listed", got)
	}
	s.put("k", "two", worm.Lock{})
	s.holds("k", "two")
}

func testList(s *suite) {
	keys := []string{
		"a-b", "a.b", "a/a", "a/b-c", "a/b/c", "a/bb", "a0", "ab/c", "b",
		block(1), block(999), block(1000), block(1001), block(123456789012), block(7) + "a", "lanes/0/data/000000001000/x", "lanes/0/data/000000001000/y", "lanes/0/data/000000000999/x", block(1000)[:len(block(1000))-1], block(2), block(9), block(10), "lanes/0/data/9/seg-0", "lanes/10/blocks/000000000001", "lanes/1~2/blocks/000000000001",
	}
	for i, key := range keys {
		s.put(key, strings.Repeat("x", i), worm.Lock{})
	}
	sort.Strings(keys)
	prefixes := []string{"", "a", "a/", "a/b", "a/b/", "lanes", "lanes/0/blocks/", "lanes/1", "nothing", "a/nothing/", block(1), "zzz"}
	for _, prefix := range prefixes {
		for _, after := range append([]string{"", "lanes/0/blocks", "zzz", "a/b/", "a/b/zz", "a!", "lanes/0/data/1"}, keys...) {
			var want []string
			for _, k := range keys {
				if strings.HasPrefix(k, prefix) && k > after {
					want = append(want, k)
				}
			}
			if got := s.list(prefix, after); !slices.Equal(got, want) {
				s.Fatalf("list(%q, %q) = %q, want %q", prefix, after, got, want)
			}
		}
	}
	s.listTells(keys)
}

// listTells checks what a listing says of each object against Head.
func (s *suite) listTells(keys []string) {
	s.Helper()
	n := 0
	s.ok(s.Store.List(s.ctx, "", "", func(v worm.Version) error {
		head, err := s.Store.Head(s.ctx, v.Key)
		s.ok(err)
		if v.Size != head.Size || !v.Latest || v.DeleteMarker || v.Version != head.Version {
			return fmt.Errorf("listed %+v, head %+v", v, head)
		}
		n++
		return nil
	}))
	if n != len(keys) {
		s.Fatalf("listed %d versions of %d keys", n, len(keys))
	}
}

func testListStops(s *suite) {
	for i := range 10 {
		s.put(block(i), "x", worm.Lock{})
	}
	stop, n := errors.New("enough"), 0
	err := s.Store.List(s.ctx, "lanes/", block(2), func(worm.Version) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 3 {
		s.Fatalf("stopped after %d with %v", n, err)
	}
}

// testListWhileWriting: what was there before a listing began is in it,
// whatever is written or deleted meanwhile, and the callback may use the store.
func testListWhileWriting(s *suite) {
	for i := range 50 {
		s.put(block(i), "x", worm.Lock{})
	}
	s.put("lanes/0/other/doomed", "x", worm.Lock{})
	seen := 0
	s.ok(s.Store.List(s.ctx, "lanes/", "", func(v worm.Version) error {
		if !strings.HasPrefix(v.Key, "lanes/0/blocks/") || len(v.Key) != len(block(0)) {
			return nil
		}
		if seen == 10 {
			s.put("lanes/0/aaa", "new", worm.Lock{})
			s.put("lanes/0/zzz", "new", worm.Lock{})
			s.ok(s.Store.Delete(s.ctx, "lanes/0/other/doomed"))
		}
		if v.Key != block(seen) {
			return fmt.Errorf("listed %s, want %s", v.Key, block(seen))
		}
		seen++
		return nil
	}))
	if seen != 50 {
		s.Fatalf("listed %d of 50", seen)
	}
}

func testConcurrent(s *suite) {
	s.together(8, func(w int) error {
		for i := range 12 {
			key := fmt.Sprintf("lanes/%d/blocks/%012d", w%3, i*8+w)
			body := []byte(strings.Repeat(key, 50))
			if _, err := s.Store.Put(s.ctx, key, body, sha256.Sum256(body), worm.Lock{}); err != nil {
				return err
			}
			got, _, err := s.Store.Get(s.ctx, key)
			if err != nil || !bytes.Equal(got, body) {
				return fmt.Errorf("read back %d bytes: %w", len(got), err)
			}
			if i%3 == 0 {
				if err := s.Store.Delete(s.ctx, key); err != nil {
					return err
				}
			}
			if err := s.Store.List(s.ctx, "lanes/", "", func(worm.Version) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if got := s.list("", ""); len(got) != 8*8 {
		s.Fatalf("%d objects are left of %d", len(got), 8*8)
	}
}

func testLarge(s *suite) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 9<<16)
	body[len(body)-1] = 'x'
	s.put("large", string(body), worm.Lock{})
	s.holds("large", string(body))
	p := make([]byte, 5)
	_, err := s.Store.ReadAt(s.ctx, "large", p, int64(len(body))-5)
	s.ok(err)
	if string(p) != "bcdex" {
		s.Fatal("the end of a large object differs")
	}
}

func testCancelled(s *suite) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := s.Store.Put(ctx, "k", nil, sha256.Sum256(nil), worm.Lock{})
	s.want(err, context.Canceled)
	_, _, err = s.Store.Get(ctx, "k")
	s.want(err, context.Canceled)
	s.want(s.Store.List(ctx, "", "", func(worm.Version) error { return nil }), context.Canceled)
}

func testFull(s *suite) {
	if s.Fill == nil {
		s.Skip("optional: this store cannot be made full here")
	}
	s.put("before", "kept", worm.Lock{})
	restore := s.Fill()
	body := bytes.Repeat([]byte("x"), 1<<20)
	_, err := s.Store.Put(s.ctx, "k", body, sha256.Sum256(body), worm.Lock{})
	restore()
	s.want(err, worm.ErrFull)
	_, err = s.Store.Head(s.ctx, "k")
	s.want(err, worm.ErrNotFound)
	s.holds("before", "kept")
	if got := s.list("", ""); !slices.Equal(got, []string{"before"}) {
		s.Fatalf("a full store lists %q", got)
	}
	s.put("k", string(body), worm.Lock{})
	s.holds("k", string(body))
}

// testCallersBytes: the store neither keeps nor hands out its callers' slices.
func testCallersBytes(s *suite) {
	body := []byte("original")
	_, err := s.Store.Put(s.ctx, "k", body, sha256.Sum256(body), worm.Lock{})
	s.ok(err)
	copy(body, "scribble")
	got, _, err := s.Store.Get(s.ctx, "k")
	s.ok(err)
	copy(got, "scribble")
	s.holds("k", "original")
}
