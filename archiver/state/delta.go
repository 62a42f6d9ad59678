package state

import (
	"fmt"
	"math"
)

// Delta gives the changes since the last call, for the outbox of the block that
// holds their items. It is never empty: a block without changes has a delta too,
// so that a missing one is noticed.
func (s *State) Delta() []byte {
	var x coder
	s.deltaHead(&x)
	x.out = append(x.out, s.log.out...)
	s.log, s.count = coder{out: s.log.out[:0]}, 0
	s.seq++
	return x.out
}

// deltaHead is the version, the delta's number and the number of changes.
func (s *State) deltaHead(x *coder) (seq, count uint64) {
	version := byte(1)
	seq, count = s.seq, s.count
	x.byte(&version)
	x.uint(&seq, math.MaxUint64)
	x.uint(&count, math.MaxUint32)
	if version != 1 {
		x.fail("delta of version %d", version)
	}
	return seq, count
}

// ApplyDelta replays a delta on the state as of the block before. After an error,
// always ErrDamaged, the state is of no use.
func (s *State) ApplyDelta(delta []byte) error {
	if s.count > 0 {
		return fmt.Errorf("apply lane state delta: %w", ErrPending)
	}
	x := coder{reading: true, in: delta}
	seq, count := s.deltaHead(&x)
	if x.err == nil && seq != s.seq {
		x.fail("delta %d where %d follows", seq, s.seq)
	}
	for i := uint64(0); i < count && x.err == nil; i++ {
		var c change
		c.fields(&x)
		if x.err == nil {
			x.err = s.make(&c)
		}
	}
	if err := x.end(); err != nil {
		return fmt.Errorf("apply lane state delta: %w", err)
	}
	s.seq++
	return nil
}

// note writes a change of our own down.
func (s *State) note(c *change) {
	c.fields(&s.log)
	s.count++
}

// fields is the encoding of a change, both ways. FORMAT.md draws it.
func (c *change) fields(x *coder) {
	const max32 = math.MaxUint32
	x.byte((*byte)(&c.code))
	switch c.code {
	case changeWord:
		x.text(&c.text)
	case changeSource:
		x.text(&c.text)
		x.uint(&c.a, max32)
		x.uint(&c.b, max32)
	case changeScope:
		x.fixed(c.tag[:])
	case changeAccount:
		x.uint(&c.a, max32)
		x.uint(&c.b, max32)
	case changeLink:
		x.fixed(c.tag[:])
		x.byte(&c.kind)
		x.uint(&c.a, max32)
		x.uint(&c.b, max32)
	case changeMessaged:
		x.uint(&c.a, max32)
	case changeOpen:
		x.uint(&c.a, max32)
		x.time(&c.at)
		x.uint(&c.b, max32)
	case changeConsent:
		x.uint(&c.a, max32)
		x.hash(&c.sum64)
		x.byte(&c.kind)
		x.time(&c.at)
		x.evidence(&c.evidence)
	case changeTitle:
		x.fixed(c.tag[:])
		x.byte(&c.kind)
		x.uint(&c.a, max32)
	case changeTemplate:
		x.uint(&c.a, max32)
		x.time(&c.at)
		x.uint(&c.b, max32)
		x.uint(&c.c, max32)
		x.sum(&c.sum)
		x.evidence(&c.evidence)
	case changeDirectory:
		x.uint(&c.a, max32)
		x.uint(&c.b, max32)
		x.uint(&c.c, max32)
		x.uint(&c.d, max32)
		x.u32(&c.at, max32)
		x.u32(&c.until, max32)
		x.evidence(&c.evidence)
	case changeHidden:
		x.uint(&c.a, max32)
		x.time(&c.at)
		x.byte(&c.kind)
	case changeForget:
		x.time(&c.at)
	default:
		x.fail("change %d is not known", c.code)
	}
}
