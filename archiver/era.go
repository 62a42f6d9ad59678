package archiver

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// lastMark is how an entry remembers the last archived record of a topic:
// "<offset>:<32 hex digits>", the digits being half of an HMAC-SHA-256 over the
// record's timestamp, key, headers and value under the archive's record key. It
// tells a log that was rewound or made again from the one that was archived, and
// tells nobody else anything.
func lastMark(key *[32]byte, r *record.Record) string {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte("waxseal last record v1\n"))
	m.Write(strconv.AppendInt(nil, r.Timestamp, 10))
	m.Write([]byte{'\n'})
	kh := seal.EncodeKeyHeaders(r)
	m.Write(strconv.AppendInt(nil, int64(len(kh)), 10))
	m.Write([]byte{'\n'})
	m.Write(kh)
	m.Write(r.Value)
	return strconv.FormatInt(r.Offset, 10) + ":" + hex.EncodeToString(m.Sum(nil)[:16])
}

// NewRecordKey derives the record key from the archive's state key.
func NewRecordKey[K ~[32]byte](stateKey K) (key [32]byte) {
	b, err := hkdf.Expand(sha256.New, stateKey[:], "waxseal last record v1", len(key))
	if err != nil { // only for lengths beyond 255 hashes
		panic(err)
	}
	return [32]byte(b)
}

// markOffset is the offset a mark is about.
func markOffset(mark string) (int64, error) {
	offset, _, ok := strings.Cut(mark, ":")
	n, err := strconv.ParseInt(offset, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, fmt.Errorf("mark of the last record is malformed")
	}
	return n, nil
}

// checkEra compares the log with what was archived of it: the last archived
// record must read the same, and the log must not end before our position.
// Otherwise the topic was made again or its log rewound, and a new era begins
// at the log's start: both lives are kept, what comes again is a further delivery.
// Where the last record has expired nothing can be compared, and that is stated.
func (s *session) checkEra(ctx context.Context, f *feed) error {
	if f.source.Next == 0 {
		return nil
	}
	low, high, err := s.cfg.Source.Watermarks(ctx, f.source.Topic, f.source.Partition)
	if err != nil {
		return fmt.Errorf("watermarks of %s: %w", f.name(), err)
	}
	if high < f.source.Next {
		return s.newEra(f, "rewound")
	}
	if f.source.Last == "" {
		return nil
	}
	offset, err := markOffset(f.source.Last)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name(), err)
	}
	if offset < low {
		return s.block.event(ledger.Act{Type: ledger.ActAlarm, Alarm: &ledger.Alarm{Code: "last_record_expired", Topic: f.source.Topic, First: offset, Next: low}})
	}
	r, err := s.cfg.Source.ReadOne(ctx, f.source.Topic, f.source.Partition, offset)
	if errors.Is(err, kafka.ErrOther) {
		return s.newEra(f, "remade")
	}
	if errors.Is(err, kafka.ErrNoRecord) {
		return s.block.event(ledger.Act{Type: ledger.ActAlarm, Alarm: &ledger.Alarm{Code: "last_record_gone", Topic: f.source.Topic, First: offset, Next: offset + 1}})
	}
	if err != nil {
		return fmt.Errorf("read last record of %s: %w", f.name(), err)
	}
	if lastMark(&s.cfg.RecordKey, r) != f.source.Last {
		return s.newEra(f, "remade")
	}
	return nil
}

func (s *session) newEra(f *feed, reason string) error {
	from := f.source.Era
	s.cfg.Log.Error("new era", "topic", f.source.Topic, "partition", f.source.Partition, "era", from+1, "reason", reason)
	f.source = ledger.Source{Topic: f.source.Topic, Era: from + 1, Partition: f.source.Partition, Epoch: -1}
	f.checked = -1
	return s.block.event(ledger.Act{Type: ledger.ActEra, Era: &ledger.Era{Topic: f.source.Topic, Partition: f.source.Partition, From: from, To: from + 1, Reason: reason}})
}
