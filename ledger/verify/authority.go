package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// authority is what the control lane says that the other lanes rest on: keys,
// writers, erasures, closed lanes. It is read before anything is verified;
// whether the blocks it came from are sound is found when control is walked.
type authority struct {
	v    *verifier
	size uint64 // blocks of control read

	mu sync.Mutex // guards chains against workers; the walk alone writes

	archive     string
	genesis     []byte                   // bytes of the genesis act, nil if there is none
	keys        *ledger.Keys             // nil where there is no genesis
	refused     map[ledger.ActRef]string // rotations that do not hold, and why
	starts      map[ledger.Hash]uint64   // start act -> its block
	chains      map[string]*chain        // erasures by the key of the box in the entry
	ends        map[string]*chain        // the same by the key of the newest box
	receipts    map[ledger.ActRef]bool
	closed      map[record.Lane]ledger.CloseLane
	trusted     map[record.Lane][]ledger.Checkpoint
	lostControl bool // a block of control could not be read
}

// chain is what erasures did to one key box, in order.
type chain struct {
	lane    record.Lane
	block   uint64
	steps   []erasure
	visited bool
}

// erasure is one step: a box that took the place of the one before.
type erasure struct {
	box      ledger.Object
	removed  []ledger.Hash
	act      ledger.ActRef
	receipt  bool
	disputed bool // the act contradicts the one before
}

func newAuthority(v *verifier) *authority {
	return &authority{
		v: v, refused: map[ledger.ActRef]string{}, starts: map[ledger.Hash]uint64{}, chains: map[string]*chain{}, ends: map[string]*chain{},
		receipts: map[ledger.ActRef]bool{}, closed: map[record.Lane]ledger.CloseLane{}, trusted: map[record.Lane][]ledger.Checkpoint{},
	}
}

// extend reads the blocks of control that have not been read yet. Blocks that
// are missing or damaged are passed over: the walk reports them.
func (a *authority) extend(ctx context.Context) {
	l := a.v.list(locked, ledger.BlockPrefix(record.Control))
	if a.size > 0 {
		l.after = ledger.BlockKey(record.Control, a.size-1)
	}
	for o, ok := l.peek(ctx); ok; o, ok = l.peek(ctx) {
		l.skip()
		n, valid := ledger.ParseBlockKey(record.Control, o.key)
		if !valid {
			continue
		}
		a.size = n + 1
		body, _, err := a.v.store[locked].Get(ctx, o.key)
		if err != nil {
			a.lostControl = true
			continue
		}
		b, err := ledger.DecodeBlock(body)
		if err != nil {
			a.lostControl = true
			continue
		}
		for i, event := range b.Events {
			a.read(ledger.ActRef{Block: n, Event: uint32(i)}, event)
		}
	}
}

// read takes up one act.
func (a *authority) read(ref ledger.ActRef, event []byte) {
	act, err := ledger.DecodeAct(event)
	if err != nil {
		return
	}
	switch act.Type {
	case ledger.ActGenesis:
		if ref == (ledger.ActRef{}) {
			if keys, err := ledger.NewKeys(event); err == nil {
				a.genesis, a.archive, a.keys = event, keys.Archive(), keys
			}
		}
	case ledger.ActStart:
		if _, again := a.starts[ledger.Sum(event)]; !again {
			a.starts[ledger.Sum(event)] = ref.Block
		}
	case ledger.ActRotate:
		a.rotate(ref, act.Rotate)
	case ledger.ActErase:
		for _, box := range act.Erase.Boxes {
			a.erase(ref, box)
		}
	case ledger.ActEraseReceipt:
		a.receipts[act.EraseReceipt.Act] = true
	case ledger.ActCloseLane:
		if act.CheckApprovals(2) == nil {
			a.closed[act.CloseLane.Lane] = *act.CloseLane
		}
	}
}

// rotate takes up a change of keys that both keys signed. Others are reported
// when control is walked, and change nothing.
func (a *authority) rotate(ref ledger.ActRef, r *ledger.Rotate) {
	if a.keys == nil {
		a.refused[ref] = "there is no genesis whose key it could replace"
		return
	}
	if err := a.keys.RotateAt(ref.Block, r); err != nil {
		a.refused[ref] = err.Error()
	}
}

func (a *authority) erase(ref ledger.ActRef, box ledger.ErasedBox) {
	a.mu.Lock()
	defer a.mu.Unlock()
	step := erasure{box: box.New, removed: box.Removed, act: ref}
	c := a.ends[box.Old]
	if c == nil {
		c = a.chains[box.Old]
		step.disputed = c != nil // a second act that replaces the same box
	}
	if c == nil {
		c = &chain{lane: box.Lane, block: box.Block}
		a.chains[box.Old] = c
	}
	step.disputed = step.disputed || c.lane != box.Lane || c.block != box.Block
	delete(a.ends, box.Old)
	a.ends[box.New.Key] = c
	c.steps = append(c.steps, step)
}

// chainOf gives the erasures of a box, by its key in the entry. nil if there
// are none.
func (a *authority) chainOf(key string) *chain {
	c := a.chains[key]
	if c == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range c.steps {
		c.steps[i].receipt = a.receipts[c.steps[i].act]
	}
	return c
}

// newest gives the box that erasures left of a box; false if there were none.
// Safe to call from workers.
func (a *authority) newest(key string) (ledger.Object, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.chains[key]
	if c == nil {
		return ledger.Object{}, false
	}
	return c.steps[len(c.steps)-1].box, true
}

// verifyAt opens a checkpoint that must be the lane's at that size.
func (a *authority) verifyAt(lane record.Lane, size uint64, signed []byte) (ledger.Checkpoint, error) {
	if a.keys == nil {
		return ledger.Checkpoint{}, ledger.ErrSignature
	}
	cp, err := a.keys.OpenAt(lane, signed)
	if err == nil && cp.Size != size {
		err = fmt.Errorf("of size %d: %w", cp.Size, ledger.ErrCheckpoint)
	}
	return cp, err
}

// open reads a checkpoint of any lane and size.
func (a *authority) open(signed []byte) (ledger.Checkpoint, record.Lane, bool) {
	origin, rest, _ := strings.Cut(string(signed), "\n")
	name, ok := strings.CutPrefix(origin, a.archive+"/")
	if a.keys == nil || !ok {
		return ledger.Checkpoint{}, "", false
	}
	line, _, _ := strings.Cut(rest, "\n")
	var size uint64
	if _, err := fmt.Sscan(line, &size); err != nil {
		return ledger.Checkpoint{}, "", false
	}
	cp, err := a.verifyAt(record.Lane(name), size, signed)
	return cp, record.Lane(name), err == nil
}

// judgeGenesis holds the genesis to the fingerprint that is expected.
func (a *authority) judgeGenesis(want *ledger.Hash) {
	zero := uint64(0)
	f := Finding{Class: Failure, Code: CodeGenesis, Lane: record.Control, Entry: &zero, Store: storeNames[locked], Object: ledger.BlockKey(record.Control, 0)}
	if a.genesis == nil {
		f.Sentence = "The archive has no readable genesis: no key is known, and no signature can be checked."
		a.v.find(f)
		return
	}
	got := ledger.Fingerprint(a.genesis)
	a.v.count(func(r *Report) { r.Archive, r.Fingerprint = a.archive, got.String() })
	if want != nil && got != *want {
		f.Sentence = "The genesis is not that of the archive with the given fingerprint: this is another archive."
		a.v.find(f)
	}
}

// finish looks at what no lane has claimed.
func (a *authority) finish() {
	for key, c := range a.chains {
		if c.visited || a.v.lost[place{locked, ledger.BlockKey(c.lane, c.block)}] {
			continue
		}
		last := c.steps[len(c.steps)-1]
		n := last.act.Block
		a.v.find(Finding{Class: Failure, Code: CodeErasure, Lane: record.Control, Entry: &n, Store: storeNames[meta], Object: key,
			Sentence: fmt.Sprintf("An erasure names a key box that block %d of lane %s does not have.", c.block, c.lane)})
	}
	for ref := range a.receipts {
		if a.isErasure(ref) || a.lostControl {
			continue
		}
		n := ref.Block
		a.v.find(Finding{Class: Failure, Code: CodeErasure, Lane: record.Control, Entry: &n,
			Sentence: "A receipt stands for an erasure that was never decided."})
	}
}

func (a *authority) isErasure(ref ledger.ActRef) bool {
	for _, c := range a.chains {
		for _, s := range c.steps {
			if s.act == ref {
				return true
			}
		}
	}
	return false
}

// notFound says whether the store answered that the key holds nothing.
func notFound(err error) bool { return errors.Is(err, worm.ErrNotFound) }
