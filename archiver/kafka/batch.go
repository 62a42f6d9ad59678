package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/segmentio/kafka-go/compress"

	"github.com/waxseal/waxseal/archiver/record"
)

// A record batch of message format 2:
//
//	 0 base offset  8  | 8 length 4 | 12 leader epoch 4 | 16 magic 1 | 17 crc 4 |
//	21 attributes   2  | 23 last offset delta 4 | 27 first time 8 | 35 max time 8 |
//	43 producer id  8  | 51 producer epoch 2 | 53 sequence 4 | 57 records 4 | 61 records, perhaps compressed
//
// The length counts from byte 12 on, the checksum covers byte 21 on.
const (
	batchHead   = 61
	batchPrefix = 12 // before what the length counts
	batchMagic  = 16
	batchCRC    = 17
	batchBody   = 21 // what the checksum covers
)

// Attributes of a batch.
const (
	attrCodec         = 7
	attrLogAppendTime = 1 << 3
	attrTransactional = 1 << 4
	attrControl       = 1 << 5
)

// maxInflated bounds what a compressed batch may inflate to.
const maxInflated = 1 << 30

// minRecord is the least a record takes: length, attributes, time, offset, key,
// value, headers, a byte each.
const minRecord = 7

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batchHeader is the head of a batch.
type batchHeader struct {
	base, last  int64
	leaderEpoch int32
	attrs       int16
	firstTime   int64
	maxTime     int64
	producer    int64
	count       int
	body        []byte // records, perhaps compressed
}

func (h *batchHeader) control() bool { return h.attrs&attrControl != 0 }

// nextBatch cuts the first whole batch off b. It answers io.EOF if b holds no
// whole batch any more.
func nextBatch(b []byte) (h batchHeader, rest []byte, err error) {
	if len(b) < batchMagic+1 {
		return h, nil, io.EOF
	}
	length := int64(int32(binary.BigEndian.Uint32(b[8:])))
	if length < 0 {
		return h, nil, fmt.Errorf("batch of %d bytes: %w", length, ErrCorrupt)
	}
	size := batchPrefix + length
	if size > int64(len(b)) {
		return h, nil, io.EOF
	}
	if magic := b[batchMagic]; magic != 2 {
		return h, nil, fmt.Errorf("message format %d, only 2 is understood: %w", magic, ErrCorrupt)
	}
	if size < batchHead {
		return h, nil, fmt.Errorf("batch of %d bytes: %w", length, ErrCorrupt)
	}
	b, rest = b[:size], b[size:]
	if crc32.Checksum(b[batchBody:], castagnoli) != binary.BigEndian.Uint32(b[batchCRC:]) {
		return h, nil, fmt.Errorf("checksum differs: %w", ErrCorrupt)
	}
	h, err = readHeader(b)
	return h, rest, err
}

func readHeader(b []byte) (batchHeader, error) {
	u64 := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	u32 := func(at int) int32 { return int32(binary.BigEndian.Uint32(b[at:])) }
	h := batchHeader{
		base: u64(0), leaderEpoch: u32(12), attrs: int16(binary.BigEndian.Uint16(b[21:])),
		firstTime: u64(27), maxTime: u64(35), producer: u64(43), count: int(u32(57)), body: b[batchHead:],
	}
	delta := int64(u32(23))
	h.last = h.base + delta
	if h.base < 0 || delta < 0 || h.last < h.base || h.count < 0 || int64(h.count) > delta+1 {
		return h, fmt.Errorf("batch of %d records from %d on, last %d: %w", h.count, h.base, h.last, ErrCorrupt)
	}
	return h, nil
}

// inflate gives the records' bytes: those of the fetch, or decompressed into a
// buffer of their own.
func (h *batchHeader) inflate() ([]byte, error) {
	code := compress.Compression(h.attrs & attrCodec)
	if code == compress.None {
		return h.body, nil
	}
	codec := code.Codec()
	if codec == nil {
		return nil, fmt.Errorf("unknown compression %d: %w", code, ErrCorrupt)
	}
	r := codec.NewReader(bytes.NewReader(h.body))
	out := bytes.NewBuffer(make([]byte, 0, 4*len(h.body)))
	n, err := out.ReadFrom(io.LimitReader(r, maxInflated+1))
	err = errors.Join(err, r.Close())
	if n > maxInflated {
		err = fmt.Errorf("inflates to more than %d bytes", maxInflated)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", code, ErrCorrupt, err)
	}
	return out.Bytes(), nil
}

// names keeps the names of headers seen, so that each is one string in memory.
type names map[string]string

// maxNames bounds the names kept: an attacker may make up many.
const maxNames = 1024

func (n names) of(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n) < maxNames {
		n[s] = s
	}
	return s
}

// records decodes the records of a batch; where says the coordinates but for
// the offset. The records share body's memory.
func (h *batchHeader) records(body []byte, where record.Coordinates, seen names) ([]record.Record, error) {
	if h.count > len(body)/minRecord {
		return nil, fmt.Errorf("%d records in %d bytes: %w", h.count, len(body), ErrCorrupt)
	}
	recs := make([]record.Record, h.count)
	var slab []record.Header // headers of the batch, one allocation for many
	previous := h.base - 1
	for i := range recs {
		size, n := binary.Varint(body)
		if n <= 0 || size < 0 || size > int64(len(body)-n) {
			return nil, fmt.Errorf("record %d of the batch at %d has no length: %w", i, h.base, ErrCorrupt)
		}
		rec := &recs[i]
		rec.Coordinates, rec.LeaderEpoch = where, h.leaderEpoch
		var err error
		if slab, err = h.record(rec, body[n:n+int(size)], slab, seen); err != nil {
			return nil, fmt.Errorf("record %d of the batch at %d: %w", i, h.base, err)
		}
		if rec.Offset <= previous || rec.Offset > h.last {
			return nil, fmt.Errorf("record %d of the batch at %d has offset %d: %w", i, h.base, rec.Offset, ErrCorrupt)
		}
		previous = rec.Offset
		body = body[n+int(size):]
	}
	if len(body) != 0 {
		return nil, fmt.Errorf("%d bytes behind the records of the batch at %d: %w", len(body), h.base, ErrCorrupt)
	}
	return recs, nil
}

// record decodes one record without its length.
func (h *batchHeader) record(rec *record.Record, b []byte, slab []record.Header, seen names) ([]record.Header, error) {
	r := &varints{b: b}
	r.skip(1) // attributes: none are defined
	rec.Timestamp = h.firstTime + r.varint()
	if h.attrs&attrLogAppendTime != 0 {
		rec.Timestamp = h.maxTime
	}
	rec.Offset = h.base + r.varint()
	rec.Key = r.nullable()
	rec.Value = r.nullable()
	count := r.varint()
	if count < 0 || count > int64(len(r.b)) || r.bad {
		return slab, fmt.Errorf("malformed: %w", ErrCorrupt)
	}
	start := len(slab)
	for range count {
		name := r.nullable()
		slab = append(slab, record.Header{Key: seen.of(name), Value: r.nullable()})
	}
	if count > 0 {
		rec.Headers = slab[start:len(slab):len(slab)]
	}
	if r.bad || len(r.b) != 0 {
		return slab, fmt.Errorf("malformed: %w", ErrCorrupt)
	}
	return slab, nil
}

// varints reads what records are made of; bad stays once set.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) skip(n int) {
	if n > len(r.b) {
		r.bad = true
		return
	}
	r.b = r.b[n:]
}

func (r *varints) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// nullable gives bytes with their length before them; a length of -1 is nil,
// and an empty one is not.
func (r *varints) nullable() []byte {
	n := r.varint()
	if n == -1 && !r.bad {
		return nil
	}
	if n < 0 || n > int64(len(r.b)) || r.bad {
		r.bad = true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}
