package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/ledger"
)

// Checkpoint gives control's signed checkpoint, after the heads of the lanes were
// sealed where that can be done: then it covers all that is archived. On a copy
// that cannot be written it is the one that lies there.
func (a *appliance) Checkpoint(ctx context.Context, req CheckpointRequest) (resp CheckpointResponse, err error) {
	if req.Out != "" {
		if err := a.set.outside("--out", req.Out); err != nil {
			return resp, err
		}
	}
	if a.set.vacant() {
		return resp, fmt.Errorf("%s: %w", a.set.Data, control.ErrNone)
	}
	if resp.Sealed, err = a.sealNow(ctx); err != nil {
		return resp, err
	}
	r, err := a.openStores(ctx)
	if err != nil {
		return resp, err
	}
	if err := r.fold(ctx); err != nil {
		return resp, err
	}
	if err := resp.read(ctx, r); err != nil {
		return resp, err
	}
	if req.Out == "" {
		return resp, nil
	}
	resp.Out = req.Out
	return resp, newFile(req.Out, []byte(resp.Note))
}

// read takes the checkpoint that is published, and holds it to its signature.
func (resp *CheckpointResponse) read(ctx context.Context, r *reading) error {
	signed, _, err := r.meta.Get(ctx, ledger.CheckpointKey("control"))
	if err != nil {
		return fmt.Errorf("read the checkpoint of control: %w", err)
	}
	keys, err := r.view.Verifier()
	if err != nil {
		return err
	}
	cp, err := keys.Open("control", signed)
	if err != nil {
		return fmt.Errorf("the checkpoint of control: %w: %w", err, ErrVerification)
	}
	resp.Identification = identification(r.view)
	resp.Size, resp.Root, resp.Note = cp.Size, cp.Root.String(), string(signed)
	return nil
}

// sealNow has heads sealed and control published, by the process that runs or,
// where none does, by this one. False where this archive cannot be written.
func (a *appliance) sealNow(ctx context.Context) (bool, error) {
	l, err := dial(ctx, a.set)
	if err != nil {
		return false, err
	}
	if l != nil {
		return true, l.seal(ctx)
	}
	n, err := a.openWritable(ctx)
	if errors.Is(err, control.ErrNone) || ctx.Err() != nil {
		return false, err
	}
	if err != nil {
		a.env.Log.Warn("heads are not sealed: what was archived last may not be covered", "err", err)
		return false, nil
	}
	err = n.sealAll(ctx)
	return err == nil, errors.Join(err, n.Close())
}

// sealAll seals what moved, after a start act of its own, and publishes control;
// where nothing moved, nothing is entered.
func (n *node) sealAll(ctx context.Context) error {
	heads, err := n.laneHeads(ctx)
	if err != nil {
		return fmt.Errorf("seal heads: %w", err)
	}
	if len(n.moved(heads)) > 0 {
		if err := n.start(ctx); err != nil {
			return err
		}
		if err := n.enterHeads(ctx, heads); err != nil {
			return err
		}
	}
	return n.control.Publish(ctx)
}

// newFile writes a file that is not there yet, durably.
func newFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there, and nothing is written over: name another file: %w", path, ErrUsage)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
