package archiver

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// cut divides a record as its topic's role wants it.
func (b *building) cut(role whatsapp.Role, r *record.Record, parsed *whatsapp.Parsed) *seal.Cut {
	tag := func(i int) [16]byte { return b.owner(parsed, i) }
	if role != whatsapp.RoleMedia || len(r.Value) == 0 {
		return b.cutter.cut(r, parsed, b.ruled, tag)
	}
	b.media++
	return b.cutter.media(r, b.mediaOwner(parsed, tag), b.ruled)
}

// mediaOwner is whose row media goes to: the person's that its headers name. Else
// a row of its own, with the tag under which the items of the person who sent or
// got it name it, so that who erases the person finds it.
func (b *building) mediaOwner(parsed *whatsapp.Parsed, tag func(region int) [16]byte) seal.Owner {
	if len(parsed.Regions) > 0 {
		return seal.Owner{Kind: seal.OwnerSubject, Tag: tag(0)}
	}
	it := &parsed.Items[0]
	if link := it.MediaLink(); link != "" {
		return seal.Owner{Kind: seal.OwnerMedia, Tag: b.s.cfg.Tags.MediaTag(it.Number, link)}
	}
	return seal.Owner{Kind: seal.OwnerRecord}
}

// media is the cut of a record whose value is an object of its own.
func (c *cutter) media(r *record.Record, owner seal.Owner, rulings []ruled) *seal.Cut {
	ret := rulings[0].retention
	c.rulings = append(c.rulings[:0], seal.Ruling{Rule: rulings[0].rule, Saw: rulings[0].saw})
	c.pieces = append(c.pieces[:0],
		seal.Piece{Type: ledger.PieceKeyHeaders, Owner: owner, Retention: ret, Bytes: seal.EncodeKeyHeaders(r)},
		seal.Piece{Type: ledger.PieceDecision, Owner: owner, Retention: ret, Rulings: c.rulings},
		seal.Piece{Type: ledger.PieceMedia, Owner: owner, Retention: ret, Bytes: r.Value, Items: 1})
	return &seal.Cut{Record: r, Pieces: c.pieces}
}
