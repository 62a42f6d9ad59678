package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// RotateKeys makes new keys and commits the act that makes them count. Nothing
// else may work on the data folder meanwhile.
func (a *appliance) RotateKeys(ctx context.Context, req RotateRequest) (resp RotateResponse, err error) {
	n, err := openNode(ctx, a.env, false)
	if err != nil {
		return resp, err
	}
	closed := false
	defer func() {
		if !closed {
			n.Close()
		}
	}()
	resp.What = req.What
	switch req.What {
	case "signing":
		closed = true
		return a.rotateSigning(ctx, n, req)
	case "token":
		return n.rotateToken(ctx)
	default:
		return n.rotateRole(ctx, req)
	}
}

func (n *node) rotateToken(ctx context.Context) (RotateResponse, error) {
	epoch, key, err := n.ring.PrepareToken()
	if err != nil {
		return RotateResponse{}, err
	}
	sealed, err := sealTo(n.ingest.Segments, key[:])
	if err != nil {
		return RotateResponse{}, err
	}
	if err := n.start(ctx); err != nil {
		return RotateResponse{}, err
	}
	refs, err := n.control.Commit(ctx, control.Draft{Act: ledger.Act{
		Type: ledger.ActTokenEpoch, Actor: actor(), TokenEpoch: &ledger.TokenEpoch{Epoch: epoch, Sealed: sealed},
	}})
	if err != nil {
		return RotateResponse{}, err
	}
	return RotateResponse{What: "token", N: epoch, Block: refs[0].Block}, n.ring.UseToken(epoch)
}

// rotateRole changes what is sealed to from here on. The start act that follows
// states the hash of all recipients.
func (n *node) rotateRole(ctx context.Context, req RotateRequest) (RotateResponse, error) {
	role := keyring.Role(req.What)
	if !role.Valid() {
		return RotateResponse{}, fmt.Errorf("rotate %q: signing, token or a role: %w", req.What, ErrUsage)
	}
	resp := RotateResponse{What: req.What, Recipients: req.Recipients}
	if len(req.Recipients) == 0 {
		id, err := n.ring.PrepareIdentity(role, req.New)
		if err != nil {
			return resp, err
		}
		resp.N, resp.Recipients = id.N, []string{id.Recipient}
	}
	if err := n.ring.UseRecipients(role, resp.Recipients); err != nil {
		return resp, err
	}
	var err error
	if n.ingest, err = n.ring.Ingest(); err != nil {
		return resp, err
	}
	if err := n.start(ctx); err != nil {
		return resp, err
	}
	resp.Block = n.control.Size() - 1
	return resp, nil
}

// rotateSigning replaces the signing key. It closes the node: the rotation is
// written behind everything.
func (a *appliance) rotateSigning(ctx context.Context, n *node, req RotateRequest) (resp RotateResponse, err error) {
	defer func() { err = cmp.Or(err, n.Close()) }()
	next, err := n.ring.PrepareSigning()
	if err != nil {
		return resp, err
	}
	priv, mldsa, err := n.ring.SigningKey(next.N)
	if err != nil {
		return resp, err
	}
	r := control.Rotation{Reason: ledger.Planned, Old: n.ingest.Signing, New: priv, MLDSA44: mldsa, Actor: actor()}
	if req.Compromise {
		r.Reason = ledger.Compromise
	}
	if r.Lanes, err = n.laneHeads(ctx); err != nil {
		return resp, err
	}
	block, err := control.Rotate(ctx, n.controlConfig(), r)
	if err != nil {
		return resp, err
	}
	if err := n.ring.UseSigning(next.N); err != nil {
		return resp, err
	}
	return RotateResponse{What: "signing", N: next.N, Block: block}, nil
}

// laneHeads are the heads as they are, up to which the old key counts.
func (n *node) laneHeads(ctx context.Context) ([]ledger.Head, error) {
	lanes, err := lanesOf(ctx, n.locked)
	if err != nil {
		return nil, err
	}
	var heads []ledger.Head
	for _, l := range lanes {
		b, err := lane.Last(ctx, n.locked, l, 0)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue // objects of a step that was never committed
		}
		tree, err := b.Tree()
		if err != nil {
			return nil, err
		}
		heads = append(heads, ledger.Head{Lane: l, Size: tree.Size(), Root: tree.Root()})
	}
	return heads, nil
}

// lanesOf lists the lanes of records that a store holds anything of. They may have
// holes: a process that was killed may have taken lane 2 and not yet lane 0.
func lanesOf(ctx context.Context, store worm.Reader) ([]record.Lane, error) {
	const prefix = "lanes/"
	errFound := errors.New("found")
	var lanes []record.Lane
	for after := ""; ; {
		var name string
		err := store.List(ctx, prefix, after, func(v worm.Version) error {
			name, _, _ = strings.Cut(strings.TrimPrefix(v.Key, prefix), "/")
			return errFound
		})
		switch {
		case err == nil:
			return lanes, nil
		case !errors.Is(err, errFound):
			return nil, err
		}
		if l := record.Lane(name); l != record.Control && ledger.ValidLane(l) {
			lanes = append(lanes, l)
		}
		after = prefix + name + "/\x7f" // behind all of its keys
	}
}
