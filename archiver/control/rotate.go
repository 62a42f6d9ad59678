package control

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Rotation replaces the archive's signing key. The old one counts up to the heads
// as they are and no further, whatever the reason: what a thief signed before the
// rotation, and nobody noticed, cannot be told from ours by its key.
type Rotation struct {
	Reason   ledger.RotateReason
	Old, New ed25519.PrivateKey
	MLDSA44  []byte        // public half of the new key for later anchoring
	Lanes    []ledger.Head // of every lane but control: up to where the old key counts
	Actor    string
}

// Rotate enters a rotation as control's next block, which the new key signs.
// Nothing may be writing: the lanes' heads must be those of the rotation. It
// returns the block's number.
func Rotate(ctx context.Context, cfg Config, r Rotation) (uint64, error) {
	signer, err := ledger.NewSigner(cfg.Archive, r.New)
	if err != nil {
		return 0, err
	}
	for {
		n, err := rotateOnce(ctx, cfg, signer, r)
		if !errors.Is(err, lane.ErrFenced) {
			return n, err
		}
	}
}

func rotateOnce(ctx context.Context, cfg Config, signer *ledger.Signer, r Rotation) (uint64, error) {
	v, old, last, err := read(ctx, cfg.Locked, cfg.Publish, nil)
	if err != nil {
		return 0, err
	}
	act := ledger.Act{V: ledger.ActVersion, Type: ledger.ActRotate, Actor: r.Actor, Rotate: &ledger.Rotate{
		Reason: r.Reason, New: ledger.PublicKeys{MLDSA44: r.MLDSA44}, Last: r.Lanes,
	}}
	head := ledger.Head{Lane: record.Control, Size: old.Size(), Root: old.Root()}
	act.Rotate.Last = append(append([]ledger.Head(nil), r.Lanes...), head)
	if err := act.Rotate.Sign(v.Genesis.Archive, r.Old, r.New); err != nil {
		return 0, err
	}
	now, err := cfg.Clock(ctx)
	if err != nil {
		return 0, err
	}
	act.Time = now.UTC().Format(ledger.TimeFormat)
	raw, err := act.Encode()
	if err != nil {
		return 0, err
	}
	keys, err := v.VerifierAt(record.Control, old.Size())
	if err != nil {
		return 0, err
	}
	key := ledger.BlockKey(record.Control, last.Entry.N)
	stored, _, err := cfg.Locked.Get(ctx, key)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	chain, _, err := ledger.ResumeChain(record.Control, signer, keys, stored)
	if err != nil {
		return 0, err
	}
	e := ledger.Entry{
		Time: act.Time, Writer: last.Entry.Writer, RowsFrom: chain.Size(), Published: last.Entry.Published,
		Policy: last.Entry.Policy, Snapshot: last.Entry.Snapshot,
	}
	block, err := chain.Next(&e, nil, [][]byte{raw})
	if err != nil {
		return 0, fmt.Errorf("rotate: %w", err)
	}
	return e.N, cfg.PutBlock(ctx, e.N, block)
}
