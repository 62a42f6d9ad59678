package verify

import (
	"context"

	"github.com/waxseal/waxseal/ledger"
)

// kept is what a lane must keep so that another host can take it over: the last
// two snapshots, and the outboxes above the older of them. Which these are is
// known at the lane's end only, so the candidates wait here; there are as many
// as outboxes between two snapshots.
type kept struct {
	snapshots []snapshot // the last two that entries name
	outboxes  []outbox
	loose     map[string]int64 // stored snapshots that no entry has named yet, with their size
}

type snapshot struct {
	object ledger.Snapshot
	entry  uint64
}

type outbox struct {
	object ledger.Object
	entry  uint64
}

// snapshot takes up the snapshot that an entry names, and drops what need not
// be kept any more.
func (k *kept) snapshot(w *walk, n uint64, e *ledger.Entry) {
	if e.Snapshot == nil {
		return
	}
	key := ledger.BlockKey(w.lane, n)
	if m, _, ok := ledger.ParseDataKey(w.lane, e.Snapshot.Key); !ok || m > n || e.Snapshot.At >= n {
		w.fail(CodeMisplaced, &n, key, "The entry names a snapshot that does not lie in its lane before it.")
		return
	}
	if i := len(k.snapshots) - 1; i >= 0 && k.snapshots[i].object.Key == e.Snapshot.Key {
		return // named again
	}
	k.snapshots = append(k.snapshots, snapshot{*e.Snapshot, n})
	if len(k.snapshots) > 2 {
		k.snapshots = k.snapshots[1:]
	}
	delete(k.loose, e.Snapshot.Key)
	if len(k.snapshots) < 2 {
		return
	}
	older := k.snapshots[0].object.At
	i := 0
	for i < len(k.outboxes) && k.outboxes[i].entry <= older {
		i++
	}
	k.outboxes = append([]outbox(nil), k.outboxes[i:]...)
}

// outbox takes up the outbox of an entry.
func (k *kept) outbox(n uint64, e *ledger.Entry) {
	if e.Outbox != nil {
		k.outboxes = append(k.outboxes, outbox{*e.Outbox, n})
	}
}

// finish reads what must be kept.
func (k *kept) finish(ctx context.Context, w *walk) {
	for _, o := range k.outboxes {
		w.v.pool.submit(func() { w.content(ctx, o.entry, named{Object: o.object, where: meta}, nil) })
	}
	for _, s := range k.snapshots {
		w.v.pool.submit(func() { w.content(ctx, s.entry, named{Object: s.object.Object, where: meta}, nil) })
	}
	for key, size := range k.loose {
		if n, _, _ := ledger.ParseDataKey(w.lane, key); !k.names(key) && n+1 < w.next {
			w.countUnnamed(Waste, meta, n, listed{key: key, size: size}, "No entry names this snapshot of the lane's state.")
		}
	}
}

func (k *kept) names(key string) bool {
	for _, s := range k.snapshots {
		if s.object.Key == key {
			return true
		}
	}
	return false
}
