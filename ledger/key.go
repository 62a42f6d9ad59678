package ledger

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
)

// numberDigits is how many digits a block number has in a key.
const numberDigits = 12

// BlockPrefix is the prefix of a lane's blocks in the locked store.
func BlockPrefix(lane record.Lane) string { return "lanes/" + string(lane) + "/blocks/" }

// BlockKey is where a block stands in the locked store.
func BlockKey(lane record.Lane, n uint64) string {
	return fmt.Sprintf("%s%0*d", BlockPrefix(lane), numberDigits, n)
}

// DataPrefix is the prefix of what a lane's blocks name, in each store.
func DataPrefix(lane record.Lane) string { return "lanes/" + string(lane) + "/data/" }

// DataKey is where an object of block n stands, by its name (seg-0, box-0,
// outbox; in control with the writer's nonce before it).
func DataKey(lane record.Lane, n uint64, name string) string {
	return fmt.Sprintf("%s%0*d/%s", DataPrefix(lane), numberDigits, n, name)
}

// ParseBlockKey reads what BlockKey writes for the lane.
func ParseBlockKey(lane record.Lane, key string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(key, BlockPrefix(lane))
	if !ok {
		return 0, false
	}
	return parseNumber(digits)
}

// ParseDataKey reads what DataKey writes for the lane.
func ParseDataKey(lane record.Lane, key string) (n uint64, name string, ok bool) {
	rest, ok := strings.CutPrefix(key, DataPrefix(lane))
	if !ok {
		return 0, "", false
	}
	digits, name, ok := strings.Cut(rest, "/")
	if !ok || name == "" {
		return 0, "", false
	}
	n, ok = parseNumber(digits)
	return n, name, ok
}

func parseNumber(digits string) (uint64, bool) {
	if len(digits) != numberDigits || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}
