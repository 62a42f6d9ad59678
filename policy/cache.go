package policy

import (
	"errors"
	"sync"
	"sync/atomic"
)

// retryAfter is how often an answer that came of a timeout is given before the
// policy is asked again: a slow rule must not stop a lane, a slow moment must
// not make a day provisional.
const retryAfter = 64

// cache remembers answers by the exact input: a bounded map that evicts by the
// clock algorithm (second chance). A hit allocates nothing and takes a read lock.
type cache struct {
	mu      sync.RWMutex
	answers map[Input]*remembered
	ring    []*remembered // all answers, each in its slot
	hand    int
	size    int
}

type remembered struct {
	in     Input
	answer *Answer
	err    error
	slot   int
	used   atomic.Bool
	hits   atomic.Int32 // counted only for timeouts
}

func newCache(size int) *cache {
	if size <= 0 {
		size = 16384
	}
	return &cache{answers: map[Input]*remembered{}, size: size}
}

// get gives a remembered answer, or nil.
func (c *cache) get(in *Input) (*Answer, error) {
	c.mu.RLock()
	r := c.answers[*in]
	c.mu.RUnlock()
	if r == nil {
		return nil, nil
	}
	if r.err != nil && errors.Is(r.err, ErrTimeout) && r.hits.Add(1) > retryAfter {
		return nil, nil
	}
	if !r.used.Load() { // a plain store would bounce the line between cores
		r.used.Store(true)
	}
	return r.answer, r.err
}

// put remembers an answer. Where another caller was first, theirs is given, so
// that equal inputs share one answer, unless it came of a timeout.
func (c *cache) put(in *Input, a *Answer, err error) (*Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := &remembered{in: *in, answer: a, err: err}
	if old := c.answers[*in]; old != nil {
		if !errors.Is(old.err, ErrTimeout) {
			return old.answer, old.err
		}
		fresh.slot = old.slot
	} else {
		fresh.slot = c.room()
	}
	c.answers[*in] = fresh
	c.ring[fresh.slot] = fresh
	return a, err
}

// room gives a free slot of the ring, evicting the answer under the hand that
// nobody asked for since the hand last passed.
func (c *cache) room() int {
	if len(c.ring) < c.size {
		c.ring = append(c.ring, nil)
		return len(c.ring) - 1
	}
	for c.ring[c.hand].used.Swap(false) {
		c.hand = (c.hand + 1) % c.size
	}
	slot := c.hand
	delete(c.answers, c.ring[slot].in)
	c.hand = (c.hand + 1) % c.size
	return slot
}
