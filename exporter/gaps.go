package exporter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/exporter/format"
	"github.com/waxseal/waxseal/ledger"
)

// stretches gives, for each lane, the numbers of the first and the last block
// that something in the production stands in.
func stretches(facts []*fact) map[record.Lane][2]uint64 {
	out := map[record.Lane][2]uint64{}
	for _, f := range facts {
		b := f.from.block
		s, ok := out[b.lane]
		if !ok {
			s = [2]uint64{b.n, b.n}
		}
		out[b.lane] = [2]uint64{min(s[0], b.n), max(s[1], b.n)}
	}
	return out
}

// ledgerGaps lists what the ledger says was never delivered, in the blocks from
// the first to the last of each lane that the production shows something of.
func (e *export) ledgerGaps(ctx context.Context, facts []*fact) error {
	var blocks []blockID
	for lane, s := range stretches(facts) {
		for n := s[0]; n <= s[1]; n++ {
			blocks = append(blocks, blockID{lane, n})
		}
	}
	slices.SortFunc(blocks, compareBlocks)
	quiet := map[string]*format.Gap{} // ranges that never held a record, one for each topic and cause
	counts := map[string]int64{}
	read := func(ctx context.Context, b blockID) (*ledger.Block, error) {
		return e.cfg.Library.Block(ctx, b.lane, b.n)
	}
	err := ordered(ctx, blocks, read, func(b *ledger.Block) error {
		at, err := time.Parse(ledger.TimeFormat, b.Entry.Time)
		if err != nil {
			return err
		}
		for i := range b.Entry.Source {
			s := &b.Entry.Source[i]
			for _, g := range s.Gaps {
				topic := record.Coordinates{Topic: s.Topic, Era: s.Era, Partition: s.Partition, Offset: g.First}
				name := fmt.Sprintf("%s-%d", topic, g.Next)
				if g.Cause == record.GapExpired || g.Cause == record.GapCompacted {
					e.gaps = append(e.gaps, format.Gap{Time: at, What: causes[g.Cause], Record: name})
					continue
				}
				topic.Offset = 0
				key := fmt.Sprint(topic, g.Cause)
				if quiet[key] == nil {
					quiet[key] = &format.Gap{Time: at, Record: name}
				}
				counts[key] += g.Next - g.First
				quiet[key].What = fmt.Sprintf("%s (in all %d offsets, from here on)", causes[g.Cause], counts[key])
			}
		}
		e.alarms(b, at)
		return nil
	})
	for _, g := range quiet {
		e.gaps = append(e.gaps, *g)
	}
	return err
}

// causes says in words why offsets hold no record.
var causes = map[record.GapCause]string{
	record.GapExpired:   "lost: Kafka deleted these records before they were archived",
	record.GapCompacted: "not delivered: Kafka compacted these records away, or they were never there",
	record.GapMarker:    "no record: Kafka's transaction markers",
	record.GapAborted:   "no record: transactions that were aborted",
}

// alarms lists what the archiver found wrong, or changed, at a block.
func (e *export) alarms(b *ledger.Block, at time.Time) {
	for _, raw := range b.Events {
		a, err := ledger.DecodeAct(raw)
		if err != nil {
			continue // the verifier's business: the bytes are shown to nobody
		}
		block := fmt.Sprintf("lane %s block %d", b.Entry.Lane, b.Entry.N)
		switch {
		case a.Alarm != nil && a.Alarm.Topic != "":
			e.gaps = append(e.gaps, format.Gap{Time: at, What: "alarm: " + a.Alarm.Code, Record: fmt.Sprintf("%s/%s/%d-%d", a.Alarm.Topic, b.Entry.Lane, a.Alarm.First, a.Alarm.Next)})
		case a.Alarm != nil:
			e.gaps = append(e.gaps, format.Gap{Time: at, What: "alarm: " + a.Alarm.Code, Record: block})
		case a.Era != nil:
			e.gaps = append(e.gaps, format.Gap{Time: at, What: "the topic began anew: " + a.Era.Reason, Record: fmt.Sprintf("%s/%d", a.Era.Topic, a.Era.Partition)})
		}
	}
}

// itemGaps lists what the channel did not show of what is in the production, and
// what the production cannot show although the archive had it.
func (e *export) itemGaps(j *joined) {
	for _, list := range j.talks {
		for _, t := range list {
			e.threadGaps(t)
		}
	}
	for _, f := range j.events {
		switch what := hole(f); {
		case f.kind == record.HistoryDeclined:
			e.gap(f, "the business shared no history")
		case what != "":
			e.gap(f, what)
		}
		e.except(f)
		e.bytesExceptions(f, nil)
	}
}

func (e *export) threadGaps(t *thread) {
	f := t.shown()
	switch {
	case len(t.deliveries) == 0:
		e.gapShown(f, "the message itself is not in the archive, only what is about it")
	case hole(f) != "":
		e.gapShown(f, hole(f))
	}
	for _, d := range t.edits {
		if d.text == "" && !d.erased {
			e.gapShown(d, cmp.Or(d.reason, "edited, new text not supplied"))
		}
	}
	for _, d := range t.all {
		e.except(d)
	}
	e.mediaExceptions(t)
}

// hole says what an item that stands for itself lacks; "" nothing.
func hole(f *fact) string {
	switch {
	case f.erased:
	case f.kind == record.Unsupported, f.kind == record.MediaPlaceholder:
		return cmp.Or(f.reason, "delivered without content")
	case f.kind == record.Edit && f.text == "":
		return cmp.Or(f.reason, "edited, new text not supplied")
	case f.kind == record.Revoke && f.about == "":
		return cmp.Or(f.reason, "revoked, of which message not supplied")
	}
	return ""
}

func (e *export) mediaExceptions(t *thread) {
	var stated *fact
	for _, d := range t.deliveries {
		if d.media != nil && d.kind != record.MediaPlaceholder && d.kind != record.MediaBytes && stated == nil {
			stated = d
		}
	}
	switch b := t.bytes; {
	case stated != nil && b == nil:
		e.exception(stated, codeMediaMissing, "the archive does not hold the media's bytes")
	case b == nil:
	case b.erased && !slices.Contains(t.all, b):
		e.except(b)
	default:
		e.bytesExceptions(b, e.attached(t))
	}
}

// bytesExceptions notes what is wrong with archived bytes; m is the media of the
// message they are shown with, nil none.
func (e *export) bytesExceptions(b *fact, m *format.Media) {
	if b.kind != record.MediaBytes || b.erased {
		return
	}
	if m == nil {
		m = e.bytesModel(b)
	}
	switch differs := m.Differs(); {
	case b.held == nil:
		e.exception(b, codeMediaMissing, m.Reason)
	case differs != "":
		e.exception(b, codeMediaDiffers, differs)
	}
}

// except notes what is not shown as it is.
func (e *export) except(f *fact) {
	switch {
	case f.erased:
		e.exception(f, codeErased, "lawfully erased")
	case f.kind == record.Unknown, f.kind == record.Unparsed:
		e.exception(f, string(f.kind), cmp.Or(f.reason, "not understood; its bytes are shown as they came"))
	}
}

func (e *export) gap(f *fact, what string) {
	e.gaps = append(e.gaps, format.Gap{Time: f.time(), What: what, Record: f.item.String(), Number: f.number})
}

// gapShown is a gap that stands in a conversation anyway.
func (e *export) gapShown(f *fact, what string) {
	e.gap(f, what)
	e.gaps[len(e.gaps)-1].Shown = true
}

func (e *export) exception(f *fact, code, reason string) {
	e.exceptions = append(e.exceptions, format.Exception{Item: f.item.String(), Code: code, Reason: reason})
}
