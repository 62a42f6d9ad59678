package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

// EntryVersion is the version of the entries this package writes.
const EntryVersion = 1

// MaxEntry is the most bytes an entry may have: a tlog-tiles bundle gives its
// length two bytes.
const MaxEntry = 1<<16 - 1

// The layouts of times in entries and acts, always UTC.
const (
	TimeFormat = "2006-01-02T15:04:05.000Z" // clocks: milliseconds
	DateFormat = "2006-01-02T15:04:05Z"     // duties and retention: seconds
)

// What callers branch on.
var (
	ErrEntry     = errors.New("not a ledger entry")
	ErrEntrySize = errors.New("ledger entry does not fit into 65,535 bytes")
)

// Encode gives the entry's bytes: compact JSON in field order. ErrEntry where a
// field holds what no reader would accept, ErrEntrySize where it is too long.
func (e *Entry) Encode() ([]byte, error) {
	b, err := encodeCanonical(e)
	if err != nil {
		return nil, fmt.Errorf("encode entry %d: %w", e.N, err)
	}
	if len(b) > MaxEntry {
		return nil, fmt.Errorf("encode entry %d, %d bytes: %w", e.N, len(b), ErrEntrySize)
	}
	if _, err := DecodeEntry(b); err != nil {
		return nil, fmt.Errorf("encode entry %d: %w", e.N, err)
	}
	return b, nil
}

// DecodeEntry reads what Encode writes, and nothing else. Errors are ErrEntry.
func DecodeEntry(b []byte) (*Entry, error) {
	if len(b) > MaxEntry {
		return nil, fmt.Errorf("%d bytes: %w", len(b), ErrEntry)
	}
	e := new(Entry)
	if err := decodeCanonical(b, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	return e, nil
}

// check holds the entry to what its fields may say by themselves. What depends
// on other entries or on stored objects is the verifier's business.
func (e *Entry) check() error {
	if e.V != EntryVersion {
		return fmt.Errorf("version %d", e.V)
	}
	if !ValidLane(e.Lane) {
		return errors.New("lane name")
	}
	if err := checkTime(TimeFormat, e.Time); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	for i := range e.Source {
		if err := e.Source[i].check(); err != nil {
			return fmt.Errorf("source %d: %w", i, err)
		}
	}
	for i, s := range slices.Concat(e.Segments, e.Media) {
		if err := s.check(); err != nil {
			return fmt.Errorf("object %d: %w", i, err)
		}
	}
	for i := range e.Boxes {
		if err := e.Boxes[i].check(); err != nil {
			return fmt.Errorf("box %d: %w", i, err)
		}
	}
	if e.Outbox != nil {
		if err := e.Outbox.check(); err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
	}
	if e.Snapshot != nil {
		if err := e.Snapshot.check(); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
	}
	return nil
}

func (s *Source) check() error {
	if s.Topic == "" || s.Era < 1 || s.Partition < 0 || s.First < 0 || s.Next < s.First {
		return errors.New("topic, era, partition or offsets")
	}
	for _, g := range s.Gaps {
		if g.First < 0 || g.Next <= g.First {
			return errors.New("gap offsets")
		}
		switch g.Cause {
		case record.GapCompacted, record.GapExpired, record.GapMarker, record.GapAborted:
		default:
			return errors.New("gap cause")
		}
	}
	return nil
}

func (o *Object) check() error {
	if o.Key == "" || o.Bytes < 0 {
		return errors.New("key or size")
	}
	return nil
}

func (s *Segment) check() error {
	if err := s.Object.check(); err != nil {
		return err
	}
	if s.DutyUntil != "" {
		if err := checkTime(DateFormat, s.DutyUntil); err != nil {
			return fmt.Errorf("duty: %w", err)
		}
	}
	if err := checkTime(DateFormat, s.RetainUntil); err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	return nil
}

// check also says where a box lies: one with a duty is locked and has a date to
// be locked to, one without has none.
func (b *Box) check() error {
	if err := b.Object.check(); err != nil {
		return err
	}
	if b.DutyUntil == "" && b.RetainUntil == "" {
		return nil
	}
	if b.DutyUntil != "" {
		if err := checkTime(DateFormat, b.DutyUntil); err != nil {
			return fmt.Errorf("duty: %w", err)
		}
	}
	if err := checkTime(DateFormat, b.RetainUntil); err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	return nil
}

// Locked says that the box lies in the locked store. Others lie in both copies
// of the unlocked one.
func (b *Box) Locked() bool { return b.RetainUntil != "" }

// Retain is when the segment's lock may end.
func (s *Segment) Retain() (time.Time, error) { return time.Parse(DateFormat, s.RetainUntil) }

// Retain is when the box's lock may end; zero for one that is not locked.
func (b *Box) Retain() (time.Time, error) {
	if b.RetainUntil == "" {
		return time.Time{}, nil
	}
	return time.Parse(DateFormat, b.RetainUntil)
}

// checkTime says whether s is exactly what the layout writes.
func checkTime(layout, s string) error {
	t, err := time.Parse(layout, s)
	if err != nil || t.Format(layout) != s {
		return errors.New("not a UTC time of the expected form")
	}
	return nil
}

// ValidLane says whether l is a lane name: control or a partition number, and
// from its second life on ~ and the number of the life.
func ValidLane(l record.Lane) bool {
	name, life, again := strings.Cut(string(l), "~")
	if again {
		n, err := strconv.ParseUint(life, 10, 31)
		if err != nil || n < 2 || strconv.FormatUint(n, 10) != life {
			return false
		}
	}
	if name == string(record.Control) {
		return true
	}
	p, err := strconv.ParseUint(name, 10, 31)
	return err == nil && strconv.FormatUint(p, 10) == name
}

// LanePartition is the partition a lane stands for; false for control.
func LanePartition(l record.Lane) (int32, bool) {
	name, _, _ := strings.Cut(string(l), "~")
	p, err := strconv.ParseInt(name, 10, 32)
	if err != nil {
		return 0, false
	}
	return int32(p), true
}

// nextLife is the name a closed lane goes on under: 3, then 3~2, then 3~3.
func nextLife(l record.Lane) record.Lane {
	name, life, again := strings.Cut(string(l), "~")
	n, err := strconv.Atoi(life)
	if !again || err != nil {
		n = 1
	}
	return record.Lane(name + "~" + strconv.Itoa(n+1))
}

// PreviousLife is the life of the lane before this one: 3 for 3~2; false for a
// first life.
func PreviousLife(l record.Lane) (record.Lane, bool) {
	name, life, again := strings.Cut(string(l), "~")
	n, err := strconv.Atoi(life)
	if !again || err != nil {
		return "", false
	}
	if n == 2 {
		return record.Lane(name), true
	}
	return record.Lane(name + "~" + strconv.Itoa(n-1)), true
}
