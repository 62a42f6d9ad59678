package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// blockMagic opens a block. The last byte is the version of the container.
var blockMagic = [8]byte{'W', 'A', 'X', 'B', 'L', 'O', 'K', 1}

// MaxEvent is the most bytes an event of a block may have.
const MaxEvent = 1 << 22

// maxCheckpoint bounds the signed checkpoint in a block: origin, size, root and
// one signature take some 200 bytes.
const maxCheckpoint = 1<<16 - 1

// ErrBlock is returned for bytes that are no block, or whose parts contradict
// each other.
var ErrBlock = errors.New("not a block")

// Block is a block object taken apart. FORMAT.md has the drawing. Its byte
// slices alias what was decoded.
type Block struct {
	Entry      *Entry
	EntryBytes []byte   // as stored: what is hashed
	Leaves     []Hash   // of the records, in order
	Events     [][]byte // in control the acts; elsewhere typed events
	Checkpoint []byte   // signed note: the lane's log with this entry as its last
	Frontier   []Hash   // of that log before this entry, so that entry and frontier give the signed root
}

// Encode gives the block's bytes. It checks lengths, not truth.
func (b *Block) Encode() ([]byte, error) {
	if len(b.EntryBytes) > MaxEntry {
		return nil, fmt.Errorf("encode block: %w", ErrEntrySize)
	}
	if len(b.Checkpoint) > maxCheckpoint || len(b.Frontier) > 64 {
		return nil, fmt.Errorf("encode block: checkpoint or frontier: %w", ErrBlock)
	}
	size := len(blockMagic) + 4 + len(b.EntryBytes) + 4 + 32*len(b.Leaves) + 4 + 2 + len(b.Checkpoint) + 1 + 32*len(b.Frontier)
	for i, e := range b.Events {
		if len(e) > MaxEvent {
			return nil, fmt.Errorf("encode block: event %d has %d bytes: %w", i, len(e), ErrBlock)
		}
		size += 4 + len(e)
	}
	out := make([]byte, 0, size)
	out = append(out, blockMagic[:]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.EntryBytes)))
	out = append(out, b.EntryBytes...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.Leaves)))
	out = appendHashes(out, b.Leaves)
	out = binary.BigEndian.AppendUint32(out, uint32(len(b.Events)))
	for _, e := range b.Events {
		out = binary.BigEndian.AppendUint32(out, uint32(len(e)))
		out = append(out, e...)
	}
	out = binary.BigEndian.AppendUint16(out, uint16(len(b.Checkpoint)))
	out = append(out, b.Checkpoint...)
	out = append(out, byte(len(b.Frontier)))
	return appendHashes(out, b.Frontier), nil
}

func appendHashes(out []byte, hashes []Hash) []byte {
	for i := range hashes {
		out = append(out, hashes[i][:]...)
	}
	return out
}

// DecodeBlock reads what Encode writes, and nothing else. It checks the form of
// each part; CheckRoots and Chain check what the parts say. It allocates no
// more than a small multiple of len(data). Errors are ErrBlock or ErrEntry.
func DecodeBlock(data []byte) (*Block, error) {
	r := reader{rest: data}
	if [8]byte(r.take(8)) != blockMagic {
		return nil, fmt.Errorf("magic or version: %w", ErrBlock)
	}
	b := new(Block)
	b.EntryBytes = r.take(r.uint32(MaxEntry))
	b.Leaves = r.hashes(r.uint32(len(r.rest) / 32))
	if n := r.uint32(len(r.rest) / 4); n > 0 {
		b.Events = make([][]byte, n)
	}
	for i := range b.Events {
		b.Events[i] = r.take(r.uint32(MaxEvent))
	}
	b.Checkpoint = r.take(r.uint16())
	b.Frontier = r.hashes(int(r.take(1)[0]))
	if r.bad || len(r.rest) > 0 {
		return nil, fmt.Errorf("lengths: %w", ErrBlock)
	}
	e, err := DecodeEntry(b.EntryBytes)
	if err != nil {
		return nil, fmt.Errorf("decode block: %w", err)
	}
	b.Entry = e
	return b, nil
}

// CheckRoots holds the leaves and events to what the entry says of them. The
// error is ErrBlock and says which.
func (b *Block) CheckRoots() error {
	if uint64(len(b.Leaves)) != b.Entry.Records || Root(b.Leaves) != b.Entry.RecordsRoot {
		return fmt.Errorf("leaves are not those of the entry: %w", ErrBlock)
	}
	if uint64(len(b.Events)) != b.Entry.Events || EventsRoot(b.Events) != b.Entry.EventsRoot {
		return fmt.Errorf("events are not those of the entry: %w", ErrBlock)
	}
	return nil
}

// EventsRoot is the RFC 6962 root over the events' bytes.
func EventsRoot(events [][]byte) Hash {
	leaves := make([]Hash, len(events))
	for i, e := range events {
		leaves[i] = LeafHash(e)
	}
	return Root(leaves)
}

// reader takes a byte slice apart. After the first read past the end it is bad,
// and gives zeros.
type reader struct {
	rest []byte
	bad  bool
}

// zeros is what take gives after the end: never written to.
var zeros [8]byte

// take gives n bytes, aliasing the input.
func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.rest) {
		r.bad = true
		return zeros[:min(max(n, 0), len(zeros))]
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// uint32 reads a length of at most limit.
func (r *reader) uint32(limit int) int {
	n := binary.BigEndian.Uint32(r.take(4))
	if int64(n) > int64(limit) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) uint16() int { return int(binary.BigEndian.Uint16(r.take(2))) }

func (r *reader) hashes(n int) []Hash {
	if r.bad || n > len(r.rest)/32 {
		r.bad = true
		return nil
	}
	if n == 0 {
		return nil
	}
	raw := r.take(32 * n)
	out := make([]Hash, n)
	for i := range out {
		out[i] = Hash(raw[32*i:])
	}
	return out
}
