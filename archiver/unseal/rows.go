package unseal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// heldRows bounds the rows a reader remembers, some 200 bytes each.
const heldRows = 300_000

// boxName names a box by its place in the ledger.
type boxName struct {
	lane  record.Lane
	block uint64
	index int
}

// openBox is a box whose rows are known.
type openBox struct {
	rows []*rowKeys // nil: removed
}

// rowKeys is a row with its subkeys.
type rowKeys struct {
	seal.Row
	enc, salt [32]byte
}

// open opens a cell's frame: method, nonce, ciphertext.
func (k *rowKeys) open(b, aad []byte) ([]byte, error) {
	block, err := aes.NewCipher(k.enc[:])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, b[1:1+seal.NonceSize], b[1+seal.NonceSize:], aad)
	if err != nil {
		return nil, errors.New("row does not open it")
	}
	return plain, nil
}

// row finds a row. ErrErased and ErrRowMissing name its box.
func (r *Reader) row(ctx context.Context, lane record.Lane, id seal.RowID) (*rowKeys, error) {
	boxes, err := r.cfg.Boxes(ctx, lane, id.Block())
	if err != nil {
		return nil, fmt.Errorf("boxes of block %d in lane %s: %w", id.Block(), lane, err)
	}
	first := uint32(0)
	for i := range boxes {
		if n := id.Index() - first; n < boxes[i].Rows {
			box, err := r.box(ctx, boxName{lane, id.Block(), i}, &boxes[i], first)
			if err != nil {
				return nil, err
			}
			if box.rows[n] == nil {
				return nil, fmt.Errorf("row %d of box %s: %w", n, boxes[i].Key, ErrErased)
			}
			return box.rows[n], nil
		}
		first += boxes[i].Rows
	}
	return nil, fmt.Errorf("row %d of block %d in lane %s: %w", id.Index(), id.Block(), lane, ErrRowMissing)
}

// box gives an opened box, from memory where it is there.
func (r *Reader) box(ctx context.Context, name boxName, b *ledger.Box, first uint32) (*openBox, error) {
	r.mu.Lock()
	box, ok := r.boxes[name]
	r.mu.Unlock()
	if ok {
		return box, nil
	}
	opened, err := r.OpenBox(ctx, name.lane, name.block, b, first)
	if err != nil {
		return nil, err
	}
	box = &openBox{rows: make([]*rowKeys, len(opened.Clear.Hashes))}
	keys := make([]rowKeys, len(opened.Rows))
	for i, row := range opened.Rows {
		keys[i].Row = *row
		keys[i].enc, keys[i].salt = row.Subkeys()
		box.rows[row.ID.Index()-first] = &keys[i]
	}
	r.remember(name, box)
	return box, nil
}

func (r *Reader) remember(name boxName, box *openBox) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.boxes[name]; ok {
		return
	}
	for r.held > heldRows && len(r.order) > 0 {
		r.held -= len(r.boxes[r.order[0]].rows)
		delete(r.boxes, r.order[0])
		r.order = r.order[1:]
	}
	r.boxes[name] = box
	r.order = append(r.order, name)
	r.held += len(box.rows)
}

// Forget lets go of all rows in memory. After an erasure every reader must.
func (r *Reader) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.boxes)
	r.order, r.held = nil, 0
}
