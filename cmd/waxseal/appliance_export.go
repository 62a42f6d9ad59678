package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/exporter"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// Export writes a production. The look is in the ledger before a byte of it is
// written.
func (a *appliance) Export(ctx context.Context, req ExportRequest, estimated func(ExportEstimate) error) (resp ExportResponse, err error) {
	if !req.Estimate {
		if err := a.set.outside("--out", req.Out); err != nil {
			return resp, err
		}
	}
	q, err := searchQuery(req.Search)
	if err != nil {
		return resp, err
	}
	id, err := a.Identify(ctx)
	if err != nil {
		return resp, err
	}
	resp = ExportResponse{
		Estimate: req.Estimate, Out: req.Out, Archive: id.Archive, Fingerprint: id.Fingerprint,
		Scope: req.Scope, Unit: req.Unit, Zone: a.set.Zone.String(), Exceptions: map[string]int{},
	}
	err = a.withLibrary(ctx, req.Unrecorded, "export", req, func(lib *retrieve.Library, rec *recorder) error {
		if named, err := byName(ctx, lib, q); err != nil {
			return err
		} else if named != nil {
			q = *named
		}
		resp.Behind = rec.behind
		x := &exporting{appliance: a, rec: rec, req: &req, estimated: estimated}
		report, err := exporter.Export(ctx, exporter.Config{
			Library: lib, Generator: "waxseal " + version, Prover: x.prover, Seal: x.seal, Look: x.look, Sign: x.sign, Progress: a.env.Progress,
		}, exporter.Request{
			All: req.All, Search: q, Scope: req.Scope, Zone: a.set.Zone, Unit: exporter.Unit(req.Unit), Context: req.Context,
			Since: req.Since, Out: req.Out, Estimate: req.Estimate,
		})
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted, no folder was written: %w: %w", err, ErrIncomplete)
			}
			return exportError(err, req.Out)
		}
		resp.take(report)
		if report.Tampered {
			return fmt.Errorf("part of what is in scope contradicts the ledger and is among the exceptions: %w", ErrVerification)
		}
		return nil
	})
	return resp, err
}

func exportError(err error, out string) error {
	switch partial := filepath.Clean(out) + ".partial"; {
	case errors.Is(err, bundle.ErrExists) && exists(partial):
		return fmt.Errorf("%w. Where no other export writes there: rm -r %s: %w", err, typed(partial), ErrUsage)
	case errors.Is(err, exporter.ErrRequest), errors.Is(err, bundle.ErrExists):
		return fmt.Errorf("%w: %w", err, ErrUsage)
	case errors.Is(err, proof.ErrFork), errors.Is(err, prove.ErrCut):
		return fmt.Errorf("%w: %w", err, ErrVerification)
	}
	return err
}

func (r *ExportResponse) take(report *exporter.Report) {
	c, e := &report.Counts, &report.Estimate
	r.Conversations, r.Days, r.Messages, r.Events, r.Media = e.Conversations, e.Days, e.Messages, e.Events, e.Media
	r.Items, r.Records, r.Bytes = e.Items, e.Records, e.Bytes
	if !r.Estimate {
		r.Media, r.Records, r.Withheld, r.Size = c.Media, c.Records, c.Withheld, report.Checkpoint.Size
	}
	r.Gaps = len(report.Gaps)
	for _, x := range report.Exceptions {
		r.Exceptions[x.Code]++
	}
}

// exporting is what an export asks of the archive.
type exporting struct {
	*appliance
	rec       *recorder
	req       *ExportRequest
	estimated func(ExportEstimate) error
	looked    ledger.ActRef
}

// maxNamed is how many records a look names; of more it holds the hash.
const maxNamed = 1000

// look enters what is about to be written, and shows it.
func (x *exporting) look(ctx context.Context, e *exporter.Estimate) error {
	body := struct {
		Request any               `json:"request"`
		Scope   exporter.Estimate `json:"scope"`
		Names   []string          `json:"records,omitempty"`
		SHA256  string            `json:"records_sha256"`
	}{Request: x.req, Scope: *e}
	body.Scope.Names = nil
	sum := sha256.Sum256([]byte(strings.Join(e.Names, "\n")))
	if body.SHA256 = hex.EncodeToString(sum[:]); len(e.Names) <= maxNamed {
		body.Names = e.Names
	}
	kind, err := lookExport, error(nil)
	if x.req.Estimate {
		kind = "search" // a count, and no bag to sign
	}
	if x.looked, err = x.rec.entered(ctx, looked{Look: &ledger.Look{Kind: kind, Items: uint64(e.Items)}}, body); err != nil {
		return err
	}
	return x.estimated(ExportEstimate{
		Conversations: e.Conversations, Days: e.Days, Messages: e.Messages, Events: e.Events, Media: e.Media,
		Items: e.Items, Records: e.Records, Bytes: e.Bytes,
	})
}

// prover opens the stores anew: heads may have been sealed meanwhile.
func (x *exporting) prover(ctx context.Context) (*prove.Prover, error) {
	r, err := x.openStores(ctx)
	if err != nil {
		return nil, err
	}
	return prove.Open(ctx, r.locked, r.meta)
}

// seal has the heads of the lanes sealed by whoever writes control.
func (x *exporting) seal(ctx context.Context) error {
	switch {
	case x.rec.link != nil:
		return x.rec.link.seal(ctx)
	case x.rec.node != nil:
		return x.rec.node.sealLanes(ctx)
	}
	return errors.New("no head is sealed that covers all of it, and on a read-only copy none can be: seal them with 'waxseal archive --drain' where the archive is")
}

// sign signs the bag. On a read-only copy the key folder may still be there.
func (x *exporting) sign(ctx context.Context, fingerprint, tagmanifest ledger.Hash) ([]byte, error) {
	switch {
	case x.rec.link != nil:
		return x.rec.link.signBag(ctx, bagToSign{x.looked, tagmanifest})
	case x.rec.node != nil:
		return bundle.SignNote(x.rec.node.signer, fingerprint, tagmanifest), nil
	}
	ring, err := keyring.Open(x.set.Keys())
	if err != nil {
		return nil, err
	}
	keys, err := ring.Ingest()
	if err != nil {
		return nil, err
	}
	id, err := x.Identify(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := ledger.NewSigner(id.Archive, keys.Signing)
	if err != nil {
		return nil, err
	}
	return bundle.SignNote(signer, fingerprint, tagmanifest), nil
}

// sealLanes seals the heads of the lanes as they are in the store.
func (n *node) sealLanes(ctx context.Context) error {
	heads, err := n.laneHeads(ctx)
	if err != nil {
		return fmt.Errorf("seal heads: %w", err)
	}
	return n.enterHeads(ctx, heads)
}

// moved gives those of the heads that are not sealed yet.
func (n *node) moved(heads []ledger.Head) (moved []ledger.Head) {
	n.control.View(func(v *control.View) {
		for _, h := range heads {
			if h.Size > v.Heads[h.Lane].Size {
				moved = append(moved, h)
			}
		}
	})
	return moved
}

// enterHeads seals those of the heads that moved.
func (n *node) enterHeads(ctx context.Context, heads []ledger.Head) error {
	moved := n.moved(heads)
	if len(moved) == 0 {
		return nil
	}
	_, err := n.control.Commit(ctx, control.Draft{
		Act: ledger.Act{Type: ledger.ActHeads, Actor: "waxseal", Heads: &ledger.Heads{Heads: moved}},
		Judge: func(v *control.View) error {
			for _, h := range moved {
				if v.Heads[h.Lane].Size >= h.Size {
					return errSealed
				}
			}
			return nil
		},
	})
	if err != nil && !errors.Is(err, errSealed) {
		return fmt.Errorf("seal heads: %w", err)
	}
	return nil
}
