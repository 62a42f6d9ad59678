package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// walk goes through one lane from its first block on, block by block. Its
// memory does not grow with the lane.
type walk struct {
	v      *verifier
	lane   record.Lane
	blocks *lister
	data   [stores]*lister

	next  uint64       // number of the block that comes next
	known bool         // whether tree and prev are those before next
	tree  *ledger.Tree // of the entries before next
	prev  ledger.Hash
	close *ledger.CloseLane // where the lane ends, if it was closed

	coverage coverage
	writer   ledger.Hash
	time     time.Time
	rowsFrom uint64
	headSize uint64 // of the last sealed head
	cut      bool   // the lane's end was reported as cut off
	finished bool
	records  uint64
	erased   uint64 // highest block whose box an erasure touched, plus one
	kept     kept
	log      *logWalk
}

func newWalk(v *verifier, lane record.Lane) *walk {
	w := &walk{v: v, lane: lane, known: true, tree: new(ledger.Tree), blocks: v.list(locked, ledger.BlockPrefix(lane))}
	for where := range stores {
		w.data[where] = v.list(where, ledger.DataPrefix(lane))
	}
	w.coverage = newCoverage(w)
	w.kept = kept{loose: map[string]int64{}}
	w.log = newLogWalk(w)
	if c, ok := v.auth.closed[lane]; ok {
		w.close = &c
	}
	return w
}

// begin reads the live checkpoint and, for a lane's later life, takes up what
// the life before left.
func (w *walk) begin(ctx context.Context) {
	w.log.begin(ctx)
	before, ok := ledger.PreviousLife(w.lane)
	if !ok {
		return
	}
	old := w.v.lane(ctx, before)
	if old.close == nil {
		w.fail(CodeClosed, nil, "", fmt.Sprintf("The lane is a later life of lane %s, which no approved act has closed.", before))
		return
	}
	old.advance(ctx, old.close.Size)
	w.prev = old.close.Entry
	w.coverage.inherit(&old.coverage)
	w.writer, w.time = old.writer, old.time
}

// advance goes on until the lane has that size, or ends.
func (w *walk) advance(ctx context.Context, size uint64) {
	for w.next < size && ctx.Err() == nil && w.step(ctx) {
	}
}

// finish goes to the lane's end and looks at what is left.
func (w *walk) finish(ctx context.Context) {
	w.advance(ctx, w.v.limit[w.lane])
	if ctx.Err() != nil {
		return
	}
	w.finished = true
	w.behind(ctx)
	w.rest(ctx)
	w.kept.finish(ctx, w)
	w.log.finish(ctx)
	w.tooShort()
	if w.erased > w.rowsFrom {
		w.fail(CodeErasure, w.last(), "", "Rows were erased that the lane's writer may still use: their block is not below rows_from.")
	}
	w.report()
}

func (w *walk) report() {
	r := LaneReport{Lane: w.lane, Size: w.next, Records: w.records, Sealed: w.headSize}
	if w.known {
		r.Root = w.tree.Root().String()
	}
	w.v.count(func(rep *Report) { rep.Lanes = append(rep.Lanes, r) })
}

// step takes the next block, and answers false at the end of the lane.
func (w *walk) step(ctx context.Context) bool {
	if w.close != nil && w.next >= w.close.Size {
		return false
	}
	o, ok := w.blocks.peek(ctx)
	if !ok {
		return false
	}
	w.blocks.skip()
	n, valid := ledger.ParseBlockKey(w.lane, o.key)
	if !valid {
		w.v.findForeign(locked, o.key)
		return true
	}
	for m := w.next; m < n; m++ {
		if m == w.next+64 {
			w.fail(CodeMissing, &m, ledger.BlockKey(w.lane, m), fmt.Sprintf("Blocks %d to %d are missing.", m, n-1))
			break
		}
		w.missingBlock(ctx, m)
	}
	w.next = n
	w.block(ctx, n, o)
	w.next = n + 1
	return true
}

func (w *walk) missingBlock(ctx context.Context, n uint64) {
	w.fail(CodeMissing, &n, ledger.BlockKey(w.lane, n), "The block is missing: what it proved is not proved any more.")
	w.lost(ctx, n)
}

// lost goes past a block that says nothing that counts.
func (w *walk) lost(ctx context.Context, n uint64) {
	w.known = false
	w.v.lost[place{locked, ledger.BlockKey(w.lane, n)}] = true
	w.log.unknown(n)
	w.coverage.forget()
	w.objects(ctx, n, nil)
}

func (w *walk) block(ctx context.Context, n uint64, o listed) {
	w.versions(locked, &n, o)
	if o.versions == 0 {
		w.missingBlock(ctx, n)
		return
	}
	body, _, err := w.v.store[locked].Get(ctx, o.key)
	if err != nil {
		if ctx.Err() == nil {
			w.fail(CodeUnreadable, &n, o.key, fmt.Sprintf("The block cannot be read: %v.", err))
		}
		w.lost(ctx, n)
		return
	}
	b, err := ledger.DecodeBlock(body)
	if err != nil {
		w.fail(CodeDamaged, &n, o.key, fmt.Sprintf("The block cannot be decoded, its bytes were changed: %v.", err))
		w.lost(ctx, n)
		return
	}
	w.v.count(func(r *Report) { r.Blocks++; r.Bytes += int64(len(body)) })
	if b.Entry.Lane != w.lane || b.Entry.N != n {
		w.fail(CodeMisplaced, &n, o.key, fmt.Sprintf("The block is number %d of lane %s, moved to another place.", b.Entry.N, b.Entry.Lane))
		w.lost(ctx, n)
		return
	}
	root := w.rootBefore()
	if !w.link(n, b, o.key) {
		w.lost(ctx, n)
		return
	}
	w.log.add(ctx, n, b)
	w.entry(ctx, n, b, o.key)
	w.acts(ctx, n, b, root)
	w.objects(ctx, n, b.Entry)
	w.deep(ctx, n, b)
	w.records += b.Entry.Records
	w.v.count(func(r *Report) {
		if w.lane == record.Control {
			r.Bodies += b.Entry.Records
		} else {
			r.Records += b.Entry.Records
		}
	})
}

// rootBefore is the root of the log before the next block; zero if unknown.
func (w *walk) rootBefore() ledger.Hash {
	if !w.known {
		return ledger.Hash{}
	}
	return w.tree.Root()
}

// link says whether the block is signed and whole, and moves the chain behind
// it. A block that is signed but is not the next of this chain is reported, and
// followed: the finding is said, and the rest of the lane is judged by itself.
func (w *walk) link(n uint64, b *ledger.Block, key string) bool {
	if err := b.CheckRoots(); err != nil {
		w.fail(CodeLeaves, &n, key, "The block's leaves or events are not those its entry commits to.")
		return false
	}
	own, err := ledger.NewTree(n, b.Frontier)
	if err != nil {
		w.fail(CodeChain, &n, key, "The block's tree frontier does not fit its number.")
		return false
	}
	own.Append(ledger.LeafHash(b.EntryBytes))
	signed := true
	if w.v.auth.keys != nil {
		cp, err := w.v.auth.verifyAt(w.lane, n+1, b.Checkpoint)
		if err != nil {
			w.fail(CodeSignature, &n, key, fmt.Sprintf("The block's checkpoint is not signed by the key that counts at size %d.", n+1))
			return false
		}
		signed = cp.Root == own.Root()
	}
	if !signed {
		w.fail(CodeChain, &n, key, "The block's entry and frontier do not have the root that is signed: the entry or the frontier was changed.")
		return false
	}
	w.continues(n, b, own, key)
	w.tree, w.prev, w.known = own, ledger.Sum(b.EntryBytes), true
	return true
}

// continues reports a sound block that does not follow the one before.
func (w *walk) continues(n uint64, b *ledger.Block, own *ledger.Tree, key string) {
	if !w.known {
		return
	}
	tree := w.tree.Clone()
	tree.Append(ledger.LeafHash(b.EntryBytes))
	switch {
	case tree.Root() != own.Root():
		w.fail(CodeFork, &n, key, "The block is signed by the archive and has another history than the blocks before it: the lane was forked.")
	case b.Entry.Prev != w.prev:
		w.fail(CodeChain, &n, key, "The entry names another previous entry than the one before it.")
	}
}

// tooShort holds the end of the lane to what was signed of it elsewhere.
func (w *walk) tooShort() {
	for _, cp := range w.v.auth.trusted[w.lane] {
		if cp.Size > w.next {
			w.truncated(cp.Size, "the given checkpoint")
		}
	}
	if w.close != nil && w.next < w.close.Size {
		w.truncated(w.close.Size, "the act that closed the lane")
	}
}

func (w *walk) truncated(size uint64, by string) {
	if w.cut {
		return
	}
	w.cut = true
	n := w.next
	w.fail(CodeTruncated, &n, ledger.BlockKey(w.lane, n),
		fmt.Sprintf("The lane ends at size %d, and %s says that it had %d: blocks were cut off its end.", w.next, by, size))
}

// behind looks at what the store lists as blocks behind the last one. In a lane
// that goes on they were written since this run began. Behind the end of a
// closed one they are not ours, and cannot be removed.
func (w *walk) behind(ctx context.Context) {
	for o, ok := w.blocks.peek(ctx); ok; o, ok = w.blocks.peek(ctx) {
		w.blocks.skip()
		n, valid := ledger.ParseBlockKey(w.lane, o.key)
		switch {
		case !valid:
			w.v.findForeign(locked, o.key)
		case w.close != nil:
			w.warn(CodeClosed, &n, locked, o.key, "The block stands behind the end of a closed lane and counts for nothing.")
		}
	}
}

// last is the number of the lane's last block.
func (w *walk) last() *uint64 {
	n := w.next
	if n > 0 {
		n--
	}
	return &n
}

func (w *walk) fail(code Code, n *uint64, key, sentence string) {
	w.failIn(locked, code, n, key, sentence)
}

func (w *walk) failIn(where int, code Code, n *uint64, key, sentence string) {
	f := Finding{Class: Failure, Code: code, Lane: w.lane, Entry: n, Object: key, Sentence: sentence}
	if key != "" {
		f.Store = storeNames[where]
	}
	w.v.find(f)
}

func (w *walk) warn(code Code, n *uint64, where int, key, sentence string) {
	f := Finding{Class: Warning, Code: code, Lane: w.lane, Entry: n, Object: key, Sentence: sentence}
	if key != "" {
		f.Store = storeNames[where]
	}
	w.v.find(f)
}

// versions warns of what lies above an object.
func (w *walk) versions(where int, n *uint64, o listed) {
	if o.versions > 1 {
		w.warn(CodeVersion, n, where, o.key, "A newer version was written over this object. The oldest version is the object; the newer one is ignored.")
	}
	if o.markers > 0 {
		w.warn(CodeMarker, n, where, o.key, "A delete marker hides this object from readers that do not ask for versions.")
	}
}

// lock holds an object's lock to the date it must reach. Safe on a worker.
func (w *walk) lock(n uint64, key string, info worm.Info, until time.Time) {
	if w.v.cfg.NoLocks || !info.Lock.RetainUntil.Before(until) {
		return
	}
	w.fail(CodeLock, &n, key, fmt.Sprintf("The object is locked until %s and must be until %s: its retention was shortened.",
		when(info.Lock.RetainUntil), when(until)))
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(ledger.DateFormat)
}
