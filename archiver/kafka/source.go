package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/sasl"
)

// Options of a Source or Producer. The zero value is good on loopback.
type Options struct {
	ClientID string         // "waxseal" if empty
	TLS      *tls.Config    // nil for none
	SASL     sasl.Mechanism // nil for none
	Log      *slog.Logger   // nil for none; told of retries

	// MaxWait is how long a fetch waits for records when there are none: 500 ms.
	MaxWait time.Duration
	// MaxBytes bounds what one fetch brings, in bytes as stored: 1 MiB. A
	// larger batch comes alone, whole.
	MaxBytes int
	// GiveUp is how long a call keeps trying while Kafka is not available
	// before it answers ErrUnavailable: 10 s.
	GiveUp time.Duration
}

func (o Options) withDefaults() Options {
	if o.ClientID == "" {
		o.ClientID = "waxseal"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 500 * time.Millisecond
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 20
	}
	if o.GiveUp <= 0 {
		o.GiveUp = 10 * time.Second
	}
	return o
}

// client is a connection to a cluster.
type client struct {
	opts      Options
	addr      net.Addr
	transport *kafkago.Transport
	kafka     *kafkago.Client
	stop      context.CancelFunc
	correlate atomic.Int32
}

// callTimeout bounds one request, beyond the wait it asks for itself.
const callTimeout = 30 * time.Second

// connect makes a client; it sends nothing yet.
func connect(brokers []string, opts Options) (*client, error) {
	if len(brokers) == 0 {
		return nil, fmt.Errorf("connect to kafka: %w: no broker named", ErrUnavailable)
	}
	opts = opts.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	t := &kafkago.Transport{
		ClientID: opts.ClientID, TLS: opts.TLS, SASL: opts.SASL, Context: ctx,
		DialTimeout: 5 * time.Second, MetadataTTL: 2 * time.Second,
	}
	addr := kafkago.TCP(brokers...)
	return &client{opts: opts, addr: addr, transport: t, kafka: &kafkago.Client{Addr: addr, Timeout: callTimeout, Transport: t}, stop: stop}, nil
}

func (c *client) close() {
	c.transport.CloseIdleConnections()
	c.stop()
}

// Source reads topics. Safe for concurrent use; a Reader is not.
type Source struct{ *client }

// Connect makes a Source of a cluster, given by some of its brokers as host:port.
// It sends nothing yet.
func Connect(brokers []string, opts Options) (*Source, error) {
	c, err := connect(brokers, opts)
	if err != nil {
		return nil, err
	}
	return &Source{c}, nil
}

// Open is Connect, and answers ErrUnavailable if no broker answers.
func Open(ctx context.Context, brokers []string, opts Options) (*Source, error) {
	s, err := Connect(brokers, opts)
	if err != nil {
		return nil, err
	}
	if _, err := s.Topics(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open kafka at %s: %w", strings.Join(brokers, ","), err)
	}
	return s, nil
}

// Close gives back the connections.
func (s *Source) Close() { s.close() }

// Topics gives the number of partitions of each topic. A topic made less than
// some seconds ago may be missing.
func (c *client) Topics(ctx context.Context) (map[string]int32, error) {
	topics := map[string]int32{}
	err := c.retry(ctx, "list topics", func(ctx context.Context) error {
		m, err := c.kafka.Metadata(ctx, &kafkago.MetadataRequest{})
		if err != nil {
			return err
		}
		if len(m.Brokers) == 0 {
			return errNoBrokers
		}
		for _, t := range m.Topics {
			if t.Error == nil && !t.Internal {
				topics[t.Name] = int32(len(t.Partitions))
			}
		}
		return nil
	})
	return topics, err
}

// Partitions gives the number of partitions of a topic: ErrNoTopic if there is
// none, ErrDenied if our user may not see it. It asks a broker, not what was
// remembered of one.
func (c *client) Partitions(ctx context.Context, topic string) (n int32, err error) {
	err = c.retry(ctx, "partitions of "+topic, func(ctx context.Context) error {
		res, err := c.exchange(ctx, 8, &metadata.Request{TopicNames: []string{topic}})
		if err != nil {
			return err
		}
		topics := res.(*metadata.Response).Topics
		if len(topics) != 1 {
			return errNoAnswer
		}
		n, err = int32(len(topics[0].Partitions)), code(topics[0].ErrorCode)
		if unknownTopic(err) {
			n, err = -1, nil // an answer: whoever expects the topic asks again
		}
		return err
	})
	if err == nil && n < 0 {
		return 0, fmt.Errorf("topic %s: %w", topic, ErrNoTopic)
	}
	return n, err
}

// Watermarks gives what of a partition can be read now: offsets from low up to,
// not including, high, the last stable offset. Records of open transactions
// lie at or behind high.
func (c *client) Watermarks(ctx context.Context, topic string, partition int32) (low, high int64, err error) {
	what := fmt.Sprintf("watermarks of %s/%d", topic, partition)
	err = c.retry(ctx, what, func(ctx context.Context) error {
		p := int(partition)
		res, err := c.kafka.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
			IsolationLevel: kafkago.ReadCommitted,
			Topics:         map[string][]kafkago.OffsetRequest{topic: {kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p)}},
		})
		if err != nil {
			return err
		}
		for _, o := range res.Topics[topic] {
			if o.Partition == p {
				low, high = o.FirstOffset, o.LastOffset
				return o.Error
			}
		}
		return kafkago.UnknownTopicOrPartition
	})
	return low, high, err
}

// retry runs fn until it succeeds, fails for good, ctx ends, or GiveUp has gone
// by: then it answers ErrUnavailable, or ErrNoTopic.
func (c *client) retry(ctx context.Context, what string, fn func(context.Context) error) error {
	start, wait := time.Now(), 20*time.Millisecond
	for {
		call, cancel := context.WithTimeout(ctx, callTimeout+c.opts.MaxWait)
		err := fn(call)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case !passes(err) && !unknownTopic(err) && !refusedUs(err):
			return fmt.Errorf("%s: %w", what, classify(err))
		case time.Since(start)+wait > c.opts.GiveUp:
			return fmt.Errorf("%s: %w: %w", what, lasting(err), classify(err))
		}
		c.opts.Log.LogAttrs(ctx, slog.LevelWarn, "kafka: trying again", slog.String("call", what), slog.Duration("wait", wait), slog.Any("error", err))
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		wait = min(2*wait, time.Second)
	}
}

// lasting gives the class of an error that has not passed.
func lasting(err error) error {
	if unknownTopic(err) {
		return ErrNoTopic
	}
	return ErrUnavailable
}

// pause waits, or answers ctx's error once it ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

var errNoAnswer = errors.New("answer says nothing of the partition")
