package proof

import (
	"bytes"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// ErrFork says that two checkpoints cannot be of one history.
var ErrFork = fmt.Errorf("the checkpoint that was kept and the production's are not of one history: %w", ErrProof)

// ErrUnrelated says that nothing connects two checkpoints.
var ErrUnrelated = fmt.Errorf("nothing in the production leads from the checkpoint that was kept to its own (export it with --since): %w", ErrProof)

// Consistent checks a consistency document against the anchor's checkpoint, and
// gives the checkpoint that it speaks of.
func (a *Anchored) Consistent(c *Consistency) (ledger.Checkpoint, error) {
	if c.Archive != a.Archive || c.Fingerprint != a.Fingerprint {
		return ledger.Checkpoint{}, fmt.Errorf("consistency proof is of another archive: %w", ErrProof)
	}
	keys, err := CheckKeys(a.Archive, a.Fingerprint, a.Genesis, c.Rotations)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	kept, err := keys.OpenAt(record.Control, []byte(c.Checkpoint))
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("checkpoint that was kept: %w: %w", err, ErrProof)
	}
	if keys.Below() >= max(kept.Size, a.Checkpoint.Size) {
		return ledger.Checkpoint{}, fmt.Errorf("a rotation stands above both checkpoints: %w", ErrProof)
	}
	if own, err := keys.OpenAt(record.Control, a.Signed); err != nil || own != a.Checkpoint {
		return ledger.Checkpoint{}, fmt.Errorf("the keys differ from the anchor's: %w", ErrProof)
	}
	large, small := a.Checkpoint, kept
	if large.Size < small.Size {
		large, small = small, large
	}
	if err := consistent(c.Path, large, small); err != nil {
		return ledger.Checkpoint{}, ErrFork
	}
	return kept, nil
}

// Kept checks a checkpoint of control that the caller holds from elsewhere. c is
// the production's consistency document, nil where it has none.
func (a *Anchored) Kept(signed []byte, c *Consistency) (ledger.Checkpoint, error) {
	kept, err := ledger.ReadCheckpoint(signed)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("checkpoint that was kept: %w: %w", err, ErrProof)
	}
	switch {
	case kept.Origin != ledger.Origin(a.Archive, record.Control):
		return ledger.Checkpoint{}, fmt.Errorf("checkpoint that was kept is not of this archive's control: %w", ErrProof)
	case kept.Size == a.Checkpoint.Size && kept.Root != a.Checkpoint.Root:
		return ledger.Checkpoint{}, ErrFork
	case bytes.Equal(signed, a.Signed):
		return kept, nil
	case c == nil || c.Checkpoint != string(signed):
		return ledger.Checkpoint{}, ErrUnrelated
	}
	return a.Consistent(c)
}
