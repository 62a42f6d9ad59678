package retrieve

import (
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
)

// single puts together a record that lies in one cell whole, as unseal.Reader
// does, from a cell that was opened already.
func single(p *unseal.Part, row *seal.Row, place seal.Place) (*unseal.Opened, error) {
	o := &unseal.Opened{Position: p.Position, Known: true, Complete: true, Pieces: make([]unseal.Piece, len(p.Pieces))}
	o.Leaf = ledger.Leaf{Coordinates: p.Coordinates, LeaderEpoch: p.LeaderEpoch, Timestamp: p.Timestamp}
	o.Record = record.Record{Coordinates: p.Coordinates, LeaderEpoch: p.LeaderEpoch, Timestamp: p.Timestamp, Value: []byte{}}
	_, salt := row.Subkeys()
	refs, commitments := make([]ledger.PieceRef, len(p.Pieces)), make([]ledger.Hash, len(p.Pieces))
	null := false
	for i := range p.Pieces {
		q := &p.Pieces[i]
		piece := unseal.Piece{
			Ref: q.Ref, FirstItem: q.FirstItem, Items: q.Items, Row: row.ID, Place: place, Present: true,
			Salt: seal.Salt(&salt, &p.Coordinates, q.Ref), Committed: q.Committed(), Owner: row.Owner, Retention: row.Retention,
		}
		piece.Commitment = ledger.Commit(&piece.Salt, piece.Committed)
		switch q.Ref.Type {
		case ledger.PieceValue:
			start := len(o.Record.Value)
			o.Record.Value = append(o.Record.Value, q.Bytes...)
			piece.Span = record.Span{Start: start, End: len(o.Record.Value)}
		case ledger.PieceKeyHeaders:
			var err error
			if null, err = seal.DecodeKeyHeaders(q.Bytes, &o.Record); err != nil {
				return nil, fmt.Errorf("record %s: %w: %w", p.Coordinates, err, unseal.ErrDamaged)
			}
		case ledger.PieceDecision:
			o.Rulings = append(o.Rulings, q.Rulings...)
		}
		o.Pieces[i], refs[i], commitments[i] = piece, q.Ref, piece.Commitment
	}
	if null {
		o.Record.Value = nil
	}
	o.Leaf.Root = ledger.PiecesRoot(refs, commitments)
	return o, nil
}
