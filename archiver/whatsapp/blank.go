package whatsapp

import (
	"bytes"

	"github.com/waxseal/waxseal/archiver/record"
)

// Blank gives value with each span, a region's, overwritten by an empty object
// and spaces, so that what is left is JSON of the same length and can be read
// again with Holes. Value itself is not touched. A span too short for "{}"
// becomes spaces; regions never are.
func Blank(value []byte, spans []record.Span) []byte {
	out := bytes.Clone(value) // null stays null
	for _, s := range spans {
		gone := out[s.Start:s.End]
		for i := range gone {
			gone[i] = ' '
		}
		if len(gone) >= 2 {
			gone[0], gone[1] = '{', '}'
		}
	}
	return out
}

// StatusRank orders the states of a message: the highest one known is the
// message's, whatever came last, as statuses arrive in any order. 0 is no
// state, which a reader is shown as "unknown". Failed ranks above sent, and
// below what proves that the message arrived after all.
func StatusRank(sub string) int {
	switch sub {
	case "sent", "SENT":
		return 1
	case "failed", "ERROR":
		return 2
	case "delivered", "DELIVERED":
		return 3
	case "read", "READ":
		return 4
	case "played", "PLAYED":
		return 5
	}
	return 0
}
