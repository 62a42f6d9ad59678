package kafka

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waxseal/waxseal/archiver/record"
)

// TestTransactions: committed records come, aborted ones and markers are
// stated, open ones wait.
func TestTransactions(t *testing.T) {
	t.Parallel()
	testTransactions(t, start(t, "t").Addr(), "t")
}

func testTransactions(t *testing.T, addr, topic string) {
	s := source(t, addr)
	plain := foreign(t, addr, topic)
	settle := func(want int64) { // Kafka writes markers after it has answered
		t.Helper()
		for end(t, s, topic, 0) < want {
			if err := t.Context().Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	tx := func(id string, how kgo.TransactionEndTry, until int64, values ...string) {
		t.Helper()
		cl := foreign(t, addr, topic, kgo.TransactionalID(topic+id))
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		send(t, cl, values...)
		if err := cl.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
		settle(until)
	}
	send(t, plain, "0")                        // 0
	tx("a", kgo.TryCommit, 4, "1", "2")        // 1, 2, marker 3
	tx("b", kgo.TryAbort, 8, "no", "no", "no") // 4, 5, 6, marker 7
	send(t, plain, "8")                        // 8
	tx("b", kgo.TryCommit, 11, "9")            // 9, marker 10: the same producer, now committed
	tx("b", kgo.TryAbort, 13, "no")            // 11, marker 12: the tail is markers
	const last = 13
	if high := end(t, s, topic, 0); high != last {
		t.Fatalf("the log ends at %d", high)
	}
	wantGaps := []record.Gap{
		{First: 3, Next: 4, Cause: record.GapMarker}, {First: 4, Next: 7, Cause: record.GapAborted}, {First: 7, Next: 8, Cause: record.GapMarker},
		{First: 10, Next: 11, Cause: record.GapMarker}, {First: 11, Next: 12, Cause: record.GapAborted}, {First: 12, Next: 13, Cause: record.GapMarker},
	}
	for from := range int64(last) {
		got := drain(t, s.Reader(topic, 0, 1, from), last)
		var want []string
		for _, o := range []int64{0, 1, 2, 8, 9} {
			if o >= from {
				want = append(want, fmt.Sprint(o))
			}
		}
		if fmt.Sprint(values(got.records)) != fmt.Sprint(want) {
			t.Fatalf("from %d on: records %v, want %v", from, values(got.records), want)
		}
		if from == 0 && fmt.Sprint(got.gaps) != fmt.Sprint(wantGaps) {
			t.Fatalf("gaps %v, want %v", got.gaps, wantGaps)
		}
	}
	for _, o := range []int64{3, 5, 12} {
		if _, err := s.ReadOne(t.Context(), topic, 0, o); !errors.Is(err, ErrNoRecord) {
			t.Errorf("reading offset %d: %v", o, err)
		}
	}

	open := foreign(t, addr, topic, kgo.TransactionalID("open"))
	if err := open.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	send(t, open, "13")
	send(t, plain, "14")
	r := s.Reader(topic, 0, 1, last)
	for range 2 * quietFetches {
		got, err := r.Fetch(t.Context())
		if err != nil || got.Next != last || got.Stable != last || got.HighWatermark != last+2 {
			t.Fatalf("behind an open transaction: %+v, %v", got, err)
		}
	}
	if _, err := s.ReadOne(t.Context(), topic, 0, last); !errors.Is(err, ErrNoRecord) {
		t.Errorf("reading in an open transaction: %v", err)
	}
	if err := open.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, r, last+3); fmt.Sprint(values(got.records)) != "[13 14]" {
		t.Fatalf("once committed %v", values(got.records))
	}
}

// TestCompaction: the broker's own compaction leaves holes, which are stated.
func TestCompaction(t *testing.T) {
	t.Parallel()
	b := start(t)
	if err := b.cluster.CreateTopic("c", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	cl := foreign(t, b.Addr(), "c")
	for i := range 10 {
		key := byte(i % 3)
		if i == 0 {
			key = 9 // stays: the broker moves the log's start to the first record left
		}
		rec := &kgo.Record{Key: []byte{key}, Value: fmt.Append(nil, i)}
		if err := cl.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	b.cluster.Compact()
	s := source(t, b.Addr())
	for from := range int64(10) {
		got := drain(t, s.Reader("c", 0, 1, from), 10)
		holes := int64(0)
		for _, g := range got.gaps {
			if g.Cause != record.GapCompacted {
				t.Fatalf("gap %+v", g)
			}
			holes += g.Next - g.First
		}
		if int64(len(got.records))+holes != 10-from {
			t.Fatalf("from %d on: %d records, %d holes", from, len(got.records), holes)
		}
		if from == 0 && holes == 0 {
			t.Fatal("the broker compacted nothing: this test tests nothing")
		}
	}
	if _, err := s.ReadOne(t.Context(), "c", 0, 1); !errors.Is(err, ErrNoRecord) {
		t.Fatalf("reading a compacted offset: %v", err)
	}
}

// TestExpired: what retention took is a loss, stated as one.
func TestExpired(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	cl := foreign(t, b.Addr(), "t")
	send(t, cl, "0", "1", "2", "3")
	send(t, cl, "4", "5")
	for _, before := range []int64{3, 4} { // within a batch, and between batches
		if err := b.Trim("t", 0, before); err != nil {
			t.Fatal(err)
		}
		s := source(t, b.Addr())
		got := drain(t, s.Reader("t", 0, 1, 1), 6)
		if len(got.gaps) != 1 || got.gaps[0] != (record.Gap{First: 1, Next: before, Cause: record.GapExpired}) {
			t.Fatalf("gaps %v", got.gaps)
		}
		if len(got.records) != int(6-before) || got.records[0].Offset != before {
			t.Fatalf("records %v", values(got.records))
		}
		if _, err := s.ReadOne(t.Context(), "t", 0, 1); !errors.Is(err, ErrExpired) {
			t.Fatalf("reading what expired: %v", err)
		}
		if rec, err := s.ReadOne(t.Context(), "t", 0, before); err != nil || rec.Offset != before {
			t.Fatalf("reading the first left: %v", err)
		}
	}
	if err := b.Trim("t", 0, 6); err != nil { // nothing left, the log goes on
		t.Fatal(err)
	}
	s := source(t, b.Addr())
	if got := drain(t, s.Reader("t", 0, 1, 2), 6); len(got.records) != 0 || got.gaps[0].Cause != record.GapExpired {
		t.Fatalf("an emptied log gave %+v", got)
	}
	send(t, cl, "6")
	if got := drain(t, s.Reader("t", 0, 1, 6), 7); fmt.Sprint(values(got.records)) != "[6]" {
		t.Fatalf("then %v", values(got.records))
	}
}

// TestRewound: a topic made again ends before our position.
func TestRewound(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	send(t, foreign(t, b.Addr(), "t"), "0", "1", "2", "3")
	s := source(t, b.Addr())
	r := s.Reader("t", 0, 1, 0)
	drain(t, r, 4)
	if err := b.cluster.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	if err := b.cluster.CreateTopic("t", 2, nil); err != nil {
		t.Fatal(err)
	}
	send(t, foreign(t, b.Addr(), "t"), "new 0", "new 1")
	_, err := r.Fetch(t.Context())
	var rewound *RewoundError
	if !errors.Is(err, ErrRewound) || !errors.As(err, &rewound) || rewound.Low != 0 || rewound.High != 2 || rewound.Offset != 4 {
		t.Fatalf("a rewound log: %v", err)
	}
	if r.Offset() != 4 {
		t.Fatalf("the position moved to %d", r.Offset())
	}
	for _, o := range []int64{2, 3} {
		if _, err := s.ReadOne(t.Context(), "t", 0, o); !errors.Is(err, ErrRewound) {
			t.Fatalf("reading offset %d behind the end: %v", o, err)
		}
	}
	if got := drain(t, s.Reader("t", 0, 2, 0), 2); got.records[0].String() != "t~2/0/0" {
		t.Fatalf("the new era begins with %v", got.records[0])
	}
}

// TestPassing: errors that pass are tried again, others are answered.
func TestPassing(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	send(t, foreign(t, b.Addr(), "t"), "0")
	s := source(t, b.Addr())
	h := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Err: kerr.NotLeaderForPartition, Count: 2})
	if got := drain(t, s.Reader("t", 0, 1, 0), 1); len(got.records) != 1 {
		t.Fatalf("%d records", len(got.records))
	}
	if h.Hits() != 2 {
		t.Fatalf("the fault was met %d times", h.Hits())
	}
	b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Err: kerr.TopicAuthorizationFailed})
	if _, err := s.Reader("t", 0, 1, 0).Fetch(t.Context()); err == nil || errors.Is(err, ErrUnavailable) {
		t.Fatalf("a refusal: %v", err)
	}
	p := producer(t, b.Addr())
	b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.NotLeaderForPartition})
	if at, err := p.Produce(t.Context(), "t", &record.Record{Value: []byte("x")}); err != nil || at[0].Offset < 0 {
		t.Fatalf("a refusal that passes: %v %v", at, err)
	}
	b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.RequestTimedOut})
	if at, err := p.Produce(t.Context(), "t", &record.Record{Value: []byte("x")}); !errors.Is(err, ErrUncertain) || at[0].Offset != -1 {
		t.Fatalf("a time-out: %v %v", at, err)
	}
	b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.MessageTooLarge})
	if _, err := p.Produce(t.Context(), "t", &record.Record{Value: []byte("x")}); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUncertain) {
		t.Fatalf("too large: %v", err)
	}
}
