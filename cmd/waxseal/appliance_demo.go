package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/cmd/internal/demo"
	"github.com/waxseal/waxseal/ledger"
)

// demoPrefix stands in front of the name of every demonstration's archive, and of
// no other's.
const demoPrefix = "demo/"

// isDemo says whether genesis is of a demonstration: a name alone is not enough.
func isDemo(g ledger.Genesis) bool {
	return strings.HasPrefix(g.Archive, demoPrefix) && g.Mode == ledger.Evaluation
}

// notMeant refuses an archive of the other sort.
func notMeant(set *Settings, g ledger.Genesis) error {
	if isDemo(g) {
		return fmt.Errorf("%s holds a demonstration (%s): 'waxseal run --demo' goes on with it, 'waxseal demo remove' removes it, --data names another folder: %w",
			set.Data, g.Archive, ErrUsage)
	}
	return fmt.Errorf("%s holds the archive %s, which is no demonstration: --data names another folder for one: %w", set.Data, g.Archive, ErrUsage)
}

// forDemo makes the settings those of a demonstration.
func (s *Settings) forDemo() error {
	if s.Broker != "" {
		return fmt.Errorf("the demonstration is played into the embedded broker: leave out broker (%s) or --demo: %w", s.Broker, ErrUsage)
	}
	if len(s.Buckets) > 0 {
		return fmt.Errorf("the demonstration is kept in folders: leave out stores or --demo: %w", ErrUsage)
	}
	if s.Unindexed {
		return fmt.Errorf("the demonstration is searched: leave out index: off or --demo: %w", ErrUsage)
	}
	s.Demo, s.Evaluation, s.Immutable = true, true, false
	s.Name = demoPrefix + s.Name
	return nil
}

// showing is a demonstration in this archive: the day, and where its records lie.
type showing struct {
	day     []demo.Record
	edition string
	where   map[int]record.Coordinates // by number; Era is not known yet
	other   bool                       // records of another version's day were found
	lost    bool                       // records that were archived are gone from the broker
}

// theDay is the day of an archive: genesis is its clock, so that every start
// has the same one.
func theDay(g ledger.Genesis) ([]demo.Record, error) {
	created, err := time.Parse(ledger.TimeFormat, g.Created)
	if err != nil {
		return nil, fmt.Errorf("genesis: created: %w", err)
	}
	return demo.Day(created), nil
}

// play brings what is missing of the day into the broker, before anything of it
// is archived: the lanes then see all topics in the order of their clock. What
// is there is read from the topics themselves, so that neither a kill nor what a
// user fed meanwhile makes a difference.
func (w *works) play(ctx context.Context) (*showing, error) {
	s := &showing{where: map[int]record.Coordinates{}}
	var err error
	w.control.View(func(v *control.View) { s.day, err = theDay(v.Genesis) })
	if err != nil {
		return nil, err
	}
	s.edition = demo.Edition(s.day)
	if err := w.findDay(ctx, s); err != nil {
		return nil, err
	}
	had := maps.Clone(s.where)
	for tries := 0; len(s.where) < len(s.day) && !s.other; tries++ {
		// Feeding ends before archiving begins. What is archived was whole.
		if archived, err := w.archivedAny(ctx); err != nil || archived {
			s.lost = archived
			return s, err
		}
		err := w.feedDay(ctx, s)
		if err != nil && (tries == feedTries || !errors.Is(err, kafka.ErrUncertain) || ctx.Err() != nil) {
			return nil, fmt.Errorf("feed the demonstration: %w", err)
		}
		if err := w.findDay(ctx, s); err != nil {
			return nil, err
		}
	}
	fed := Event{What: "demonstration"}
	for _, r := range s.day {
		if _, ok := had[r.Number]; !ok && !s.other {
			fed.Records++
			fed.Bytes += int64(len(r.Value))
		}
	}
	if fed.Records > 0 {
		w.report(event("fed", fed))
	}
	return s, nil
}

const (
	feedStep  = 20 // records produced in one go
	feedTries = 3  // after answers that leave open whether records were stored
)

// feedDay produces what was not found.
func (w *works) feedDay(ctx context.Context, s *showing) error {
	p, err := kafka.NewProducer([]string{w.address}, kafka.Options{Log: w.env.Log})
	if err != nil {
		return err
	}
	defer p.Close()
	for _, t := range w.set.roles() {
		var missing []*record.Record
		for i := range s.day {
			if _, there := s.where[i]; !there && s.day[i].Role == t.Role {
				missing = append(missing, s.day[i].Kafka(s.edition))
			}
		}
		for some := range slices.Chunk(missing, feedStep) {
			if _, err := p.Produce(ctx, t.Name, some...); err != nil {
				return err
			}
		}
	}
	return nil
}

// findDay reads from the topics which records of the day are there. What lies
// behind the last of them is not read.
func (w *works) findDay(ctx context.Context, s *showing) error {
	clear(s.where)
	for _, t := range w.set.roles() {
		left := 0
		for _, r := range s.day {
			if r.Role == t.Role {
				left++
			}
		}
		n, err := w.source.Partitions(ctx, t.Name)
		if err != nil {
			return fmt.Errorf("look for the demonstration in %s: %w", t.Name, err)
		}
		for p := range n {
			found, err := w.findIn(ctx, s, t.Name, p, left)
			if err != nil {
				return fmt.Errorf("look for the demonstration in %s/%d: %w", t.Name, p, err)
			}
			left -= found
		}
	}
	return nil
}

// findIn reads one partition until so many records of the day were found.
func (w *works) findIn(ctx context.Context, s *showing, topic string, partition int32, left int) (found int, err error) {
	low, high, err := w.source.Watermarks(ctx, topic, partition)
	if err != nil {
		return 0, err
	}
	for r := w.source.Reader(topic, partition, 1, low); r.Offset() < high && found < left && !s.other; {
		b, err := r.Fetch(ctx)
		if err != nil {
			return found, err
		}
		for _, rec := range b.Records {
			n, edition, ok := demo.Number(rec)
			switch _, twice := s.where[n]; {
			case !ok || twice:
			case edition != s.edition || n >= len(s.day):
				s.other = true
			default:
				s.where[n] = rec.Coordinates
				found++
			}
		}
	}
	return found, nil
}

// archivedAny says whether a lane holds anything yet.
func (w *works) archivedAny(ctx context.Context) (bool, error) {
	n, err := w.archiver.Lanes(ctx)
	if err != nil {
		return false, err
	}
	for p := range n {
		b, err := lane.Last(ctx, w.locked, record.PartitionLane(int32(p)), 0)
		if err != nil {
			return false, err
		}
		if b != nil && slices.ContainsFunc(b.Entry.Source, func(s ledger.Source) bool { return s.Next > 0 }) {
			return true, nil
		}
	}
	return false, nil
}
