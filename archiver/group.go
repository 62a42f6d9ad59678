package archiver

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// share runs the lanes that the group gives us, until ctx ends. A lane that can
// never go on stays with us and says why in its progress.
func (a *Archiver) share(ctx context.Context) error {
	a.cfg.Group.Run(ctx, a.count, func(mine context.Context, partition int32) {
		l := record.PartitionLane(partition)
		a.update(l, func(p *Progress) { p.Left = false })
		if err := a.runLane(mine, partition, false); err == nil && ctx.Err() == nil {
			a.update(l, func(p *Progress) { p.Left, p.Err = true, nil })
		}
	})
	return nil
}

// stillOurs waits, after another writer was faster, until the group confirms that
// the lane is ours: whoever woke up late finds out here that it is not.
func (a *Archiver) stillOurs(ctx context.Context, err error) bool {
	if a.cfg.Group == nil || !errors.Is(err, lane.ErrFenced) {
		return ctx.Err() == nil
	}
	return a.cfg.Group.Confirm(ctx) == nil
}

// count gives the number of partitions of the webhooks topic, and of lanes: the
// most partitions any topic has. It asks for as long as it takes: a broker that is
// away, refuses us or lacks the topic is somebody's to mend, at any time.
func (a *Archiver) count(ctx context.Context) (own, all int32, err error) {
	for n := 0; ; n++ {
		own, all, err = a.countOnce(ctx)
		a.waitsFor(err)
		if err == nil || ctx.Err() != nil {
			return own, all, err
		}
		a.cfg.Log.Warn("kafka: waiting", "err", err)
		if err := a.cfg.Sleep(ctx, lane.Backoff(n)); err != nil {
			return 0, 0, err
		}
	}
}

func (a *Archiver) countOnce(ctx context.Context) (own, all int32, err error) {
	for _, t := range a.cfg.Topics {
		n, err := a.cfg.Source.Partitions(ctx, t.Name)
		switch {
		case t.Role == whatsapp.RoleWebhooks && err == nil:
			own = n
		case errors.Is(err, kafka.ErrNoTopic) && t.Role != whatsapp.RoleWebhooks:
		case errors.Is(err, kafka.ErrDenied) && t.Role != whatsapp.RoleWebhooks:
			a.cfg.Log.Warn("topic is not archived", "topic", t.Name, "err", err)
		case err != nil:
			return 0, 0, fmt.Errorf("count lanes: %w", err)
		}
		all = max(all, n)
	}
	return own, all, nil
}

// What an archiver waits for before anything has failed.
var (
	errAsking  = errors.New("kafka has not answered yet")
	errJoining = errors.New("the consumer group has not given us lanes yet")
)

// waitsFor notes why no lane can be run.
func (a *Archiver) waitsFor(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = err
}

// Waiting says why no lane can be run, or shared with others: Kafka is away, does
// not know us or the topic; nil where all is well.
func (a *Archiver) Waiting() error {
	a.mu.Lock()
	err := a.waiting
	a.mu.Unlock()
	if g := a.cfg.Group; err == nil && g != nil {
		joined := false
		if joined, err = g.Joined(); !joined && err == nil {
			err = errJoining
		}
	}
	return err
}

// Lanes is the number of lanes that are ours to run now. It waits until that is
// known.
func (a *Archiver) Lanes(ctx context.Context) (int, error) {
	if g := a.cfg.Group; g != nil {
		lanes, err := g.Lanes(ctx)
		return len(lanes), err
	}
	_, all, err := a.count(ctx)
	return int(all), err
}
