package reread

import (
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// SignatureErased is the signature state of a record whose headers were erased
// with one of its people: what it was is no longer known.
const SignatureErased record.Signature = "erased"

// Reader reads opened records. It keeps its working memory, and so is for one
// goroutine at a time; what it returned does not depend on it.
type Reader struct {
	topics map[string]whatsapp.Role
	parser *whatsapp.Parser
}

// NewReader makes a Reader. Topics says what each topic carries; it must be what
// the archiver was told.
func NewReader(topics map[string]whatsapp.Role) *Reader {
	return &Reader{topics: topics, parser: whatsapp.NewParser(whatsapp.Options{})}
}

// Reading is a record read again.
type Reading struct {
	*unseal.Opened
	Parsed      *whatsapp.Parsed // never nil; without items where nothing could be read
	ErasedItems int              // known to be gone with their bytes; 0 also where all of the record is gone

	Shapeless bool // the envelope was erased: what is left of others' bytes is no document
}

// Read reads what was opened of a record.
func (r *Reader) Read(o *unseal.Opened) *Reading {
	g := &Reading{Opened: o, Parsed: &whatsapp.Parsed{}}
	if !o.Known {
		return g
	}
	holes := make([]whatsapp.Hole, len(o.Holes))
	for i, h := range o.Holes {
		holes[i] = whatsapp.Hole(h)
		g.ErasedItems += h.Items
	}
	parsed := r.parser.Parse(r.topics[o.Record.Topic], &o.Record, holes)
	if len(holes) > 0 && parsed.Form == whatsapp.FormOpaque {
		g.ErasedItems, g.Shapeless = g.ErasedItems+len(o.Rulings), true
		return g
	}
	if o.KeyHeadersErased {
		parsed.Signature = SignatureErased
	}
	if m := o.Media(); m != nil {
		parsed.Hold(m.Media.SHA256, m.Media.Length)
	}
	g.Parsed = parsed
	return g
}

// Item gives item n; nil where it was erased or there is none.
func (g *Reading) Item(n int) *whatsapp.Item {
	i, ok := slices.BinarySearchFunc(g.Parsed.Items, n, func(it whatsapp.Item, n int) int { return it.N - n })
	if !ok {
		return nil
	}
	return &g.Parsed.Items[i]
}

// Person gives the person of an item; nil where it has none.
func (g *Reading) Person(it *whatsapp.Item) *whatsapp.Person {
	if it == nil || it.Person < 0 || it.Person >= len(g.Parsed.People) {
		return nil
	}
	return &g.Parsed.People[it.Person]
}

// Ruling gives what was decided for item n; nil where that was erased with it.
func (g *Reading) Ruling(n int) *seal.Ruling {
	i, ok := slices.BinarySearchFunc(g.Rulings, n, func(r seal.Ruling, n int) int { return r.Item - n })
	if !ok {
		return nil
	}
	return &g.Rulings[i]
}

// Piece gives the piece that item n lies in: the value piece whose items it is
// among, or key and headers where the value has no bytes. nil: none does.
func (g *Reading) Piece(n int) *unseal.Piece {
	for i := range g.Pieces {
		p := &g.Pieces[i]
		switch {
		case p.Ref.Type == ledger.PieceValue && p.FirstItem+p.Items <= n:
		case p.Ref.Type <= ledger.PieceKeyHeaders:
			return p
		}
	}
	return nil
}
