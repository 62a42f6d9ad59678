package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync/atomic"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/deep"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/cmd/internal/verdict"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

// reading is the reading side of an archive in this process: stores that it
// cannot write to, and identities. It works beside a process that archives.
type reading struct {
	locked, meta, spare worm.Reader
	view                *control.View
	ids                 []age.Identity
	reader              *unseal.Reader
	keys                *index.Keys
	index               index.Index
	closers             []io.Closer
}

// openStores opens the three stores to read.
func (a *appliance) openStores(ctx context.Context) (*reading, error) {
	r := &reading{}
	for _, s := range []struct {
		to   *worm.Reader
		name string
	}{{&r.locked, storeLocked}, {&r.meta, storeMeta}, {&r.spare, storeSpare}} {
		store, err := a.set.place(s.name).openToRead(ctx, s.name)
		if errors.Is(err, control.ErrNone) {
			return nil, fmt.Errorf("%s: %w", a.set.Data, control.ErrNone)
		}
		if err != nil {
			return nil, fmt.Errorf("open %s store: %w", s.name, err)
		}
		*s.to = store
	}
	return r, nil
}

// openReading opens all that reading content takes. Identities may ask for a
// passphrase.
func (a *appliance) openReading(ctx context.Context) (*reading, error) {
	r, err := a.openStores(ctx)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.Open(a.set.Keys())
	if err != nil {
		return nil, err
	}
	if err := r.openReader(ctx, a, ring); err != nil {
		return nil, err
	}
	if r.keys, err = ringKeys(ring); err != nil {
		return nil, err
	}
	if r.index, err = openIndexToRead(ctx, a.set); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.index)
	return r, nil
}

// fold reads control up to its head.
func (r *reading) fold(ctx context.Context) (err error) {
	r.view, _, err = control.Read(ctx, r.locked, r.meta)
	return err
}

// openReader folds control and opens the identities.
func (r *reading) openReader(ctx context.Context, a *appliance, ring *keyring.Ring) error {
	if err := r.fold(ctx); err != nil {
		return err
	}
	var err error
	if r.ids, err = ring.Identities(a.env.Passphrase, keyring.Firm, keyring.Boxes, keyring.Audit); err != nil {
		return fmt.Errorf("open identities: %w", err)
	}
	r.reader, err = unseal.New(r.unsealConfig())
	return err
}

func (r *reading) unsealConfig() unseal.Config {
	return unseal.Config{
		Identities: r.ids, Origin: r.view.Genesis.Archive, Locked: r.locked, Unlocked: r.meta, Spare: r.spare,
		Boxes: retrieve.Boxes(r.locked, func(key string) (ledger.ErasedBox, bool) {
			b, ok := r.view.Boxes[key]
			return b, ok
		}),
	}
}

// ringKeys are the keys of tags and tokens, of every epoch.
func ringKeys(ring *keyring.Ring) (*index.Keys, error) {
	subject, err := ring.Subject()
	if err != nil {
		return nil, err
	}
	tokens, err := ring.Tokens()
	if err != nil {
		return nil, err
	}
	return index.NewKeys(subject, tokens), nil
}

// Close lets go of the index.
func (r *reading) Close() error {
	var errs []error
	for _, c := range r.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (r *reading) library(set *Settings) *retrieve.Library {
	topics := map[string]whatsapp.Role{}
	for role, name := range set.Topics {
		topics[name] = role
	}
	return &retrieve.Library{Index: r.index, Reader: r.reader, Locked: r.locked, Keys: r.keys, Topics: maps.Clone(topics)}
}

// verifyOptions says how to verify.
type verifyOptions struct {
	fingerprint *ledger.Hash
	opener      verify.Opener
	found       func(verify.Finding)
}

func verifyStores(ctx context.Context, locked, meta, spare verify.Store, o verifyOptions) (*verify.Report, error) {
	return verify.Run(ctx, verify.Config{
		Locked: locked, Meta: meta, Spare: spare, RowHashes: seal.RowHashes,
		Fingerprint: o.fingerprint, Opener: o.opener, Found: o.found,
	})
}

// Verify checks the archive as it stands in its stores.
func (a *appliance) Verify(ctx context.Context, req VerifyRequest) (VerifyResponse, error) {
	var o verifyOptions
	if req.Fingerprint != "" {
		h, err := ledger.ParseHash(req.Fingerprint)
		if err != nil {
			return VerifyResponse{}, fmt.Errorf("fingerprint: %w: %w", err, ErrUsage)
		}
		o.fingerprint = &h
	}
	r, err := a.openStores(ctx)
	if err != nil {
		return VerifyResponse{}, err
	}
	if req.Deep {
		if o.opener, err = a.deep(ctx, r, req.Unrecorded); err != nil {
			return VerifyResponse{}, err
		}
	}
	var read atomic.Int64
	tell := func() { a.env.Progress("objects read", read.Add(1), 0) }
	report, err := verifyStores(ctx, verdict.Telling(r.locked, tell), verdict.Telling(r.meta, tell), verdict.Telling(r.spare, tell), o)
	if err != nil {
		return VerifyResponse{}, err
	}
	return verdict.Of(report), nil
}

// deep enters the look and opens what deep verification reads.
func (a *appliance) deep(ctx context.Context, r *reading, unrecorded bool) (verify.Opener, error) {
	ring, err := keyring.Open(a.set.Keys())
	if err != nil {
		return nil, err
	}
	if err := r.openReader(ctx, a, ring); err != nil {
		return nil, err
	}
	rec, err := a.recorder(ctx, unrecorded)
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	if err := rec.look(ctx, "verify", 0, map[string]bool{"deep": true}); err != nil {
		return nil, err
	}
	return deep.NewOpener(r.unsealConfig()), nil
}
