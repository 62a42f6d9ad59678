package archiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// ahead is how many batches of a topic wait in memory at most.
const ahead = 3

// ahead is how many batches wait: media are large, one at a time is enough.
func (f *feed) ahead() int {
	if f.role == whatsapp.RoleMedia {
		return 1
	}
	return ahead
}

// feed is one topic of a lane being read: where the lane stands in it, and what
// has been fetched beyond.
type feed struct {
	source ledger.Source // of the block under way: Next is the position
	role   whatsapp.Role
	idle   bool  // there is no such topic or partition, for now
	broken error // why the topic cannot be read; it is tried again later
	until  int64 // when draining: the high watermark at the start

	checked int32 // leader epoch for which the log was compared last, -1 none

	batches []*kafka.Batch // fetched; the first is being consumed
	pending []*record.Record
	gaps    []record.Gap
	stable  int64          // end of what could be read when the last batch was fetched
	caught  bool           // the last fetch met the end of what can be read
	last    *record.Record // archived last in this block

	credit chan struct{}
	stop   context.CancelFunc
	done   chan struct{}
	life   int       // counts starts: what an earlier one fetched is dropped
	retry  time.Time // when an idle or broken feed is tried again
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
	for range f.ahead() {
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
	f.life++ // what is on its way is dropped
}

// take accepts a fetched batch.
func (f *feed) take(b *kafka.Batch) {
	f.caught, f.stable = b.Next >= b.Stable, b.Stable
	f.batches = append(f.batches, b)
	if len(f.batches) == 1 {
		f.unpack()
	}
}

// unpack lays out the first batch, if there is one.
func (f *feed) unpack() {
	if len(f.batches) > 0 {
		f.pending, f.gaps = f.batches[0].Records, f.batches[0].Gaps
	}
}

// advance states the gaps before the next record, or to the batch's end where no
// record is left, and then drops the batch. It states at most limit gaps: false
// says that more remain, for the next block.
func (f *feed) advance(limit int) bool {
	b := f.batches[0]
	end := b.Next
	if len(f.pending) > 0 {
		end = f.pending[0].Offset
	}
	for len(f.gaps) > 0 && f.gaps[0].First < end {
		if limit--; limit < 0 {
			return false
		}
		g := f.gaps[0]
		f.source.Gaps = append(f.source.Gaps, ledger.Gap{First: g.First, Next: g.Next, Cause: g.Cause})
		f.source.Next = g.Next
		f.gaps = f.gaps[1:]
	}
	if len(f.pending) == 0 {
		f.source.Next = max(f.source.Next, b.Next)
		f.batches, f.gaps = f.batches[1:], nil
		f.credit <- struct{}{}
		f.unpack()
	}
	return true
}

// next takes the first pending record, whose gaps have been stated, and moves
// the position behind it.
func (f *feed) next() *record.Record {
	r := f.pending[0]
	f.source.Next = r.Offset + 1
	f.source.Records++
	f.last, f.pending = r, f.pending[1:]
	return r
}

// ready says whether it is known what comes next in this topic: a record, or
// nothing for now. A topic that cannot be read holds nobody up.
func (f *feed) ready() bool {
	return f.idle || f.broken != nil || len(f.batches) > 0 || f.caught
}

// moved says whether the block under way covers anything of this topic.
func (f *feed) moved() bool { return f.source.Next > f.source.First }

// drained says whether the position reached the watermark of the start.
func (f *feed) drained() bool { return f.idle || f.broken != nil || f.source.Next >= f.until }

// restate begins the coverage of the next block.
func (f *feed) restate() {
	f.source.First, f.source.Records, f.source.Gaps, f.last = f.source.Next, 0, nil, nil
}

// pick chooses the feed whose next record is oldest by Kafka's clock, so that
// what the lane learns from one topic is known when it decides on another. What
// is left of a batch without records goes first. It gives nil while a topic may
// still hold an older record, or where none has any.
func pick(feeds []*feed) *feed {
	var best *feed
	for _, f := range feeds {
		switch {
		case len(f.batches) > 0 && len(f.pending) == 0:
			return f
		case len(f.pending) > 0 && (best == nil || f.pending[0].Timestamp < best.pending[0].Timestamp):
			best = f
		}
	}
	for _, f := range feeds {
		if !f.ready() {
			return nil
		}
	}
	return best
}

func (f *feed) name() string { return fmt.Sprintf("%s/%d", f.source.Topic, f.source.Partition) }
