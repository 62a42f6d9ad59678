package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

func newWriter(cfg Config) (*seal.Writer, error) {
	return seal.NewWriter(seal.Config{
		Origin: cfg.Archive, Lane: record.Control, Recipients: cfg.Recipients, Now: cfg.Now,
		KeyPrefix: func(n uint64) string { return ledger.DataKey(record.Control, n, nonce()+"-") },
	})
}

// ErrRotated says that the archive has another signing key by now. A block signed
// by this one would stand in the way of every later one, for ever.
var ErrRotated = errors.New("signing key counts no more: the archive has another")

// commitAt tries one block behind the known head. lane.ErrFenced means that
// another wrote it.
func (l *Log) commitAt(ctx context.Context, group []*request) error {
	if !l.cfg.Signer.Public().Equal(l.view.Current) {
		return fmt.Errorf("commit act: %w", ErrRotated)
	}
	err := l.tryAt(ctx, group)
	if err != nil {
		l.seal.Abort()
	}
	return err
}

func (l *Log) tryAt(ctx context.Context, group []*request) error {
	now, err := l.cfg.Clock(ctx)
	if err != nil {
		return err
	}
	n := l.chain.Size()
	e := ledger.Entry{
		Time: now.UTC().Format(ledger.TimeFormat), Writer: l.startedBy(), RowsFrom: n,
		Published: l.publishedSize(), Policy: l.last.Entry.Policy, Snapshot: l.last.Entry.Snapshot,
	}
	events, leaves, objects, err := l.sealActs(group, &e, now)
	if err != nil {
		return fmt.Errorf("seal acts: %w", err)
	}
	e.RowsFrom = n
	if err := l.shoot(&e, n, &objects); err != nil {
		return err
	}
	if e.Writer.IsZero() {
		e.Writer = startIn(events)
	}
	raw, err := l.chain.Next(&e, leaves, events)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	if err := l.cfg.PutAll(ctx, objects); err != nil {
		return fmt.Errorf("control block %d: %w", n, err)
	}
	if err := l.cfg.PutBlock(ctx, n, raw); err != nil {
		return fmt.Errorf("control: %w", err)
	}
	b, err := l.took(ctx, n, raw)
	if err != nil {
		return err
	}
	ref := ledger.ActRef{Block: b.Entry.N}
	for _, r := range group {
		for range r.drafts {
			r.refs = append(r.refs, ref)
			ref.Event++
		}
	}
	return nil
}

// sealActs seals the bodies and encodes the acts. Where no act has a body there
// is nothing to store but the block.
func (l *Log) sealActs(group []*request, e *ledger.Entry, now time.Time) (events [][]byte, leaves []ledger.Hash, objects []lane.Object, err error) {
	n := l.chain.Size()
	if err := l.seal.Begin(n); err != nil {
		return nil, nil, nil, err
	}
	var acts []*ledger.Act
	var cells []int // of acts with a body: which segment
	for _, r := range group {
		for i := range r.drafts {
			d := &r.drafts[i]
			act := d.Act
			act.V, act.Time = ledger.ActVersion, e.Time
			if act.Body = nil; d.Body != nil {
				place, leaf, commitment, err := l.sealBody(n, uint32(len(leaves)), now, d.Body)
				if err != nil {
					return nil, nil, nil, err
				}
				act.Body = &ledger.Body{Leaf: uint32(len(leaves)), Commitment: commitment, Cell: uint32(place.Cell)}
				leaves, cells = append(leaves, leaf), append(cells, place.Segment)
			}
			acts = append(acts, &act)
		}
	}
	if len(leaves) > 0 {
		sealed, err := l.seal.Finish()
		if err != nil {
			return nil, nil, nil, err
		}
		objects = lane.Sealed(sealed, e)
	} else {
		l.seal.Abort()
	}
	for _, act := range acts {
		if act.Body != nil {
			act.Body.Segment = e.Segments[cells[act.Body.Leaf]].Key
		}
		raw, err := act.Encode()
		if err != nil {
			return nil, nil, nil, err
		}
		events = append(events, raw)
	}
	return events, leaves, objects, nil
}

func (l *Log) sealBody(n uint64, i uint32, now time.Time, body []byte) (seal.Place, ledger.Hash, ledger.Hash, error) {
	r := &record.Record{Coordinates: ledger.BodyCoordinates(n, i), LeaderEpoch: -1, Timestamp: now.UnixMilli()}
	cut := &seal.Cut{Record: r, Pieces: []seal.Piece{{
		Type: ledger.PieceBody, Owner: seal.Owner{Kind: seal.OwnerAct}, Retention: l.cfg.Retention(now), Bytes: body,
	}}}
	leaf, places, err := l.seal.Add(cut)
	if err != nil {
		return seal.Place{}, ledger.Hash{}, ledger.Hash{}, err
	}
	return places[0], leaf.Hash(), l.seal.Commitments()[0], nil
}

// took moves the view and the chain behind a block that is stored.
func (l *Log) took(ctx context.Context, n uint64, raw []byte) (*ledger.Block, error) {
	b, err := ledger.DecodeBlock(raw)
	if err != nil {
		return nil, err
	}
	if err := l.advance(b, raw, n); err != nil {
		return nil, err
	}
	if err := l.follow(ctx, b); err != nil {
		l.cfg.Report("publish control", err)
		return b, nil
	}
	l.publishOrReport(ctx, false)
	return b, nil
}

// follow hands a block to the publication.
func (l *Log) follow(ctx context.Context, b *ledger.Block) error {
	l.pubMu.Lock()
	defer l.pubMu.Unlock()
	return l.pub.Follow(ctx, b)
}

// publishedSize is the size of the live checkpoint that is known to be stored.
func (l *Log) publishedSize() uint64 {
	l.pubMu.Lock()
	defer l.pubMu.Unlock()
	return l.pub.Published()
}

// startIn gives the hash of a start act among the events: the block that enters
// a process's start is that process's already.
func startIn(events [][]byte) ledger.Hash {
	for _, raw := range events {
		if a, err := ledger.DecodeAct(raw); err == nil && a.Type == ledger.ActStart {
			return ledger.Sum(raw)
		}
	}
	return ledger.Hash{}
}

// startedBy is the start act of this process; zero before it.
func (l *Log) startedBy() ledger.Hash {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writer
}
