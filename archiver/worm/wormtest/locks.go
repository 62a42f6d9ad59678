package wormtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// locked is what a store with locks does.
var locked = []test{
	{"RetentionInThePast", testPast},
	{"RoundsUp", testRoundsUp},
	{"NoEarlyDelete", testNoEarlyDelete},
	{"NoOverwriteOfLocked", testNoOverwrite},
	{"LapsedRetention", testLapsed},
	{"Extend", testExtend},
	{"ExtendUnretained", testExtendUnretained},
	{"Hold", testHold},
	{"HoldAfterRetentionLapsed", testHoldLapsed},
	{"LocksSurvive", testLocksSurvive},
	{"ListShowsLocks", testListLocks},
	{"ExtendRace", testExtendRace},
}

// unlocked is what a meta store does.
var unlocked = []test{
	{"NoLocks", testNoLocks},
	{"Swap", testSwap},
	{"SwapEmpty", testSwapEmpty},
	{"SwapRace", testSwapRace},
	{"SwapAndPut", testSwapAndPut},
	{"SwapSurvives", testSwapSurvives},
}

func (s *suite) retain(d time.Duration) worm.Lock {
	s.Helper()
	return worm.Lock{RetainUntil: s.now().Add(d).Truncate(time.Second)}
}

func (s *suite) lockIs(key string, want worm.Lock) {
	s.Helper()
	info, err := s.Store.Head(s.ctx, key)
	s.ok(err)
	if !info.Lock.RetainUntil.Equal(want.RetainUntil) || info.Lock.Hold != want.Hold {
		s.Fatalf("lock of %s is %+v, want %+v", key, info.Lock, want)
	}
}

func (s *suite) needsClock() {
	s.Helper()
	if s.Advance == nil {
		s.Skip("optional: this store's clock cannot be moved; worm/selftest waits for a lock to end")
	}
}

func testPast(s *suite) {
	for _, d := range []time.Duration{-time.Hour, -10 * 365 * 24 * time.Hour} {
		_, err := s.Store.Put(s.ctx, "k", nil, sha256.Sum256(nil), s.retain(d))
		s.want(err, worm.ErrPast)
	}
	_, err := s.Store.Head(s.ctx, "k")
	s.want(err, worm.ErrNotFound)
}

func testRoundsUp(s *suite) {
	until := s.now().Add(48 * time.Hour).Truncate(time.Second)
	berlin := time.FixedZone("CET", 3600)
	s.put("k", "x", worm.Lock{RetainUntil: until.Add(time.Nanosecond).In(berlin)})
	s.lockIs("k", worm.Lock{RetainUntil: until.Add(time.Second)})
	s.ok(s.Store.Extend(s.ctx, "k", until.Add(time.Hour+time.Millisecond)))
	s.lockIs("k", worm.Lock{RetainUntil: until.Add(time.Hour + time.Second)})
}

func testNoEarlyDelete(s *suite) {
	lock := s.retain(24 * time.Hour)
	s.put("k", "locked", lock)
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrLocked)
	s.holds("k", "locked")
	s.lockIs("k", lock)
}

func testNoOverwrite(s *suite) {
	lock := s.retain(24 * time.Hour)
	s.put("k", "locked", lock)
	for _, l := range []worm.Lock{{}, lock, s.retain(48 * time.Hour), {Hold: true}} {
		_, err := s.Store.Put(s.ctx, "k", []byte("other"), sha256.Sum256([]byte("other")), l)
		s.want(err, worm.ErrExists)
	}
	s.holds("k", "locked")
	s.lockIs("k", lock)
}

func testLapsed(s *suite) {
	s.needsClock()
	s.put("k", "x", s.retain(time.Minute))
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrLocked)
	s.Advance(2 * time.Minute)
	s.holds("k", "x")
	_, err := s.Store.Put(s.ctx, "k", []byte("y"), sha256.Sum256([]byte("y")), worm.Lock{})
	s.want(err, worm.ErrExists)
	s.ok(s.Store.Delete(s.ctx, "k"))
	_, err = s.Store.Head(s.ctx, "k")
	s.want(err, worm.ErrNotFound)
}

func testExtend(s *suite) {
	day := 24 * time.Hour
	lock := s.retain(10 * day)
	s.put("k", "x", lock)
	later := worm.Lock{RetainUntil: lock.RetainUntil.Add(day)}
	s.ok(s.Store.Extend(s.ctx, "k", later.RetainUntil))
	s.lockIs("k", later)
	s.ok(s.Store.Extend(s.ctx, "k", later.RetainUntil)) // again: no change, no error
	for _, until := range []time.Time{lock.RetainUntil, later.RetainUntil.Add(-time.Second), s.now().Add(day), s.now().Add(-day), {}} {
		s.want(s.Store.Extend(s.ctx, "k", until), worm.ErrLocked)
		s.lockIs("k", later)
	}
	s.want(s.Store.Extend(s.ctx, "nothing", later.RetainUntil), worm.ErrNotFound)
	s.want(s.Store.Extend(s.ctx, "No Key", later.RetainUntil), worm.ErrKey)
	s.holds("k", "x")
	if s.Reopen != nil {
		s.Store = s.Reopen()
		s.lockIs("k", later)
	}
}

func testExtendUnretained(s *suite) {
	s.put("k", "x", worm.Lock{})
	s.want(s.Store.Extend(s.ctx, "k", s.now().Add(-time.Hour)), worm.ErrPast)
	lock := s.retain(24 * time.Hour)
	s.ok(s.Store.Extend(s.ctx, "k", lock.RetainUntil))
	s.lockIs("k", lock)
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrLocked)
}

func testHold(s *suite) {
	s.put("k", "x", worm.Lock{})
	s.ok(s.Store.Hold(s.ctx, "k", true))
	s.ok(s.Store.Hold(s.ctx, "k", true))
	s.lockIs("k", worm.Lock{Hold: true})
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrLocked)
	s.ok(s.Store.Hold(s.ctx, "k", false))
	s.lockIs("k", worm.Lock{})
	s.ok(s.Store.Delete(s.ctx, "k"))
	s.want(s.Store.Hold(s.ctx, "k", true), worm.ErrNotFound)
	s.want(s.Store.Hold(s.ctx, "No Key", true), worm.ErrKey)

	s.put("held", "x", worm.Lock{Hold: true})
	s.want(s.Store.Delete(s.ctx, "held"), worm.ErrLocked)
	lock := s.retain(24 * time.Hour)
	s.ok(s.Store.Extend(s.ctx, "held", lock.RetainUntil))
	s.lockIs("held", worm.Lock{RetainUntil: lock.RetainUntil, Hold: true})
	s.ok(s.Store.Hold(s.ctx, "held", false))
	s.lockIs("held", lock)
	s.want(s.Store.Delete(s.ctx, "held"), worm.ErrLocked)
}

func testHoldLapsed(s *suite) {
	s.needsClock()
	lock := s.retain(time.Minute)
	lock.Hold = true
	s.put("k", "x", lock)
	s.put("later", "x", s.retain(time.Minute))
	s.ok(s.Store.Hold(s.ctx, "later", true))
	s.Advance(time.Hour)
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrLocked)
	s.want(s.Store.Delete(s.ctx, "later"), worm.ErrLocked)
	s.lockIs("k", lock)
	s.ok(s.Store.Hold(s.ctx, "k", false))
	s.ok(s.Store.Delete(s.ctx, "k"))
}

func testLocksSurvive(s *suite) {
	lock := s.retain(24 * time.Hour)
	lock.Hold = true
	s.put("k", "x", lock)
	s.put("free", "x", worm.Lock{})
	if s.Reopen != nil {
		s.Store = s.Reopen()
	}
	s.lockIs("k", lock)
	s.lockIs("free", worm.Lock{})
	s.want(s.Store.Delete(s.ctx, "k"), worm.ErrLocked)
}

func testListLocks(s *suite) {
	want := map[string]worm.Lock{}
	for i := range 5 {
		lock := s.retain(time.Duration(i+1) * 24 * time.Hour)
		lock.Hold = i%2 == 1
		want[block(i)] = lock
		s.put(block(i), "x", lock)
	}
	for key, lock := range want {
		s.lockIs(key, lock)
	}
	keys := s.list("lanes/0/", block(1))
	if !slices.Equal(keys, []string{block(2), block(3), block(4)}) {
		s.Fatalf("listed %q", keys)
	}
}

// testExtendRace lets extensions race: the latest date stays.
func testExtendRace(s *suite) {
	lock := s.retain(24 * time.Hour)
	s.put("k", "x", lock)
	s.together(16, func(i int) error {
		err := s.Store.Extend(s.ctx, "k", lock.RetainUntil.Add(time.Duration(i)*time.Hour))
		if errors.Is(err, worm.ErrLocked) {
			return nil
		}
		return err
	})
	s.lockIs("k", worm.Lock{RetainUntil: lock.RetainUntil.Add(15 * time.Hour)})
}

func testNoLocks(s *suite) {
	for _, lock := range []worm.Lock{s.retain(time.Hour), {Hold: true}} {
		_, err := s.Store.Put(s.ctx, "k", nil, sha256.Sum256(nil), lock)
		s.want(err, worm.ErrNoLocks)
	}
	_, err := s.Store.Head(s.ctx, "k")
	s.want(err, worm.ErrNotFound)
	s.put("k", "x", worm.Lock{})
	s.want(s.Store.Extend(s.ctx, "k", s.now().Add(time.Hour)), worm.ErrNoLocks)
	s.want(s.Store.Hold(s.ctx, "k", true), worm.ErrNoLocks)
	s.lockIs("k", worm.Lock{})
}

func (s *suite) meta() worm.Meta { return s.Store.(worm.Meta) }

func testSwap(s *suite) {
	m := s.meta()
	const key = "log/0/checkpoint"
	s.want(m.Swap(s.ctx, key, []byte("one"), []byte("two")), worm.ErrChanged)
	s.ok(m.Swap(s.ctx, key, nil, []byte("one")))
	s.want(m.Swap(s.ctx, key, nil, []byte("two")), worm.ErrChanged)
	s.want(m.Swap(s.ctx, key, []byte("two"), []byte("three")), worm.ErrChanged)
	s.holds(key, "one")
	s.ok(m.Swap(s.ctx, key, []byte("one"), []byte("two, longer")))
	s.holds(key, "two, longer")
	s.ok(m.Swap(s.ctx, key, []byte("two, longer"), []byte("3")))
	s.holds(key, "3")
	s.want(m.Swap(s.ctx, "No Key", nil, nil), worm.ErrKey)
	if got := s.list("", ""); !slices.Equal(got, []string{key}) {
		s.Fatalf("listed %q", got)
	}
	s.ok(m.Delete(s.ctx, key))
	s.want(m.Swap(s.ctx, key, []byte("3"), []byte("4")), worm.ErrChanged)
	s.ok(m.Swap(s.ctx, key, nil, []byte("4")))
}

// testSwapEmpty: an empty object is an object.
func testSwapEmpty(s *suite) {
	m := s.meta()
	s.want(m.Swap(s.ctx, "k", []byte{}, []byte("x")), worm.ErrChanged)
	s.ok(m.Swap(s.ctx, "k", nil, nil))
	s.holds("k", "")
	s.want(m.Swap(s.ctx, "k", nil, []byte("x")), worm.ErrChanged)
	s.ok(m.Swap(s.ctx, "k", []byte{}, []byte("x")))
	s.holds("k", "x")
}

// testSwapRace lets 8 writers each add 10 to a counter, by Swap alone.
func testSwapRace(s *suite) {
	m := s.meta()
	s.ok(m.Swap(s.ctx, "n", nil, []byte("0")))
	var lost atomic.Int64
	s.together(8, func(int) error {
		for done := 0; done < 10; {
			old, _, err := m.Get(s.ctx, "n")
			if err != nil {
				return err
			}
			var n int
			if _, err := fmt.Sscan(string(old), &n); err != nil {
				return err
			}
			switch err := m.Swap(s.ctx, "n", old, fmt.Append(nil, n+1)); {
			case err == nil:
				done++
			case errors.Is(err, worm.ErrChanged):
				lost.Add(1)
			default:
				return err
			}
		}
		return nil
	})
	s.holds("n", "80")
	s.Logf("%d swaps lost a race and were tried again", lost.Load())
}

func testSwapAndPut(s *suite) {
	m := s.meta()
	s.put("k", "put", worm.Lock{})
	s.ok(m.Swap(s.ctx, "k", []byte("put"), []byte("swapped")))
	_, err := m.Put(s.ctx, "k", []byte("again"), sha256.Sum256([]byte("again")), worm.Lock{})
	s.want(err, worm.ErrExists)
	s.holds("k", "swapped")
}

func testSwapSurvives(s *suite) {
	s.ok(s.meta().Swap(s.ctx, "k", nil, []byte("one")))
	s.ok(s.meta().Swap(s.ctx, "k", []byte("one"), []byte("two")))
	if s.Reopen != nil {
		s.Store = s.Reopen()
	}
	s.holds("k", "two")
	s.want(s.meta().Swap(s.ctx, "k", []byte("one"), []byte("three")), worm.ErrChanged)
}
