// Package wormtest holds a store to the contract of package worm. Each
// implementation runs the same suite, so that what one of them promises the
// others promise too.
package wormtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Harness is one empty store under test and what the suite may do to it.
type Harness struct {
	Store worm.Keeper
	// Advance moves the store's clock. A store whose clock cannot be moved
	// leaves it nil; the tests of lapsed retention are then skipped, saying so.
	Advance func(time.Duration)
	// Reopen gives the same store as a new process would find it. Nil where
	// there is nothing to reopen.
	Reopen func() worm.Keeper
	// Fill makes the store full, until the function it gives is called. Nil
	// where it cannot be provoked.
	Fill func() (restore func())
}

// Run tests a locked store.
func Run(t *testing.T, open func(*testing.T) Harness) {
	run(t, open, common)
	run(t, open, locked)
}

// RunMeta tests an unlocked store; Harness.Store must be a worm.Meta.
func RunMeta(t *testing.T, open func(*testing.T) Harness) {
	run(t, open, common)
	run(t, open, unlocked)
}

type test struct {
	name string
	fn   func(*suite)
}

func run(t *testing.T, open func(*testing.T) Harness, tests []test) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.fn(&suite{T: t, ctx: t.Context(), Harness: open(t)})
		})
	}
}

type suite struct {
	*testing.T
	ctx context.Context
	Harness
}

// common is what every store does.
var common = []test{
	{"PutGet", testPutGet},
	{"Empty", testEmpty},
	{"Missing", testMissing},
	{"CreateOnly", testCreateOnly},
	{"Race", testRace},
	{"WrongSum", testWrongSum},
	{"Keys", testKeys},
	{"LongKeys", testLongKeys},
	{"ReadAt", testReadAt},
	{"DeleteUnlocked", testDeleteUnlocked},
	{"List", testList},
	{"ListStops", testListStops},
	{"ListWhileWriting", testListWhileWriting},
	{"Concurrent", testConcurrent},
	{"Large", testLarge},
	{"Cancelled", testCancelled},
	{"Full", testFull},
	{"Caller", testCallersBytes},
}

func (s *suite) now() time.Time {
	s.Helper()
	now, err := s.Store.Now(s.ctx)
	s.ok(err)
	return now
}

func (s *suite) put(key, body string, lock worm.Lock) worm.Info {
	s.Helper()
	info, err := s.Store.Put(s.ctx, key, []byte(body), sha256.Sum256([]byte(body)), lock)
	s.ok(err)
	return info
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) want(err, target error) {
	s.Helper()
	if !errors.Is(err, target) {
		s.Fatalf("got error %v, want %v", err, target)
	}
}

func (s *suite) holds(key, body string) {
	s.Helper()
	got, info, err := s.Store.Get(s.ctx, key)
	s.ok(err)
	if string(got) != body {
		s.Fatalf("%s holds %d bytes, not the %d it should", key, len(got), len(body))
	}
	head, err := s.Store.Head(s.ctx, key)
	s.ok(err)
	if head != info {
		s.Fatalf("head %+v and get %+v differ", head, info)
	}
	if info.Key != key || info.Size != int64(len(body)) {
		s.Fatalf("info %+v is not of %s", info, key)
	}
	if info.SHA256 != sha256.Sum256([]byte(body)) && info.SHA256 != [32]byte{} {
		s.Fatalf("info of %s has another sum", key)
	}
}

func (s *suite) list(prefix, after string) []string {
	s.Helper()
	var keys []string
	s.ok(s.Store.List(s.ctx, prefix, after, func(v worm.Version) error {
		keys = append(keys, v.Key)
		return nil
	}))
	return keys
}

func block(n int) string { return fmt.Sprintf("lanes/0/blocks/%012d", n) }
