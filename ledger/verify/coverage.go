package verify

import (
	"fmt"
	"maps"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// coverage holds the sources of a lane's entries together: what one leaves off
// the next takes up, and no offset is left out or archived twice.
type coverage struct {
	w     *walk
	known bool // false behind a lost block: positions are taken as they come
	at    map[string]position
}

type position struct {
	era  record.Era
	next int64
}

func newCoverage(w *walk) coverage { return coverage{w: w, known: true, at: map[string]position{}} }

// forget says that entries were lost.
func (c *coverage) forget() { c.known = false }

// inherit takes up the positions of the life before.
func (c *coverage) inherit(old *coverage) { c.known, c.at = old.known, maps.Clone(old.at) }

// judge holds an entry to the positions before it, and moves them.
func (c *coverage) judge(n uint64, e *ledger.Entry, key string) {
	partition, ordinary := ledger.LanePartition(e.Lane)
	seen := map[string]bool{}
	var records uint64
	for i := range e.Source {
		s := &e.Source[i]
		wrong := c.judgeSource(s)
		if !ordinary || s.Partition != partition {
			wrong = "it is not of this lane's partition"
		}
		if seen[s.Topic] {
			wrong = "it stands twice in the entry"
		}
		if wrong != "" {
			c.w.fail(CodeCoverage, &n, key, fmt.Sprintf("Coverage of source %d of the entry: %s.", i, wrong))
		}
		seen[s.Topic] = true
		records += s.Records
		c.at[s.Topic] = position{s.Era, s.Next}
	}
	for topic := range c.at {
		if !seen[topic] {
			c.w.fail(CodeCoverage, &n, key, "The entry leaves out a topic that earlier entries of the lane cover.")
			break
		}
	}
	if ordinary {
		c.judgeLeaves(n, e, key, records)
	}
	c.known = true
}

// judgeLeaves wants a leaf for every record from Kafka. Repaired records have
// leaves of their own.
func (c *coverage) judgeLeaves(n uint64, e *ledger.Entry, key string, records uint64) {
	if records == e.Records || (records < e.Records && e.Repairs > 0) {
		return
	}
	c.w.fail(CodeCoverage, &n, key, fmt.Sprintf("The sources count %d records and the block has %d leaves.", records, e.Records))
}

// judgeSource says what is wrong with a source, "" if nothing.
func (c *coverage) judgeSource(s *ledger.Source) string {
	if was, ok := c.at[s.Topic]; ok && c.known {
		switch {
		case s.Era == was.era && s.First != was.next:
			return fmt.Sprintf("it begins at offset %d, and the one before ended at %d", s.First, was.next)
		case s.Era != was.era && s.Era != was.era+1:
			return fmt.Sprintf("era %d follows era %d", s.Era, was.era)
		}
	}
	stated := s.First
	var gaps uint64
	for _, g := range s.Gaps {
		if g.First < stated || g.Next > s.Next {
			return "its gaps overlap or leave the range"
		}
		stated = g.Next
		gaps += uint64(g.Next - g.First)
	}
	if s.Records+gaps != uint64(s.Next-s.First) {
		return fmt.Sprintf("%d records and %d offsets in gaps do not make the %d offsets from %d to %d", s.Records, gaps, s.Next-s.First, s.First, s.Next)
	}
	return ""
}
