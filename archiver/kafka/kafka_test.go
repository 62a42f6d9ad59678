package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/waxseal/waxseal/archiver/record"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// start runs a broker with topics of two partitions until the test ends.
func start(t *testing.T, topics ...string) *Broker {
	t.Helper()
	return startAt(t, t.TempDir(), topics...)
}

func startAt(t *testing.T, dir string, topics ...string) *Broker {
	t.Helper()
	want := map[string]int32{}
	for _, topic := range topics {
		want[topic] = 2
	}
	b, err := StartEmbedded(t.Context(), dir, BrokerOptions{Topics: want})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) // some tests close it themselves
	return b
}

var quick = Options{MaxWait: 20 * time.Millisecond}

func source(t *testing.T, addr string) *Source {
	t.Helper()
	s, err := Open(t.Context(), []string{addr}, quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func producer(t *testing.T, addr string) *Producer {
	t.Helper()
	p, err := NewProducer([]string{addr}, quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// foreign is another client's producer, to one topic, partition 0.
func foreign(t *testing.T, addr string, topic string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(16<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func send(t *testing.T, cl *kgo.Client, values ...string) {
	t.Helper()
	var recs []*kgo.Record
	for _, v := range values {
		recs = append(recs, &kgo.Record{Value: []byte(v)})
	}
	if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// told is all a reader told up to an offset.
type told struct {
	records []*record.Record
	gaps    []record.Gap
}

// drain reads up to an offset, and checks that each offset is told once.
func drain(t *testing.T, r *Reader, until int64) told {
	t.Helper()
	var all told
	for r.Offset() < until {
		before := r.Offset()
		b, err := r.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.First != before || b.Next != r.Offset() {
			t.Fatalf("batch [%d, %d) at position %d, then %d", b.First, b.Next, before, r.Offset())
		}
		if err := covers(b); err != nil {
			t.Fatal(err)
		}
		all.records = append(all.records, b.Records...)
		all.gaps = append(all.gaps, b.Gaps...)
	}
	return all
}

// covers checks that records and gaps together are [First, Next), each offset once.
func covers(b *Batch) error {
	next, gaps := b.First, b.Gaps
	step := func(first, end int64) error {
		if first != next || end <= first {
			return fmt.Errorf("told [%d, %d) where %d was to come", first, end, next)
		}
		next = end
		return nil
	}
	for _, rec := range b.Records {
		for len(gaps) > 0 && gaps[0].First < rec.Offset {
			if err := step(gaps[0].First, gaps[0].Next); err != nil {
				return err
			}
			gaps = gaps[1:]
		}
		if err := step(rec.Offset, rec.Offset+1); err != nil {
			return err
		}
	}
	for _, g := range gaps {
		if err := step(g.First, g.Next); err != nil {
			return err
		}
	}
	if next != b.Next {
		return fmt.Errorf("told up to %d, Next is %d", next, b.Next)
	}
	return nil
}

func values(recs []*record.Record) (out []string) {
	for _, r := range recs {
		out = append(out, string(r.Value))
	}
	return out
}

func end(t *testing.T, s *Source, topic string, partition int32) int64 {
	t.Helper()
	_, high, err := s.Watermarks(t.Context(), topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	return high
}

// same compares records byte for byte, nil and empty told apart.
func same(a, b *record.Record) bool {
	eq := func(x, y []byte) bool { return (x == nil) == (y == nil) && bytes.Equal(x, y) }
	if !eq(a.Key, b.Key) || !eq(a.Value, b.Value) || a.Timestamp != b.Timestamp || len(a.Headers) != len(b.Headers) {
		return false
	}
	for i := range a.Headers {
		if a.Headers[i].Key != b.Headers[i].Key || !eq(a.Headers[i].Value, b.Headers[i].Value) {
			return false
		}
	}
	return true
}

// TestExact: what goes in comes out, to the byte.
func TestExact(t *testing.T) {
	t.Parallel()
	testExact(t, start(t, "wa.webhooks").Addr(), "wa.webhooks")
}

func testExact(t *testing.T, addr, topic string) {
	big := bytes.Repeat([]byte(`{"from":"15550100001"},`), 160_000) // 3.5 MB
	in := []*record.Record{
		{Key: []byte("15550100000"), Value: []byte(`{"object":"whatsapp_business_account"}`), Timestamp: 1_767_225_600_123},
		{Key: []byte("15550100000"), Value: nil, Timestamp: 1},
		{Key: []byte("15550100000"), Value: []byte{}, Timestamp: 2},
		{Key: []byte("15550100000"), Value: []byte{0, 255, '\n'}, Timestamp: 1_767_225_600_123, Headers: []record.Header{
			{Key: "X-Hub-Signature-256", Value: []byte("sha256=00")}, {Key: "a", Value: nil}, {Key: "a", Value: []byte{}},
			{Key: "", Value: []byte("empty name")}, {Key: "a", Value: []byte("again")}, {Key: "\xff not UTF-8", Value: []byte{0}},
		}},
		{Key: []byte("15550100000"), Value: big, Timestamp: 3},
		{Key: []byte("15550100000"), Value: []byte("after the big one"), Timestamp: 4},
	}
	at, err := producer(t, addr).Produce(t.Context(), topic, in...)
	if err != nil {
		t.Fatal(err)
	}
	partition := at[0].Partition
	r := source(t, addr).Reader(topic, partition, 3, 0)
	got := drain(t, r, int64(len(in))).records
	if len(got) != len(in) {
		t.Fatalf("%d records came out of %d", len(got), len(in))
	}
	for i := range in {
		want := record.Coordinates{Topic: topic, Era: 3, Partition: partition, Offset: int64(i)}
		if got[i].Coordinates != want || at[i].Offset != int64(i) || at[i].Partition != partition {
			t.Errorf("record %d is at %v, produced at %v", i, got[i].Coordinates, at[i])
		}
		if !same(in[i], got[i]) {
			t.Errorf("record %d came out different", i)
		}
		if got[i].LeaderEpoch < 0 {
			t.Errorf("record %d has no leader epoch", i)
		}
	}
}

// TestKeys: empty and null keys are told apart, and keys go where Java sends them.
func TestKeys(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	in := []*record.Record{{Key: nil, Value: []byte("null"), Timestamp: 1}, {Key: []byte{}, Value: []byte("empty"), Timestamp: 1}}
	at, err := producer(t, b.Addr()).Produce(t.Context(), "t", in...)
	if err != nil {
		t.Fatal(err)
	}
	s := source(t, b.Addr())
	for i := range in {
		got, err := s.ReadOne(t.Context(), "t", at[i].Partition, at[i].Offset)
		if err != nil {
			t.Fatal(err)
		}
		if !same(in[i], got) {
			t.Errorf("record %d came out different", i)
		}
	}
	// From Kafka's UtilsTest: murmur2("21") = -973932308, so 0x45f32f6c of 7 partitions.
	sends := (&Producer{}).sends([]*record.Record{{Key: []byte("21")}}, 7)
	if want := int32((-973932308 & 0x7fffffff) % 7); sends[0].partition != want {
		t.Errorf("key goes to partition %d, Java sends it to %d", sends[0].partition, want)
	}
}

func TestCodecs(t *testing.T) {
	t.Parallel()
	testCodecs(t, start(t, "t").Addr(), "t")
}

func testCodecs(t *testing.T, addr, topic string) {
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	var want []string
	for i, codec := range codecs {
		cl := foreign(t, addr, topic, kgo.ProducerBatchCompression(codec))
		var batch []string
		for j := range 200 {
			batch = append(batch, fmt.Sprintf("codec %d record %d %s", i, j, bytes.Repeat([]byte("x"), j)))
		}
		send(t, cl, batch...)
		want = append(want, batch...)
	}
	s := source(t, addr)
	got := drain(t, s.Reader(topic, 0, 1, 0), int64(len(want)))
	if fmt.Sprint(values(got.records)) != fmt.Sprint(want) || len(got.gaps) != 0 {
		t.Fatalf("%d records, gaps %v", len(got.records), got.gaps)
	}
	middle := drain(t, s.Reader(topic, 0, 1, 317), int64(len(want)))
	if fmt.Sprint(values(middle.records)) != fmt.Sprint(want[317:]) {
		t.Fatal("reading from the middle of a compressed batch gave something else")
	}
}

// TestSmallFetches: a fetch that may bring less than a batch still brings one.
func TestSmallFetches(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	cl := foreign(t, b.Addr(), "t")
	var want []string
	for i := range 5 {
		v := string(bytes.Repeat([]byte{byte('a' + i)}, 100_000))
		send(t, cl, v)
		want = append(want, v)
	}
	s, err := Open(t.Context(), []string{b.Addr()}, Options{MaxWait: 20 * time.Millisecond, MaxBytes: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := drain(t, s.Reader("t", 0, 1, 0), 5); fmt.Sprint(values(got.records)) != fmt.Sprint(want) {
		t.Fatal("small fetches gave something else")
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	s := source(t, b.Addr())
	r := s.Reader("t", 1, 1, 0)
	for range 5 {
		got, err := r.Fetch(t.Context())
		if err != nil || got.First != 0 || got.Next != 0 || len(got.Records)+len(got.Gaps) != 0 {
			t.Fatalf("an empty partition gave %+v, %v", got, err)
		}
	}
	if n, err := s.Partitions(t.Context(), "t"); err != nil || n != 2 {
		t.Fatalf("%d partitions, %v", n, err)
	}
	if _, err := s.Partitions(t.Context(), "other"); !errors.Is(err, ErrNoTopic) {
		t.Fatalf("a topic that is not there: %v", err)
	}
	low, high, err := s.Watermarks(t.Context(), "t", 0)
	if low != 0 || high != 0 || err != nil {
		t.Fatalf("watermarks %d %d %v", low, high, err)
	}
}

// TestWakes: a waiting fetch comes back with what arrives.
func TestWakes(t *testing.T) {
	t.Parallel()
	b := start(t, "t")
	s, err := Open(t.Context(), []string{b.Addr()}, Options{MaxWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make(chan *Batch)
	go func() {
		b, err := s.Reader("t", 0, 1, 0).Fetch(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- b
	}()
	send(t, foreign(t, b.Addr(), "t"), "hello")
	if b := <-got; b == nil || len(b.Records) != 1 || string(b.Records[0].Value) != "hello" {
		t.Fatalf("woke with %+v", b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := s.Reader("t", 0, 1, 1).Fetch(ctx)
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kafka")
	b := startAt(t, dir, "t")
	send(t, foreign(t, b.Addr(), "t"), "one", "two")
	if _, err := StartEmbedded(t.Context(), dir, BrokerOptions{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("started twice on one folder: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = startAt(t, dir, "t", "later")
	send(t, foreign(t, b.Addr(), "t"), "three")
	s := source(t, b.Addr())
	if got := drain(t, s.Reader("t", 0, 1, 0), 3); fmt.Sprint(values(got.records)) != "[one two three]" {
		t.Fatalf("after a restart %v", values(got.records))
	}
	if topics, err := s.Topics(t.Context()); err != nil || topics["later"] != 2 || topics["t"] != 2 {
		t.Fatalf("after a restart topics %v, %v", topics, err)
	}
}
