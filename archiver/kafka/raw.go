package kafka

import (
	"context"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Highest versions of what archivers ask a group's coordinator: below the flexible
// ones, and, of Heartbeat and LeaveGroup, below those whose answers kafka-go reads
// with throttle time and error code changed about.
const (
	joinVersion      = 5
	syncVersion      = 3
	heartbeatVersion = 0
	leaveVersion     = 0
	commitVersion    = 7
)

// exchange is a request in a version of our choice. kafka-go offers the highest
// it knows, and writes some of the flexible ones (SyncGroup 5, Heartbeat 4)
// otherwise than brokers read them. It is also how a question reaches a broker
// that kafka-go would answer from what it remembers (Metadata).
type exchange struct {
	protocol.Message
	highest     int16
	version     int16
	correlation int32
	clientID    string
}

// grouped is an exchange that goes to a group's coordinator.
type grouped struct {
	exchange
	group string
}

// Group implements protocol.GroupMessage.
func (g *grouped) Group() string { return g.group }

var _ protocol.RawExchanger = (*exchange)(nil)

// Required implements protocol.RawExchanger.
func (x *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	x.version = min(versions[x.ApiKey()], x.highest)
	return true
}

// RawExchange implements protocol.RawExchanger.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := protocol.WriteRequest(rw, x.version, x.correlation, x.clientID, x.Message); err != nil {
		return nil, err
	}
	id, res, err := protocol.ReadResponse(rw, x.ApiKey(), x.version)
	if err != nil {
		return nil, err
	}
	if id != x.correlation {
		return nil, fmt.Errorf("answer to another request: %w", ErrCorrupt)
	}
	return answer{res}, nil
}

// answer hides the type of a response from kafka-go, which takes one of Metadata
// for the answer to a request of its own.
type answer struct{ protocol.Message }

// exchange asks any broker.
func (c *client) exchange(ctx context.Context, highest int16, msg protocol.Message) (protocol.Message, error) {
	return c.ask(ctx, &exchange{Message: msg, highest: highest, correlation: c.correlate.Add(1), clientID: c.opts.ClientID})
}

func (c *client) ask(ctx context.Context, req protocol.Message) (protocol.Message, error) {
	res, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		return nil, err
	}
	return res.(answer).Message, nil
}

// coordinator asks a group's coordinator.
func (c *client) coordinator(ctx context.Context, group string, highest int16, msg protocol.Message) (protocol.Message, error) {
	return c.ask(ctx, &grouped{
		exchange: exchange{Message: msg, highest: highest, correlation: c.correlate.Add(1), clientID: c.opts.ClientID}, group: group,
	})
}

// code gives a broker's error code as an error; nil for none.
func code(n int16) error {
	if n == 0 {
		return nil
	}
	return kafkago.Error(n)
}
