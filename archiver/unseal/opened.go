package unseal

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// Opened is a record as far as it can be read.
type Opened struct {
	Position int           // of its leaf in the block
	Known    bool          // its leaf could be computed; false where all of it is gone
	Leaf     ledger.Leaf   // whoever relies on it holds its hash to the block's
	Record   record.Record // of a media object all but the bytes: Reader.Media
	Holes    []Hole        // erased ranges of the value, in order; "{}" and spaces stand there
	Bodies   [][]byte      // of an act
	Rulings  []seal.Ruling
	Pieces   []Piece // all that are known of, sorted by type, then index

	Complete         bool              // nothing is missing
	Erased           []ledger.PieceRef // pieces lawfully erased; of a record not Known nothing is listed
	KeyHeadersErased bool              // key, headers and whether the value is null are unknown
	Gone             bool              // all of it was lawfully erased
	Problems         []error           // what is missing or damaged without having been erased
}

// Hole is an erased range of the value. The items in it keep their numbers. It
// converts to whatsapp.Hole.
type Hole struct {
	record.Span
	FirstItem, Items int
}

// Piece is one piece of a record and what proves it.
type Piece struct {
	Ref              ledger.PieceRef
	Span             record.Span // of a value piece
	FirstItem, Items int
	Commitment       ledger.Hash
	Row              seal.RowID
	Place            seal.Place

	// Where the row is there:
	Present   bool
	Salt      [32]byte
	Committed []byte    // nil for media
	Media     *MediaRef // of a media piece: its bytes are an object of their own
	Owner     seal.Owner
	Retention seal.Retention
}

// blank fills an erased range so that its neighbours parse: with an empty JSON
// object and spaces.
func blank(b []byte) {
	for i := range b {
		b[i] = ' '
	}
	switch {
	case len(b) == 1:
		b[0] = '0'
	case len(b) > 1:
		b[0], b[1] = '{', '}'
	}
}
