package mem

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Op is an operation of a store.
type Op string

// The operations.
const (
	OpPut    Op = "put"
	OpGet    Op = "get"
	OpReadAt Op = "read"
	OpHead   Op = "head"
	OpList   Op = "list" // the key is the prefix
	OpNow    Op = "now"  // no key
	OpExtend Op = "extend"
	OpHold   Op = "hold"
	OpDelete Op = "delete"
	OpSwap   Op = "swap"
)

// Writes says whether the operation changes the store.
func (op Op) Writes() bool {
	switch op {
	case OpPut, OpExtend, OpHold, OpDelete, OpSwap:
		return true
	}
	return false
}

// Call is one call of an operation, as a hook sees it.
type Call struct {
	N   int // counts the store's writes from 0; -1 for a read
	Op  Op
	Key string
}

// Fault is what goes wrong with a call.
type Fault int

// The faults. Each but None and Forgotten answers ErrFault, Full answers
// worm.ErrFull.
const (
	None      Fault = iota
	Lost            // the request never arrived
	Stored          // carried out, but the answer was an error
	Late            // answered with an error; carried out by Release
	Forgotten       // answered as if carried out, and was not: the store lies
	Partial         // Put: only the first half of the body was stored, and the answer was an error. Breaks the contract
	Full            // nothing stored, worm.ErrFull
)

// ErrFault is what a fault answers; a caller must not know it.
var ErrFault = errors.New("injected fault")

type write struct {
	call Call
	run  func() error // with mu held
}

// Hook has fn asked before each call, outside the store's lock: it may block
// (a frozen writer), look at the store, or cancel. nil removes it.
func (s *Store) Hook(fn func(context.Context, Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = fn
}

// FaultAt gives write number n that fault, counting from the next write as 0,
// and replaces the hook.
func (s *Store) FaultAt(n int, fault Fault) {
	s.mu.Lock()
	first := len(s.writes)
	s.mu.Unlock()
	s.Hook(func(_ context.Context, c Call) Fault {
		if c.N == first+n {
			return fault
		}
		return None
	})
}

// Writes gives all writes asked for so far, whatever became of them.
func (s *Store) Writes() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// Pending gives the late writes that have not arrived yet.
func (s *Store) Pending() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.pending))
	for i, w := range s.pending {
		calls[i] = w.call
	}
	return calls
}

// Release lets the i-th pending write arrive and gives what the store answered
// it, which nobody hears.
func (s *Store) Release(i int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	return w.run()
}

// ReleaseAll lets every pending write arrive, in the order they were made.
func (s *Store) ReleaseAll() {
	for len(s.Pending()) > 0 {
		_ = s.Release(0) // a late write may well be refused: nobody hears it
	}
}

// Limit bounds the bytes stored; a write past it answers worm.ErrFull. 0 is no bound.
func (s *Store) Limit(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = bytes
}

// do runs one operation under the lock with whatever fault the hook names.
func (s *Store) do(ctx context.Context, op Op, key string, run func(part bool) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if op != OpNow && op != OpList {
		if err := worm.CheckKey(key); err != nil {
			return err
		}
	}
	call, hook := s.enter(op, key)
	fault := None
	if hook != nil {
		fault = hook(ctx, call)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch fault {
	case None:
		return run(false)
	case Stored, Partial:
		if err := run(fault == Partial); err != nil {
			return err
		}
	case Late:
		s.pending = append(s.pending, write{call, func() error { return run(false) }})
	case Forgotten:
		return s.forget(key, run)
	case Full:
		return worm.ErrFull
	}
	return ErrFault
}

// forget answers as if run had been carried out, and undoes it.
func (s *Store) forget(key string, run func(bool) error) error {
	before, used := slices.Clone(s.objects[key]), s.used
	err := run(false)
	s.objects[key], s.used = before, used
	if len(before) == 0 {
		delete(s.objects, key)
	}
	return err
}

func (s *Store) enter(op Op, key string) (Call, func(context.Context, Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := Call{N: -1, Op: op, Key: key}
	if op.Writes() {
		call.N = len(s.writes)
		s.writes = append(s.writes, call)
	}
	return call, s.hook
}

// AddVersion puts a newer version on top of the key, as somebody with other
// credentials could.
func (s *Store) AddVersion(key string, body []byte, lock worm.Lock) worm.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(key, append([]byte{}, body...), lock.Whole(), s.now())
}

// AddMarker hides the key behind a delete marker.
func (s *Store) AddMarker(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.append(key, nil, worm.Lock{}, s.now())
	vs := s.objects[key]
	info.SHA256 = [sha256.Size]byte{}
	vs[len(vs)-1] = version{info: info, marker: true}
}

// Tamper replaces the object's bytes and sum, whatever protects it; its lock
// stays. It panics if there is no object.
func (s *Store) Tamper(key string, body []byte) {
	s.edit(key, func(v *version) {
		s.used += int64(len(body)) - v.info.Size
		v.body = append([]byte{}, body...)
		v.info.Size, v.info.SHA256 = int64(len(body)), sha256.Sum256(body)
	})
}

// Relock replaces the object's lock, whatever it was. It panics if there is no object.
func (s *Store) Relock(key string, lock worm.Lock) {
	s.edit(key, func(v *version) { v.info.Lock = lock.Whole() })
}

// Age moves the object's ModTime. It panics if there is no object.
func (s *Store) Age(key string, t time.Time) {
	s.edit(key, func(v *version) { v.info.ModTime = t.UTC() })
}

// Remove takes the key away with all versions, whatever protects it.
func (s *Store) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(key)
}

func (s *Store) edit(key string, fn func(*version)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := oldest(s.objects[key])
	if !ok {
		panic("mem: no object to edit")
	}
	fn(v)
}
