package kafka

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waxseal/waxseal/archiver/record"
)

// TestApacheKafka runs what matters against a real Kafka, if there is one:
// WAXSEAL_TEST_KAFKA=host:port, with message.max.bytes of at least 8 MB.
func TestApacheKafka(t *testing.T) {
	addr := realKafka(t)
	stamp := fmt.Sprintf("waxseal-test-%d", time.Now().UnixNano())
	for name, test := range map[string]func(*testing.T, string, string){
		"exact": testExact, "codecs": testCodecs, "transactions": testTransactions, "trimmed": testTrimmed, "compacted": testCompacted,
		"group": testGroup, "positions": testPositions,
	} {
		t.Run(name, func(t *testing.T) {
			topic := stamp + "-" + name
			parts := map[string]int32{"group": 4, "positions": 2}
			create(t, addr, topic, max(1, parts[name]), name == "compacted")
			test(t, addr, topic)
			request(t, addr, &kmsg.DeleteTopicsRequest{Version: 3, TopicNames: []string{topic}, TimeoutMillis: 10_000})
		})
	}
}

func request(t *testing.T, addr string, req kmsg.Request) kmsg.Response {
	t.Helper()
	res, err := foreign(t, addr, "").Request(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// realKafka is the address of a real broker. Where none is named, the test is
// skipped, or fails if real parts are required.
func realKafka(t *testing.T) string {
	t.Helper()
	addr := os.Getenv("WAXSEAL_TEST_KAFKA")
	if addr == "" {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatal("WAXSEAL_TEST_KAFKA names no broker: 'make services' starts one")
		}
		t.Skip("WAXSEAL_TEST_KAFKA names no broker: 'make services' starts one; only the embedded one is tested")
	}
	return addr
}

func create(t *testing.T, addr, topic string, partitions int32, compact bool) {
	t.Helper()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, partitions, 1
	set := func(name, value string) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		rt.Configs = append(rt.Configs, c)
	}
	set("max.message.bytes", "8000000")
	if compact {
		set("cleanup.policy", "compact")
		set("segment.ms", "100")
		set("min.cleanable.dirty.ratio", "0.001")
	}
	res := request(t, addr, &kmsg.CreateTopicsRequest{Version: 5, TimeoutMillis: 10_000, Topics: []kmsg.CreateTopicsRequestTopic{rt}}).(*kmsg.CreateTopicsResponse)
	if code := res.Topics[0].ErrorCode; code != 0 {
		t.Fatalf("make topic: error %d", code)
	}
}

// testTrimmed: DeleteRecords within a batch.
func testTrimmed(t *testing.T, addr, topic string) {
	send(t, foreign(t, addr, topic), "0", "1", "2", "3", "4")
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Offset = 3
	request(t, addr, &kmsg.DeleteRecordsRequest{Version: 1, TimeoutMillis: 10_000, Topics: []kmsg.DeleteRecordsRequestTopic{{
		Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{p},
	}}})
	s := source(t, addr)
	got := drain(t, s.Reader(topic, 0, 1, 1), 5)
	if fmt.Sprint(values(got.records)) != "[3 4]" || len(got.gaps) != 1 || got.gaps[0] != (record.Gap{First: 1, Next: 3, Cause: record.GapExpired}) {
		t.Fatalf("records %v, gaps %v", values(got.records), got.gaps)
	}
	if _, err := s.ReadOne(t.Context(), topic, 0, 1); !errors.Is(err, ErrExpired) {
		t.Fatalf("reading what expired: %v", err)
	}
	if _, err := s.Reader(topic, 0, 1, 9).Fetch(t.Context()); !errors.Is(err, ErrRewound) {
		t.Fatalf("beyond the end: %v", err)
	}
}

// testCompacted writes one key over and over until the cleaner has run.
func testCompacted(t *testing.T, addr, topic string) {
	cl := foreign(t, addr, topic)
	s := source(t, addr)
	deadline := time.Now().Add(2 * time.Minute)
	for n := int64(0); ; {
		for range 20 {
			rec := &kgo.Record{Key: []byte("k"), Value: fmt.Append(nil, n)}
			if err := cl.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
				t.Fatal(err)
			}
			n++
		}
		got := drain(t, s.Reader(topic, 0, 1, 0), n)
		if len(got.gaps) > 0 && got.gaps[0].Cause == record.GapCompacted {
			t.Logf("after %d records %d are left, gaps %v", n, len(got.records), got.gaps)
			return
		}
		if time.Now().After(deadline) {
			t.Skip("the broker's cleaner did not run in two minutes")
		}
	}
}
