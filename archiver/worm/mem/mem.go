// Package mem is a store in memory for tests. It keeps the whole contract of
// package worm and, told so, every fault a real store shows: requests lost,
// carried out but answered with an error, carried out late, acknowledged and
// forgotten; a full disk; foreign versions and delete markers; tampering.
package mem

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Store is a locked store: it implements worm.Keeper. Safe for concurrent use.
type Store struct {
	now      func() time.Time
	unlocked bool

	mu      sync.Mutex // guards the rest
	objects map[string][]version
	serial  int   // of the next version
	used    int64 // bytes in objects
	limit   int64 // 0 is none
	hook    func(context.Context, Call) Fault
	writes  []Call
	pending []write
}

// Meta is an unlocked store: it implements worm.Meta.
type Meta struct{ *Store }

var (
	_ worm.Keeper = (*Store)(nil)
	_ worm.Meta   = Meta{}
)

type version struct {
	info   worm.Info
	body   []byte // never written to after it is stored
	marker bool
}

// New gives an empty locked store with that clock, time.Now if nil.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{now: now, objects: map[string][]version{}}
}

// NewMeta gives an empty unlocked store with that clock, time.Now if nil.
func NewMeta(now func() time.Time) Meta {
	s := New(now)
	s.unlocked = true
	return Meta{s}
}

// Clone gives an independent store with the same objects, clock and limit, and
// without hook, log of writes or pending writes.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Store{now: s.now, unlocked: s.unlocked, serial: s.serial, used: s.used, limit: s.limit}
	c.objects = make(map[string][]version, len(s.objects))
	for k, vs := range s.objects {
		c.objects[k] = slices.Clone(vs)
	}
	return c
}

// Clone gives an independent copy, as Store.Clone does.
func (m Meta) Clone() Meta { return Meta{m.Store.Clone()} }

// oldest is the object of a key: its oldest version that is no delete marker.
func oldest(vs []version) (*version, bool) {
	for i := range vs {
		if !vs[i].marker {
			return &vs[i], true
		}
	}
	return nil, false
}

// Put implements worm.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	body = bytes.Clone(body)
	var info worm.Info
	err := s.do(ctx, OpPut, key, func(part bool) (err error) {
		stored := body
		if part {
			stored = body[:len(body)/2]
		}
		info, err = s.put(key, body, stored, sum, lock)
		return err
	})
	if err != nil {
		return worm.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return info, nil
}

func (s *Store) put(key string, body, stored []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	now := s.now()
	lock = lock.Whole()
	switch {
	case s.unlocked && lock != worm.Lock{}:
		return worm.Info{}, worm.ErrNoLocks
	case !lock.RetainUntil.IsZero() && !lock.RetainUntil.After(now):
		return worm.Info{}, worm.ErrPast
	case sha256.Sum256(body) != sum:
		return worm.Info{}, worm.ErrSum
	}
	if _, taken := oldest(s.objects[key]); taken {
		return worm.Info{}, worm.ErrExists
	}
	if err := s.room(int64(len(stored))); err != nil {
		return worm.Info{}, err
	}
	return s.append(key, stored, lock, now), nil
}

// room answers ErrFull if n more bytes pass the limit.
func (s *Store) room(n int64) error {
	if s.limit > 0 && s.used+n > s.limit {
		return worm.ErrFull
	}
	return nil
}

func (s *Store) append(key string, body []byte, lock worm.Lock, now time.Time) worm.Info {
	s.serial++
	info := worm.Info{
		Key: key, Size: int64(len(body)), SHA256: sha256.Sum256(body),
		Version: strconv.Itoa(s.serial), Lock: lock, ModTime: now.UTC(),
	}
	s.objects[key] = append(s.objects[key], version{info: info, body: body})
	s.used += info.Size
	return info
}

// Get implements worm.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	var body []byte
	var info worm.Info
	err := s.do(ctx, OpGet, key, func(bool) error {
		v, ok := oldest(s.objects[key])
		if !ok {
			return worm.ErrNotFound
		}
		body, info = append([]byte{}, v.body...), v.info
		return nil
	})
	if err != nil {
		return nil, worm.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	return body, info, nil
}

// ReadAt implements worm.Store.
func (s *Store) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	var n int
	err := s.do(ctx, OpReadAt, key, func(bool) error {
		v, ok := oldest(s.objects[key])
		switch {
		case !ok:
			return worm.ErrNotFound
		case off < 0:
			return errors.New("negative offset")
		case off < v.info.Size:
			n = copy(p, v.body[off:])
		}
		if n < len(p) {
			return io.EOF
		}
		return nil
	})
	if err == io.EOF {
		return n, io.EOF
	}
	if err != nil {
		return 0, fmt.Errorf("read %s at %d: %w", key, off, err)
	}
	return n, nil
}

// Head implements worm.Store.
func (s *Store) Head(ctx context.Context, key string) (worm.Info, error) {
	var info worm.Info
	err := s.do(ctx, OpHead, key, func(bool) error {
		v, ok := oldest(s.objects[key])
		if !ok {
			return worm.ErrNotFound
		}
		info = v.info
		return nil
	})
	if err != nil {
		return worm.Info{}, fmt.Errorf("head %s: %w", key, err)
	}
	return info, nil
}

// List implements worm.Store. It lists what was there when it was called.
func (s *Store) List(ctx context.Context, prefix, startAfter string, fn func(worm.Version) error) error {
	var found []worm.Version
	err := s.do(ctx, OpList, prefix, func(bool) error {
		for key, vs := range s.objects {
			if !strings.HasPrefix(key, prefix) || startAfter != "" && key <= startAfter {
				continue
			}
			for i, v := range vs {
				found = append(found, worm.Version{Info: v.info, Latest: i == len(vs)-1, DeleteMarker: v.marker})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list %s: %w", prefix, err)
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Key < found[j].Key })
	for _, v := range found {
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

// Now implements worm.Store.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := s.do(ctx, OpNow, "", func(bool) error { now = s.now().UTC(); return nil })
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the store's clock: %w", err)
	}
	return now, nil
}

// Extend implements worm.Keeper.
func (s *Store) Extend(ctx context.Context, key string, until time.Time) error {
	until = worm.WholeSecond(until)
	return s.change(ctx, OpExtend, key, func(v *version) error {
		switch {
		case s.unlocked:
			return worm.ErrNoLocks
		case until.Before(v.info.Lock.RetainUntil):
			return worm.ErrLocked
		case !until.After(s.now()):
			return worm.ErrPast
		}
		v.info.Lock.RetainUntil = until
		return nil
	})
}

// Hold implements worm.Keeper.
func (s *Store) Hold(ctx context.Context, key string, on bool) error {
	return s.change(ctx, OpHold, key, func(v *version) error {
		if s.unlocked {
			return worm.ErrNoLocks
		}
		v.info.Lock.Hold = on
		return nil
	})
}

// Delete implements worm.Keeper.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.change(ctx, OpDelete, key, func(*version) error {
		for _, v := range s.objects[key] {
			if v.info.Lock.Protects(s.now()) {
				return worm.ErrLocked
			}
		}
		s.drop(key)
		return nil
	})
}

func (s *Store) drop(key string) {
	for _, v := range s.objects[key] {
		s.used -= v.info.Size
	}
	delete(s.objects, key)
}

// change runs one change of an object that must exist.
func (s *Store) change(ctx context.Context, op Op, key string, fn func(*version) error) error {
	err := s.do(ctx, op, key, func(bool) error {
		v, ok := oldest(s.objects[key])
		if !ok {
			return worm.ErrNotFound
		}
		return fn(v)
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return nil
}

// Swap implements worm.Swapper.
func (m Meta) Swap(ctx context.Context, key string, old, new []byte) error {
	s := m.Store
	old, new = bytes.Clone(old), append([]byte{}, new...)
	err := s.do(ctx, OpSwap, key, func(bool) error {
		v, ok := oldest(s.objects[key])
		if ok != (old != nil) || ok && !bytes.Equal(v.body, old) {
			return worm.ErrChanged
		}
		if err := s.room(int64(len(new) - len(old))); err != nil {
			return err
		}
		s.drop(key)
		s.append(key, new, worm.Lock{}, s.now())
		return nil
	})
	if err != nil {
		return fmt.Errorf("swap %s: %w", key, err)
	}
	return nil
}

// Keys gives the keys that hold anything, sorted.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}
