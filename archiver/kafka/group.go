package kafka

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
)

// GroupOptions of a Group.
type GroupOptions struct {
	Name  string // group id
	Topic string // whose partitions are the lanes

	// Session is how long a member may be silent before its lanes are given to
	// others: 10 s. The broker bounds it (group.min.session.timeout.ms, 6 s).
	Session time.Duration
	// Rebalance is how long the others wait for a member to join again: 1 min.
	Rebalance time.Duration
	// Recount is how often partitions are counted: 30 s.
	Recount time.Duration
	// Commit is how often positions are committed: 5 s.
	Commit time.Duration
}

func (o GroupOptions) withDefaults() GroupOptions {
	for _, d := range []struct {
		of  *time.Duration
		def time.Duration
	}{{&o.Session, 10 * time.Second}, {&o.Rebalance, time.Minute}, {&o.Recount, 30 * time.Second}, {&o.Commit, 5 * time.Second}} {
		if *d.of <= 0 {
			*d.of = d.def
		}
	}
	return o
}

// Group is a member of a consumer group, which divides lanes among archivers. It
// subscribes to one topic and speaks the classic protocol with an assignment of
// its own (share): a lane that stays goes on through a rebalance, one that moves is
// first let go of and then given. The group keeps archivers out of each other's
// way, no more: what keeps a lane from two writers is its next block.
type Group struct {
	src  *Source
	opts GroupOptions

	mu         sync.Mutex
	member     string
	generation int32
	joined     bool
	beat       time.Time     // when the last heartbeat that was answered well was sent
	changed    chan struct{} // closed and made anew with each beat and each assignment
	held       []int32       // what the last assignment gave us
	err        error         // why there is no membership now
	positions  map[place]int64
	committed  map[place]int64

	lanes map[int32]*tenure // only of Run's goroutine
}

// tenure is the time a lane is ours.
type tenure struct {
	stop   context.CancelFunc
	done   chan struct{}
	ending bool
	lost   bool // given to others while it ran: no longer ours to claim
}

// place is a partition of a topic.
type place struct {
	Topic     string
	Partition int32
}

// Counter gives the number of partitions of the group's topic, and of lanes.
type Counter func(context.Context) (own, all int32, err error)

// Work runs a lane until ctx ends, then finishes what is under way and returns.
type Work func(ctx context.Context, lane int32)

// Group gives a member of a group, which joins with Run.
func (s *Source) Group(opts GroupOptions) *Group {
	return &Group{
		src: s, opts: opts.withDefaults(), changed: make(chan struct{}), lanes: map[int32]*tenure{},
		positions: map[place]int64{}, committed: map[place]int64{},
	}
}

// errLost says that the coordinator does not know the member any more.
var errLost = errors.New("left out of the group: its lanes are others' now")

// leaveTimeout bounds each of the last calls.
const leaveTimeout = 3 * time.Second

// Run joins the group and runs the lanes it is given, each in work of its own,
// until ctx ends; then it waits for them, commits positions and leaves. Whatever
// goes wrong is logged, shown by Err and tried again for as long.
func (g *Group) Run(ctx context.Context, count Counter, work Work) {
	for n := 0; ctx.Err() == nil; {
		err := g.live(ctx, count, work)
		switch {
		case ctx.Err() != nil:
		case err == nil: // the group changes: join again
			n = 0
			continue
		case errors.Is(err, errLost):
			g.forget()
			g.release(nil)
			for _, t := range g.lanes {
				t.lost = true
			}
		}
		if ctx.Err() != nil {
			break
		}
		g.say(err)
		g.src.opts.Log.LogAttrs(ctx, slog.LevelWarn, "kafka: group", slog.String("group", g.opts.Name), slog.Any("error", err))
		if pause(ctx, min(100*time.Millisecond<<min(n, 6), 5*time.Second)) != nil {
			break
		}
		n++
	}
	g.end(context.WithoutCancel(ctx))
}

// end stops all lanes, staying a member until they have finished.
func (g *Group) end(ctx context.Context) {
	released := g.release(nil)
	tick := time.NewTicker(g.opts.Session / 4)
	defer tick.Stop()
	for wait := true; wait; {
		select {
		case <-released:
			wait = false
		case <-tick.C:
			_ = g.heartbeat(ctx) // politeness: nobody is to wait for a session to run out, nor to race
		}
	}
	g.commit(ctx)
	g.leave(ctx)
}

// live is one generation of the group: join, take what is assigned, and stay until
// something changes (nil) or fails.
func (g *Group) live(ctx context.Context, count Counter, work Work) error {
	own, all, err := count(ctx)
	if err != nil {
		return err
	}
	lanes, leads, err := g.join(ctx, own, all)
	if err != nil {
		return err
	}
	released := g.release(lanes)
	for _, n := range lanes {
		g.start(ctx, n, work)
	}
	g.hold(lanes)
	g.src.opts.Log.LogAttrs(ctx, slog.LevelInfo, "kafka: lanes", slog.String("group", g.opts.Name), slog.Any("lanes", lanes))
	beat, recount, commit := time.NewTicker(g.opts.Session/4), time.NewTicker(g.opts.Recount), time.NewTicker(g.opts.Commit)
	defer beat.Stop()
	defer recount.Stop()
	defer commit.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-released:
			return nil // others may have them now
		case <-commit.C:
			g.commit(ctx)
		case <-recount.C:
			if o, a, err := count(ctx); leads && err == nil && (o != own || a != all) {
				return nil
			}
		case <-beat.C:
			switch err := g.heartbeat(ctx); {
			case errors.Is(err, kafkago.RebalanceInProgress):
				return nil
			case errors.Is(err, errLost):
				return err
			case err != nil:
				g.src.opts.Log.LogAttrs(ctx, slog.LevelWarn, "kafka: heartbeat", slog.String("group", g.opts.Name), slog.Any("error", err))
			}
		}
	}
}

// release stops the lanes that are not among keep. The channel is closed when all
// of them have finished; nil where there are none and keep is not nil.
func (g *Group) release(keep []int32) chan struct{} {
	var ending []*tenure
	for n, t := range g.lanes {
		if !slices.Contains(keep, n) {
			t.ending = true
			t.stop()
		}
		if t.ending {
			ending = append(ending, t)
		}
	}
	if len(ending) == 0 && keep != nil {
		return nil
	}
	released := make(chan struct{})
	go func() {
		defer close(released)
		for _, t := range ending {
			<-t.done
		}
	}()
	return released
}

// start runs a lane, behind an earlier tenure of it that is still ending.
func (g *Group) start(ctx context.Context, n int32, work Work) {
	before := g.lanes[n]
	if before != nil && !before.ending {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	t := &tenure{stop: stop, done: make(chan struct{})}
	g.lanes[n] = t
	go func() {
		defer close(t.done)
		defer stop()
		if before != nil {
			<-before.done
		}
		if ctx.Err() == nil {
			work(ctx, n)
		}
	}()
}

// running lists the lanes that are ours or that we have not let go of yet, and
// forgets those we have.
func (g *Group) running() []int32 {
	lanes := []int32{}
	for n, t := range g.lanes {
		select {
		case <-t.done:
			if t.ending {
				delete(g.lanes, n)
				continue
			}
		default:
		}
		if !t.lost {
			lanes = append(lanes, n)
		}
	}
	slices.Sort(lanes)
	return lanes
}

// Confirm waits until the coordinator has confirmed that we are a member, later
// than now. The context of a lane's work ends where that lane is lost.
func (g *Group) Confirm(ctx context.Context) error {
	since := time.Now()
	for {
		g.mu.Lock()
		confirmed, changed := g.beat.After(since), g.changed
		g.mu.Unlock()
		if confirmed {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Name is the group's id.
func (g *Group) Name() string { return g.opts.Name }

// Check answers ErrDenied where our user may not use the group. It does not join.
func (g *Group) Check(ctx context.Context) error {
	return g.src.retry(ctx, "group "+g.opts.Name, func(ctx context.Context) error {
		res, err := g.src.coordinator(ctx, g.opts.Name, heartbeatVersion, &heartbeat.Request{GroupID: g.opts.Name, GenerationID: 0, MemberID: "nobody"})
		if err != nil {
			return err
		}
		switch err := code(res.(*heartbeat.Response).ErrorCode); {
		case errors.Is(err, kafkago.UnknownMemberId), errors.Is(err, kafkago.IllegalGeneration), errors.Is(err, kafkago.GroupIdNotFound), errors.Is(err, kafkago.RebalanceInProgress):
			return nil // as it must be: we are no member
		default:
			return err
		}
	})
}

// Joined says whether we are a member, and if not, why.
func (g *Group) Joined() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.joined, g.err
}

// Lanes gives the lanes that are ours. It waits until we are a member.
func (g *Group) Lanes(ctx context.Context) ([]int32, error) {
	for {
		g.mu.Lock()
		joined, held, changed := g.joined, g.held, g.changed
		g.mu.Unlock()
		if joined && held != nil {
			return held, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (g *Group) hold(lanes []int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held, g.err = lanes, nil
	g.wake()
}

// tell notes a confirmation; g.mu is held.
func (g *Group) tell(sent time.Time) {
	g.beat = sent
	g.wake()
}

// wake wakes whoever waits for a change; g.mu is held.
func (g *Group) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *Group) identity() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.member
}

func (g *Group) round() int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.generation
}

func (g *Group) become(member string, generation int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.member, g.generation = member, generation
}

func (g *Group) say(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err = err
	g.wake()
}

// forget ends the membership on our side.
func (g *Group) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.member, g.generation, g.joined, g.held = "", -1, false, nil
	clear(g.committed)
}
