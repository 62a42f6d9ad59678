package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
)

// Place is where a row stands in the order of an answer: by time, then by item.
type Place struct {
	Time int64 // Row.Time
	Item record.ItemID
}

// ItemKey encodes an item name so that bytes compare as CompareItems does:
// topic, 0, era, partition, offset, number. A topic holds no zero byte, and the
// numbers are not negative.
func ItemKey(id record.ItemID) []byte {
	key := make([]byte, 0, len(id.Topic)+21)
	key = append(key, id.Topic...)
	key = append(key, 0)
	key = binary.BigEndian.AppendUint32(key, uint32(id.Era))
	key = binary.BigEndian.AppendUint32(key, uint32(id.Partition))
	key = binary.BigEndian.AppendUint64(key, uint64(id.Offset))
	return binary.BigEndian.AppendUint32(key, uint32(id.N))
}

// RecordKeyTail is the number of bytes of an ItemKey behind its record's.
const RecordKeyTail = 4

// RecordKey is the prefix that the ItemKeys of a record's items have in common.
func RecordKey(c record.Coordinates) []byte {
	key := ItemKey(record.ItemID{Coordinates: c})
	return key[:len(key)-RecordKeyTail]
}

func parseItemKey(key []byte) (record.ItemID, bool) {
	topic, rest, ok := bytes.Cut(key, []byte{0})
	if !ok || len(rest) != 20 {
		return record.ItemID{}, false
	}
	return record.ItemID{
		Coordinates: record.Coordinates{
			Topic:     string(topic),
			Era:       record.Era(binary.BigEndian.Uint32(rest)),
			Partition: int32(binary.BigEndian.Uint32(rest[4:])),
			Offset:    int64(binary.BigEndian.Uint64(rest[8:])),
		},
		N: int(binary.BigEndian.Uint32(rest[16:])),
	}, true
}

// CursorAfter gives the cursor that continues a query behind a row.
func CursorAfter(q *Query, last *Row) string {
	digest := q.digest()
	buf := append([]byte(nil), digest[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(last.Time()))
	return base64.RawURLEncoding.EncodeToString(append(buf, ItemKey(last.Item)...))
}

// After reads a query's cursor. ok is false where it has none; a cursor of
// another query is ErrCursor.
func (q *Query) After() (p Place, ok bool, err error) {
	if q.Cursor == "" {
		return Place{}, false, nil
	}
	digest := q.digest()
	buf, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(buf) < len(digest)+8 || !bytes.Equal(buf[:len(digest)], digest[:]) {
		return Place{}, false, fmt.Errorf("continue a search: %w", ErrCursor)
	}
	buf = buf[len(digest):]
	p.Time = int64(binary.BigEndian.Uint64(buf))
	if p.Item, ok = parseItemKey(buf[8:]); !ok {
		return Place{}, false, fmt.Errorf("continue a search: %w", ErrCursor)
	}
	return p, true, nil
}

// digest names a query apart from its page.
func (q *Query) digest() [8]byte {
	whole := *q
	whole.Limit, whole.Cursor = 0, ""
	// A Query is made of strings, numbers and lists: it always encodes.
	data, _ := json.Marshal(&whole)
	sum := sha256.Sum256(data)
	return [8]byte(sum[:8])
}

// PageSize is the number of rows a query asks for at most.
func (q *Query) PageSize() int {
	if q.Limit <= 0 {
		return DefaultLimit
	}
	return min(q.Limit, MaxLimit)
}

// How many rows a page has where the query does not say, and at most.
const (
	DefaultLimit = 100
	MaxLimit     = 10000
)
