package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// opener knows how the small archive makes its leaves. change may alter what
// it answers.
type opener struct {
	a      *archive
	change func(e *ledger.Entry, list []Opened) []Opened
	fail   error // of Rows

	mu    sync.Mutex
	boxes []string
}

var errOpen = errors.New("does not open")

func (o *opener) Leaves(ctx context.Context, e *ledger.Entry, boxes Boxes, fn func(Opened)) error {
	if _, err := boxes(ctx, e.Lane, e.N); err != nil {
		return err
	}
	var list []Opened
	for i := range e.Records {
		h := ledger.LeafHash(fmt.Appendf(nil, "%s/%d/%d", e.Lane, e.N, i))
		if e.Lane == record.Control {
			body, _, err := o.a.locked.Get(ctx, ledger.BlockKey(e.Lane, e.N))
			if err != nil {
				return err
			}
			b, err := ledger.DecodeBlock(body)
			if err != nil {
				return err
			}
			h = b.Leaves[i]
		}
		list = append(list, Opened{Hash: h})
	}
	if o.change != nil {
		list = o.change(e, list)
	}
	for _, l := range list {
		fn(l)
	}
	return nil
}

func (o *opener) Rows(_ context.Context, _ record.Lane, _ uint64, box ledger.Box) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.boxes = append(o.boxes, box.Key)
	return o.fail
}

func TestDeep(t *testing.T) {
	a := small(t)
	o := &opener{a: a}
	r := a.verify(func(c *Config) { c.Opener = o })
	r.expect(t)
	if !r.Deep || r.Leaves != r.Records+r.Bodies || r.Records == 0 || r.Gone != 0 {
		t.Errorf("%d leaves of %d records, %d gone", r.Leaves, r.Records, r.Gone)
	}
	erased := false
	for _, key := range o.boxes {
		erased = erased || key == ledger.DataKey("0", 1, "box-1.2")
		if key == ledger.DataKey("0", 1, "box-1") {
			t.Error("the box before an erasure was to be opened")
		}
	}
	if !erased {
		t.Error("the box that an erasure left was not opened")
	}

	at := func(fn func([]Opened) []Opened) func(*ledger.Entry, []Opened) []Opened {
		return func(e *ledger.Entry, list []Opened) []Opened {
			if e.Lane == "0" && e.N == 1 {
				return fn(list)
			}
			return list
		}
	}
	seg := ledger.DataKey("0", 1, "seg-0")
	for name, tc := range map[string]struct {
		o    *opener
		want []Finding
	}{
		"another record": {&opener{change: at(func(l []Opened) []Opened { l[1] = Opened{Hash: ledger.Sum(nil), Object: seg}; return l })}, []Finding{{Class: Failure, Code: CodeLeaf, Object: seg}}},
		"not opened":     {&opener{change: at(func(l []Opened) []Opened { l[1] = Opened{Err: errOpen, Object: seg}; return l })}, []Finding{{Class: Failure, Code: CodeOpen, Object: seg}}},
		"one missing":    {&opener{change: at(func(l []Opened) []Opened { return l[:1] })}, []Finding{{Class: Failure, Code: CodeLeaf}}},
		"one too many":   {&opener{change: at(func(l []Opened) []Opened { return append(l, l[0]) })}, []Finding{{Class: Failure, Code: CodeLeaf}}},
		"swapped":        {&opener{change: at(func(l []Opened) []Opened { return []Opened{l[1], l[0]} })}, []Finding{{Class: Failure, Code: CodeLeaf}}},
		"erased":         {&opener{change: at(func(l []Opened) []Opened { l[0] = Opened{Erased: true}; return l })}, nil},
		"rows":           {&opener{fail: errOpen}, []Finding{{Class: Failure, Code: CodeOpen, Object: ledger.DataKey("1", 0, "box-1")}}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.a = a
			r := a.verify(func(c *Config) { c.Opener = tc.o })
			r.expect(t, tc.want...)
			if name == "erased" && (r.Gone != 1 || r.Leaves != r.Records+r.Bodies-1) {
				t.Errorf("%d gone, %d leaves", r.Gone, r.Leaves)
			}
		})
	}
}

// A store that fails, an ended context, and a Config that lacks something.
func TestUnreadable(t *testing.T) {
	a := small(t)
	key := ledger.DataKey("0", 1, "seg-0")
	r := a.verify(func(c *Config) { c.Locked = broken{c.Locked, key} })
	r.expect(t, Finding{Class: Failure, Code: CodeUnreadable, Object: key})

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, a.config()); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	cfg := a.config()
	cfg.RowHashes = nil
	if _, err := Run(context.Background(), cfg); err == nil {
		t.Error("without RowHashes rows cannot be held to their roots, and it does not say so")
	}
}

// broken cannot read one key.
type broken struct {
	Store
	key string
}

func (b broken) Get(ctx context.Context, key string) (body []byte, info worm.Info, err error) {
	if key == b.key {
		return nil, info, errOpen
	}
	return b.Store.Get(ctx, key)
}

func (b broken) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if key == b.key {
		return 0, errOpen
	}
	return b.Store.ReadAt(ctx, key, p, off)
}

// Findings beyond the limit are counted and told, and not kept.
func TestFindingLimit(t *testing.T) {
	a := small(t)
	for n := range uint64(4) {
		a.locked.Remove(ledger.DataKey("0", n, "seg-0"))
	}
	told := 0
	r := a.verify(func(c *Config) { c.MaxFindings, c.Found = 2, func(Finding) { told++ } })
	if r.Failures != 4 || len(r.Findings) != 2 || told != 4 {
		t.Errorf("%d failures, %d kept, %d told", r.Failures, len(r.Findings), told)
	}
}
