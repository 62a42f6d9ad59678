package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/waxseal/waxseal/archiver/record"
)

// Batch is what one fetch told of a partition: every offset from First up to,
// not including, Next is a record's or lies in a gap. Both are empty, and Next
// is First, if nothing came within MaxWait.
//
// The records share one memory: keeping one keeps all.
type Batch struct {
	Topic         string
	Era           record.Era
	Partition     int32
	First, Next   int64
	Records       []*record.Record
	Gaps          []record.Gap // in order, none touching another of its cause
	HighWatermark int64        // end of the log
	Stable        int64        // end of what can be read; behind it lie open transactions

	// Doubtful says that a request failed since the last batch: what answers now
	// may be another log than the one that was read.
	Doubtful bool
}

// Reader reads one partition from an offset on. Not safe for concurrent use.
type Reader struct {
	src    *Source
	where  record.Coordinates // Offset is the next one to tell
	names  names
	doubt  bool  // a request failed since the last batch
	quiet  int   // fetches in a row that brought nothing though the log goes on
	target int64 // the stable offset the first of them saw
}

// Reader gives a reader of a partition from offset on. era only names the
// records. It sends nothing yet.
func (s *Source) Reader(topic string, partition int32, era record.Era, offset int64) *Reader {
	return &Reader{src: s, where: record.Coordinates{Topic: topic, Era: era, Partition: partition, Offset: offset}, names: names{}}
}

// Offset is the next offset Fetch will tell of.
func (r *Reader) Offset() int64 { return r.where.Offset }

// Fetch gives what comes next, waiting up to MaxWait if there is nothing. On an
// error the position stays, and Fetch may be called again.
//
// It answers ErrUnavailable after trying for GiveUp, ErrNoTopic if the
// partition is gone for as long, ErrRewound (a *RewoundError) if the log ends
// before the position, and ErrCorrupt if the broker's bytes are no batch.
func (r *Reader) Fetch(ctx context.Context) (*Batch, error) {
	b, err := r.fetch(ctx, r.src.opts.MaxBytes)
	if err != nil {
		r.doubt = true
		return nil, err
	}
	b.Doubtful, r.doubt = r.doubt, false
	return b, nil
}

func (r *Reader) fetch(ctx context.Context, maxBytes int) (*Batch, error) {
	f, err := r.ask(ctx, maxBytes)
	if errors.Is(err, kafkago.OffsetOutOfRange) {
		return r.outOfRange(ctx, maxBytes)
	}
	if err != nil {
		return nil, err
	}
	if n := cutOff(f.records); n > maxBytes {
		return r.fetch(ctx, n) // a broker that cuts the first batch off
	}
	return r.take(ctx, f)
}

// cutOff gives the size of the batch that records begin with, if it is not
// whole, else 0.
func cutOff(records []byte) int {
	if len(records) < batchPrefix {
		return 0
	}
	size := batchPrefix + int(int32(binary.BigEndian.Uint32(records[8:])))
	if size <= len(records) || size > maxInflated {
		return 0
	}
	return size
}

// ask fetches from the position on, trying again while Kafka is not available.
func (r *Reader) ask(ctx context.Context, maxBytes int) (*fetched, error) {
	c := r.where
	var f *fetched
	err := r.src.retry(ctx, fmt.Sprintf("fetch %s/%d at %d", c.Topic, c.Partition, c.Offset), func(ctx context.Context) (err error) {
		f, err = r.src.fetch(ctx, c.Topic, c.Partition, c.Offset, maxBytes)
		r.doubt = r.doubt || err != nil && !errors.Is(err, kafkago.OffsetOutOfRange) // which is an answer
		return err
	})
	return f, err
}

func (r *Reader) batch() *Batch {
	c := r.where
	return &Batch{Topic: c.Topic, Era: c.Era, Partition: c.Partition, First: c.Offset, Next: c.Offset}
}

// outOfRange finds out what became of our position: expired, which is a loss to
// state, or beyond the end, which is another log. A log that seems to end too
// early is asked once more, as a new leader may know less for a moment.
func (r *Reader) outOfRange(ctx context.Context, maxBytes int) (*Batch, error) {
	c := r.where
	low, high, err := r.src.Watermarks(ctx, c.Topic, c.Partition)
	if err != nil {
		return nil, err
	}
	if c.Offset < low {
		b := r.batch()
		b.HighWatermark, b.Stable = high, high
		b.gap(low, record.GapExpired)
		r.where.Offset = b.Next
		r.src.opts.Log.LogAttrs(ctx, slog.LevelError, "kafka: retention overtook the archiver, records are lost",
			slog.String("topic", c.Topic), slog.Int("partition", int(c.Partition)), slog.Int64("first", c.Offset), slog.Int64("next", low))
		return b, nil
	}
	if err := pause(ctx, r.src.opts.MaxWait/5); err != nil {
		return nil, err
	}
	f, err := r.ask(ctx, maxBytes)
	switch {
	case errors.Is(err, kafkago.OffsetOutOfRange) && c.Offset > high:
		return nil, &RewoundError{Topic: c.Topic, Partition: c.Partition, Offset: c.Offset, Low: low, High: high}
	case errors.Is(err, kafkago.OffsetOutOfRange):
		return nil, fmt.Errorf("%w: it says it holds [%d, %d): %w", ErrUnavailable, low, high, err)
	case err != nil:
		return nil, err
	}
	return r.take(ctx, f)
}

// take turns an answer into a batch and moves the position behind it.
func (r *Reader) take(ctx context.Context, f *fetched) (*Batch, error) {
	b := r.batch()
	b.HighWatermark, b.Stable = f.highWatermark, stable(f)
	if err := r.decode(b, f); err != nil {
		return nil, fmt.Errorf("fetch %s at %d: %w", r.where, r.where.Offset, err)
	}
	if b.Next == b.First {
		if err := r.nothing(ctx, b, f); err != nil {
			return nil, err
		}
	} else {
		r.quiet = 0
	}
	r.where.Offset = b.Next
	return b, nil
}

// stable is the end of what can be read. A broker that keeps no transactions
// may say -1.
func stable(f *fetched) int64 {
	if f.stable < 0 {
		return f.highWatermark
	}
	return f.stable
}

// quietFetches is how many fetches in a row must bring nothing, unthrottled,
// before the offsets up to the stable offset the first of them saw count as
// compacted away. A broker answers at once when there is a batch, but may see
// its own watermark move while it answers: one empty answer proves nothing.
const quietFetches = 3

// nothing looks at an answer without a batch.
func (r *Reader) nothing(ctx context.Context, b *Batch, f *fetched) error {
	switch {
	case f.throttleMillis > 0: // empty because of a quota
		r.quiet = 0
		return pause(ctx, min(time.Duration(f.throttleMillis)*time.Millisecond, r.src.opts.MaxWait))
	case len(f.records) > 0: // neither whole nor cut off in a way that can be helped
		return fmt.Errorf("fetch %s: no whole batch in %d bytes: %w", r.where, len(f.records), ErrCorrupt)
	case b.Stable <= b.First:
		r.quiet = 0
		return nil
	}
	if r.quiet == 0 {
		r.target = b.Stable
	}
	if r.quiet++; r.quiet >= quietFetches {
		b.gap(r.target, record.GapCompacted)
		r.quiet = 0
	}
	return nil
}

// gap states that the offsets from b.Next up to next hold no record.
func (b *Batch) gap(next int64, cause record.GapCause) {
	if next <= b.Next {
		return
	}
	if n := len(b.Gaps); n > 0 && b.Gaps[n-1].Next == b.Next && b.Gaps[n-1].Cause == cause {
		b.Gaps[n-1].Next = next
	} else {
		b.Gaps = append(b.Gaps, record.Gap{First: b.Next, Next: next, Cause: cause})
	}
	b.Next = next
}

// decode reads the whole batches of an answer into b. What was read before a
// corrupt batch counts; a corrupt first batch is an error.
func (r *Reader) decode(b *Batch, f *fetched) error {
	txns := transactions{waiting: f.aborted}
	rest := f.records
	for {
		h, tail, err := nextBatch(rest)
		if err == io.EOF {
			return nil
		}
		if err == nil && h.last >= b.Next {
			err = r.add(b, &h, &txns)
		} else if err == nil {
			txns.enter(&h)
			txns.leave(&h)
		}
		if err != nil && b.Next > b.First {
			return nil // told again, alone, by the next fetch
		}
		if err != nil {
			return err
		}
		rest = tail
	}
}

// add tells one batch.
func (r *Reader) add(b *Batch, h *batchHeader, txns *transactions) error {
	aborted := txns.enter(h)
	if h.control() || aborted {
		cause := record.GapAborted
		if h.control() {
			cause = record.GapMarker
		}
		txns.leave(h)
		b.gap(h.base, record.GapCompacted)
		b.gap(h.last+1, cause)
		return nil
	}
	body, err := h.inflate()
	if err != nil {
		return err
	}
	recs, err := h.records(body, r.where, r.names)
	if err != nil {
		return err
	}
	if b.Records == nil {
		b.Records = make([]*record.Record, 0, len(recs))
	}
	for i := range recs {
		rec := &recs[i]
		if rec.Offset < b.Next {
			continue
		}
		b.gap(rec.Offset, record.GapCompacted)
		b.Records = append(b.Records, rec)
		b.Next = rec.Offset + 1
	}
	b.gap(h.last+1, record.GapCompacted)
	return nil
}

// transactions knows which producers' records, at the batch being read, belong
// to an aborted transaction.
type transactions struct {
	waiting []abortedTxn // in order of their first offset
	open    map[int64]bool
}

// enter opens the aborted transactions begun by the batch's end, and says
// whether the batch belongs to one.
func (t *transactions) enter(h *batchHeader) bool {
	for len(t.waiting) > 0 && t.waiting[0].first <= h.last {
		if t.open == nil {
			t.open = map[int64]bool{}
		}
		t.open[t.waiting[0].producer] = true
		t.waiting = t.waiting[1:]
	}
	return h.attrs&attrTransactional != 0 && !h.control() && t.open[h.producer]
}

// leave closes a transaction at its abort marker.
func (t *transactions) leave(h *batchHeader) {
	if h.control() && h.aborts() {
		delete(t.open, h.producer)
	}
}

// aborts says whether a control batch is an abort marker: the key of its one
// record is version and type, 0 for abort.
func (h *batchHeader) aborts() bool {
	recs, err := h.records(h.body, record.Coordinates{}, names{})
	return err == nil && len(recs) == 1 && len(recs[0].Key) >= 4 && binary.BigEndian.Uint16(recs[0].Key[2:]) == 0
}

// ReadOne reads the record at one offset; its Era is not set. It answers
// ErrExpired before the log's start, ErrRewound behind its end, ErrOther where a
// marker or an aborted record stands at that offset, and ErrNoRecord where the
// log holds nothing there.
func (s *Source) ReadOne(ctx context.Context, topic string, partition int32, offset int64) (*record.Record, error) {
	r := s.Reader(topic, partition, 0, offset)
	what := fmt.Sprintf("read %s/%d at %d", topic, partition, offset)
	for {
		b, err := r.fetch(ctx, 1) // the one batch that holds it
		switch {
		case err != nil:
			return nil, err
		case len(b.Records) > 0 && b.Records[0].Offset == offset:
			return b.Records[0], nil
		case b.Next > offset && len(b.Gaps) > 0 && b.Gaps[0].Cause == record.GapExpired:
			return nil, fmt.Errorf("%s: %w", what, ErrExpired)
		case b.Next > offset && len(b.Gaps) > 0 && b.Gaps[0].Cause != record.GapCompacted:
			return nil, fmt.Errorf("%s: %w", what, ErrOther)
		case b.Next > offset:
			return nil, fmt.Errorf("%s: %w", what, ErrNoRecord)
		case offset >= b.HighWatermark:
			low, high, err := s.Watermarks(ctx, topic, partition)
			if err != nil {
				return nil, err
			}
			return nil, &RewoundError{Topic: topic, Partition: partition, Offset: offset, Low: low, High: high}
		case offset >= b.Stable:
			return nil, fmt.Errorf("%s: in an open transaction: %w", what, ErrNoRecord)
		}
	}
}
