package lane

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

const (
	modelTopic   = "t"
	modelRecords = 2 // in Kafka
)

// model runs the lane code as the archiver does: take, then steps until all
// records are archived; whoever is fenced takes the lane anew, up to lives times.
type model struct {
	signer *ledger.Signer
	lives  int
	take   func(context.Context, Config, Taking) (*Lane, error) // Take, or a broken one

	mu    sync.Mutex
	lanes map[string]*Lane // by boundary
	odd   error
}

func newModel(t *testing.T, lives int) *model {
	signer, err := ledger.NewSigner("model.example", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return &model{signer: signer, lives: lives, take: Take, lanes: map[string]*Lane{}}
}

func (m *model) run(ctx context.Context, writer int, p *port) string {
	cfg := Config{
		Lane: "0", Locked: p, Meta: p, Spare: p, Signer: m.signer, Writer: ledger.Hash{byte(writer + 1)},
		Horizon: func(now time.Time) time.Time { return now.AddDate(1, 0, 0) }, Now: func() time.Time { return standstill },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Report: func(string, error) {},
	}
	for life := range m.lives {
		if _, err := p.do(ctx, request{op: opBound, key: fmt.Sprintf("writer %d life %d takes", writer, life)}); err != nil {
			return err.Error()
		}
		err := m.live(ctx, cfg, fmt.Sprintf("%d.%d", writer, life), p)
		if !errors.Is(err, ErrFenced) {
			return errString(err)
		}
	}
	return "fenced"
}

// errString is short: what it ends with is part of a writer's state.
func errString(err error) string {
	if errors.Is(err, io.EOF) {
		return "all archived"
	}
	return err.Error()
}

// live is one ownership of the lane. io.EOF: all records are archived.
func (m *model) live(ctx context.Context, cfg Config, who string, p *port) error {
	l, err := m.take(ctx, cfg, Taking{
		Keys: m.signer.Verifier(), Topics: []string{modelTopic}, Assigned: func() bool { return ctx.Err() == nil }, Oddity: func(worm.Version) {},
	})
	if err != nil {
		return err
	}
	for {
		src := l.Head().Source[0]
		if src.Next == modelRecords {
			return io.EOF
		}
		name := fmt.Sprintf("writer %s owns the lane behind %.4x", who, [32]byte(ledger.Sum(l.last.EntryBytes)))
		m.same(name, l)
		a, err := p.do(ctx, request{op: opPick, key: name, n: int(modelRecords - src.Next)})
		if err != nil {
			return err
		}
		if _, err := l.Commit(ctx, m.step(who, l, src, a.n)); err != nil {
			return err
		}
	}
}

// same holds the claim that lets histories become one: a lane is its last block.
func (m *model) same(name string, l *Lane) {
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.lanes[name]
	if !ok {
		m.lanes[name] = l
		return
	}
	if !reflect.DeepEqual(have.last, l.last) || have.Size() != l.Size() || have.Root() != l.Root() || have.chain.Prev() != l.chain.Prev() {
		m.odd = fmt.Errorf("two lanes behind one block differ: %s", name)
	}
}

// step covers the next k records, with a key box that only this attempt has.
func (m *model) step(who string, l *Lane, at ledger.Source, k int) *Step {
	until := standstill.AddDate(0, 6, 0).Unix()
	body := fmt.Appendf(nil, "box of %s for records %d to %d", who, at.Next, at.Next+int64(k))
	src := ledger.Source{Topic: modelTopic, Era: 1, First: at.Next, Next: at.Next + int64(k), Records: uint64(k), Epoch: -1}
	s := &Step{Time: standstill, Sources: []ledger.Source{src}, Sealed: &seal.Sealed{
		RowsFrom: l.Head().RowsFrom,
		Boxes: []seal.BoxObject{{Locked: true, Rows: 1, Object: seal.Object{
			Key: ledger.DataKey("0", l.Next(), "box-0"), Body: body, SHA256: ledger.Sum(body),
			Retention: seal.Retention{Class: "c", Duty: until, Retain: until},
		}}},
	}}
	for i := range k {
		s.Leaves = append(s.Leaves, ledger.Sum(fmt.Appendf(nil, "record %d", at.Next+int64(i))))
	}
	return s
}

// judge is the model's: once, readable, and in a chain.
type judge struct {
	x     *explorer
	known map[string]verdict
}

type verdict struct {
	archived  int64
	complaint string
}

func (j *judge) judge(w world) string {
	v := j.stored(w)
	if v.complaint != "" {
		return v.complaint
	}
	for _, id := range w.writers {
		switch n := j.x.nodes[id]; n.end {
		case "", "fenced":
		case "all archived":
			if v.archived != modelRecords {
				return fmt.Sprintf("a writer believes that all is archived: %d is", v.archived)
			}
		default:
			return "a writer ended: " + n.end
		}
	}
	return ""
}

// stored judges what lies in the store, once for each content.
func (j *judge) stored(w world) verdict {
	key := world{stored: w.stored}.key()
	v, ok := j.known[key]
	if !ok {
		v.archived, v.complaint = j.walk(w)
		j.known[key] = v
	}
	return v
}

// walk follows the blocks.
func (j *judge) walk(w world) (next int64, complaint string) {
	prev := ledger.Hash{}
	n := uint64(0)
	for ; ; n++ {
		object, ok := j.x.lookup(w, ledger.BlockKey("0", n))
		if !ok {
			break
		}
		b, err := ledger.DecodeBlock(j.x.things[object].body)
		if err != nil {
			return next, err.Error()
		}
		if b.Entry.Prev != prev {
			return next, fmt.Sprintf("chain: block %d does not follow the one before", n)
		}
		if complaint := j.block(w, b, next); complaint != "" {
			return next, complaint
		}
		next, prev = b.Entry.Source[0].Next, ledger.Sum(b.EntryBytes)
	}
	for _, o := range w.stored {
		if m, ok := ledger.ParseBlockKey("0", j.x.things[o].key); ok && m > n {
			return next, fmt.Sprintf("chain: block %d stands behind a hole", m)
		}
	}
	return next, ""
}

// block says what is wrong with a block that should go on at record next.
func (j *judge) block(w world, b *ledger.Block, next int64) string {
	e := b.Entry
	if s := e.Source[0]; s.First != next || int64(e.Records) != s.Next-next || uint64(len(b.Leaves)) != e.Records {
		return fmt.Sprintf("once: block %d covers %d to %d with %d leaves, expected from %d", e.N, s.First, s.Next, len(b.Leaves), next)
	}
	for i, leaf := range b.Leaves {
		if leaf != ledger.Sum(fmt.Appendf(nil, "record %d", next+int64(i))) {
			return fmt.Sprintf("once: block %d has another record for %d", e.N, next+int64(i))
		}
	}
	for _, box := range e.Boxes {
		o, ok := j.x.lookup(w, box.Key)
		if !ok || ledger.Sum(j.x.things[o].body) != box.SHA256 {
			return fmt.Sprintf("readable: block %d names box %s, which is not there or another's", e.N, box.Key)
		}
	}
	return ""
}

func (j *judge) complete(w world) bool { return j.stored(w).archived == modelRecords }

// TestEveryRun visits everything that two writers, their store and the network
// between can do to a lane of two records: requests refused, lost, stored but
// answered with an error, answered as if stored and forgotten (boxes), arriving at
// any later moment or never; reads that fail; writers that are not heard of for
// any time between any two requests, or ever again (a crash is the same to all
// others), are fenced, and take the lane again. In each state every record that is
// archived is so once and readable, and a writer that begins there archives the rest.
func TestEveryRun(t *testing.T) {
	r := rules{fence: true, retries: 1, blind: 1, writers: 2, maxState: 20_000_000, forgets: func(k string) bool { return !strings.HasPrefix(k, ledger.BlockPrefix("0")) }}
	lives := 2
	switch {
	case testing.Short():
		r.blind, lives = 0, 1
		t.Log("BOUNDS REDUCED by -short: no reads that fail, nobody who was fenced takes the lane again")
	case raceEnabled:
		r.blind = 0
		t.Log("BOUNDS REDUCED by -race: no reads that fail")
	}
	x, j, complaint := explore(t, r, newModel(t, lives))
	if complaint != "" {
		t.Fatal(complaint)
	}
	t.Logf("%d states, %d distinct histories of a writer, %d runs of the lane code", len(x.states), len(x.nodes), x.replays)
	if len(x.states) < 50_000 {
		t.Errorf("%d states are too few to be all", len(x.states))
	}
	if i := x.stuck(j); i >= 0 {
		t.Errorf("a writer that begins here cannot go on:\n%s", x.trail(i))
	}
}

// stuck looks for a state from which a writer that has not begun cannot archive
// the rest by itself: the others may have crashed at that point. -1: none.
func (x *explorer) stuck(j *judge) int32 {
	known := map[string]bool{}
	for i, s := range x.states {
		w := x.world(s)
		for k, id := range w.writers {
			if id != x.roots[k].id {
				continue
			}
			only := world{stored: w.stored, writers: make([]int, len(w.writers))}
			only.writers[k] = id
			key := only.key()
			if _, ok := known[key]; !ok {
				known[key] = j.complete(x.alone(only, k))
			}
			if !known[key] {
				return int32(i)
			}
		}
	}
	return -1
}

func explore(t *testing.T, r rules, m *model) (*explorer, *judge, string) {
	t.Helper()
	x := newExplorer(t, r, m.run)
	j := &judge{x, map[string]verdict{}}
	complaint := x.explore(j.judge)
	if m.odd != nil {
		t.Fatal(m.odd)
	}
	return x, j, complaint
}

// TestRulesAreNeeded takes away what the step rests on, one by one: the
// exploration finds what then goes wrong, so it would find it in the code.
func TestRulesAreNeeded(t *testing.T) {
	r := rules{fence: true, retries: 1, writers: 2, maxState: 3_000_000, forgets: func(string) bool { return false }}
	t.Run("fence", func(t *testing.T) {
		open := r
		open.fence = false
		_, _, complaint := explore(t, open, newModel(t, 1))
		if complaint == "" {
			t.Fatal("a store that lets a block be replaced loses nothing")
		}
		t.Log(complaint)
	})
	t.Run("takeover", func(t *testing.T) {
		m := newModel(t, 2)
		m.take = takeWithout
		x, j, complaint := explore(t, r, m)
		if complaint != "" {
			t.Fatal(complaint) // numbers that two writers use lose nothing: who comes second stops
		}
		stuck := x.stuck(j)
		if stuck < 0 {
			t.Fatal("without the block of a takeover nothing goes wrong")
		}
		t.Logf("nobody can ever go on:\n%s", x.trail(stuck))
	})
	t.Run("acknowledged", func(t *testing.T) {
		lying := r
		lying.forgets = func(string) bool { return true }
		if _, _, complaint := explore(t, lying, newModel(t, 1)); complaint == "" {
			t.Fatal("a store that forgets a block it acknowledged loses nothing")
		}
	})
}

// takeWithout takes a lane without saying so to anybody.
func takeWithout(ctx context.Context, cfg Config, t Taking) (*Lane, error) {
	l, err := open(ctx, cfg, t)
	if err == nil && l.last == nil {
		l.last = &ledger.Block{Entry: &ledger.Entry{Source: carrySources(nil, t)}}
	}
	return l, err
}

var _ worm.Store = (*port)(nil)
