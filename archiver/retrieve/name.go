package retrieve

import (
	"strings"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// name is what a text that somebody typed may name. At most one of record and
// item is set; else it is a message id, or a person, or nothing.
type name struct {
	record *record.Coordinates
	item   *record.ItemID
	person string // as index.PersonID reads it
}

func parseName(s string) name {
	if id, err := record.ParseItemID(s); err == nil {
		return name{item: &id}
	}
	if c, err := record.ParseCoordinates(s); err == nil {
		return name{record: &c}
	}
	if isMessageID(s) {
		return name{}
	}
	if id, ok := index.PersonID(s); ok {
		return name{person: id}
	}
	return name{}
}

// isMessageID tells the ids of messages and calls from what people are called.
func isMessageID(s string) bool {
	return strings.HasPrefix(s, "wamid.") || strings.HasPrefix(s, "wacid.")
}
