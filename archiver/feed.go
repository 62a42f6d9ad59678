package archiver

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// ahead is how many batches of a topic wait in memory at most.
const ahead = 2

// feed is one topic of a lane being read: where the lane stands in it, and what
// has been fetched beyond.
type feed struct {
	source ledger.Source // of the block under way: Next is the position
	role   whatsapp.Role
	idle   bool  // there is nothing to read
	until  int64 // when draining: the high watermark at the start

	checked int32 // leader epoch for which the log was compared last

	batches []*kafka.Batch // fetched; the first is being consumed
	pending []*record.Record
	gaps    []record.Gap
	caught  bool           // the last fetch met the end of what can be read
	last    *record.Record // archived last in this block

	credit chan struct{}
	stop   context.CancelFunc
	done   chan struct{}
	life   int // counts starts: what an earlier one fetched is dropped
}

type fetched struct {
	feed  *feed
	life  int
	batch *kafka.Batch
	err   error
}

// passing says that Kafka, or the topic, is away for the moment: the lane keeps
// what it has and waits.
func passing(err error) bool {
	return errors.Is(err, kafka.ErrUnavailable) || errors.Is(err, kafka.ErrNoTopic)
}

// start reads ahead of the position until ctx ends or a fetch fails for good.
func (f *feed) start(ctx context.Context, src *kafka.Source, events chan<- fetched) {
	ctx, f.stop = context.WithCancel(ctx)
	f.life++
	life, credit, done := f.life, make(chan struct{}, ahead), make(chan struct{})
	f.credit, f.done = credit, done
	for range ahead {
		credit <- struct{}{}
	}
	r := src.Reader(f.source.Topic, f.source.Partition, f.source.Era, f.source.Next)
	go func() {
		defer close(done)
		for {
			select {
			case <-credit:
			case <-ctx.Done():
				return
			}
			b, err := r.Fetch(ctx)
			select {
			case events <- fetched{f, life, b, err}:
			case <-ctx.Done():
				return
			}
			switch {
			case passing(err):
				credit <- struct{}{} // Fetch has waited; it goes on from where it was
			case err != nil:
				return
			}
		}
	}()
}

// halt stops reading and forgets what was read ahead.
func (f *feed) halt() {
	if f.stop != nil {
		f.stop()
		<-f.done
	}
	f.stop, f.batches, f.pending, f.gaps, f.caught = nil, nil, nil, nil, false
}

// take accepts a fetched batch.
func (f *feed) take(b *kafka.Batch) {
	f.caught = b.Next >= b.Stable
	f.batches = append(f.batches, b)
	if len(f.batches) == 1 {
		f.unpack()
	}
}

// unpack lays out the first batch; batches without records are stated and passed.
func (f *feed) unpack() {
	for len(f.batches) > 0 {
		b := f.batches[0]
		f.pending, f.gaps = b.Records, b.Gaps
		if len(f.pending) > 0 {
			return
		}
		f.pass()
	}
}

// pass ends the first batch: the position is behind it.
func (f *feed) pass() {
	b := f.batches[0]
	f.state(b.Next)
	f.source.Next = max(f.source.Next, b.Next)
	f.batches, f.pending, f.gaps = f.batches[1:], nil, nil
	f.credit <- struct{}{}
}

// state enters the gaps below offset into the coverage.
func (f *feed) state(offset int64) {
	for len(f.gaps) > 0 && f.gaps[0].First < offset {
		g := f.gaps[0]
		f.source.Gaps = append(f.source.Gaps, ledger.Gap{First: g.First, Next: g.Next, Cause: g.Cause})
		f.gaps = f.gaps[1:]
	}
}

// next takes the first pending record and moves the position behind it.
func (f *feed) next() *record.Record {
	r := f.pending[0]
	f.state(r.Offset)
	f.source.Next = r.Offset + 1
	f.source.Records++
	f.last = r
	if f.pending = f.pending[1:]; len(f.pending) == 0 {
		f.pass()
		f.unpack()
	}
	return r
}

// ready says whether it is known what comes next in this topic: a record, or
// nothing for now.
func (f *feed) ready() bool { return f.idle || len(f.pending) > 0 || f.caught }

// moved says whether the block under way covers anything of this topic.
func (f *feed) moved() bool { return f.source.Next > f.source.First }

// drained says whether the position reached the watermark of the start.
func (f *feed) drained() bool { return f.idle || f.source.Next >= f.until }

// restate begins the coverage of the next block.
func (f *feed) restate() {
	f.source.First, f.source.Records, f.source.Gaps, f.last = f.source.Next, 0, nil, nil
}

// pick chooses the feed whose next record is oldest by Kafka's clock, so that
// what the lane learns from one topic is known when it decides on another. It
// gives nil while a topic may still hold an older one, or where none has any.
func pick(feeds []*feed) *feed {
	var best *feed
	for _, f := range feeds {
		if !f.ready() {
			return nil
		}
		if len(f.pending) > 0 && (best == nil || f.pending[0].Timestamp < best.pending[0].Timestamp) {
			best = f
		}
	}
	return best
}

func (f *feed) name() string { return fmt.Sprintf("%s/%d", f.source.Topic, f.source.Partition) }
