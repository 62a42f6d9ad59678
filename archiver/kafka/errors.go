package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// What callers branch on.
var (
	// ErrUnavailable: brokers unreachable, without a leader, or answering with
	// errors that pass. Try again later; nothing was lost.
	ErrUnavailable = errors.New("kafka is not available")
	// ErrNoTopic: no such topic, or not that many partitions.
	ErrNoTopic = errors.New("no such topic or partition")
	// ErrRewound: the log ends before the offset asked for, so it is another
	// log: the caller begins a new era. Comes as a *RewoundError.
	ErrRewound = errors.New("log ends before our position")
	// ErrNoRecord: the offset lies within the log and holds no record.
	ErrNoRecord = errors.New("no record at that offset")
	// ErrOther is returned where something else than a committed record stands at
	// the offset: a committed record never turns into that.
	ErrOther = fmt.Errorf("no committed record there: %w", ErrNoRecord)
	// ErrExpired: the offset lies before the log's start.
	ErrExpired = errors.New("offset lies before the log's start")
	// ErrCorrupt: the broker sent bytes that are no record batch. Asking again
	// may help; skipping would lose records, so nothing is skipped.
	ErrCorrupt = errors.New("record batch is corrupt")
	// ErrTooLarge: the broker refuses a record of this size.
	ErrTooLarge = errors.New("record is larger than the broker allows")
	// ErrCredentials: the broker does not accept who we say we are. Comes with
	// ErrUnavailable: somebody may mend it.
	ErrCredentials = errors.New("kafka refuses our credentials")
	// ErrTLS: no secure connection comes about. Comes with ErrUnavailable.
	ErrTLS = errors.New("no secure connection to kafka")
	// ErrDenied: an access rule of the broker is missing.
	ErrDenied = errors.New("kafka denies it to our user")
	// ErrUncertain: some of the records may or may not have been stored.
	ErrUncertain = errors.New("not known whether the records were stored")
	// ErrInUse: another process runs the embedded broker on that folder.
	ErrInUse = errors.New("broker folder is in use by another process")
)

// RewoundError says where a log ends that ends before our position.
type RewoundError struct {
	Topic     string
	Partition int32
	Offset    int64 // asked for
	Low, High int64 // what the log holds: [Low, High)
}

// Error says so in words.
func (e *RewoundError) Error() string {
	return fmt.Sprintf("%s/%d holds [%d, %d), our position is %d: %v", e.Topic, e.Partition, e.Low, e.High, e.Offset, ErrRewound)
}

// Unwrap makes it an ErrRewound.
func (e *RewoundError) Unwrap() error { return ErrRewound }

// errNoBrokers: no metadata has arrived yet.
var errNoBrokers = errors.New("no broker has answered")

// classify adds our name for what a broker or a connection refuses.
func classify(err error) error {
	var kerr kafkago.Error
	var cert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kerr):
		switch kerr {
		case kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState:
			return fmt.Errorf("%w: %w", ErrCredentials, err)
		case kafkago.TopicAuthorizationFailed, kafkago.GroupAuthorizationFailed, kafkago.ClusterAuthorizationFailed:
			return fmt.Errorf("%w: %w", ErrDenied, err)
		}
	case errors.As(err, &cert), errors.As(err, &header), errors.As(err, &op) && op.Op == "remote error": // an alert of TLS
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return err
}

// refusedUs says that somebody has to mend credentials or certificates, here or at
// the broker, which may happen at any time.
func refusedUs(err error) bool {
	err = classify(err)
	return errors.Is(err, ErrCredentials) || errors.Is(err, ErrTLS)
}

// passes says whether asking again may help.
func passes(err error) bool {
	var kerr kafkago.Error
	if errors.As(err, &kerr) {
		return kerr.Temporary() || kerr == kafkago.BrokerNotAvailable || kerr == kafkago.ReplicaNotAvailable
	}
	var nerr net.Error
	if errors.As(err, &nerr) {
		return true
	}
	for _, e := range []error{
		errNoBrokers, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.DeadlineExceeded,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, protocol.ErrNoLeader,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// unknownTopic says whether the error means that there is no such partition,
// as far as the brokers know.
func unknownTopic(err error) bool {
	return errors.Is(err, kafkago.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}
