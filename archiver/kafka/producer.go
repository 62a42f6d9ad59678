package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"

	"github.com/waxseal/waxseal/archiver/record"
)

// Producer writes records, acknowledged by all replicas. Safe for concurrent use.
type Producer struct{ *client }

// maxProduce is how many bytes of records go into one request: below the
// 1,048,588 that Kafka takes by default. A larger record goes alone.
const maxProduce = 900 << 10

// recordOverhead is more than a record takes beside its own bytes.
const recordOverhead = 64

// NewProducer connects to a cluster, given by some of its brokers as host:port.
// It sends nothing yet.
func NewProducer(brokers []string, opts Options) (*Producer, error) {
	c, err := connect(brokers, opts)
	if err != nil {
		return nil, err
	}
	return &Producer{c}, nil
}

// Close gives back the connections.
func (p *Producer) Close() { p.close() }

// Produce writes records to a topic, each to the partition its key hashes to as
// Java producers hash it (murmur2; any partition without a key). Of a record
// Key, Value, Headers and Timestamp count; a Timestamp of 0 is now.
//
// It gives where each record went, in the order given, Era 1. On an error the
// records that are not known to be stored have Offset -1. ErrUncertain among
// the errors means that some of those may be stored all the same: sending them
// again may store them twice. Without it they are not stored.
func (p *Producer) Produce(ctx context.Context, topic string, records ...*record.Record) ([]record.Coordinates, error) {
	where := make([]record.Coordinates, len(records))
	for i := range where {
		where[i] = record.Coordinates{Topic: topic, Era: 1, Offset: -1}
	}
	if len(records) == 0 {
		return where, nil
	}
	n, err := p.partitions(ctx, topic)
	if err != nil {
		return where, fmt.Errorf("produce to %s: %w", topic, err)
	}
	for _, send := range p.sends(records, n) {
		base, err := p.send(ctx, topic, send.partition, records, send.index)
		if err != nil {
			return where, fmt.Errorf("produce to %s/%d: %w", topic, send.partition, err)
		}
		for i, at := range send.index {
			where[at].Partition, where[at].Offset = send.partition, base+int64(i)
		}
	}
	return where, nil
}

// partitions waits for a topic that was made a moment ago.
func (p *Producer) partitions(ctx context.Context, topic string) (n int32, err error) {
	err = p.retry(ctx, "look up the topic", func(ctx context.Context) error {
		if n, err = p.Partitions(ctx, topic); errors.Is(err, ErrNoTopic) {
			return kafkago.UnknownTopicOrPartition
		}
		return err
	})
	return n, err
}

// sending is one request: records, by index, of one partition.
type sending struct {
	partition int32
	index     []int
	bytes     int
}

// sends divides records into requests, in order within each partition.
func (p *Producer) sends(records []*record.Record, partitions int32) []*sending {
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	var out []*sending
	open := map[int32]*sending{}
	for i, rec := range records {
		to := int32(kafkago.Murmur2Balancer{}.Balance(kafkago.Message{Key: rec.Key}, all...))
		size := rec.Size() + recordOverhead*(1+len(rec.Headers))
		s := open[to]
		if s == nil || s.bytes+size > maxProduce {
			s = &sending{partition: to}
			open[to] = s
			out = append(out, s)
		}
		s.index, s.bytes = append(s.index, i), s.bytes+size
	}
	return out
}

// send writes one request. It tries again while the broker surely stored nothing.
func (p *Producer) send(ctx context.Context, topic string, partition int32, records []*record.Record, index []int) (int64, error) {
	var base int64
	var uncertain error
	err := p.retry(ctx, "produce", func(ctx context.Context) error {
		res, err := p.produce(ctx, topic, partition, records, index)
		if err == nil {
			base = res
			return nil
		}
		if !refused(err) {
			uncertain = err
			return nil // not again
		}
		return err
	})
	switch {
	case uncertain != nil && ctx.Err() != nil:
		return 0, fmt.Errorf("%w: %w", ErrUncertain, ctx.Err())
	case uncertain != nil:
		return 0, fmt.Errorf("%w: %w", ErrUncertain, uncertain)
	case errors.Is(err, kafkago.MessageSizeTooLarge), errors.Is(err, kafkago.RecordListTooLarge):
		return 0, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return base, err
}

func (p *Producer) produce(ctx context.Context, topic string, partition int32, records []*record.Record, index []int) (int64, error) {
	res, err := p.transport.RoundTrip(ctx, p.addr, &produce.Request{
		Acks: int16(kafkago.RequireAll), Timeout: int32(callTimeout.Milliseconds()),
		Topics: []produce.RequestTopic{{Topic: topic, Partitions: []produce.RequestPartition{{
			Partition: partition, RecordSet: protocol.RecordSet{Version: 2, Records: protocol.NewRecordReader(wireRecords(records, index)...)},
		}}}},
	})
	if err != nil {
		return 0, err
	}
	r, ok := res.(*produce.Response)
	if !ok || len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		return 0, errNoAnswer
	}
	answer := r.Topics[0].Partitions[0]
	if answer.ErrorCode != 0 {
		return 0, kafkago.Error(answer.ErrorCode)
	}
	return answer.BaseOffset, nil
}

func wireRecords(records []*record.Record, index []int) []protocol.Record {
	out := make([]protocol.Record, len(index))
	for i, at := range index {
		rec := records[at]
		w := protocol.Record{Key: protocol.NewBytes(rec.Key), Value: protocol.NewBytes(rec.Value)}
		if rec.Timestamp != 0 {
			w.Time = time.UnixMilli(rec.Timestamp)
		}
		for _, h := range rec.Headers {
			w.Headers = append(w.Headers, protocol.Header{Key: h.Key, Value: h.Value})
		}
		out[i] = w
	}
	return out
}

// refused says whether the error means that nothing was stored: the request
// did not leave, or the broker answered that it takes none of it.
func refused(err error) bool {
	var kerr kafkago.Error
	if errors.As(err, &kerr) {
		switch kerr {
		case kafkago.RequestTimedOut, kafkago.NotEnoughReplicasAfterAppend, kafkago.Unknown, kafkago.NetworkException, kafkago.KafkaStorageError:
			return false
		}
		return true
	}
	var operr *net.OpError
	if errors.As(err, &operr) && operr.Op == "dial" {
		return true
	}
	for _, e := range []error{errNoBrokers, protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
