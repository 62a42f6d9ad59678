package lane

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrOutbox is returned for bytes that are no outbox.
var ErrOutbox = errors.New("not an outbox")

var outboxMagic = [8]byte{'W', 'A', 'X', 'O', 'U', 'T', 0, 1}

// Outbox is what a block tells the next owner of the lane and the indexer. Both
// parts are sealed before they come here; nil is none.
type Outbox struct {
	State []byte // change of lane state, under the state key
	Rows  []byte // index rows, an age file to the indexer
}

// Encode gives the outbox's bytes: magic, u32 length of State, State, Rows to the end.
func (o Outbox) Encode() []byte {
	b := make([]byte, 0, len(outboxMagic)+4+len(o.State)+len(o.Rows))
	b = append(b, outboxMagic[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.State)))
	b = append(b, o.State...)
	return append(b, o.Rows...)
}

// DecodeOutbox reads what Encode writes. Its parts alias b.
func DecodeOutbox(b []byte) (Outbox, error) {
	const head = len(outboxMagic) + 4
	if len(b) < head || [8]byte(b[:8]) != outboxMagic {
		return Outbox{}, fmt.Errorf("magic: %w", ErrOutbox)
	}
	n := binary.BigEndian.Uint32(b[8:head])
	if int64(n) > int64(len(b)-head) {
		return Outbox{}, fmt.Errorf("length: %w", ErrOutbox)
	}
	return Outbox{State: b[head : head+int(n)], Rows: b[head+int(n):]}, nil
}
