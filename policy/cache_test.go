package policy

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"unsafe"
)

// TestTimeoutSlot: an answer asked for anew takes the place of the old one.
func TestTimeoutSlot(t *testing.T) {
	c := newCache(2)
	for _, kind := range []string{"a", "b", "b", "c"} {
		if _, err := c.put(&Input{Kind: kind}, &Answer{}, ErrTimeout); !errors.Is(err, ErrTimeout) {
			t.Fatal(err)
		}
	}
	if len(c.answers) != 2 || len(c.ring) != 2 {
		t.Fatalf("%d answers in %d slots", len(c.answers), len(c.ring))
	}
	for i, r := range c.ring {
		if r.slot != i || c.answers[r.in] != r {
			t.Errorf("slot %d holds what is kept elsewhere", i)
		}
	}
}

// TestMemory is the differential test: with a memory far too small, many callers
// and inputs in any order get what plain evaluation gives.
func TestMemory(t *testing.T) {
	e := load(t, Options{Cache: 7})
	var all []Input
	var want [][]byte
	for in := range inputs() {
		if len(all) == 300 {
			break
		}
		d, err := e.evaluate(context.Background(), &in)
		if err != nil {
			t.Fatal(err)
		}
		a, err := answer(&in, d)
		if err != nil {
			t.Fatal(err)
		}
		all, want = append(all, in), append(want, a.JSON)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2 * len(all) {
				n := (i/2*(w+1) + w) % len(all)
				a, err := e.Decide(context.Background(), &all[n])
				if err != nil || string(a.JSON) != string(want[n]) {
					t.Errorf("input %d: %v", n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(e.cache.answers); n != 7 || len(e.cache.ring) != 7 {
		t.Errorf("%d answers remembered, want 7", n)
	}
}

// TestOwnsItsInput: an item's strings alias the record; the memory's must not.
func TestOwnsItsInput(t *testing.T) {
	e := load(t, Options{})
	in := message()
	if _, err := e.Decide(context.Background(), &in); err != nil {
		t.Fatal(err)
	}
	for k := range e.cache.answers {
		a, b := reflect.ValueOf(k), reflect.ValueOf(in)
		for _, f := range reflect.VisibleFields(a.Type()) {
			if f.Type.Kind() != reflect.String || a.FieldByIndex(f.Index).Len() == 0 {
				continue
			}
			if a.FieldByIndex(f.Index).String() != b.FieldByIndex(f.Index).String() {
				t.Errorf("field %s differs", f.Name)
			}
			if unsafe.StringData(a.FieldByIndex(f.Index).String()) == unsafe.StringData(b.FieldByIndex(f.Index).String()) {
				t.Errorf("field %s is not cloned", f.Name)
			}
		}
	}
}

func TestHitAllocates(t *testing.T) {
	e := load(t, Options{})
	in := message()
	ctx := context.Background()
	if _, err := e.Decide(ctx, &in); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = e.Decide(ctx, &in) }); n != 0 {
		t.Errorf("a hit allocates %v times", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	e := load(b, Options{})
	ctx := context.Background()
	var all []Input
	for in := range inputs() {
		all = append(all, in)
	}
	for i := range all {
		if _, err := e.Decide(ctx, &all[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := e.Decide(ctx, &all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := e.evaluate(ctx, &all[i%len(all)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
