package state

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// coder writes fields to out, or reads them from in: one description of a format
// serves both ways, so that they cannot drift apart. Reading is strict: numbers in
// their shortest form and within bounds, nothing behind the end; the first fault
// stays in err and everything after it reads as zero.
type coder struct {
	reading bool
	out     []byte
	in      []byte
	last    uint32 // times are written as differences to the one before
	err     error
}

func (x *coder) fail(format string, args ...any) {
	if x.err == nil {
		x.err = bad(format, args...)
	}
	x.in = nil
}

// uint is an unsigned LEB128 of at most limit.
func (x *coder) uint(v *uint64, limit uint64) {
	if !x.reading {
		x.out = binary.AppendUvarint(x.out, *v)
		return
	}
	n, size := binary.Uvarint(x.in)
	if size <= 0 || size > 1 && x.in[size-1] == 0 {
		x.fail("number is cut off or not in its shortest form")
		*v = 0
		return
	}
	if n > limit {
		x.fail("number is out of bounds")
		*v = 0
		return
	}
	x.in, *v = x.in[size:], n
}

func (x *coder) u32(v *uint32, limit uint32) {
	n := uint64(*v)
	x.uint(&n, uint64(limit))
	*v = uint32(n)
}

// time is the zigzag difference to the last time.
func (x *coder) time(v *uint32) {
	d := int64(*v) - int64(x.last)
	n := uint64(d<<1) ^ uint64(d>>63)
	x.uint(&n, 1<<34)
	if x.reading {
		t := int64(x.last) + (int64(n>>1) ^ -int64(n&1))
		if t < 0 || t > math.MaxUint32 {
			x.fail("time is out of bounds")
			t = 0
		}
		*v = uint32(t)
	}
	x.last = *v
}

// fixed is as many bytes as b has.
func (x *coder) fixed(b []byte) {
	if !x.reading {
		x.out = append(x.out, b...)
		return
	}
	if len(x.in) < len(b) {
		x.fail("cut off")
		clear(b)
		return
	}
	copy(b, x.in)
	x.in = x.in[len(b):]
}

func (x *coder) byte(b *byte) {
	one := [1]byte{*b}
	x.fixed(one[:])
	*b = one[0]
}

// text is a length and that many bytes of UTF-8, at most maxWord.
func (x *coder) text(s *string) {
	n := uint64(len(*s))
	x.uint(&n, maxWord)
	if !x.reading {
		x.out = append(x.out, *s...)
		return
	}
	b := make([]byte, n)
	x.fixed(b)
	if !utf8.Valid(b) {
		x.fail("text is no UTF-8")
	}
	*s = string(b)
}

// count is the length of a list whose members take at least size bytes, so that
// a hostile count allocates no more than a small multiple of the input.
func (x *coder) count(n int, limit, size int) int {
	c := uint64(n)
	x.uint(&c, uint64(limit))
	if x.reading && c > uint64(len(x.in)/size) {
		x.fail("list is longer than what follows")
		return 0
	}
	return int(c)
}

// bit sets or reads one bit of a flags byte.
func bit(flags *byte, reading bool, n uint, v *bool) {
	if reading {
		*v = *flags>>n&1 == 1
		return
	}
	if *v {
		*flags |= 1 << n
	}
}

// hash is 8 bytes, little-endian.
func (x *coder) hash(v *uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], *v)
	x.fixed(b[:])
	*v = binary.LittleEndian.Uint64(b[:])
}

// sum is a byte 0 for none, or 1 and a SHA-256.
func (x *coder) sum(v *[32]byte) {
	has := byte(1)
	if *v == [32]byte{} {
		has = 0
	}
	x.byte(&has)
	if has > 1 {
		x.fail("neither with nor without a hash")
	}
	if has == 1 {
		x.fixed(v[:])
		if x.reading && *v == [32]byte{} {
			x.fail("hash of zeros")
		}
	}
}

func (x *coder) evidence(e *evidence) {
	off, n := uint64(e.offset), uint64(e.n)
	x.u32(&e.source, maxSources)
	x.uint(&off, math.MaxInt64)
	x.uint(&n, math.MaxInt32)
	e.offset, e.n = int64(off), uint32(n)
}

// end wants that nothing follows.
func (x *coder) end() error {
	if x.err == nil && len(x.in) > 0 {
		x.fail("bytes behind the end")
	}
	return x.err
}
