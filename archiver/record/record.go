// Package record names what comes out of Kafka: a record with its exact bytes
// and its coordinates, and the items people look for inside it.
//
// It is the leaf of the import graph: it imports nothing of ours, so that every
// other package can speak of records without knowing how they are parsed,
// sealed or stored.
package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Lane is one chain of blocks. "0", "1", … are the partitions of wa.webhooks;
// "control" is the lane of human and system acts; "3~2" is the second life of
// lane 3 after an irreparable fork.
type Lane string

// Control is the lane of human and system acts.
const Control Lane = "control"

// PartitionLane is the lane that owns partition p.
func PartitionLane(p int32) Lane { return Lane(strconv.Itoa(int(p))) }

// Era counts the lives of a topic partition. It is 1 until the topic was made
// again or its log rewound; each such event adds one.
type Era uint32

// Coordinates name a record: where Kafka delivered it.
type Coordinates struct {
	Topic     string
	Era       Era
	Partition int32
	Offset    int64
}

// String gives topic/partition/offset, with ~era behind the topic from the
// second era on: wa.webhooks~2/0/17.
func (c Coordinates) String() string {
	var b strings.Builder
	b.WriteString(c.Topic)
	if c.Era > 1 {
		b.WriteByte('~')
		b.WriteString(strconv.FormatUint(uint64(c.Era), 10))
	}
	b.WriteByte('/')
	b.WriteString(strconv.Itoa(int(c.Partition)))
	b.WriteByte('/')
	b.WriteString(strconv.FormatInt(c.Offset, 10))
	return b.String()
}

// ErrName is returned for a text that names no record or item.
var ErrName = errors.New("not a record name (topic/partition/offset)")

// ParseCoordinates reads what String writes, and nothing else.
func ParseCoordinates(s string) (Coordinates, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return Coordinates{}, fmt.Errorf("%q: %w", s, ErrName)
	}
	c := Coordinates{Topic: parts[0], Era: 1}
	if topic, era, ok := strings.Cut(parts[0], "~"); ok {
		n, err := strconv.ParseUint(era, 10, 32)
		if err != nil || n < 2 {
			return Coordinates{}, fmt.Errorf("%q: era: %w", s, ErrName)
		}
		c.Topic, c.Era = topic, Era(n)
	}
	p, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil || p < 0 {
		return Coordinates{}, fmt.Errorf("%q: partition: %w", s, ErrName)
	}
	o, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || o < 0 {
		return Coordinates{}, fmt.Errorf("%q: offset: %w", s, ErrName)
	}
	c.Partition, c.Offset = int32(p), o
	if c.Topic == "" || c.String() != s {
		return Coordinates{}, fmt.Errorf("%q: %w", s, ErrName)
	}
	return c, nil
}

// ItemID names an item: RECORD#n, n from 0 in order of appearance.
type ItemID struct {
	Coordinates
	N int
}

// String gives RECORD#n.
func (id ItemID) String() string { return id.Coordinates.String() + "#" + strconv.Itoa(id.N) }

// ParseItemID reads what ItemID.String writes, and nothing else.
func ParseItemID(s string) (ItemID, error) {
	rec, n, ok := strings.Cut(s, "#")
	if !ok {
		return ItemID{}, fmt.Errorf("%q: not an item name (topic/partition/offset#n): %w", s, ErrName)
	}
	c, err := ParseCoordinates(rec)
	if err != nil {
		return ItemID{}, err
	}
	i, err := strconv.Atoi(n)
	if err != nil || i < 0 || strconv.Itoa(i) != n {
		return ItemID{}, fmt.Errorf("%q: item number: %w", s, ErrName)
	}
	return ItemID{c, i}, nil
}

// Header is one Kafka record header. A nil Value is a null header value, which
// Kafka tells from an empty one.
type Header struct {
	Key   string
	Value []byte
}

// Record is one Kafka record: exact bytes, key, headers, coordinates. Nothing
// may write to its slices once it has been made; strings and ranges elsewhere
// alias them.
type Record struct {
	Coordinates
	LeaderEpoch int32 // of the batch that carried it; -1 unknown
	Timestamp   int64 // Kafka's clock, Unix milliseconds
	Key         []byte
	Value       []byte // nil is a tombstone, which Kafka tells from an empty value
	Headers     []Header
}

// Header gives the value of the last header with that key (Kafka allows
// repeats; consumers take the last), folded as HTTP folds names.
func (r *Record) Header(key string) ([]byte, bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if strings.EqualFold(r.Headers[i].Key, key) {
			return r.Headers[i].Value, true
		}
	}
	return nil, false
}

// Size is the number of raw bytes: value, key, header names and values.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// Span is a byte range [Start, End) of a record's value.
type Span struct{ Start, End int }

// Len is the number of bytes in the span.
func (s Span) Len() int { return s.End - s.Start }

// Of gives the bytes of the span.
func (s Span) Of(value []byte) []byte { return value[s.Start:s.End] }

// GapCause says why offsets that Kafka assigned hold no record.
type GapCause string

// The causes a source can tell apart. A lost range is an alarm; the others are
// Kafka's normal working.
const (
	GapCompacted GapCause = "compacted" // log compaction removed it, or it cannot be told from compaction
	GapExpired   GapCause = "expired"   // retention overtook the archiver: a loss
	GapMarker    GapCause = "marker"    // transaction control records
	GapAborted   GapCause = "aborted"   // records of an aborted transaction
)

// Gap is a range of offsets [First, Next) with no record to archive.
type Gap struct {
	First, Next int64
	Cause       GapCause
}
