package unseal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Box is a key box, opened.
type Box struct {
	Key   string // under which it was found
	Clear *seal.BoxClear
	About seal.BoxAbout
	Rows  []*seal.Row // those not removed, in order
}

// DecodeBox opens the bytes of a box: each row it holds has the hash that stands
// for it. ErrIdentity where no identity opens it.
func DecodeBox(body []byte, ids []age.Identity) (*Box, error) {
	clear, err := seal.DecodeBox(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	plain, err := decrypt(clear.Sealed, ids)
	if err != nil {
		return nil, err
	}
	b := &Box{Clear: clear}
	if err := b.decodeRows(plain); err != nil {
		return nil, fmt.Errorf("%w: rows: %w", ErrDamaged, err)
	}
	return b, nil
}

func (b *Box) decodeRows(plain []byte) error {
	c := cursor{b: plain}
	c.magic(seal.MagicRows)
	a := &b.About
	a.Origin, a.Block, a.First = c.hash(), c.u64(), c.u32()
	a.Retention.Duty, a.Retention.Retain = int64(c.u64()), int64(c.u64())
	a.Lane = record.Lane(c.short())
	a.Retention.Class = c.short()
	n := len(b.Clear.Hashes)
	if c.err == nil && (a.Block >= seal.MaxBlock || uint64(a.First)+uint64(n) > seal.MaxRows) {
		c.failf("row ids beyond their range")
	}
	rows := make([]seal.Row, min(n, len(c.b)/seal.RowSize))
	for i := range n {
		if b.Clear.Removed[i] {
			continue
		}
		k := len(b.Rows)
		if c.err == nil && k == len(rows) {
			c.fail(errShort)
		}
		if c.err != nil {
			break
		}
		row := &rows[k]
		row.ID, row.Retention = seal.MakeRowID(a.Block, a.First+uint32(i)), a.Retention
		row.Owner.Kind = seal.OwnerKind(c.u8())
		copy(row.Owner.Tag[:], c.take(16))
		row.Key = c.hash()
		if c.err == nil && row.Hash(&a.Origin, a.Lane) != b.Clear.Hashes[i] {
			c.failf("row %d differs from its hash", i)
		}
		b.Rows = append(b.Rows, row)
	}
	return c.end()
}

// OpenBox finds the object of a box, in whichever copy is good, and opens it. A
// box whose object is gone may have been replaced by an erasure that the caller
// has not heard of: then the replacement with the same row hashes is taken.
// first is the sum of the rows of the boxes before it in the entry.
func (r *Reader) OpenBox(ctx context.Context, lane record.Lane, block uint64, b *ledger.Box, first uint32) (*Box, error) {
	box, err := r.fetchBox(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("box %s: %w", b.Key, err)
	}
	a := &box.About
	switch {
	case a.Lane != lane || a.Block != block || a.First != first || a.Retention.Class != b.Class:
		err = fmt.Errorf("is the box of row %d of block %d in lane %s: %w", a.First, a.Block, a.Lane, ErrDamaged)
	case r.cfg.Origin != "" && a.Origin != r.origin:
		err = fmt.Errorf("belongs to another archive: %w", ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("box %s: %w", box.Key, err)
	}
	return box, nil
}

// stores gives the stores a box may lie in, the likeliest first. One whose duty
// has ended may have been replaced in the unlocked ones.
func (r *Reader) stores(b *ledger.Box) []worm.Reader {
	var out []worm.Reader
	add := func(s worm.Reader) {
		if s != nil {
			out = append(out, s)
		}
	}
	if b.DutyUntil != "" {
		add(r.cfg.Locked)
	}
	add(r.cfg.Unlocked)
	add(r.cfg.Spare)
	return out
}

func (r *Reader) fetchBox(ctx context.Context, b *ledger.Box) (*Box, error) {
	var bad error
	for _, s := range r.stores(b) {
		body, _, err := s.Get(ctx, b.Key)
		switch {
		case errors.Is(err, worm.ErrNotFound):
			continue
		case err != nil:
			bad = err
			continue
		case int64(len(body)) != b.Bytes || ledger.Sum(body) != b.SHA256:
			bad = fmt.Errorf("not the bytes the ledger names: %w", ErrDamaged)
			continue
		}
		box, err := r.decodeBox(body, b)
		if err != nil {
			return nil, err
		}
		box.Key = b.Key
		return box, nil
	}
	if bad != nil {
		return nil, bad
	}
	return r.successor(ctx, b)
}

// decodeBox opens a box and holds it to the row hashes of the ledger.
func (r *Reader) decodeBox(body []byte, b *ledger.Box) (*Box, error) {
	clear, err := seal.DecodeBox(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(clear.Hashes) != int(b.Rows) || ledger.Root(clear.Hashes) != b.RowsRoot {
		return nil, fmt.Errorf("row hashes are not those of the ledger: %w", ErrDamaged)
	}
	return DecodeBox(body, r.cfg.Identities)
}

// BaseKey is the key a box was first stored under: a replacement's without what
// stands behind the first dot of its last part.
func BaseKey(key string) string {
	at := strings.LastIndexByte(key, '/') + 1
	if dot := strings.IndexByte(key[at:], '.'); dot >= 0 {
		return key[:at+dot]
	}
	return key
}

// successor looks for what replaced a box that is gone: of the objects beside it
// with its row hashes, the one with the most rows removed.
func (r *Reader) successor(ctx context.Context, b *ledger.Box) (*Box, error) {
	var found *Box
	var bad error
	for _, s := range r.stores(b) {
		var keys []string
		err := s.List(ctx, BaseKey(b.Key)+".", "", func(v worm.Version) error {
			if !v.DeleteMarker {
				keys = append(keys, v.Key)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for its replacement: %w", err)
		}
		for _, key := range keys {
			box, err := r.candidate(ctx, s, key, b)
			if err != nil {
				bad = fmt.Errorf("replacement %s: %w", key, err)
			} else if found == nil || len(box.Rows) < len(found.Rows) {
				found = box
			}
		}
	}
	switch {
	case found != nil:
		return found, nil
	case bad != nil:
		return nil, bad
	}
	return nil, ErrRowMissing
}

func (r *Reader) candidate(ctx context.Context, s worm.Reader, key string, b *ledger.Box) (*Box, error) {
	body, _, err := s.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	box, err := r.decodeBox(body, b)
	if err != nil {
		return nil, err
	}
	box.Key = key
	return box, nil
}
