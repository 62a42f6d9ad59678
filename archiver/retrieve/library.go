package retrieve

import (
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
)

// What callers branch on.
var (
	// ErrNone says that a name stands for nothing in the archive.
	ErrNone = errors.New("nothing in the archive has that name")
	// ErrTampered says that what is stored is not what the ledger says. The text
	// names lane, block and object.
	ErrTampered = errors.New("stored bytes are not what the ledger says")
	// ErrQuery says that a search asks for what it cannot mean.
	ErrQuery = errors.New("not a search")
	// ErrCursor says that a cursor belongs to another search.
	ErrCursor = index.ErrCursor
)

// Library reads an archive. All fields are needed. Safe for concurrent use.
type Library struct {
	Index  index.Index
	Reader *unseal.Reader
	Locked worm.Reader
	Keys   *index.Keys
	Topics map[string]whatsapp.Role // what each topic carries, as the archiver was told
}

// tampered says which object contradicts the ledger.
func tampered(lane record.Lane, block uint64, object string, why error) error {
	return fmt.Errorf("lane %s block %d object %s: %w: %w", lane, block, object, ErrTampered, why)
}
