package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// crew runs members of one group in this process and knows who runs which lane.
type crew struct {
	t     *testing.T
	addr  string
	topic string
	own   int32 // partitions of the topic
	all   int32 // lanes

	mu     sync.Mutex
	cond   *sync.Cond
	runs   map[int32]string // lane to member
	starts map[string]int   // "member lane" to how often
	clash  []string
}

func newCrew(t *testing.T, addr, topic string, own, all int32) *crew {
	c := &crew{t: t, addr: addr, topic: topic, own: own, all: all, runs: map[int32]string{}, starts: map[string]int{}}
	c.cond = sync.NewCond(&c.mu)
	return c
}

type mate struct {
	name  string
	group *Group
	stop  context.CancelFunc
	done  chan struct{}
}

func (c *crew) join(name string) *mate {
	c.t.Helper()
	s := source(c.t, c.addr)
	g := s.Group(GroupOptions{Name: c.topic, Topic: c.topic, Session: 6 * time.Second, Commit: 20 * time.Millisecond})
	ctx, stop := context.WithCancel(context.WithoutCancel(c.t.Context()))
	m := &mate{name: name, group: g, stop: stop, done: make(chan struct{})}
	count := func(ctx context.Context) (own, all int32, err error) {
		own, err = s.Partitions(ctx, c.topic)
		return own, max(own, c.all), err
	}
	go func() {
		defer close(m.done)
		g.Run(ctx, count, func(ctx context.Context, lane int32) {
			c.note(lane, name, true)
			<-ctx.Done()
			c.note(lane, name, false)
		})
	}()
	c.t.Cleanup(m.leave)
	return m
}

func (m *mate) leave() {
	m.stop()
	<-m.done
}

func (c *crew) note(lane int32, name string, begins bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if begins {
		if other := c.runs[lane]; other != "" {
			c.clash = append(c.clash, fmt.Sprintf("%s began lane %d while %s ran it", name, lane, other))
		}
		c.runs[lane] = name
		c.starts[fmt.Sprint(name, " ", lane)]++
	} else if c.runs[lane] == name {
		delete(c.runs, lane)
	}
	c.cond.Broadcast()
}

// shared waits until all lanes are run, by these members, evenly, and gives who
// runs what.
func (c *crew) shared(members ...string) map[int32]string {
	c.t.Helper()
	defer context.AfterFunc(c.t.Context(), c.cond.Broadcast)()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		by := map[string]int{}
		out := map[int32]string{}
		for lane, m := range c.runs {
			if lane < c.own {
				by[m]++
			}
			out[lane] = m
		}
		even := len(by) == len(members) && len(out) == int(c.all)
		for _, m := range members {
			even = even && by[m] >= int(c.own)/len(members)
		}
		if even {
			return out
		}
		if c.t.Context().Err() != nil {
			c.t.Fatalf("lanes are run by %v", c.runs)
		}
		c.cond.Wait()
	}
}

// TestGroup: members come and go. Lanes move, none is run by two at a time, and
// one that stays is not begun again.
func TestGroup(t *testing.T) {
	t.Parallel()
	b, err := StartEmbedded(t.Context(), t.TempDir(), BrokerOptions{Topics: map[string]int32{"g": 4}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	testGroup(t, b.Addr(), "g")
}

func testGroup(t *testing.T, addr, topic string) {
	c := newCrew(t, addr, topic, 4, 6)
	a := c.join("a")
	c.shared("a")
	b := c.join("b")
	two := c.shared("a", "b")
	for lane, m := range two {
		if lane >= 4 && two[lane%4] != m {
			t.Errorf("lane %d is run by %s, lane %d by %s", lane, m, lane%4, two[lane%4])
		}
	}
	d := c.join("d")
	c.shared("a", "b", "d")
	a.leave()
	c.shared("b", "d")
	d.leave()
	c.shared("b")
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.clash {
		t.Error(x)
	}
	kept := 0
	for lane, m := range two {
		if m == "b" {
			if n := c.starts[fmt.Sprint("b ", lane)]; n == 1 {
				kept++
			}
		}
	}
	if kept < 1 {
		t.Errorf("b began every lane again: %v", c.starts)
	}
	if err := b.group.Confirm(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPositions: positions are committed for others to see, and nothing of ours
// reads them.
func TestPositions(t *testing.T) {
	t.Parallel()
	b := start(t, "p")
	testPositions(t, b.Addr(), "p")
}

func testPositions(t *testing.T, addr, topic string) {
	c := newCrew(t, addr, topic, 2, 2)
	a := c.join("a")
	c.shared("a")
	a.group.Reached(topic, 0, 5)
	a.group.Reached(topic, 0, 7)
	a.leave()
	cl := foreign(t, addr, topic, kgo.ClientID("lag tool"))
	req := kmsg.NewOffsetFetchRequest()
	req.Group = topic
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic, rt.Partitions = topic, []int32{0}
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(t.Context(), cl)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Topics) != 1 || res.Topics[0].Partitions[0].Offset != 7 {
		t.Fatalf("committed: %+v", res.Topics)
	}
}

// TestGroupWaits: a group whose topic is not there, or whose broker is away, says
// so and waits; once all is well its lanes run.
func TestGroupWaits(t *testing.T) {
	t.Parallel()
	b := start(t)
	c := newCrew(t, b.Addr(), "late", 3, 3)
	m := c.join("a")
	for {
		m.group.mu.Lock()
		err, changed := m.group.err, m.group.changed
		m.group.mu.Unlock()
		if errors.Is(err, ErrNoTopic) {
			break
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("it says that it waits for %v", err)
		}
	}
	if err := b.cluster.CreateTopic("late", 3, nil); err != nil {
		t.Fatal(err)
	}
	c.shared("a")
	if lanes, err := m.group.Lanes(t.Context()); !slices.Equal(lanes, []int32{0, 1, 2}) || err != nil {
		t.Errorf("lanes %v, %v", lanes, err)
	}
	if joined, err := m.group.Joined(); !joined || err != nil {
		t.Errorf("joined %v, %v", joined, err)
	}
}
