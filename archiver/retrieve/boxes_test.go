package retrieve_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
)

func TestBoxesFollowErasures(t *testing.T) {
	s := newScene(t)
	boxes := retrieve.Boxes(s.Locked, s.Erased)
	l, n := record.Lane("0"), uint64(1)
	if archivetest.Rows(t, s.Index)[0].Lane == "1" {
		l = "1"
	}
	b, err := lane.ReadBlock(t.Context(), s.Locked, l, n)
	if err != nil {
		t.Fatal(err)
	}
	before, err := boxes(t.Context(), l, n)
	if err != nil || !reflect.DeepEqual(before, b.Entry.Boxes) || len(before) == 0 {
		t.Fatalf("%v, %v", before, err)
	}
	for i, who := range []archivetest.Person{ada, bea} {
		s.Erase(t, archivetest.Number, who.BSUID)
		got, err := boxes(t.Context(), l, n)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Boxes(t.Context(), l, n)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) || i == 0 && reflect.DeepEqual(got, before) {
			t.Errorf("erasure %d: %v, want %v", i, got, want)
		}
	}
	if _, err := boxes(t.Context(), l, 99); !errors.Is(err, worm.ErrNotFound) {
		t.Errorf("a block that is not there: %v", err)
	}

	cfg := s.UnsealConfig()
	cfg.Boxes = boxes
	if s.lib.Reader, err = unseal.New(cfg); err != nil {
		t.Fatal(err)
	}
	if r := cat(t, s.lib, s.name(11))[0]; !r.Gone {
		t.Errorf("%+v", r)
	}
	if r := cat(t, s.lib, s.name(9))[0]; r.Gone || !r.Erased {
		t.Errorf("%+v", r)
	}
}
