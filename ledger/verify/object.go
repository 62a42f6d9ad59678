package verify

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// named is an object that an entry names.
type named struct {
	ledger.Object
	where  int
	retain time.Time   // lock it must have; zero in unlocked stores
	box    *ledger.Box // where it is a box: as the entry has it
	check  bool        // read and compare; false where something else does that
}

// namedBy lists what an entry names in the locked store, what it names of key
// boxes in the others, and its outbox.
func namedBy(lane record.Lane, e *ledger.Entry) []named {
	var out []named
	for _, list := range [][]ledger.Segment{e.Segments, e.Media} {
		for i := range list {
			retain, _ := list[i].Retain() // the decoder has refused what is no date
			out = append(out, named{Object: list[i].Object, where: locked, retain: retain, check: true})
		}
	}
	for i := range e.Boxes {
		b := &e.Boxes[i]
		if b.Locked() {
			retain, _ := b.Retain()
			out = append(out, named{Object: b.Object, where: locked, retain: retain, box: b, check: true})
			continue
		}
		out = append(out, named{Object: b.Object, where: meta, box: b}, named{Object: b.Object, where: spare, box: b})
	}
	if e.Outbox != nil {
		out = append(out, named{Object: *e.Outbox, where: meta})
	}
	return out
}

// place is a key in a store.
type place struct {
	where int
	key   string
}

// objects judges everything under the number of a block, in all stores. e is
// nil where the block is lost: then nothing is known of what it named, and
// nothing is said of it.
func (w *walk) objects(ctx context.Context, n uint64, e *ledger.Entry) {
	expected := map[place]bool{}
	var list []named
	if e != nil {
		list = namedBy(w.lane, e)
		for _, o := range list {
			w.judgePlace(n, o.Key)
			for _, key := range w.keysOf(o) {
				expected[place{o.where, key}] = true
			}
		}
		w.kept.snapshot(w, n, e)
		if e.Snapshot != nil {
			expected[place{meta, e.Snapshot.Key}] = true
		}
	}
	found := map[place]listed{}
	for where := range stores {
		w.under(ctx, where, n, func(o listed) {
			p := place{where, o.key}
			if expected[p] {
				w.versions(where, &n, o)
				found[p] = o
			} else if e != nil {
				w.unnamed(where, n, o)
			}
		})
	}
	for _, o := range list {
		w.object(ctx, n, o, found)
	}
	if e != nil {
		w.kept.outbox(n, e)
		w.v.count(func(r *Report) {
			r.Segments += uint64(len(e.Segments) + len(e.Media))
			r.Boxes += uint64(len(e.Boxes))
		})
	}
}

// judgePlace wants what a block names under the block's own number.
func (w *walk) judgePlace(n uint64, key string) {
	if m, _, ok := ledger.ParseDataKey(w.lane, key); !ok || m != n {
		w.fail(CodeMisplaced, &n, ledger.BlockKey(w.lane, n), "The entry names an object that does not lie under its own number.")
	}
}

// keysOf lists the keys a named object may have: a box that lost rows has
// several.
func (w *walk) keysOf(o named) []string {
	keys := []string{o.Key}
	if c := w.v.auth.chainOf(o.Key); c != nil && o.box != nil {
		for _, s := range c.steps {
			keys = append(keys, s.box.Key)
		}
	}
	return keys
}

// under calls fn for what the store holds under numbers up to n. What lies
// under a number below was left by blocks that are lost.
func (w *walk) under(ctx context.Context, where int, n uint64, fn func(listed)) {
	l := w.data[where]
	for o, ok := l.peek(ctx); ok; o, ok = l.peek(ctx) {
		m, _, valid := ledger.ParseDataKey(w.lane, o.key)
		if valid && m > n {
			return
		}
		l.skip()
		if !valid {
			w.v.findForeign(where, o.key)
		} else if m == n && o.versions > 0 {
			fn(o)
		}
	}
}

// rest looks at what lies above the head.
func (w *walk) rest(ctx context.Context) {
	for where := range stores {
		l := w.data[where]
		for o, ok := l.peek(ctx); ok; o, ok = l.peek(ctx) {
			l.skip()
			m, _, valid := ledger.ParseDataKey(w.lane, o.key)
			if !valid {
				w.v.findForeign(where, o.key)
				continue
			}
			w.countUnnamed(InFlight, where, m, o, "The object lies above the lane's head: a step that is being made, or was given up.")
		}
	}
}

// unnamed counts what a block's number holds and the block does not name. A
// snapshot may be named by a later entry, and waits for that.
func (w *walk) unnamed(where int, n uint64, o listed) {
	if where == meta && o.key == ledger.DataKey(w.lane, n, "snapshot") {
		w.versions(where, &n, o)
		w.kept.loose[o.key] = o.size
		return
	}
	w.countUnnamed(Waste, where, n, o, "No block names this object: its writer stored it and lost the number.")
}

func (w *walk) countUnnamed(class Class, where int, n uint64, o listed, sentence string) {
	w.v.count(func(r *Report) {
		c := &r.Waste
		if class == InFlight {
			c = &r.InFlight
		}
		c.Objects++
		c.Bytes += o.size
	})
	w.v.find(Finding{Class: class, Code: CodeUnnamed, Lane: w.lane, Entry: &n, Store: storeNames[where], Object: o.key, Sentence: sentence})
}

// object judges one named object, by what the listing found.
func (w *walk) object(ctx context.Context, n uint64, o named, found map[place]listed) {
	if o.box != nil && o.box.Locked() {
		w.notErased(n, o)
	}
	switch {
	case o.box != nil && !o.box.Locked():
		w.box(ctx, n, o, found)
	case !o.check:
	default:
		w.v.pool.submit(func() {
			w.content(ctx, n, o, func(body []byte) { w.rows(n, o, body, nil) })
		})
	}
}

// content reads an object, holds it to its hash, size and lock, and hands it on
// if it is right. It runs on a worker.
func (w *walk) content(ctx context.Context, n uint64, o named, then func(body []byte)) {
	if ctx.Err() != nil {
		return
	}
	info, err := w.v.store[o.where].Head(ctx, o.Key)
	if err != nil {
		w.unread(ctx, n, o, err)
		return
	}
	if !o.retain.IsZero() {
		w.lock(n, o.Key, info, o.retain)
	}
	if info.Size != o.Bytes {
		w.failIn(o.where, CodeChanged, &n, o.Key, fmt.Sprintf("The object has %d bytes and must have %d.", info.Size, o.Bytes))
		return
	}
	body, sum, err := w.read(ctx, o, then != nil && o.box != nil)
	if err != nil {
		w.unread(ctx, n, o, err)
		return
	}
	w.v.count(func(r *Report) { r.Bytes += info.Size })
	if sum != o.SHA256 || info.SHA256 != (ledger.Hash{}) && info.SHA256 != sum {
		if _, _, err := w.v.store[o.where].Get(ctx, o.Key); err != nil { // the store may know better what is wrong
			w.unread(ctx, n, o, err)
			return
		}
	}
	if sum != o.SHA256 {
		w.v.find(Finding{Class: Failure, Code: CodeChanged, Lane: w.lane, Entry: &n, Store: storeNames[o.where], Object: o.Key, Range: &Range{0, o.Bytes},
			Sentence: "The object's bytes are not those whose hash the entry names: it was changed or replaced."})
		return
	}
	if o.box != nil && then != nil {
		then(body)
	}
}

func (w *walk) unread(ctx context.Context, n uint64, o named, err error) {
	switch {
	case ctx.Err() != nil:
	case notFound(err) && o.box != nil && !o.box.Locked() && w.v.doubt(w, n, o):
	case notFound(err):
		w.failIn(o.where, CodeMissing, &n, o.Key, "The entry names an object that is not there.")
	default:
		w.failIn(o.where, CodeUnreadable, &n, o.Key, fmt.Sprintf("The object cannot be read: %v.", err))
	}
}

// partSize is how much of an object is read at once.
const partSize = 1 << 20

// read gives the object's hash, and its bytes where they are wanted. A store that
// checks what it gives would hash it once more: that is left to the mismatch.
func (w *walk) read(ctx context.Context, o named, whole bool) ([]byte, ledger.Hash, error) {
	s := w.v.store[o.where]
	if whole {
		body, _, err := s.Get(ctx, o.Key)
		return body, ledger.Sum(body), err
	}
	part, ok := w.v.parts.Get().(*[partSize]byte)
	if !ok {
		part = new([partSize]byte)
	}
	defer w.v.parts.Put(part)
	d := sha256.New()
	for off := int64(0); off < o.Bytes; {
		k, err := s.ReadAt(ctx, o.Key, part[:min(partSize, o.Bytes-off)], off)
		if k == 0 {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, ledger.Hash{}, err
		}
		d.Write(part[:k])
		off += int64(k)
	}
	return nil, ledger.Hash(d.Sum(nil)), nil
}
