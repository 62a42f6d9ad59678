package kafka

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// settle repeats what members do: take what they are given, let go of the rest,
// and join again, until nothing moves. It gives how often they had to.
func settle(t *testing.T, own, all int32, running claims) int {
	t.Helper()
	for round := 1; ; round++ {
		got := share(own, all, running)
		given := map[int32]string{}
		moved := false
		for m, lanes := range got {
			for _, n := range lanes {
				if other, twice := given[n]; twice {
					t.Fatalf("lane %d is given to %s and %s", n, other, m)
				}
				given[n] = m
				for o, has := range running {
					if o != m && slices.Contains(has, n) {
						t.Fatalf("lane %d is given to %s while %s runs it", n, m, o)
					}
				}
			}
		}
		for m := range running {
			moved = moved || !slices.Equal(running[m], got[m])
			running[m] = got[m]
		}
		if !moved {
			return round
		}
		if round > 3 {
			t.Fatal("does not settle")
		}
	}
}

func sizes(c claims) (least, most, all int) {
	least = 1 << 30
	for _, lanes := range c {
		least, most, all = min(least, len(lanes)), max(most, len(lanes)), all+len(lanes)
	}
	return least, most, all
}

// TestShare: every lane is run by one member, evenly; a member that comes or goes
// moves no more than it must.
func TestShare(t *testing.T) {
	t.Parallel()
	c := claims{"a": nil}
	settle(t, 7, 7, c)
	for _, m := range []string{"b", "c", "0"} {
		before := claims{}
		for k, v := range c {
			before[k] = slices.Clone(v)
		}
		c[m] = nil
		settle(t, 7, 7, c)
		least, most, all := sizes(c)
		if all != 7 || most-least > 1 {
			t.Fatalf("shared unevenly: %v", c)
		}
		for k, v := range before {
			for _, n := range c[k] {
				if !slices.Contains(v, n) {
					t.Errorf("%s came and lane %d went to %s, who was there before", m, n, k)
				}
			}
		}
	}
	kept := slices.Clone(c["b"])
	delete(c, "a")
	settle(t, 7, 7, c)
	for _, n := range kept {
		if !slices.Contains(c["b"], n) {
			t.Errorf("a left and b lost lane %d", n)
		}
	}
	if _, _, all := sizes(c); all != 7 {
		t.Errorf("lanes are run by nobody: %v", c)
	}
	if more := (claims{"a": nil, "b": nil, "c": nil}); settle(t, 2, 2, more) > 2 || fmt.Sprint(more["a"], more["b"], more["c"]) != "[0] [1] []" {
		t.Errorf("more members than lanes: %v", more)
	}
}

// TestShareBeyond: lanes beyond the topic's partitions go with the lane of their
// number mod the partitions.
func TestShareBeyond(t *testing.T) {
	t.Parallel()
	c := claims{"a": nil, "b": nil}
	settle(t, 3, 8, c)
	owner := map[int32]string{}
	for m, lanes := range c {
		for _, n := range lanes {
			owner[n] = m
		}
	}
	for n := range int32(8) {
		if owner[n] == "" || owner[n] != owner[n%3] {
			t.Errorf("lane %d is run by %q, lane %d by %q", n, owner[n], n%3, owner[n%3])
		}
	}
	settle(t, 4, 8, c) // the topic gets a partition
	if _, _, all := sizes(c); all != 8 {
		t.Errorf("after a partition was added: %v", c)
	}
}

// TestShareRandom: whatever members claim, no lane is given twice, and all settle.
func TestShareRandom(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		own := 1 + r.Int32N(9)
		all := own + r.Int32N(5)
		c := claims{}
		for m := range 1 + r.IntN(5) {
			var lanes []int32
			for n := range all + 2 {
				if r.IntN(3) == 0 {
					lanes = append(lanes, n)
				}
			}
			c[fmt.Sprint(m)] = lanes
		}
		settle(t, own, all, c)
		if _, _, n := sizes(c); n != int(all) {
			t.Fatalf("%d lanes of %d are run", n, all)
		}
	}
}

func TestLanesCode(t *testing.T) {
	t.Parallel()
	for _, lanes := range [][]int32{nil, {0}, {3, 1 << 20}} {
		if got, err := decodeLanes(encodeLanes(lanes)); err != nil || !slices.Equal(got, lanes) {
			t.Errorf("%v became %v, %v", lanes, got, err)
		}
	}
	for _, b := range [][]byte{nil, {2}, {1, 0}, []byte("consumer")} {
		if _, err := decodeLanes(b); err == nil {
			t.Errorf("%x was taken for lanes", b)
		}
	}
}
