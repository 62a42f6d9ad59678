package reread_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// batch archives one record of two people and opens it.
func batch(t *testing.T) (*archivetest.Archive, *ledger.Block, *unseal.Opened) {
	t.Helper()
	a := archivetest.New(t, archivetest.Options{})
	at := a.Now().Unix()
	where := a.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages",
		archivetest.Contacts(archivetest.Ada, archivetest.Bea)+`,"messages":[`+archivetest.Text(archivetest.Ada, "wamid.A", at, "from ada")+
			","+archivetest.Text(archivetest.Bea, "wamid.B", at, "from bea")+`]`)))
	a.Archive(t)
	row := archivetest.Rows(t, a.Index)[0]
	b, err := lane.ReadBlock(t.Context(), a.Locked, row.Lane, row.Block)
	if err != nil {
		t.Fatal(err)
	}
	o, err := a.Reader(t).RecordAt(t.Context(), b.Entry, 0)
	if err != nil || o.Record.Coordinates != where[0] {
		t.Fatal(err)
	}
	return a, b, o
}

func rows(t *testing.T, a *archivetest.Archive, b *ledger.Block, g *reread.Reading) ([]index.Row, error) {
	t.Helper()
	return reread.NewMaker(a.Keys()).Rows(b.Entry, 1, g)
}

func TestRead(t *testing.T) {
	a, b, o := batch(t)
	if !reread.Proven(b, o) {
		t.Error("not proven")
	}
	g := reread.NewReader(a.Topics).Read(o)
	got, err := rows(t, a, b, g)
	if err != nil || !reflect.DeepEqual(got, archivetest.Rows(t, a.Index)) {
		t.Errorf("%+v, %v", got, err)
	}
	if it := g.Item(1); it.Text[0] != "from bea" || g.Person(it).UserID != archivetest.Bea.BSUID || g.Ruling(1) == nil {
		t.Errorf("%+v", it)
	}
	if g.Item(2) != nil || g.Ruling(2) != nil || g.Person(nil) != nil {
		t.Error("an item too many")
	}
	o.Leaf.Timestamp++
	if reread.Proven(b, o) {
		t.Error("another leaf is proven")
	}
}

// A topic that carries something else today: the rows would be wrong, and that
// is said.
func TestReadDifferently(t *testing.T) {
	a, b, o := batch(t)
	g := reread.NewReader(map[string]whatsapp.Role{}).Read(o)
	if got, err := rows(t, a, b, g); !errors.Is(err, reread.ErrDiffers) || len(got) >= 2 {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// Without its envelope a record is no document: what is left of others gives no
// items, and nothing else is made of it.
func TestReadWithoutAnEnvelope(t *testing.T) {
	a, b, o := batch(t)
	for i := range o.Pieces {
		p := &o.Pieces[i]
		if p.Ref.Type != ledger.PieceValue || p.Owner.Tag != [16]byte{} {
			continue
		}
		p.Present = false
		o.Holes = append(o.Holes, unseal.Hole{Span: p.Span, FirstItem: p.FirstItem, Items: p.Items})
		for at := p.Span.Start; at < p.Span.End; at++ {
			o.Record.Value[at] = ' '
		}
	}
	g := reread.NewReader(a.Topics).Read(o)
	got, err := rows(t, a, b, g)
	if !g.Shapeless || g.ErasedItems != 2 || len(got) != 0 || err != nil {
		t.Errorf("%d rows, %d erased, %v", len(got), g.ErasedItems, err)
	}
}
