package erase

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Execute carries a plan out: new boxes in both copies, boxes of uncommitted
// steps away, the act, the old boxes away in every copy, the receipt. After an
// error, plan and execute again: what was done is found and not done twice. A
// plan with no Boxes needs no act.
func (e *Eraser) Execute(ctx context.Context, p *Plan) error {
	var act ledger.Erase
	for i := range p.Boxes {
		if err := e.fresh(ctx, &p.Boxes[i]); err != nil {
			return err
		}
	}
	for i := range p.Boxes {
		b, err := e.rewrite(ctx, &p.Boxes[i])
		if err != nil {
			return fmt.Errorf("new box for %s: %w", p.Boxes[i].Box.Key, err)
		}
		act.Boxes = append(act.Boxes, b)
	}
	for _, w := range p.Waste {
		store := e.cfg.Unlocked
		if w.Spare {
			store = e.cfg.Spare
		}
		if err := remove(ctx, store, w.Key); err != nil {
			return err
		}
	}
	if len(act.Boxes) == 0 {
		return nil
	}
	ref, err := e.cfg.Acts.Commit(ctx, act)
	if err != nil {
		return fmt.Errorf("commit the erase act: %w", err)
	}
	return e.Finish(ctx, Pending{ref, act})
}

// Resume finishes every act without a receipt.
func (e *Eraser) Resume(ctx context.Context) error {
	pending, err := e.cfg.Acts.Pending(ctx)
	if err != nil {
		return fmt.Errorf("list erase acts without a receipt: %w", err)
	}
	for _, p := range pending {
		if err := e.Finish(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Finish carries out what a committed act decided and commits its receipt. The
// old boxes go only when the new ones are in both copies as the act names them.
func (e *Eraser) Finish(ctx context.Context, p Pending) error {
	e.cfg.Reader.Forget()
	for i := range p.Erase.Boxes {
		if err := e.bothCopies(ctx, &p.Erase.Boxes[i].New); err != nil {
			return fmt.Errorf("finish erase act: %w", err)
		}
	}
	for i := range p.Erase.Boxes {
		for _, store := range []worm.Keeper{e.cfg.Unlocked, e.cfg.Spare, e.cfg.Locked} {
			if err := remove(ctx, store, p.Erase.Boxes[i].Old); err != nil {
				return fmt.Errorf("finish erase act: %w", err)
			}
		}
	}
	if err := e.cfg.Acts.Receipt(ctx, ledger.EraseReceipt{Act: p.Ref}); err != nil {
		return fmt.Errorf("commit the receipt of an erasure: %w", err)
	}
	return nil
}

// fresh refuses a plan whose box was replaced meanwhile.
func (e *Eraser) fresh(ctx context.Context, w *Rewrite) error {
	boxes, err := e.cfg.Ledger.Boxes(ctx, w.Lane, w.Block)
	if err != nil {
		return fmt.Errorf("boxes of block %d in lane %s: %w", w.Block, w.Lane, err)
	}
	for i := range boxes {
		if boxes[i].Object == w.Box.Object {
			return nil
		}
	}
	return fmt.Errorf("box %s: %w", w.Box.Key, ErrStale)
}

// rewrite makes the new box, unless an earlier try left it, and stores it in
// both copies.
func (e *Eraser) rewrite(ctx context.Context, w *Rewrite) (ledger.ErasedBox, error) {
	old, err := e.cfg.Reader.OpenBox(ctx, w.Lane, w.Block, &w.Box, w.First)
	if err != nil {
		return ledger.ErasedBox{}, err
	}
	clear := &seal.BoxClear{Hashes: old.Clear.Hashes, Removed: bytesClone(old.Clear.Removed)}
	out := ledger.ErasedBox{Lane: w.Lane, Block: w.Block, Old: w.Box.Key}
	for _, i := range w.Rows {
		clear.Removed[i] = true
		out.Removed = append(out.Removed, clear.Hashes[i])
	}
	key := newKey(&w.Box, out.Removed)
	body, err := e.earlier(ctx, key, clear)
	if err != nil {
		return ledger.ErasedBox{}, err
	}
	if body == nil {
		var rows []*seal.Row
		for _, row := range old.Rows {
			if !clear.Removed[row.ID.Index()-w.First] {
				rows = append(rows, row)
			}
		}
		if body, err = seal.EncodeBox(clear, &old.About, rows, e.cfg.Recipients); err != nil {
			return ledger.ErasedBox{}, err
		}
	}
	out.New = ledger.Object{Key: key, SHA256: ledger.Sum(body), Bytes: int64(len(body))}
	for _, store := range []worm.Keeper{e.cfg.Unlocked, e.cfg.Spare} {
		if err := put(ctx, store, key, body); err != nil {
			return ledger.ErasedBox{}, err
		}
	}
	return out, nil
}

func bytesClone(b []bool) []bool { return append([]bool{}, b...) }

// newKey names the new box by what goes: the same plan gives the same key, so
// that an interrupted erasure finds its own objects.
func newKey(b *ledger.Box, removed []ledger.Hash) string {
	h := sha256.New()
	h.Write(b.SHA256[:])
	for i := range removed {
		h.Write(removed[i][:])
	}
	return unseal.BaseKey(b.Key) + "." + hex.EncodeToString(h.Sum(nil)[:8])
}

// earlier gives the bytes an interrupted try left under the key in either copy,
// if they are the box that is wanted.
func (e *Eraser) earlier(ctx context.Context, key string, want *seal.BoxClear) ([]byte, error) {
	for _, store := range []worm.Keeper{e.cfg.Unlocked, e.cfg.Spare} {
		body, _, err := store.Get(ctx, key)
		if errors.Is(err, worm.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", key, err)
		}
		b, err := unseal.DecodeBox(body, e.cfg.Identities)
		if err == nil && equal(b.Clear, want) {
			return body, nil
		}
	}
	return nil, nil
}

func equal(a, b *seal.BoxClear) bool {
	if len(a.Hashes) != len(b.Hashes) {
		return false
	}
	for i := range a.Hashes {
		if a.Hashes[i] != b.Hashes[i] || a.Removed[i] != b.Removed[i] {
			return false
		}
	}
	return true
}

// put stores a new box that no act names yet and reads it back. What else lies
// under its key is waste of an interrupted try.
func put(ctx context.Context, store worm.Keeper, key string, body []byte) error {
	sum := sha256.Sum256(body)
	_, err := store.Put(ctx, key, body, sum, worm.Lock{})
	if err != nil && !errors.Is(err, worm.ErrExists) {
		return fmt.Errorf("store %s: %w", key, err)
	}
	got, _, err := store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read %s back: %w", key, err)
	}
	if bytes.Equal(got, body) {
		return nil
	}
	if err := remove(ctx, store, key); err != nil {
		return err
	}
	if _, err := store.Put(ctx, key, body, sum, worm.Lock{}); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if got, _, err = store.Get(ctx, key); err != nil || !bytes.Equal(got, body) {
		return errors.Join(fmt.Errorf("read %s back: %w", key, ErrCopies), err)
	}
	return nil
}

// bothCopies sees to it that the object an act names is in both copies.
func (e *Eraser) bothCopies(ctx context.Context, o *ledger.Object) error {
	stores := []worm.Keeper{e.cfg.Unlocked, e.cfg.Spare}
	var good []byte
	var missing []worm.Keeper
	for _, store := range stores {
		body, _, err := store.Get(ctx, o.Key)
		switch {
		case errors.Is(err, worm.ErrNotFound):
			missing = append(missing, store)
		case err != nil:
			return fmt.Errorf("read new box %s: %w", o.Key, err)
		case ledger.Sum(body) != o.SHA256:
			return fmt.Errorf("new box %s: %w", o.Key, ErrCopies)
		default:
			good = body
		}
	}
	if good == nil {
		return fmt.Errorf("new box %s: %w", o.Key, ErrCopies)
	}
	for _, store := range missing {
		if err := put(ctx, store, o.Key, good); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes an object with all its versions and makes sure that it is gone.
func remove(ctx context.Context, store worm.Keeper, key string) error {
	err := store.Delete(ctx, key)
	if errors.Is(err, worm.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete box %s: %w", key, err)
	}
	if _, err := store.Head(ctx, key); !errors.Is(err, worm.ErrNotFound) {
		return errors.Join(fmt.Errorf("box %s is still there", key), err)
	}
	return nil
}
