package retrieve

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/ledger"
)

// Message is one logical message, shown by one of its items: what the archive
// knows under its id, and what was decided and proven about that item. An item
// that is no message, and about none, is shown by itself.
type Message struct {
	Hit
	ID string // message id as the record has it, of the message that Hit is or is about; "" none or erased

	Deliveries []*Hit // the one that shows most first
	Edits      []Edit // oldest first, as all that follow
	Revokes    []*Hit
	Reactions  []*Hit // the latest of each person; also a removed one
	Statuses   []*Hit
	Others     []*Hit   // about the message, and none of these
	Media      []*Media // archived bytes of its media, of any delivery

	Decision *Decision // nil where it was erased with the item, or cannot be read
	Ledger   Place
}

// Edit is an edit with both texts.
type Edit struct {
	*Hit
	Before string // what was there until then; "" where that is not in the archive
}

// Decision is what the policy was asked about an item and what it answered.
type Decision struct {
	Facts    map[string]any  // what it was asked: policy.Input, by its JSON names
	Out      json.RawMessage // what it answered: policy.Decision
	Rule     ledger.Hash     // SHA-256 of the pair, as committed in the leaf
	Evidence []Evidence      // the items that the facts rest on, by name
}

// Evidence is an item that a decision rests on.
type Evidence struct{ What, Item string }

// Place says where an item stands in the ledger.
type Place struct {
	Block       *ledger.Block
	Entry       ledger.Hash // SHA-256 of the entry's bytes
	Leaf        int         // number of the record's leaf in the block; -1 where all of the record was erased
	Hash        ledger.Hash // that leaf
	Segment     string      // key, "" where all of the record was erased
	Cell        int
	RetainUntil string // of the segment, RFC 3339, as entered
}

// decision takes apart what was decided for item n.
func (f *found) decision(n int) (*Decision, error) {
	ruling := f.Ruling(n)
	if ruling == nil {
		return nil, nil
	}
	var rule struct {
		In  map[string]any  `json:"in"`
		Out json.RawMessage `json:"out"`
	}
	if err := json.Unmarshal(ruling.Rule.JSON, &rule); err != nil {
		return nil, fmt.Errorf("decision of item %d of %s: %w", n, f.Record.Coordinates, err)
	}
	d := &Decision{Facts: rule.In, Out: rule.Out, Rule: ruling.Rule.Hash}
	if len(ruling.Saw) == 0 {
		return d, nil
	}
	var saw map[string]string
	if err := json.Unmarshal(ruling.Saw, &saw); err != nil {
		return nil, fmt.Errorf("evidence of item %d of %s: %w", n, f.Record.Coordinates, err)
	}
	for what, item := range saw {
		d.Evidence = append(d.Evidence, Evidence{what, item})
	}
	slices.SortFunc(d.Evidence, func(a, b Evidence) int { return slices.Compare([]string{a.What, a.Item}, []string{b.What, b.Item}) })
	return d, nil
}

// place says where item n is sealed and entered.
func (f *found) place(n int) Place {
	p := Place{Block: f.block, Entry: ledger.Sum(f.block.EntryBytes), Leaf: f.Position}
	if f.Position >= 0 && f.Position < len(f.block.Leaves) {
		p.Hash = f.block.Leaves[f.Position]
	}
	if piece := f.Piece(n); piece != nil && piece.Place.Segment < len(f.block.Entry.Segments) {
		seg := &f.block.Entry.Segments[piece.Place.Segment]
		p.Segment, p.Cell, p.RetainUntil = seg.Key, piece.Place.Cell, seg.RetainUntil
	}
	return p
}
