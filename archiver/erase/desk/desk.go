// Package desk gives an erasure the archive's own ledger and control lane.
package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/erase"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Desk implements erase.Ledger and erase.Acts over one archive.
type Desk struct {
	locked worm.Reader
	log    *control.Log
	actor  string
	boxes  unseal.Boxes
}

var (
	_ erase.Ledger = (*Desk)(nil)
	_ erase.Acts   = (*Desk)(nil)
)

// New makes a desk; actor is who stands in the acts, an opaque id.
func New(locked worm.Reader, log *control.Log, actor string) *Desk {
	d := &Desk{locked: locked, log: log, actor: actor}
	d.boxes = retrieve.Boxes(locked, d.erased)
	return d
}

// erased gives the erasure act's part about a box.
func (d *Desk) erased(key string) (box ledger.ErasedBox, ok bool) {
	d.log.View(func(v *control.View) { box, ok = v.Boxes[key] })
	return box, ok
}

// Lanes implements erase.Ledger.
func (d *Desk) Lanes(ctx context.Context) ([]record.Lane, error) {
	return reindex.Lanes(ctx, d.locked)
}

// Head implements erase.Ledger.
func (d *Desk) Head(ctx context.Context, l record.Lane) (uint64, error) {
	b, err := lane.Last(ctx, d.locked, l, 0)
	if err != nil {
		return 0, err
	}
	if b == nil {
		return 0, fmt.Errorf("head of lane %s: %w", l, worm.ErrNotFound)
	}
	return b.Entry.N, nil
}

// Entry implements erase.Ledger.
func (d *Desk) Entry(ctx context.Context, l record.Lane, n uint64) (*ledger.Entry, error) {
	b, err := lane.ReadBlock(ctx, d.locked, l, n)
	if err != nil {
		return nil, err
	}
	return b.Entry, nil
}

// Boxes implements erase.Ledger.
func (d *Desk) Boxes(ctx context.Context, l record.Lane, n uint64) ([]ledger.Box, error) {
	return d.boxes(ctx, l, n)
}

// Commit implements erase.Acts.
func (d *Desk) Commit(ctx context.Context, act ledger.Erase) (ledger.ActRef, error) {
	refs, err := d.log.Commit(ctx, control.Draft{Act: ledger.Act{Type: ledger.ActErase, Actor: d.actor, Erase: &act}})
	if err != nil {
		return ledger.ActRef{}, err
	}
	return refs[0], nil
}

// Receipt implements erase.Acts.
func (d *Desk) Receipt(ctx context.Context, receipt ledger.EraseReceipt) error {
	_, err := d.log.Commit(ctx, control.Draft{Act: ledger.Act{Type: ledger.ActEraseReceipt, Actor: d.actor, EraseReceipt: &receipt}})
	return err
}

// Pending implements erase.Acts.
func (d *Desk) Pending(context.Context) ([]erase.Pending, error) {
	var out []erase.Pending
	d.log.View(func(v *control.View) {
		for _, p := range v.Pending {
			out = append(out, erase.Pending{Ref: p.Act, Erase: p.Erase})
		}
	})
	slices.SortFunc(out, func(a, b erase.Pending) int { return cmp.Compare(a.Ref.Block, b.Ref.Block) })
	return out, nil
}
