package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// rawFetch is a fetch of one partition whose answer is not decoded by kafka-go.
// kafka-go's transport routes it to the partition's leader and lets it do its
// own exchange on the connection.
type rawFetch struct {
	fetch.Request
	version     int16
	correlation int32
	clientID    string
}

var (
	_ protocol.BrokerMessage = (*rawFetch)(nil)
	_ protocol.RawExchanger  = (*rawFetch)(nil)
)

// The versions of Fetch understood here: 4 is Kafka 0.11, 11 is what kafka-go
// offers at most.
const (
	minFetch = 4
	maxFetch = 11
)

// Broker implements protocol.BrokerMessage.
func (f *rawFetch) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if len(cluster.Brokers) == 0 {
		return protocol.Broker{ID: -1}, errNoBrokers
	}
	return f.Request.Broker(cluster)
}

// Required implements protocol.RawExchanger.
func (f *rawFetch) Required(versions map[protocol.ApiKey]int16) bool {
	f.version = versions[protocol.Fetch]
	return true
}

// RawExchange implements protocol.RawExchanger.
func (f *rawFetch) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if f.version < minFetch || f.version > maxFetch {
		return nil, fmt.Errorf("broker speaks fetch version %d, needed are %d to %d: %w", f.version, minFetch, maxFetch, kafkago.UnsupportedVersion)
	}
	if err := protocol.WriteRequest(rw, f.version, f.correlation, f.clientID, &f.Request); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int32(binary.BigEndian.Uint32(head[:4]))
	if size < 4 {
		return nil, fmt.Errorf("answer of %d bytes: %w", size, ErrCorrupt)
	}
	if got := int32(binary.BigEndian.Uint32(head[4:])); got != f.correlation {
		return nil, fmt.Errorf("answer to another request: %w", ErrCorrupt)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, err
	}
	return parseFetch(body, f.version)
}

// fetched is the answer to a rawFetch.
type fetched struct {
	throttleMillis int32
	code           kafkago.Error
	highWatermark  int64
	stable         int64 // last stable offset
	aborted        []abortedTxn
	records        []byte // record batches, the last one perhaps cut off
}

type abortedTxn struct{ producer, first int64 }

//lint:ignore ST1003 the name is that of protocol.Message

// ApiKey implements protocol.Message.
func (*fetched) ApiKey() protocol.ApiKey { return protocol.Fetch }

// parseFetch reads the body of an answer about one partition.
func parseFetch(body []byte, version int16) (*fetched, error) {
	r := &wire{b: body}
	f := &fetched{throttleMillis: r.int32()}
	if version >= 7 {
		f.code = kafkago.Error(r.int16())
		r.int32() // session
	}
	if r.int32() != 1 { // topics
		return f.orError(r, errNoAnswer)
	}
	r.skip(int(r.int16())) // topic
	if r.int32() != 1 {    // partitions
		return f.orError(r, errNoAnswer)
	}
	r.int32() // partition
	if code := kafkago.Error(r.int16()); code != 0 {
		f.code = code
	}
	f.highWatermark, f.stable = r.int64(), r.int64()
	if version >= 5 {
		r.int64() // log start
	}
	n := r.int32()
	for i := int32(0); i < n && r.err == nil; i++ {
		f.aborted = append(f.aborted, abortedTxn{r.int64(), r.int64()})
	}
	if version >= 11 {
		r.int32() // preferred replica
	}
	f.records = r.bytes(r.int32())
	return f.orError(r, nil)
}

// orError gives f, or what was wrong with reading it. An error code that
// stands for the whole answer comes before its missing parts.
func (f *fetched) orError(r *wire, err error) (*fetched, error) {
	if r.err != nil {
		err = r.err
	}
	if err != nil && f.code == 0 {
		return nil, fmt.Errorf("fetch answer: %w: %w", ErrCorrupt, err)
	}
	return f, nil
}

// wire reads Kafka's big-endian primitives; the first error stays.
type wire struct {
	b   []byte
	err error
}

var errShort = errors.New("ends too early")

func (r *wire) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.err = errShort
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *wire) skip(n int) { r.take(n) }

func (r *wire) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *wire) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *wire) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// bytes takes n bytes; a negative n is null.
func (r *wire) bytes(n int32) []byte {
	if n < 0 {
		return nil
	}
	return r.take(int(n))
}

// fetch asks once for a partition's records from offset on. Errors of the
// partition are kafkago.Errors. Only the partition's bytes are bounded: bounded
// as a whole, kfake leaves the aborted transactions out of an answer that
// reaches the bound.
func (c *client) fetch(ctx context.Context, topic string, partition int32, offset int64, maxBytes int) (*fetched, error) {
	limit := int32(min(maxBytes, math.MaxInt32))
	req := &rawFetch{correlation: c.correlate.Add(1), clientID: c.opts.ClientID, Request: fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(c.opts.MaxWait.Milliseconds()), MinBytes: 1, MaxBytes: math.MaxInt32,
		IsolationLevel: 1, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: topic, Partitions: []fetch.RequestPartition{{
			Partition: partition, CurrentLeaderEpoch: -1, FetchOffset: offset, LogStartOffset: -1, PartitionMaxBytes: limit,
		}}}},
	}}
	res, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		return nil, err
	}
	f := res.(*fetched)
	if f.code != 0 {
		return f, f.code
	}
	return f, nil
}
