package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal/boxclear"
	"github.com/waxseal/waxseal/ledger"
)

// ErrBox is returned for bytes that are no key box.
var ErrBox = boxclear.ErrBox

// box is a box of the open block.
type box struct {
	class *class
	first uint32
	rows  []*liveRow
}

func (w *Writer) sealBox(b *box) (BoxObject, error) {
	clear := BoxClear{Hashes: make([]ledger.Hash, len(b.rows)), Removed: make([]bool, len(b.rows))}
	about := BoxAbout{Origin: w.origin, Lane: w.cfg.Lane, Block: w.block, First: b.first, Retention: b.class.retention}
	rows := make([]*Row, len(b.rows))
	for i, row := range b.rows {
		rows[i] = &row.Row
		clear.Hashes[i] = row.Hash(&w.origin, w.cfg.Lane)
	}
	body, err := EncodeBox(&clear, &about, rows, w.cfg.BoxRecipients)
	if err != nil {
		return BoxObject{}, err
	}
	o := Object{Body: body, SHA256: sha256.Sum256(body), Retention: b.class.retention}
	return BoxObject{Object: o, Rows: uint32(len(rows)), RowsRoot: ledger.Root(clear.Hashes), Locked: b.class.retention.Duty != 0}, nil
}

// BoxClear is what a box says to anybody.
type BoxClear = boxclear.Clear

// BoxAbout is what the rows of a box have in common. It lies inside age; the row
// hashes bind it.
type BoxAbout struct {
	Origin    ledger.Hash
	Lane      record.Lane
	Block     uint64
	First     uint32 // index of the box's first row within the block
	Retention Retention
}

// EncodeBox makes a box. rows are those not removed, in order.
func EncodeBox(c *BoxClear, a *BoxAbout, rows []*Row, to []age.Recipient) ([]byte, error) {
	plain := append(make([]byte, 0, 600+RowSize*len(rows)), MagicRows...)
	plain = append(plain, a.Origin[:]...)
	plain = binary.BigEndian.AppendUint64(plain, a.Block)
	plain = binary.BigEndian.AppendUint32(plain, a.First)
	plain = binary.BigEndian.AppendUint64(plain, uint64(a.Retention.Duty))
	plain = binary.BigEndian.AppendUint64(plain, uint64(a.Retention.Retain))
	plain = appendShort(plain, string(a.Lane))
	plain = appendShort(plain, a.Retention.Class)
	for _, r := range rows {
		plain = r.append(plain)
	}
	sealed, err := Encrypt(to, plain)
	if err != nil {
		return nil, fmt.Errorf("seal the rows: %w", err)
	}
	whole := BoxClear{Hashes: c.Hashes, Removed: c.Removed, Sealed: sealed}
	return whole.Append(make([]byte, 0, len(MagicBox)+4+33*len(c.Hashes)+len(sealed))), nil
}

// DecodeBox reads the clear part of a box; no identity is needed. It allocates
// at most twice the length of b.
func DecodeBox(b []byte) (*BoxClear, error) { return boxclear.Decode(b) }

// RowHashes gives the row hashes of a box and which rows were removed, for a
// verifier that has no identity.
func RowHashes(box []byte) (rows []ledger.Hash, removed []bool, err error) {
	return boxclear.RowHashes(box)
}
