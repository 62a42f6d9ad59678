package unseal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
)

var (
	errShort  = errors.New("ends early")
	errNumber = errors.New("a number is not in its shortest form or beyond its range")
)

// cursor reads the format's elements. Its first error stays and everything read
// after it is zero, so that a decoder checks once for each element of a list.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.b = nil
}

func (c *cursor) failf(format string, args ...any) { c.fail(fmt.Errorf(format, args...)) }

// take gives the next n bytes, aliasing the input.
func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.fail(errShort)
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) hash() (h [32]byte) {
	copy(h[:], c.take(32))
	return h
}

func (c *cursor) uvarint() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := seal.Uvarint(c.b)
	if n <= 0 {
		c.fail(errNumber)
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) svarint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// upTo reads a uvarint of at most max.
func (c *cursor) upTo(max uint64) uint64 {
	v := c.uvarint()
	if v > max {
		c.fail(errNumber)
		return 0
	}
	return v
}

// count reads the length of a list whose elements take at least min bytes each,
// so that a list never allocates more than its input pays for.
func (c *cursor) count(min int) int {
	n := c.uvarint()
	if n > uint64(len(c.b)/min) {
		c.fail(errShort)
		return 0
	}
	return int(n)
}

func (c *cursor) bytes() []byte { return c.take(c.uvarint()) }

// short reads a text with a length of one byte.
func (c *cursor) short() string { return string(c.take(uint64(c.u8()))) }

func (c *cursor) magic(want string) {
	if got := c.take(uint64(len(want))); c.err == nil && string(got) != want {
		c.failf("magic or version is not that of %q", want[:6])
	}
}

// end is the final check: nothing may follow.
func (c *cursor) end() error {
	if c.err == nil && len(c.b) > 0 {
		c.failf("%d bytes too many", len(c.b))
	}
	return c.err
}

const maxInt = 1<<31 - 1 // of counts and positions: they fit an int anywhere

// leaf is what a leaf says beside its root.
type leaf struct {
	record.Coordinates
	epoch int32
	time  int64
}

// leaf reads the elements a part and a shared record have in common.
func (c *cursor) leaf(sources []Source) (l leaf) {
	n := c.uvarint()
	if c.err == nil && n >= uint64(len(sources)) {
		c.failf("source %d of %d", n, len(sources))
	}
	offset := c.upTo(1<<63 - 1)
	epoch := c.svarint()
	if epoch != int64(int32(epoch)) {
		c.fail(errNumber)
	}
	l.epoch, l.time = int32(epoch), c.svarint()
	if c.err == nil {
		s := &sources[n]
		l.Coordinates = record.Coordinates{Topic: s.Topic, Era: s.Era, Partition: s.Partition, Offset: int64(offset)}
	}
	return l
}

// position reads the next of ascending positions; first is the list's first.
func (c *cursor) position(prev int, first bool) int {
	d := c.upTo(maxInt)
	if c.err == nil && d == 0 && !first {
		c.failf("position %d twice", prev)
	}
	n := uint64(prev) + d
	if n > maxInt {
		c.fail(errNumber)
		return 0
	}
	return int(n)
}
