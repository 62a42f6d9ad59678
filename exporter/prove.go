package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/exporter/format"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
)

// shownBlock is what the production shows of one block.
type shownBlock struct {
	batch
	facts []*fact // kept, of its records
}

// proven is what writing a block's bytes and proofs gave.
type proven struct {
	records, withheld int
	exceptions        []format.Exception
}

// prove writes raw bytes and proofs of everything kept, block by block.
func (e *export) prove(ctx context.Context, facts []*fact) error {
	blocks := e.shown(facts)
	done := int64(0)
	err := ordered(ctx, blocks, e.proveBlock, func(p proven) error {
		e.counts.Records += p.records
		e.counts.Withheld += p.withheld
		e.exceptions = append(e.exceptions, p.exceptions...)
		done++
		e.progress("blocks proven", done, int64(len(blocks)))
		return nil
	})
	if err != nil {
		return fmt.Errorf("prove: %w", err)
	}
	for _, f := range facts {
		if f.held != nil {
			e.counts.Media++
		}
	}
	return nil
}

// shown groups what is kept by block. What was erased as a whole has no proof.
func (e *export) shown(facts []*fact) []shownBlock {
	byBlock := map[blockID]*shownBlock{}
	for _, f := range facts {
		src := f.from
		b := byBlock[src.block]
		if b == nil {
			b = &shownBlock{batch: batch{block: src.block}}
			byBlock[src.block] = b
		}
		b.facts = append(b.facts, f)
		p := *src.at
		p.item, p.block = f.item, src.block
		b.picks = append(b.picks, &p)
	}
	out := make([]shownBlock, 0, len(byBlock))
	for _, b := range byBlock {
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b shownBlock) int { return compareBlocks(a.block, b.block) })
	return out
}

func (e *export) proveBlock(ctx context.Context, b shownBlock) (out proven, err error) {
	records, err := e.open(ctx, b.batch)
	if err != nil {
		return out, err
	}
	block, err := e.anchor.Block(ctx, b.block.lane, b.block.n)
	if err != nil {
		return out, err
	}
	byRecord := map[record.Coordinates][]*fact{}
	for _, f := range b.facts {
		byRecord[f.item.Coordinates] = append(byRecord[f.item.Coordinates], f)
	}
	slices.SortFunc(records, func(x, y retrieve.Opening) int { return position(&x) - position(&y) })
	for i := range records {
		o := &records[i]
		switch {
		case o.Problem != nil:
			out.exceptions = append(out.exceptions, format.Exception{Item: o.Coordinates.String(), Code: codeTampered, Reason: o.Problem.Error()})
			continue
		case !o.Known:
			continue
		}
		s := showing{export: e, ctx: ctx, o: o, facts: byRecord[o.Coordinates]}
		if err := s.write(); err != nil {
			return out, err
		}
		if err := block.Add(o.Opened, s.disclosure); err != nil {
			return out, err
		}
		for _, f := range s.facts {
			f.from.proof, f.from.pieces = bundle.ProofFile(b.block.lane, b.block.n), s.pieces
		}
		if s.tampered != nil {
			out.exceptions = append(out.exceptions, format.Exception{Item: o.Coordinates.String(), Code: codeTampered, Reason: s.tampered.Error()})
		}
		out.records++
		out.withheld += s.withheld
		if s.beyond > 0 {
			out.exceptions = append(out.exceptions, format.Exception{
				Item: o.Coordinates.String(), Code: codeBeyond,
				Reason: fmt.Sprintf("the bytes shown of it hold %d more items that are not in scope: of the same person, or of nobody", s.beyond),
			})
		}
	}
	file := block.File()
	if file == nil {
		return out, nil
	}
	return out, e.bag.Proof(file)
}

func position(o *retrieve.Opening) int {
	if o.Reading == nil {
		return -1
	}
	return o.Position
}

// showing decides what is shown of one record, and writes its bytes.
type showing struct {
	*export
	ctx   context.Context
	o     *retrieve.Opening
	facts []*fact

	files    map[ledger.PieceRef]prove.Disclosure // of pieces that stand in files
	inline   map[ledger.PieceRef]bool
	pieces   []rawPiece
	withheld int
	beyond   int   // items in shown pieces that are not in scope
	tampered error // its media contradicts the ledger
}

// disclosure tells the prover what is done with a piece.
func (s *showing) disclosure(p *unseal.Piece) prove.Disclosure {
	if d, ok := s.files[p.Ref]; ok {
		return d
	}
	return prove.Disclosure{Inline: s.inline[p.Ref]}
}

// write decides, piece by piece:
//   - a value piece is shown where an item in scope lies in it, where it is the
//     envelope, and where it names a person of whom another piece is shown;
//   - decisions are shown with what was decided about;
//   - key and headers only beside the whole value: a signature over all of it
//     would let a guess at what is withheld be confirmed.
func (s *showing) write() error {
	s.files, s.inline = map[ledger.PieceRef]prove.Disclosure{}, map[ledger.PieceRef]bool{}
	wanted := make(map[int]bool, len(s.facts))
	for _, f := range s.facts {
		wanted[f.item.N] = true
	}
	value, owners, rows := s.value(wanted)
	if err := s.rawMedia(value); err != nil {
		return err
	}
	whole := true
	for i := range s.o.Pieces {
		p := &s.o.Pieces[i]
		if isContent(p) {
			if p.Items == 0 && p.Present && owners[p.Owner] {
				value[p.Ref], rows[p.Row] = true, true
			}
			whole = whole && value[p.Ref]
		}
	}
	for i := range s.o.Pieces {
		p := &s.o.Pieces[i]
		switch {
		case !p.Present:
		case p.Ref.Type == ledger.PieceKeyHeaders:
			s.inline[p.Ref] = whole
			rows[p.Row] = rows[p.Row] || whole
		case p.Ref.Type == ledger.PieceDecision:
			s.inline[p.Ref] = rows[p.Row]
		}
	}
	for i := range s.o.Pieces {
		if ref := s.o.Pieces[i].Ref; !value[ref] && !s.inline[ref] {
			s.withheld++
		}
	}
	return s.raw(value, whole)
}

// isContent says that a piece is of the record's value.
func isContent(p *unseal.Piece) bool {
	return p.Ref.Type == ledger.PieceValue || p.Ref.Type == ledger.PieceMedia
}

// value chooses the value pieces, and says whose they are and in which rows.
func (s *showing) value(wanted map[int]bool) (value map[ledger.PieceRef]bool, owners map[seal.Owner]bool, rows map[seal.RowID]bool) {
	value, owners, rows = map[ledger.PieceRef]bool{}, map[seal.Owner]bool{}, map[seal.RowID]bool{}
	for i := range s.o.Pieces {
		p := &s.o.Pieces[i]
		if !isContent(p) || !p.Present {
			continue
		}
		inside := 0
		for n := p.FirstItem; n < p.FirstItem+p.Items; n++ {
			if wanted[n] {
				inside++
			}
		}
		if inside == 0 && p.Owner.Kind != seal.OwnerRecord && !s.req.All {
			continue
		}
		value[p.Ref], rows[p.Row] = true, true
		s.beyond += p.Items - inside
		if p.Owner.Kind == seal.OwnerSubject {
			owners[p.Owner] = true
		}
	}
	return value, owners, rows
}

// raw writes the value pieces that are shown: the exact value as one file where
// that is all of it, else a file each.
func (s *showing) raw(value map[ledger.PieceRef]bool, whole bool) error {
	name := rawName(s.o.Coordinates)
	if whole {
		return s.rawWhole(name)
	}
	for i := range s.o.Pieces {
		p := &s.o.Pieces[i]
		if p.Ref.Type != ledger.PieceValue || !value[p.Ref] {
			continue
		}
		path := name + "-" + strconv.Itoa(int(p.Ref.Index)) + extension(p.Committed)
		if err := s.bag.Write(path, p.Committed); err != nil {
			return err
		}
		s.files[p.Ref] = prove.Disclosure{File: path}
		s.pieces = append(s.pieces, rawPiece{p.FirstItem, p.Items, path})
	}
	return nil
}

func (s *showing) rawWhole(name string) error {
	value := s.o.Record.Value
	if len(value) == 0 || s.o.Media() != nil { // an empty value has no piece
		return nil
	}
	path := name + extension(value)
	if f := s.media(); f != nil { // sealed in a cell all the same
		var err error
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(value)), nil }
		if path, err = s.mediaFile(f, ledger.Sum(value), int64(len(value)), open); err != nil {
			return err
		}
	} else if err := s.bag.Write(path, value); err != nil {
		return err
	}
	for i := range s.o.Pieces {
		p := &s.o.Pieces[i]
		if p.Ref.Type == ledger.PieceValue {
			s.files[p.Ref] = prove.Disclosure{File: path, Offset: int64(p.Span.Start)}
			s.pieces = append(s.pieces, rawPiece{p.FirstItem, p.Items, path})
		}
	}
	return nil
}

// rawMedia writes the bytes of a media object that is shown. What cannot be given
// is shown no more: it was erased since, or contradicts the ledger.
func (s *showing) rawMedia(value map[ledger.PieceRef]bool) error {
	m := s.o.Media()
	if m == nil || !value[m.Ref] {
		return nil
	}
	path, err := s.mediaFile(s.facts[0], m.Media.SHA256, m.Media.Length, func() (io.ReadCloser, error) {
		return s.cfg.Library.Reader.Media(s.ctx, s.o.Block.Entry, s.o.Opened)
	})
	switch {
	case errors.Is(err, unseal.ErrErased):
		delete(value, m.Ref)
		return nil
	case err != nil && reread.Contradicts(err):
		delete(value, m.Ref)
		s.tampered = fmt.Errorf("lane %s block %d: %w: %w", s.o.Block.Entry.Lane, s.o.Block.Entry.N, retrieve.ErrTampered, err)
		return nil
	case err != nil:
		return err
	}
	s.files[m.Ref] = prove.Disclosure{File: path, Bytes: m.Media.Length}
	s.pieces = append(s.pieces, rawPiece{m.FirstItem, m.Items, path})
	return nil
}

// rawName is where a record's bytes stand, less what the name ends with. An era
// is a folder of its own.
func rawName(c record.Coordinates) string {
	var b strings.Builder
	b.WriteString("data/raw/" + c.Topic + "/")
	if c.Era > 1 {
		fmt.Fprintf(&b, "era-%d/", c.Era)
	}
	fmt.Fprintf(&b, "%d/%d", c.Partition, c.Offset)
	return b.String()
}

// extension is how the file of some bytes ends.
func extension(b []byte) string {
	if len(b) > 0 && (b[0] == '{' || b[0] == '[') && json.Valid(b) {
		return ".json"
	}
	return ".bin"
}
