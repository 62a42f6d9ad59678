package archiver

import (
	"cmp"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// ruled is what was decided for one item, ready to be sealed.
type ruled struct {
	rule      *seal.Rule
	saw       []byte
	retention seal.Retention
}

// cutter cuts records into pieces by person and retention. It reuses its
// memory: a cut is valid until the next one.
type cutter struct {
	pieces  []seal.Piece
	rulings []seal.Ruling
	regions []regionOwner
	longest map[[16]byte]seal.Retention // per person of the record in hand
	groups  []decisionGroup
	group   map[rowOf]int // index into groups
}

// rowOf tells the rows of one record apart.
type rowOf struct {
	owner     seal.Owner
	retention seal.Retention
}

type regionOwner struct {
	tag       [16]byte
	retention seal.Retention
}

type decisionGroup struct {
	rowOf
	items []int
}

// longer orders retentions: the longest duty wins, then the longest lock, then
// the class name so that the answer does not depend on order.
func longer(a, b seal.Retention) seal.Retention {
	if c := cmp.Or(cmp.Compare(a.Duty, b.Duty), cmp.Compare(a.Retain, b.Retain), -cmp.Compare(a.Class, b.Class)); c < 0 {
		return b
	}
	return a
}

// cut divides a record. rulings has one for each item; tag gives the keyed hash
// of the person of a region.
//
// Everything of a record that concerns at most one person is one row, under the
// longest retention of its items. A record of several people is cut into one
// piece a region, with an envelope row of its own for the bytes between them
// (under the longest retention) and a row for key and headers (under the
// shortest duty, because a signature over the whole body would let a guess at an
// erased piece be confirmed).
func (c *cutter) cut(r *record.Record, p *whatsapp.Parsed, rulings []ruled, tag func(region int) [16]byte) *seal.Cut {
	c.pieces, c.rulings = c.pieces[:0], c.rulings[:0]
	longest := rulings[0].retention
	for _, d := range rulings[1:] {
		longest = longer(longest, d.retention)
	}
	owner, single := c.singleOwner(p, tag)
	if single {
		c.whole(r, rulings, owner, longest)
	} else {
		c.several(r, p, rulings, longest)
	}
	return &seal.Cut{Record: r, Pieces: c.pieces}
}

// singleOwner tells whether the record concerns at most one person on one
// number, and who owns its row. It fills c.regions with the tags.
func (c *cutter) singleOwner(p *whatsapp.Parsed, tag func(int) [16]byte) (seal.Owner, bool) {
	c.regions = c.regions[:0]
	for i := range p.Regions {
		c.regions = append(c.regions, regionOwner{tag: tag(i)})
		if c.regions[i].tag != c.regions[0].tag {
			for j := i + 1; j < len(p.Regions); j++ {
				c.regions = append(c.regions, regionOwner{tag: tag(j)})
			}
			return seal.Owner{}, false
		}
	}
	if len(c.regions) == 0 {
		return seal.Owner{Kind: seal.OwnerRecord}, true
	}
	return seal.Owner{Kind: seal.OwnerSubject, Tag: c.regions[0].tag}, true
}

func (c *cutter) whole(r *record.Record, rulings []ruled, owner seal.Owner, ret seal.Retention) {
	if len(r.Value) > 0 {
		c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceValue, Owner: owner, Retention: ret, Bytes: r.Value, Items: len(rulings)})
	}
	c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceKeyHeaders, Owner: owner, Retention: ret, Bytes: seal.EncodeKeyHeaders(r)})
	for i, d := range rulings {
		c.rulings = append(c.rulings, seal.Ruling{Item: i, Rule: d.rule, Saw: d.saw})
	}
	c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceDecision, Owner: owner, Retention: ret, Rulings: c.rulings})
}

func (c *cutter) several(r *record.Record, p *whatsapp.Parsed, rulings []ruled, longest seal.Retention) {
	c.regionRetentions(p, rulings, longest)
	shortest := c.regions[0].retention
	for _, o := range c.regions[1:] {
		if longer(o.retention, shortest) == shortest {
			shortest = o.retention
		}
	}
	envelope := seal.Owner{Kind: seal.OwnerRecord}
	at, item := 0, 0
	for i, g := range p.Regions {
		if g.Start > at {
			c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceValue, Owner: envelope, Retention: longest, Bytes: r.Value[at:g.Start], FirstItem: item, Items: envelopeItems(g, item)})
		}
		c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceValue, Owner: seal.Owner{Kind: seal.OwnerSubject, Tag: c.regions[i].tag},
			Retention: c.regions[i].retention, Bytes: g.Of(r.Value), FirstItem: g.FirstItem, Items: g.Items})
		at, item = g.End, g.FirstItem+g.Items
	}
	if at < len(r.Value) {
		c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceValue, Owner: envelope, Retention: longest, Bytes: r.Value[at:], FirstItem: item, Items: len(rulings) - item})
	}
	c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceKeyHeaders, Owner: seal.Owner{Kind: seal.OwnerHeaders}, Retention: shortest, Bytes: seal.EncodeKeyHeaders(r)})
	c.decisions(p, rulings, longest)
}

// envelopeItems counts the items between item and the region's first: events
// without a person that stand in the envelope.
func envelopeItems(g whatsapp.Region, item int) int { return max(0, g.FirstItem-item) }

// regionRetentions gives each region the longest retention of its own items; a
// region without items (a contacts entry) that of its person's items.
func (c *cutter) regionRetentions(p *whatsapp.Parsed, rulings []ruled, longest seal.Retention) {
	for i, g := range p.Regions {
		c.regions[i].retention = seal.Retention{}
		for n := g.FirstItem; n < g.FirstItem+g.Items; n++ {
			c.regions[i].retention = longer(c.regions[i].retention, rulings[n].retention)
		}
	}
	if c.longest == nil {
		c.longest, c.group = map[[16]byte]seal.Retention{}, map[rowOf]int{}
	}
	clear(c.longest)
	for i, g := range p.Regions {
		if g.Items > 0 {
			c.longest[c.regions[i].tag] = longer(c.longest[c.regions[i].tag], c.regions[i].retention)
		}
	}
	for i, g := range p.Regions {
		if g.Items > 0 {
			continue
		}
		ret, ok := c.longest[c.regions[i].tag]
		if !ok {
			ret = longest
		}
		c.regions[i].retention = ret
	}
}

// decisions makes one decision piece a row: what was decided for a person's
// items goes with that person.
func (c *cutter) decisions(p *whatsapp.Parsed, rulings []ruled, longest seal.Retention) {
	c.groups = c.groups[:0]
	clear(c.group)
	add := func(owner seal.Owner, ret seal.Retention, item int) {
		key := rowOf{owner, ret}
		i, ok := c.group[key]
		if !ok {
			i = len(c.groups)
			c.group[key] = i
			c.groups = append(c.groups, decisionGroup{rowOf: key})
		}
		c.groups[i].items = append(c.groups[i].items, item)
	}
	region := 0
	for n := range rulings {
		for region < len(p.Regions) && p.Regions[region].FirstItem+p.Regions[region].Items <= n {
			region++
		}
		if region < len(p.Regions) && p.Regions[region].FirstItem <= n {
			add(seal.Owner{Kind: seal.OwnerSubject, Tag: c.regions[region].tag}, c.regions[region].retention, n)
		} else {
			add(seal.Owner{Kind: seal.OwnerRecord}, longest, n)
		}
	}
	for _, g := range c.groups {
		from := len(c.rulings)
		for _, n := range g.items {
			c.rulings = append(c.rulings, seal.Ruling{Item: n, Rule: rulings[n].rule, Saw: rulings[n].saw})
		}
		c.pieces = append(c.pieces, seal.Piece{Type: ledger.PieceDecision, Owner: g.owner, Retention: g.retention, Rulings: c.rulings[from:len(c.rulings):len(c.rulings)]})
	}
}

// undivided is the cut of last resort: everything in one row of the record's own.
func (c *cutter) undivided(r *record.Record, rulings []ruled) *seal.Cut {
	c.pieces, c.rulings = c.pieces[:0], c.rulings[:0]
	longest := rulings[0].retention
	for _, d := range rulings[1:] {
		longest = longer(longest, d.retention)
	}
	c.whole(r, rulings, seal.Owner{Kind: seal.OwnerRecord}, longest)
	return &seal.Cut{Record: r, Pieces: c.pieces}
}
