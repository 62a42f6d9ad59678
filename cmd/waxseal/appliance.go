package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/ledger"
)

// appliance is the App over one data folder.
type appliance struct {
	env Env
	set *Settings
}

// newApp makes the App of the process: the place where the packages are wired together.
func newApp(_ context.Context, env Env) (App, error) {
	return &appliance{env: env, set: env.Settings}, nil
}

// Close has nothing to let go of: each method closes what it opened.
func (a *appliance) Close() error { return nil }

// Identify reads genesis.
func (a *appliance) Identify(ctx context.Context) (Identification, error) {
	id := Identification{Archive: a.set.Name, Mode: "production"}
	if a.set.Evaluation {
		id.Mode = "evaluation"
	}
	if a.set.vacant() {
		return id, nil
	}
	r, err := a.openStores(ctx)
	if err == nil {
		err = r.fold(ctx)
	}
	if errors.Is(err, control.ErrNone) {
		return id, nil
	}
	if err != nil {
		return id, err
	}
	return identification(r.view), nil
}

func identification(v *control.View) Identification {
	return Identification{Archive: v.Genesis.Archive, Fingerprint: v.Fingerprint.String(), Mode: string(v.Genesis.Mode)}
}

// recorder enters looks and refusals, through the running process or, where
// none runs, by writing the control lane itself.
type recorder struct {
	a    *appliance
	link *link
	node *node

	behind []IndexLag // what the index lacked when it was opened
}

// recorder opens the way by which this command's acts reach the ledger. Where
// nothing can be recorded (a read-only copy, a foreign user) the answer is
// ErrDenied unless unrecorded says that this is known.
func (a *appliance) recorder(ctx context.Context, unrecorded bool) (*recorder, error) {
	l, err := dial(ctx, a.set)
	if err == nil && l != nil {
		return &recorder{a: a, link: l}, nil
	}
	n, openErr := a.openToRecord(ctx)
	if openErr == nil {
		return &recorder{a: a, node: n}, nil
	}
	if errors.Is(openErr, control.ErrNone) {
		return nil, openErr
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", openErr, ErrIncomplete)
	}
	if unrecorded {
		fmt.Fprintln(os.Stderr, "waxseal: this look is not recorded in the ledger:", openErr)
		return &recorder{a: a}, nil
	}
	return nil, fmt.Errorf("the look cannot be recorded (%w); --unrecorded goes on all the same: %w", openErr, ErrDenied)
}

// openToRecord opens the archive for the acts of one command.
func (a *appliance) openToRecord(ctx context.Context) (*node, error) {
	n, err := a.openWritable(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// openWritable opens the archive, if it can be written. The durable step tries
// for ever where a store does not take what it is given, as an archiver should;
// somebody who waits for an answer is told at once.
func (a *appliance) openWritable(ctx context.Context) (*node, error) {
	for _, store := range []string{storeLocked, storeMeta, storeSpare} {
		if p := a.set.place(store); p.bucket == nil {
			if err := takes(filepath.Join(p.folder, "@tmp")); err != nil {
				return nil, err
			}
		}
	}
	return openNode(ctx, a.env, false)
}

// actRoom is more than the objects of one act take, in bytes.
const actRoom = 128 << 10

// takes tries whether a folder, if it is there, takes a file as large as an act.
func takes(folder string) error {
	f, err := os.CreateTemp(folder, "room-*")
	if errors.Is(err, os.ErrNotExist) {
		return nil // no archive: opening it says so
	}
	if err != nil {
		return fmt.Errorf("the store takes nothing: %w", err)
	}
	_, err = f.Write(make([]byte, actRoom))
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("the store takes nothing: %w", err)
	}
	return nil
}

// Close lets go of the data folder.
func (r *recorder) Close() error {
	if r.node == nil {
		return nil
	}
	return r.node.Close()
}

// look enters that somebody saw something, before it is shown. What was asked,
// by whom, is personal and goes into the sealed body.
func (r *recorder) look(ctx context.Context, kind string, items uint64, asked any) error {
	_, err := r.entered(ctx, looked{Look: &ledger.Look{Kind: kind, Items: items}}, asked)
	return err
}

// refuse enters that somebody was not allowed to, or could not.
func (r *recorder) refuse(ctx context.Context, kind, reason string, asked any) error {
	_, err := r.entered(ctx, looked{Refusal: &ledger.Refusal{Kind: kind, Reason: reason}}, asked)
	return err
}

// entered enters a look or a refusal and gives its place in control; none where
// nothing is recorded.
func (r *recorder) entered(ctx context.Context, in looked, asked any) (ref ledger.ActRef, err error) {
	if in.Body, err = json.Marshal(struct {
		User  string `json:"user"`
		Asked any    `json:"asked"`
	}{userName(), asked}); err != nil {
		return ref, err
	}
	in.Actor = actor()
	switch {
	case r.link != nil:
		ref, err = r.link.act(ctx, in)
	case r.node != nil:
		var refs []ledger.ActRef
		if refs, err = r.node.control.Commit(ctx, in.draft()); err == nil {
			ref = refs[0]
		}
	}
	if err != nil {
		return ref, fmt.Errorf("record this look: %w", err)
	}
	return ref, nil
}

// actor is the opaque id under which this user's acts stand in the clear.
func actor() string { return "uid:" + strconv.Itoa(os.Getuid()) }

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return actor()
}
