package index

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// table numbers values in the order of their first use.
type table[T ~string] struct {
	number map[T]uint64
	list   []T
	bytes  int
}

func (t *table[T]) reset() {
	clear(t.number)
	clear(t.list)
	t.list, t.bytes = t.list[:0], 0
}

func (t *table[T]) ref(v T) uint64 {
	n, ok := t.number[v]
	if !ok {
		if t.number == nil {
			t.number = map[T]uint64{}
		}
		n = uint64(len(t.list))
		t.number[v] = n
		t.list = append(t.list, v)
		t.bytes += len(v)
	}
	return n
}

// hashed is a value that is a keyed hash already.
type hashed interface {
	comparable
	mix(factor [2]uint64) uint64
}

func (t Tag) mix(factor [2]uint64) uint64 {
	return binary.LittleEndian.Uint64(t[:8])*factor[0] + binary.LittleEndian.Uint64(t[8:])*factor[1]
}

func (t Token) mix(factor [2]uint64) uint64 { return uint64(t) * factor[0] }

// hashes is a table of such values: open addressing, at a place that random
// factors choose, because bytes read from a store may be made to collide.
type hashes[T hashed] struct {
	slots  []uint32 // number + 1, 0 free; a power of two of them
	shift  uint     // 64 less the bits of a place
	factor [2]uint64
	list   []T
}

func (t *hashes[T]) reset() {
	clear(t.slots)
	t.list = t.list[:0]
}

func (t *hashes[T]) ref(v T) uint64 {
	if 2*len(t.list) >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for at := v.mix(t.factor) >> t.shift; ; at = (at + 1) & mask {
		n := t.slots[at]
		if n == 0 {
			t.list = append(t.list, v)
			t.slots[at] = uint32(len(t.list))
			return uint64(len(t.list) - 1)
		}
		if t.list[n-1] == v {
			return uint64(n - 1)
		}
	}
}

func (t *hashes[T]) grow() {
	t.slots = make([]uint32, max(64, 2*len(t.slots)))
	t.shift, t.factor = uint(bits.LeadingZeros64(uint64(len(t.slots)-1))), [2]uint64{rand.Uint64() | 1, rand.Uint64() | 1}
	mask := uint64(len(t.slots) - 1)
	for i, v := range t.list {
		at := v.mix(t.factor) >> t.shift
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = uint32(i + 1)
	}
}
