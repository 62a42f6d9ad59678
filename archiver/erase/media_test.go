package erase_test

import (
	"context"
	"errors"
	"testing"

	"github.com/waxseal/waxseal/archiver/erase"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
)

// picture is the tag of media that names no person.
var picture = sealtest.Tag(7001)

// pictures are media of the person the tests erase, of another, and of nobody
// named.
func pictures() []*seal.Cut {
	return []*seal.Cut{
		sealtest.Media(1, 70_000, sealtest.Person(erased), sealtest.Free),
		sealtest.Media(2, 65_536, sealtest.Person(2), sealtest.Free),
		sealtest.Media(3, 10, seal.Owner{Kind: seal.OwnerMedia, Tag: picture}, sealtest.Free),
	}
}

// TestMedia erases media with the person, and media that names nobody by the tag
// of what names it, also where a step that was never committed holds its row.
func TestMedia(t *testing.T) {
	ctx := context.Background()
	s := newScene(t)
	s.block(t, "0", pictures()...)
	s.Restart("0")
	waste, _, _ := s.Seal(t, "0", pictures()[2])
	s.Store(t, waste)
	s.Restart("0")
	s.block(t, "0")
	s.block(t, "0")
	e := s.Entries["0"][3]
	left := func() (out [3]error) {
		s.reader.Forget()
		got, err := s.reader.Records(ctx, e)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range got {
			switch {
			case o.Gone:
				out[i] = unseal.ErrErased
			default:
				out[i] = s.reader.CheckMedia(ctx, e, o)
			}
		}
		return out
	}
	if got := left(); got != [3]error{} {
		t.Fatalf("%v", got)
	}
	if err := s.erase(person(erased)); err != nil {
		t.Fatal(err)
	}
	if got := left(); !errors.Is(got[0], unseal.ErrErased) || got[1] != nil || got[2] != nil {
		t.Fatalf("%v", got)
	}
	plan, err := s.eraser.Plan(ctx, erase.Request{Tags: [][16]byte{picture}})
	if err != nil || len(plan.Boxes) != 1 || len(plan.Boxes[0].Rows) != 1 || len(plan.Waste) != 2 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if err := s.eraser.Execute(ctx, plan); err != nil {
		t.Fatal(err)
	}
	if got := left(); !errors.Is(got[0], unseal.ErrErased) || got[1] != nil || !errors.Is(got[2], unseal.ErrErased) {
		t.Fatalf("%v", got)
	}
}
