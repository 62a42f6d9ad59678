package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waxseal/waxseal/archiver/record"
)

// rawBatch encodes a batch of records at the given offsets, up to last.
func rawBatch(base, last int64, attrs int16, edit func(*kmsg.RecordBatch), offsets ...int64) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: base, PartitionLeaderEpoch: 7, Magic: 2, Attributes: attrs, LastOffsetDelta: int32(last - base),
		FirstTimestamp: 1000, MaxTimestamp: 5000, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(offsets)),
	}
	for _, o := range offsets {
		r := kmsg.Record{TimestampDelta64: o - base, OffsetDelta: int32(o - base), Key: []byte("k"), Value: fmt.Append(nil, o)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // the length of a zero length is one byte
		b.Records = r.AppendTo(b.Records)
	}
	if edit != nil {
		edit(&b)
	}
	b.Length = int32(len(b.AppendTo(nil)) - batchPrefix)
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[batchCRC:], crc32.Checksum(raw[batchBody:], castagnoli))
	return raw
}

func reader(offset int64) *Reader {
	s := &Source{&client{opts: Options{}.withDefaults()}}
	return s.Reader("t", 0, 1, offset)
}

func take(t *testing.T, r *Reader, f *fetched) *Batch {
	t.Helper()
	b, err := r.take(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := covers(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCompactedBatches: batches without their first, middle or last records,
// or without any, as Kafka's cleaner leaves them.
func TestCompactedBatches(t *testing.T) {
	t.Parallel()
	var log []byte
	log = append(log, rawBatch(10, 14, 0, nil, 12)...)
	log = append(log, rawBatch(15, 19, 0, nil)...)
	log = append(log, rawBatch(25, 29, 0, nil, 25, 27)...)
	for from := int64(0); from < 30; from++ {
		b := take(t, reader(from), &fetched{highWatermark: 30, stable: 30, records: log})
		want := 0
		for _, o := range []int64{12, 25, 27} {
			if o >= from {
				want++
			}
		}
		if b.Next != 30 || len(b.Records) != want {
			t.Fatalf("from %d on: up to %d, %d records", from, b.Next, len(b.Records))
		}
	}
}

// TestQuietTail: a log whose tail was compacted away ends, but not before
// several fetches have agreed; and neither by a quota nor an open transaction.
func TestQuietTail(t *testing.T) {
	t.Parallel()
	r := reader(5)
	empty := func(stable int64) *fetched { return &fetched{highWatermark: 20, stable: stable} }
	for i := range quietFetches - 1 {
		if b := take(t, r, empty(9+int64(i))); b.Next != 5 {
			t.Fatalf("after %d fetches the position is %d", i+1, b.Next)
		}
	}
	throttled := empty(9)
	throttled.throttleMillis = 1
	take(t, r, throttled)
	for i := range quietFetches - 1 {
		if b := take(t, r, empty(9+int64(i))); b.Next != 5 {
			t.Fatalf("after a throttled answer and %d fetches the position is %d", i+1, b.Next)
		}
	}
	b := take(t, r, empty(12))
	if want := []record.Gap{{First: 5, Next: 9, Cause: record.GapCompacted}}; fmt.Sprint(b.Gaps) != fmt.Sprint(want) {
		t.Fatalf("gaps %v, want %v: what the first quiet fetch saw", b.Gaps, want)
	}
	for range 2 * quietFetches {
		if b := take(t, r, empty(9)); b.Next != 9 {
			t.Fatalf("went past the stable offset to %d", b.Next)
		}
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	create := take(t, reader(0), &fetched{records: rawBatch(0, 1, 0, nil, 0, 1)})
	if create.Records[0].Timestamp != 1000 || create.Records[1].Timestamp != 1001 || create.Records[0].LeaderEpoch != 7 {
		t.Fatalf("times %d %d", create.Records[0].Timestamp, create.Records[1].Timestamp)
	}
	broker := take(t, reader(0), &fetched{records: rawBatch(0, 1, attrLogAppendTime, nil, 0, 1)})
	if broker.Records[0].Timestamp != 5000 || broker.Records[1].Timestamp != 5000 {
		t.Fatalf("with the broker's time: %d %d", broker.Records[0].Timestamp, broker.Records[1].Timestamp)
	}
}

// TestCutOff: the cut-off last batch waits for the next fetch; a cut-off first
// one is asked for whole.
func TestCutOff(t *testing.T) {
	t.Parallel()
	one, two := rawBatch(0, 0, 0, nil, 0), rawBatch(1, 1, 0, nil, 1)
	for n := range len(two) {
		b := take(t, reader(0), &fetched{highWatermark: 2, stable: 2, records: append(append([]byte{}, one...), two[:n]...)})
		if b.Next != 1 || len(b.Records) != 1 {
			t.Fatalf("with %d bytes of the second batch: up to %d", n, b.Next)
		}
		if want := min(n/batchPrefix, 1) * len(two); cutOff(two[:n]) != want {
			t.Fatalf("cut off at %d bytes: %d, want %d", n, cutOff(two[:n]), want)
		}
		if n > 0 {
			if _, err := reader(1).take(t.Context(), &fetched{highWatermark: 2, stable: 2, records: two[:n]}); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%d bytes alone: %v", n, err)
			}
		}
	}
}

// TestCorrupt: any changed byte under the checksum is seen, nothing is skipped.
func TestCorrupt(t *testing.T) {
	t.Parallel()
	one, two := rawBatch(0, 1, 0, nil, 0, 1), rawBatch(2, 3, 0, nil, 2, 3)
	for i := batchMagic; i < len(two); i++ {
		bad := append([]byte{}, two...)
		bad[i] ^= 0x55
		if _, err := reader(2).take(t.Context(), &fetched{highWatermark: 4, stable: 4, records: bad}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		b := take(t, reader(0), &fetched{highWatermark: 4, stable: 4, records: append(append([]byte{}, one...), bad...)})
		if b.Next != 2 {
			t.Fatalf("byte %d of the second batch changed: up to %d", i, b.Next)
		}
	}
	for name, edit := range map[string]func(*kmsg.RecordBatch){
		"more records than there are":  func(b *kmsg.RecordBatch) { b.NumRecords = 3; b.LastOffsetDelta = 2 },
		"fewer records than there are": func(b *kmsg.RecordBatch) { b.NumRecords = 1 },
		"a billion records":            func(b *kmsg.RecordBatch) { b.NumRecords = 1 << 30; b.LastOffsetDelta = 1<<31 - 1 },
		"negative count":               func(b *kmsg.RecordBatch) { b.NumRecords = -1 },
		"last before first":            func(b *kmsg.RecordBatch) { b.LastOffsetDelta = -1 },
		"record behind the last":       func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 0; b.NumRecords = 1 },
		"unknown codec":                func(b *kmsg.RecordBatch) { b.Attributes = 7 },
		"not gzip":                     func(b *kmsg.RecordBatch) { b.Attributes = 1 },
		"old format":                   func(b *kmsg.RecordBatch) { b.Magic = 1 },
		"a byte too many":              func(b *kmsg.RecordBatch) { b.Records = append(b.Records, 0) },
		"a byte too few":               func(b *kmsg.RecordBatch) { b.Records = b.Records[:len(b.Records)-1] },
	} {
		if _, err := reader(0).take(t.Context(), &fetched{highWatermark: 4, stable: 4, records: rawBatch(0, 1, 0, edit, 0, 1)}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzFetch: whatever bytes a broker sends, nothing panics and what is told
// covers its range.
func FuzzFetch(f *testing.F) {
	f.Add(int64(0), rawBatch(0, 4, 0, nil, 0, 2, 4))
	f.Add(int64(3), append(rawBatch(0, 4, attrTransactional, func(b *kmsg.RecordBatch) { b.ProducerID = 9 }, 0, 2, 4), rawBatch(5, 5, attrControl|attrTransactional, nil, 5)...))
	f.Add(int64(1), rawBatch(0, 4, 4, nil, 0))
	f.Fuzz(func(t *testing.T, at int64, raw []byte) {
		if len(raw) > batchHead { // get past the checksum
			binary.BigEndian.PutUint32(raw[batchCRC:], crc32.Checksum(raw[batchBody:], castagnoli))
		}
		b, err := reader(max(at, 0)).take(t.Context(), &fetched{highWatermark: 1 << 40, stable: 1 << 40, records: raw, aborted: []abortedTxn{{9, 0}}})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error %v is not ErrCorrupt", err)
			}
			return
		}
		if err := covers(b); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzAnswer: an answer of any bytes is parsed or refused.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 3}, int16(11))
	f.Fuzz(func(t *testing.T, body []byte, version int16) {
		got, err := parseFetch(body, version)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("error %v is not ErrCorrupt", err)
		}
		if (got == nil) != (err != nil) {
			t.Fatal("neither an answer nor an error")
		}
	})
}

func TestParseFetch(t *testing.T) {
	t.Parallel()
	for version := int16(minFetch); version <= maxFetch; version++ {
		res := kmsg.NewPtrFetchResponse()
		res.Version, res.ThrottleMillis = version, 5
		p := kmsg.NewFetchResponseTopicPartition()
		p.HighWatermark, p.LastStableOffset, p.LogStartOffset, p.RecordBatches = 10, 8, 2, []byte("batches")
		p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 3, FirstOffset: 4}}
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.Partitions = "wa.webhooks", []kmsg.FetchResponseTopicPartition{p}
		res.Topics = []kmsg.FetchResponseTopic{topic}
		body := res.AppendTo(nil)
		f, err := parseFetch(body, version)
		if err != nil || f.highWatermark != 10 || f.stable != 8 || string(f.records) != "batches" || f.throttleMillis != 5 || fmt.Sprint(f.aborted) != "[{3 4}]" {
			t.Fatalf("version %d: %+v, %v", version, f, err)
		}
		for n := range body {
			if _, err := parseFetch(body[:n], version); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("version %d cut to %d bytes: %v", version, n, err)
			}
		}
		res.Topics[0].Partitions[0].ErrorCode = 1
		if f, err := parseFetch(res.AppendTo(nil), version); err != nil || f.code != kafkago.OffsetOutOfRange {
			t.Fatalf("version %d with an error: %+v, %v", version, f, err)
		}
	}
}
