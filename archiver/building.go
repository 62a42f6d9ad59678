package archiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// Bounds of a block beside records and bytes, so that its entry stays below 64 KiB.
const (
	maxPairs = 32  // class and date pairs
	maxGaps  = 256 // stated holes
	maxMedia = 48  // media objects
)

// building is the block under way: what has been sealed into it and what will
// be entered with it.
type building struct {
	s       *session
	open    bool
	opened  time.Time
	leaves  []ledger.Hash
	events  [][]byte
	rows    index.Encoder
	row     index.Row // of the item in hand
	raw     int64
	items   uint64
	pairs   map[seal.Retention]struct{}
	locker  locker
	cutter  cutter
	parser  *whatsapp.Parser
	builder *index.Builder
	seal    *seal.Writer
	ruled   []ruled
	keys    []string // of the block's segments
	failed  int      // decisions the policy failed to give
	media   int      // objects of their own
}

func newBuilding(s *session) (*building, error) {
	w, err := newSealer(s.cfg, s.name)
	if err != nil {
		return nil, err
	}
	return &building{
		s: s, seal: w, pairs: map[seal.Retention]struct{}{},
		locker:  locker{mode: s.cfg.Mode, limit: s.cfg.Policy.Limit},
		parser:  whatsapp.NewParser(whatsapp.Options{Reuse: true}),
		builder: index.NewBuilder(s.cfg.Tags),
	}, nil
}

// begin opens the block with its first record or event.
func (b *building) begin() error {
	if b.open {
		return nil
	}
	b.open, b.opened = true, b.s.cfg.Now()
	b.leaves, b.events, b.raw, b.items, b.failed = b.leaves[:0], nil, 0, 0, 0
	b.rows.Reset()
	clear(b.pairs)
	b.keys, b.media = b.keys[:0], 0
	b.locker.reset(b.opened)
	return b.seal.Begin(b.s.lane.Next())
}

// event enters an event that is no record.
func (b *building) event(a ledger.Act) error {
	if err := b.begin(); err != nil {
		return err
	}
	a.V, a.Actor, a.Time = ledger.ActVersion, "archiver", b.s.cfg.Now().UTC().Format(ledger.TimeFormat)
	raw, err := a.Encode()
	if err != nil {
		return err
	}
	b.events = append(b.events, raw)
	return nil
}

// full says whether the block should be committed before another record.
func (b *building) full(gaps int) bool {
	return len(b.leaves) >= b.s.cfg.MaxRecords || b.raw >= int64(b.s.cfg.MaxBytes) || len(b.pairs) >= maxPairs || gaps >= maxGaps || b.media >= maxMedia
}

// add takes one record through parse, decide, cut and seal.
func (b *building) add(ctx context.Context, role whatsapp.Role, r *record.Record) error {
	if err := b.begin(); err != nil {
		return err
	}
	parsed := b.parser.Parse(role, r, nil)
	if err := b.decide(ctx, r, parsed); err != nil {
		return err
	}
	cut := b.cut(role, r, parsed)
	leaf, places, err := b.seal.Add(cut)
	if errors.Is(err, seal.ErrCut) { // never lose a record over how it is divided
		b.s.cfg.Log.Error("record is sealed undivided", "record", r.Coordinates.String(), "err", err)
		cut = b.cutter.undivided(r, b.ruled)
		leaf, places, err = b.seal.Add(cut)
	}
	if err != nil {
		return fmt.Errorf("seal record %s: %w", r.Coordinates, err)
	}
	b.leaves = append(b.leaves, leaf.Hash())
	b.raw += int64(r.Size())
	b.items += uint64(len(parsed.Items))
	for i := range cut.Pieces {
		b.pairs[cut.Pieces[i].Retention] = struct{}{}
	}
	if b.s.cfg.NoRows {
		return nil
	}
	return b.index(r, parsed, cut, places)
}

// decide asks the policy about each item and lets the lane state learn from it.
// A failing policy gives a provisional decision and never loses the record.
func (b *building) decide(ctx context.Context, r *record.Record, parsed *whatsapp.Parsed) error {
	b.ruled = b.ruled[:0]
	for n := range parsed.Items {
		it := &parsed.Items[n]
		var person *whatsapp.Person
		if it.Person >= 0 {
			person = &parsed.People[it.Person]
		}
		day := clock(it, r)
		at := day
		if parsed.Form == whatsapp.FormOwn && it.Time > 0 && it.Time < day {
			at = it.Time // a fact that middleware dates itself: an opt-in of last year, imported today
		}
		facts, saw := b.s.state.Facts(it, person, at)
		in := policy.Input{
			Kind: string(it.Kind), Sub: it.Sub, Channel: string(it.Channel), Direction: string(it.Direction),
			Provenance: string(it.Provenance), WABA: it.WABA, Number: it.Number, Day: policy.Day(day), Facts: facts,
		}
		answer, err := b.s.cfg.Policy.Decide(ctx, &in)
		if ctx.Err() != nil {
			return fmt.Errorf("decide on %s: %w", r.Coordinates, context.Cause(ctx))
		}
		if err != nil {
			if b.failed++; b.failed == 1 {
				b.s.cfg.Log.Error("policy failed: provisional lock", "item", record.ItemID{Coordinates: r.Coordinates, N: n}.String(), "err", err)
			}
		}
		b.s.state.Apply(record.ItemID{Coordinates: r.Coordinates, N: n}, it, person, at)
		l := b.locker.lock(answer)
		b.ruled = append(b.ruled, ruled{rule: l.rule, saw: saw, retention: l.retention})
	}
	return nil
}

// How far the platform's clock may be from Kafka's before retention and facts
// count from Kafka's instead. Retries come for up to seven days, history reaches
// back 180.
const (
	clockAhead    = 24 * 60 * 60
	clockBehind   = 8 * 24 * 60 * 60
	historyBehind = 200 * 24 * 60 * 60
)

// clock is the time an item's retention counts from, Unix seconds: the platform's
// where it is sane, else Kafka's, so that a wrong clock cannot shorten a duty.
func clock(it *whatsapp.Item, r *record.Record) int64 {
	kafka := r.Timestamp / 1000
	behind := int64(clockBehind)
	if it.Provenance == record.Backfill {
		behind = historyBehind
	}
	if it.Time == 0 || it.Time > kafka+clockAhead || it.Time < kafka-behind {
		return kafka
	}
	return it.Time
}

// owner is the tag of the person of region i: the same one the index uses, so
// that who erases a person finds their rows.
func (b *building) owner(p *whatsapp.Parsed, i int) [16]byte {
	g := &p.Regions[i]
	return b.s.cfg.Tags.PersonTag(g.Number, index.PrimaryID(&p.People[g.Person]))
}

// index makes the rows of the record's items.
func (b *building) index(r *record.Record, parsed *whatsapp.Parsed, cut *seal.Cut, places []seal.Place) error {
	piece := 0
	for n := range parsed.Items {
		for cut.Pieces[piece].Type == ledger.PieceValue && cut.Pieces[piece].FirstItem+cut.Pieces[piece].Items <= n {
			piece++
		}
		p := &cut.Pieces[piece]
		err := b.builder.Fill(&b.row, &index.Source{
			Record: r, Parsed: parsed, Item: &parsed.Items[n], Lane: b.s.name, Block: b.s.lane.Next(),
			Segment: b.segmentKey(places[piece].Segment), Cell: places[piece].Cell,
			Class: p.Retention.Class, Duty: p.Retention.Duty, Retain: p.Retention.Retain,
			Rule: b.ruled[n].rule.JSON, Epoch: b.s.cfg.TokenEpoch,
		})
		if err != nil {
			return fmt.Errorf("index row of %s#%d: %w", r.Coordinates, n, err)
		}
		b.rows.Add(&b.row)
	}
	return nil
}

// segmentKey is where segment i of the block under way will stand.
func (b *building) segmentKey(i int) string {
	for n := len(b.keys); n <= i; n++ {
		b.keys = append(b.keys, ledger.DataKey(b.s.name, b.s.lane.Next(), fmt.Sprintf("seg-%d", n)))
	}
	return b.keys[i]
}
