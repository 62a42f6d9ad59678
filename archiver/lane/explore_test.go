package lane

// An explorer of everything that can happen to the lane code over a store.
//
// A writer is a function: what it asks for next depends on what it was answered
// so far and on nothing else. So the real code runs once for each distinct
// history of answers, and is remembered as a tree of them; the exploration itself
// walks over pairs (store, writers) without running anything twice. At a boundary,
// where the program knows that all that is left of a history is a small value, it
// names that value, and histories that lead there become one.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// The operations a program asks for.
const (
	opPut   = 'P'
	opGet   = 'G'
	opHead  = 'H'
	opList  = 'L'
	opPick  = 'C' // a boundary with a choice from 1 to n
	opBound = 'B' // a boundary without
)

type request struct {
	op     byte
	key    string
	object int // put: what
	n      int // pick: the largest choice
}

// The kinds of answer.
const (
	done    = 'o' // carried out, as far as the writer is told
	taken   = 'x' // put: the key is taken
	absent  = 'n'
	found   = 'c' // get, head: object; list: keys
	unclear = 'f' // an error that says nothing
)

type answer struct {
	kind   byte
	object int
	keys   string
	n      int
}

// node is a writer with its history.
type node struct {
	id       int
	writer   int
	history  []answer
	req      request
	end      string         // why the program ended; "" while it asks
	attempts map[string]int // puts of a key since the last boundary
	blind    int            // reads that failed since the last boundary
	kids     map[answer]*node
}

// thing is an object, told apart by key and bytes.
type thing struct {
	key  string
	body []byte
	lock worm.Lock
}

// program is what a writer runs, over a port that asks the explorer.
type program func(ctx context.Context, writer int, p *port) (end string)

// rules of an exploration.
type rules struct {
	fence    bool // a taken key refuses a put
	retries  int  // puts of one key, between boundaries, that may be lost, late or forgotten
	blind    int  // reads that may fail, between boundaries
	forgets  func(key string) bool
	writers  int
	maxState int
}

type explorer struct {
	t       *testing.T
	rules   rules
	run     program
	things  []thing
	byBody  map[string]int
	nodes   []*node
	roots   []*node
	bounds  map[string]*node
	replays int

	states []string
	seen   map[string]struct{}
	parent []int32
}

func newExplorer(t *testing.T, r rules, run program) *explorer {
	x := &explorer{t: t, rules: r, run: run, byBody: map[string]int{}, bounds: map[string]*node{}, seen: map[string]struct{}{}}
	for w := range r.writers {
		x.roots = append(x.roots, x.replay(w, nil, nil))
	}
	return x
}

func (x *explorer) add(n *node) *node {
	n.id, n.kids = len(x.nodes), map[answer]*node{}
	x.nodes = append(x.nodes, n)
	return n
}

// intern gives the number of an object.
func (x *explorer) intern(key string, body []byte, lock worm.Lock) int {
	id := key + "\x00" + string(body)
	n, ok := x.byBody[id]
	if !ok {
		n = len(x.things)
		x.things = append(x.things, thing{key, bytes.Clone(body), lock})
		x.byBody[id] = n
	}
	return n
}

// port is the store a program sees. One request at a time.
type port struct {
	x   *explorer
	ask chan request
	ans chan answer
}

func (p *port) do(ctx context.Context, r request) (answer, error) {
	select {
	case p.ask <- r:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	select {
	case a := <-p.ans:
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// replay runs the program through a history and gives the node it leads to: a
// new one, or the one of the boundary it stands at.
func (x *explorer) replay(writer int, parent *node, history []answer) *node {
	x.replays++
	ctx, cancel := context.WithCancel(context.Background())
	p := &port{x: x, ask: make(chan request), ans: make(chan answer)}
	ended := make(chan string, 1)
	go func() { ended <- x.run(ctx, writer, p) }()
	n := &node{writer: writer, history: slices.Clone(history)}
	for i := 0; ; i++ {
		select {
		case n.req = <-p.ask:
		case n.end = <-ended:
			cancel()
			if i != len(history) {
				x.t.Fatalf("writer %d is no function: it ended at %d of %d answers", writer, i, len(history))
			}
			return x.bound(fmt.Sprintf("%d ended: %s", writer, n.end), n)
		}
		if i == len(history) {
			break
		}
		p.ans <- history[i]
	}
	cancel()
	<-ended
	if n.req.op == opPick || n.req.op == opBound {
		return x.bound(n.req.key, n)
	}
	n.attempts = map[string]int{}
	if parent != nil {
		n.blind = parent.blind
		for k, v := range parent.attempts {
			n.attempts[k] = v
		}
		last := history[len(history)-1]
		switch parent.req.op {
		case opPut:
			n.attempts[parent.req.key]++
		case opGet, opHead, opList:
			if last.kind == unclear {
				n.blind++
			}
		}
	}
	return x.add(n)
}

func (x *explorer) bound(name string, n *node) *node {
	if have, ok := x.bounds[name]; ok {
		return have
	}
	x.bounds[name] = x.add(n)
	return n
}

func (x *explorer) kid(n *node, a answer) *node {
	k, ok := n.kids[a]
	if !ok {
		k = x.replay(n.writer, n, append(slices.Clone(n.history), a))
		n.kids[a] = k
	}
	return k
}

// world is a state: what is stored, what may still arrive, where the writers are.
type world struct {
	writers []int
	stored  []int // things, sorted
	late    []int
}

func (w world) key() string {
	b := make([]byte, 0, 4*len(w.writers)+2*(len(w.stored)+len(w.late))+1)
	for _, n := range w.writers {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	b = append(b, byte(len(w.stored)))
	for _, n := range append(slices.Clip(w.stored), w.late...) {
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	return string(b)
}

func (x *explorer) world(key string) world {
	w := world{}
	for range x.rules.writers {
		w.writers = append(w.writers, int(binary.BigEndian.Uint32([]byte(key))))
		key = key[4:]
	}
	n := int(key[0])
	for key = key[1:]; key != ""; key = key[2:] {
		t := int(binary.BigEndian.Uint16([]byte(key)))
		if n--; n >= 0 {
			w.stored = append(w.stored, t)
		} else {
			w.late = append(w.late, t)
		}
	}
	return w
}

func (x *explorer) lookup(w world, key string) (int, bool) {
	for _, o := range w.stored {
		if x.things[o].key == key {
			return o, true
		}
	}
	return 0, false
}

func with(s []int, n int) []int {
	i, there := slices.BinarySearch(s, n)
	if there {
		return s
	}
	return slices.Insert(slices.Clone(s), i, n)
}

func without(s []int, n int) []int {
	return slices.DeleteFunc(slices.Clone(s), func(m int) bool { return m == n })
}

// store is what a put does to a world.
func (x *explorer) store(w world, object int) (world, bool) {
	have, there := x.lookup(w, x.things[object].key)
	if there && x.rules.fence {
		return w, false
	}
	if there {
		w.stored = without(w.stored, have)
	}
	w.stored = with(w.stored, object)
	if x.rules.fence { // what is late for this key will be refused: as good as gone
		w.late = slices.DeleteFunc(slices.Clone(w.late), func(o int) bool { return x.things[o].key == x.things[object].key })
	}
	return w, true
}

// moves calls fn with all that can happen next. What concerns one writer alone
// happens at once: it can neither change what others are told nor be changed by
// them, so that later would be the same.
func (x *explorer) moves(w world, fn func(label func() string, next world)) {
	for i, id := range w.writers {
		if x.private(w, x.nodes[id]) {
			x.writerMoves(w, i, fn)
			return
		}
	}
	for _, o := range w.late {
		next, _ := x.store(w, o)
		next.late = without(next.late, o)
		fn(func() string { return "late put arrives: " + x.things[o].key }, next)
	}
	for i := range w.writers {
		x.writerMoves(w, i, fn)
	}
}

// private says whether a writer's request is answered the same now and at any
// later time, and changes nothing: a boundary, and whatever asks about a key that
// is taken where nothing is ever replaced. Whoever has not begun stays out.
func (x *explorer) private(w world, n *node) bool {
	switch n.req.op {
	case opBound, opPick:
		return n.end == "" && n != x.roots[n.writer]
	case opGet, opHead, opPut:
		_, there := x.lookup(w, n.req.key)
		return n.end == "" && there && x.rules.fence
	}
	return false
}

func (x *explorer) writerMoves(w world, i int, fn func(label func() string, next world)) {
	n := x.nodes[w.writers[i]]
	if n.end != "" {
		return
	}
	x.answers(w, n, func(what string, a answer, next world) {
		next.writers = slices.Clone(next.writers)
		next.writers[i] = x.kid(n, a).id
		fn(func() string { return fmt.Sprintf("writer %d %c %s: %s", i, n.req.op, n.req.key, what) }, next)
	})
}

func (x *explorer) answers(w world, n *node, step func(what string, a answer, next world)) {
	r := n.req
	switch r.op {
	case opBound:
		step("goes on", answer{kind: done}, w)
		return
	case opPick:
		for k := 1; k <= r.n; k++ {
			step(fmt.Sprintf("takes %d", k), answer{kind: done, n: k}, w)
		}
		return
	case opPut:
		x.putAnswers(w, n, step)
		return
	}
	if n.blind < x.rules.blind {
		step("answered with an error", answer{kind: unclear}, w)
	}
	if r.op == opList {
		var keys []string
		for _, o := range w.stored {
			if k := x.things[o].key; strings.HasPrefix(k, r.key) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		step(fmt.Sprintf("%d keys", len(keys)), answer{kind: found, keys: strings.Join(keys, " ")}, w)
		return
	}
	if o, ok := x.lookup(w, r.key); ok {
		step("there", answer{kind: found, object: o}, w)
	} else {
		step("absent", answer{kind: absent}, w)
	}
}

func (x *explorer) putAnswers(w world, n *node, step func(what string, a answer, next world)) {
	r := n.req
	faulty := n.attempts[r.key] < x.rules.retries
	if next, ok := x.store(w, r.object); ok {
		step("stored", answer{kind: done}, next)
		step("stored, answered with an error", answer{kind: unclear}, next)
	} else {
		step("refused", answer{kind: taken}, w)
	}
	if !faulty {
		return
	}
	step("lost", answer{kind: unclear}, w)
	if _, ok := x.lookup(w, r.key); !ok || !x.rules.fence {
		late := w
		late.late = with(w.late, r.object)
		step("answered with an error, on its way", answer{kind: unclear}, late)
	}
	if x.rules.forgets(r.key) {
		step("answered as if stored, and forgotten", answer{kind: done}, w)
	}
}

// explore visits every state. judge looks at each; the first complaint ends it.
func (x *explorer) explore(judge func(w world) string) (complaint string) {
	start := world{}
	for _, r := range x.roots {
		start.writers = append(start.writers, r.id)
	}
	x.visit(start, -1)
	for i := int32(0); int(i) < len(x.states); i++ {
		if len(x.states) > x.rules.maxState {
			x.t.Fatalf("more than %d states", x.rules.maxState)
		}
		w := x.world(x.states[i])
		if c := judge(w); c != "" {
			return c + "\n" + x.trail(i)
		}
		x.moves(w, func(_ func() string, next world) { x.visit(next, i) })
	}
	return ""
}

func (x *explorer) visit(w world, parent int32) {
	key := w.key()
	if _, ok := x.seen[key]; !ok {
		x.seen[key] = struct{}{}
		x.states, x.parent = append(x.states, key), append(x.parent, parent)
	}
}

// trail tells how a state came about.
func (x *explorer) trail(i int32) string {
	var steps []string
	for ; x.parent[i] >= 0; i = x.parent[i] {
		label := "?"
		x.moves(x.world(x.states[x.parent[i]]), func(l func() string, next world) {
			if next.key() == x.states[i] {
				label = l()
			}
		})
		steps = append(steps, label)
	}
	slices.Reverse(steps)
	return strings.Join(steps, "\n")
}

// alone lets writer i go on from w by itself, with nothing going wrong and one
// record at a time, and gives the world it ends in.
func (x *explorer) alone(w world, i int) world {
	for n := x.nodes[w.writers[i]]; n.end == ""; n = x.nodes[w.writers[i]] {
		var after world
		x.answers(w, n, func(_ string, a answer, next world) {
			if after.writers == nil && a.kind != unclear {
				after = next
				after.writers = slices.Clone(w.writers)
				after.writers[i] = x.kid(n, a).id
			}
		})
		w = after
	}
	return w
}

var errUnclear = errors.New("no answer")

// Put implements worm.Store.
func (p *port) Put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	if sha256.Sum256(body) != sum {
		return worm.Info{}, worm.ErrSum
	}
	a, err := p.do(ctx, request{op: opPut, key: key, object: p.x.intern(key, body, lock)})
	switch {
	case err != nil:
		return worm.Info{}, err
	case a.kind == taken:
		return worm.Info{}, worm.ErrExists
	case a.kind == unclear:
		return worm.Info{}, errUnclear
	}
	return worm.Info{}, nil
}

func (p *port) look(ctx context.Context, op byte, key string) (*thing, error) {
	a, err := p.do(ctx, request{op: op, key: key})
	switch {
	case err != nil:
		return nil, err
	case a.kind == absent:
		return nil, worm.ErrNotFound
	case a.kind == unclear:
		return nil, errUnclear
	}
	return &p.x.things[a.object], nil
}

// Get implements worm.Store.
func (p *port) Get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	o, err := p.look(ctx, opGet, key)
	if err != nil {
		return nil, worm.Info{}, err
	}
	return bytes.Clone(o.body), worm.Info{}, nil
}

// Head implements worm.Store.
func (p *port) Head(ctx context.Context, key string) (worm.Info, error) {
	o, err := p.look(ctx, opHead, key)
	if err != nil {
		return worm.Info{}, err
	}
	return worm.Info{Key: key, Size: int64(len(o.body)), SHA256: sha256.Sum256(o.body), Lock: o.lock}, nil
}

// List implements worm.Store.
func (p *port) List(ctx context.Context, prefix, startAfter string, fn func(worm.Version) error) error {
	a, err := p.do(ctx, request{op: opList, key: prefix})
	if err != nil {
		return err
	}
	if a.kind == unclear {
		return errUnclear
	}
	for _, k := range strings.Fields(a.keys) {
		if k > startAfter {
			if err := fn(worm.Version{Info: worm.Info{Key: k}, Latest: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReadAt implements worm.Store; the lane does not use it.
func (p *port) ReadAt(context.Context, string, []byte, int64) (int, error) {
	return 0, errors.ErrUnsupported
}

// Now implements worm.Store.
func (p *port) Now(context.Context) (time.Time, error) { return standstill, nil }

var standstill = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
