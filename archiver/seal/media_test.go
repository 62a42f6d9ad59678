package seal_test

import (
	"errors"
	"testing"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/ledger"
)

// TestMediaRefused: media that is not the record's whole value under its one row
// is no cut, and leaves nothing behind.
func TestMediaRefused(t *testing.T) {
	a := sealtest.New(t)
	w := a.Writer(t, "0")
	if err := w.Begin(0); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*seal.Cut){
		"not the value": func(c *seal.Cut) { c.Pieces[2].Bytes = c.Pieces[2].Bytes[1:] },
		"other bytes":   func(c *seal.Cut) { c.Pieces[2].Bytes = make([]byte, len(c.Record.Value)) },
		"empty":         func(c *seal.Cut) { c.Record.Value, c.Pieces[2].Bytes = []byte{}, []byte{} },
		"twice":         func(c *seal.Cut) { c.Pieces = append(c.Pieces, c.Pieces[2]) },
		"two rows":      func(c *seal.Cut) { c.Pieces[2].Owner = sealtest.Person(2) },
		"two dates":     func(c *seal.Cut) { c.Pieces[2].Retention = sealtest.Duty },
		"beside the value": func(c *seal.Cut) {
			v := c.Pieces[2]
			v.Type = ledger.PieceValue
			c.Pieces = append([]seal.Piece{v}, c.Pieces...)
		},
		"no headers":        func(c *seal.Cut) { c.Pieces = c.Pieces[1:] },
		"in front":          func(c *seal.Cut) { c.Pieces[0], c.Pieces[2] = c.Pieces[2], c.Pieces[0] },
		"a tag too many":    func(c *seal.Cut) { setOwner(c, seal.Owner{Kind: seal.OwnerRecord, Tag: sealtest.Tag(1)}) },
		"of no known owner": func(c *seal.Cut) { setOwner(c, seal.Owner{Kind: seal.OwnerMedia + 1}) },
	} {
		cut := sealtest.Media(1, 100, sealtest.Person(1), sealtest.Free)
		change(cut)
		if _, _, err := w.Add(cut); !errors.Is(err, seal.ErrCut) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := w.Finish()
	if err != nil || len(s.Segments)+len(s.Boxes)+len(s.Media) != 0 {
		t.Errorf("refused cuts left %+v, %v", s, err)
	}
}

func setOwner(c *seal.Cut, o seal.Owner) {
	for i := range c.Pieces {
		c.Pieces[i].Owner = o
	}
}

// TestMediaObjects: each media is an object of its own under its row's dates;
// what names no person has a row of its own, also the second time; and a block
// begun anew numbers them from 0.
func TestMediaObjects(t *testing.T) {
	a := sealtest.New(t)
	w := a.Writer(t, "0")
	named := seal.Owner{Kind: seal.OwnerMedia, Tag: sealtest.Tag(5)}
	add := func(block uint64) *seal.Sealed {
		t.Helper()
		if err := w.Begin(block); err != nil {
			t.Fatal(err)
		}
		for i, o := range []seal.Owner{sealtest.Person(1), sealtest.Person(1), named, named} {
			ret := sealtest.Free
			if i%2 == 1 {
				ret = sealtest.Duty
			}
			if _, _, err := w.Add(sealtest.Media(int64(i), 1000, o, ret)); err != nil {
				t.Fatal(err)
			}
		}
		s, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for block, rows := range []int{4, 2} { // the person's rows are used again
		s := add(uint64(block))
		if len(s.Media) != 4 || len(s.Segments) != 2 {
			t.Fatalf("block %d: %d media, %d segments", block, len(s.Media), len(s.Segments))
		}
		made := 0
		for i := range s.Boxes {
			made += int(s.Boxes[i].Rows)
		}
		if made != rows {
			t.Errorf("block %d: %d rows, want %d", block, made, rows)
		}
		for i := range s.Media {
			o := &s.Media[i]
			want := ledger.DataKey("0", uint64(block), "media-"+string(rune('0'+i)))
			if o.Key != want || o.SHA256 != ledger.Sum(o.Body) || (o.Retention == sealtest.Duty) != (i%2 == 1) {
				t.Errorf("block %d media %d: %s, %+v", block, i, o.Key, o.Retention)
			}
			if i > 0 && o.SHA256 == s.Media[i-1].SHA256 {
				t.Error("two objects are the same")
			}
		}
	}
}
