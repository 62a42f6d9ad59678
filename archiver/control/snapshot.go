package control

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// snapshotEvery is how many blocks lie between snapshots of the view, so that
// opening control costs the same after ten years as on the first day.
const snapshotEvery = 256

// ErrSnapshot says that a snapshot is not of this control lane.
var ErrSnapshot = errors.New("snapshot is not of this archive")

// hint is the size the live checkpoint states, believed by nobody: it is where
// to start looking.
func hint(ctx context.Context, meta worm.Reader) uint64 {
	if meta == nil {
		return 0
	}
	signed, _, err := meta.Get(ctx, ledger.CheckpointKey(record.Control))
	if err != nil {
		return 0
	}
	cp, err := ledger.ReadCheckpoint(signed)
	if err != nil {
		return 0
	}
	return cp.Size
}

// begin gives the view and chain of the newest snapshot that can be had, and the
// number of the first block behind it; the empty view and block 0 where none can.
func begin(ctx context.Context, locked, meta worm.Reader, snap *ledger.Snapshot, signer *ledger.Signer) (*View, *ledger.Chain, uint64, error) {
	for tries := 0; meta != nil && snap != nil && tries < 2; tries++ {
		v, chain, b, err := load(ctx, locked, meta, snap, signer)
		if err == nil {
			return v, chain, snap.At + 1, nil
		}
		if !unusable(err) {
			return nil, nil, 0, err
		}
		if b == nil {
			break
		}
		snap = b.Entry.Snapshot // the one before
	}
	return newView(), nil, 0, nil
}

// unusable says that a snapshot is gone or wrong, as opposed to out of reach.
func unusable(err error) bool {
	return errors.Is(err, ErrSnapshot) || errors.Is(err, worm.ErrNotFound) || errors.Is(err, worm.ErrDamaged) ||
		errors.Is(err, ledger.ErrChain) || errors.Is(err, ledger.ErrSignature)
}

// ReadSnapshot gives the acts' sum that a control entry names, held to the block it
// was taken after and to genesis.
func ReadSnapshot(ctx context.Context, locked, meta worm.Reader, snap *ledger.Snapshot) (*View, error) {
	v, _, _, err := load(ctx, locked, meta, snap, nil)
	return v, err
}

// load reads a snapshot and holds it to the block it was taken after, and to
// genesis. It also gives that block, where it could be read.
func load(ctx context.Context, locked, meta worm.Reader, snap *ledger.Snapshot, signer *ledger.Signer) (*View, *ledger.Chain, *ledger.Block, error) {
	b, raw, err := readBlock(ctx, locked, snap.At)
	if err != nil {
		return nil, nil, nil, err
	}
	body, err := lane.ReadNamed(ctx, meta, snap.Object)
	if err != nil {
		return nil, nil, b, err
	}
	v := newView()
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, nil, b, fmt.Errorf("%s: %w: %w", snap.Key, ErrSnapshot, err)
	}
	genesis, _, err := readBlock(ctx, locked, 0)
	if err != nil {
		return nil, nil, b, err
	}
	if len(genesis.Events) == 0 || ledger.Fingerprint(genesis.Events[0]) != v.Fingerprint {
		return nil, nil, b, fmt.Errorf("%s: another genesis: %w", snap.Key, ErrSnapshot)
	}
	first, err := ledger.DecodeAct(genesis.Events[0])
	if err != nil || first.Genesis == nil || len(v.Keys) != len(v.Rotations)+1 || !v.Keys[0].Equal(ed25519.PublicKey(first.Genesis.Keys.Ed25519)) {
		return nil, nil, b, fmt.Errorf("%s: keys or genesis: %w", snap.Key, ErrSnapshot)
	}
	v.Genesis = *first.Genesis
	keys, err := v.VerifierAt(record.Control, snap.At+1)
	if err != nil {
		return nil, nil, b, fmt.Errorf("%s: %w: %w", snap.Key, ErrSnapshot, err)
	}
	chain, _, err := ledger.ResumeChain(record.Control, signer, keys, raw)
	return v, chain, b, err
}

// shoot adds a snapshot of the view before block n, where one is due.
func (l *Log) shoot(e *ledger.Entry, n uint64, objects *[]lane.Object) error {
	if e.Snapshot != nil && n-1-e.Snapshot.At < snapshotEvery || n < snapshotEvery {
		return nil
	}
	body, err := json.Marshal(l.view)
	if err != nil {
		return fmt.Errorf("snapshot of control: %w", err)
	}
	o := lane.Object{Key: ledger.DataKey(record.Control, n, nonce()+"-snapshot"), Body: body, Sum: ledger.Sum(body), Place: lane.InMeta}
	*objects = append(*objects, o)
	e.Snapshot = &ledger.Snapshot{Object: ledger.Object{Key: o.Key, SHA256: o.Sum, Bytes: int64(len(body))}, At: n - 1}
	return nil
}
