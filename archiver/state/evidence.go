package state

import (
	"encoding/json"

	"github.com/waxseal/waxseal/archiver/record"
)

// source is a topic partition in one era: the first part of an item's name.
type source struct {
	topic     string
	era       record.Era
	partition int32
}

// evidence names an item in 16 bytes: an index into the sources, offset, number.
type evidence struct {
	source uint32
	n      uint32
	offset int64
}

// evidence notes where an item stands. ok is false where the table is full.
func (s *State) evidence(id record.ItemID, at uint32) (evidence, bool) {
	src := source{id.Topic, id.Era, id.Partition}
	i, ok := s.sources.index[src]
	if !ok {
		if len(s.sources.list) >= maxSources || len(id.Topic) > maxWord || id.Era == 0 || id.Partition < 0 {
			s.forget(at)
			return evidence{}, false
		}
		i = uint32(len(s.sources.list))
		s.do(change{code: changeSource, text: id.Topic, a: uint64(id.Era), b: uint64(id.Partition)})
	}
	return evidence{source: i, n: uint32(id.N), offset: id.Offset}, true
}

// item is the name evidence stands for.
func (s *State) item(e evidence) record.ItemID {
	src := s.sources.list[e.source]
	return record.ItemID{
		Coordinates: record.Coordinates{Topic: src.topic, Era: src.era, Partition: src.partition, Offset: e.offset},
		N:           int(e.n),
	}
}

// saw builds the canonical JSON of evidence: an object, names in the order of
// their letters, compact. Nil where nothing was seen.
type saw []byte

func (b *saw) add(s *State, name string, e evidence) {
	item, err := json.Marshal(s.item(e).String())
	if err != nil { // a string always encodes
		return
	}
	if *b == nil {
		*b = append(*b, '{')
	} else {
		(*b)[len(*b)-1] = ','
	}
	*b = append(*b, '"')
	*b = append(*b, name...)
	*b = append(*b, `":`...)
	*b = append(*b, item...)
	*b = append(*b, '}')
}
