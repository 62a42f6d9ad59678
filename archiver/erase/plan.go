package erase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// planner collects the rows of one lane.
type planner struct {
	e     *Eraser
	req   Request
	tags  map[[16]byte]bool
	lane  record.Lane
	head  *ledger.Entry
	rows  map[seal.RowID]bool
	boxes map[boxPlace]*Rewrite
	order []boxPlace
	plan  *Plan
}

type boxPlace struct {
	block uint64
	index int
}

// Plan finds the person's rows in every lane, the rows of key and headers of
// records of several people that hold a piece of the person, and boxes of
// uncommitted steps with such rows. It first finishes what an earlier erasure
// left (Resume). ErrUnderDuty and ErrRowInUse name the box.
func (e *Eraser) Plan(ctx context.Context, req Request) (*Plan, error) {
	if err := e.Resume(ctx); err != nil {
		return nil, err
	}
	plan := &Plan{}
	tags := map[[16]byte]bool{}
	for _, t := range req.Tags {
		tags[t] = true
	}
	lanes, err := e.cfg.Ledger.Lanes(ctx)
	if err != nil {
		return nil, fmt.Errorf("list lanes: %w", err)
	}
	for _, lane := range lanes {
		p := &planner{e: e, req: req, tags: tags, lane: lane, rows: map[seal.RowID]bool{}, boxes: map[boxPlace]*Rewrite{}, plan: plan}
		if err := p.run(ctx); err != nil {
			return nil, fmt.Errorf("plan erasure in lane %s: %w", lane, err)
		}
	}
	if err := e.waste(ctx, lanes, tags, plan); err != nil {
		return nil, err
	}
	return plan, nil
}

func (p *planner) run(ctx context.Context) error {
	n, err := p.e.cfg.Ledger.Head(ctx, p.lane)
	if err != nil {
		return fmt.Errorf("find the head: %w", err)
	}
	if p.head, err = p.e.cfg.Ledger.Entry(ctx, p.lane, n); err != nil {
		return fmt.Errorf("read entry %d: %w", n, err)
	}
	oldest := n + 1
	for block := range n + 1 {
		found, err := p.people(ctx, block)
		if err != nil {
			return err
		}
		if found {
			oldest = min(oldest, block)
		}
	}
	for block := oldest; block <= n; block++ {
		if err := p.headers(ctx, block); err != nil {
			return err
		}
	}
	for _, at := range p.order {
		slices.Sort(p.boxes[at].Rows)
		p.plan.Boxes = append(p.plan.Boxes, *p.boxes[at])
	}
	return nil
}

// people looks through the boxes of a block for rows of the person.
func (p *planner) people(ctx context.Context, block uint64) (bool, error) {
	boxes, err := p.e.cfg.Ledger.Boxes(ctx, p.lane, block)
	if err != nil {
		return false, fmt.Errorf("boxes of block %d: %w", block, err)
	}
	found, first := false, uint32(0)
	for i := range boxes {
		b, err := p.e.cfg.Reader.OpenBox(ctx, p.lane, block, &boxes[i], first)
		if err != nil {
			return false, err
		}
		for _, row := range b.Rows {
			if !meant(row.Owner, p.tags) {
				continue
			}
			ok, err := p.remove(ctx, boxPlace{block, i}, &boxes[i], first, row)
			if err != nil {
				return false, err
			}
			found = found || ok
		}
		first += boxes[i].Rows
	}
	return found, nil
}

// meant says that a row belongs to one of the tags: of a person, or of media that
// names none.
func meant(o seal.Owner, tags map[[16]byte]bool) bool {
	return (o.Kind == seal.OwnerSubject || o.Kind == seal.OwnerMedia) && tags[o.Tag]
}

// remove notes a row; false where it is under duty and the request is partial.
func (p *planner) remove(ctx context.Context, at boxPlace, b *ledger.Box, first uint32, row *seal.Row) (bool, error) {
	duty, err := p.e.underDuty(ctx, b)
	switch {
	case err != nil:
		return false, err
	case duty && !p.req.Partial:
		return false, fmt.Errorf("box %s: %w", b.Key, ErrUnderDuty)
	case duty:
		if !slices.Contains(p.plan.Duty, b.Key) {
			p.plan.Duty = append(p.plan.Duty, b.Key)
		}
		return false, nil
	case at.block >= p.head.RowsFrom:
		return false, fmt.Errorf("box %s: %w", b.Key, ErrRowInUse)
	}
	if p.rows[row.ID] {
		return true, nil
	}
	p.rows[row.ID] = true
	w, ok := p.boxes[at]
	if !ok {
		w = &Rewrite{Lane: p.lane, Block: at.block, First: first, Box: *b}
		p.boxes[at] = w
		p.order = append(p.order, at)
	}
	w.Rows = append(w.Rows, int(row.ID.Index()-first))
	return true, nil
}

// underDuty says whether a box may not lose rows: by its date, or because the
// store protects its object.
func (e *Eraser) underDuty(ctx context.Context, b *ledger.Box) (bool, error) {
	if b.DutyUntil == "" {
		return false, nil
	}
	until, err := time.Parse(time.RFC3339, b.DutyUntil)
	if err != nil || until.After(e.cfg.Now()) {
		return true, nil // a date that cannot be read keeps
	}
	info, err := e.cfg.Locked.Head(ctx, b.Key)
	if errors.Is(err, worm.ErrNotFound) {
		return false, nil // replaced in the unlocked stores already
	}
	if err != nil {
		return false, fmt.Errorf("ask for the lock of box %s: %w", b.Key, err)
	}
	now, err := e.cfg.Locked.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("ask the store's clock: %w", err)
	}
	return info.Lock.Hold || info.Lock.RetainUntil.After(now), nil
}

// headers looks through a block for records of several people with a piece under
// one of the rows to go: the row of their key and headers goes with it, because
// a signature over the whole body would let a guess be confirmed.
func (p *planner) headers(ctx context.Context, block uint64) error {
	entry, err := p.e.cfg.Ledger.Entry(ctx, p.lane, block)
	if err != nil {
		return fmt.Errorf("read entry %d: %w", block, err)
	}
	for i := range entry.Segments {
		s, err := p.e.cfg.Reader.Peek(ctx, entry, i)
		if err != nil {
			return err
		}
		for k := range s.Directory.Shared {
			if err := p.record(ctx, &s.Directory.Shared[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *planner) record(ctx context.Context, sh *unseal.Shared) error {
	if !slices.ContainsFunc(sh.Rows, func(r unseal.SharedRow) bool { return p.rows[r.Row] }) {
		return nil
	}
	for i := range sh.Pieces {
		q := &sh.Pieces[i]
		if q.Ref.Type != ledger.PieceKeyHeaders || p.rows[sh.Rows[q.Row].Row] {
			continue
		}
		if err := p.headerRow(ctx, sh.Rows[q.Row].Row); err != nil {
			return err
		}
	}
	return nil
}

// headerRow notes the row of key and headers, if it is one and still there.
func (p *planner) headerRow(ctx context.Context, id seal.RowID) error {
	boxes, err := p.e.cfg.Ledger.Boxes(ctx, p.lane, id.Block())
	if err != nil {
		return fmt.Errorf("boxes of block %d: %w", id.Block(), err)
	}
	first := uint32(0)
	for i := range boxes {
		if id.Index()-first >= boxes[i].Rows {
			first += boxes[i].Rows
			continue
		}
		b, err := p.e.cfg.Reader.OpenBox(ctx, p.lane, id.Block(), &boxes[i], first)
		if err != nil {
			return err
		}
		for _, row := range b.Rows {
			if row.ID == id && row.Owner.Kind == seal.OwnerHeaders {
				_, err := p.remove(ctx, boxPlace{id.Block(), i}, &boxes[i], first, row)
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("row %d of block %d: %w", id.Index(), id.Block(), unseal.ErrRowMissing)
}
