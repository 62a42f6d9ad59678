package ledger

import (
	"bytes"
	"testing"
)

func FuzzDecodeBlock(f *testing.F) {
	for _, b := range testBlocks(f, "0", 3) {
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBlock(data)
		if err != nil {
			return
		}
		again, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, data) {
			t.Fatal("a block has two forms")
		}
		_ = b.CheckRoots() // must not panic, whatever it finds
	})
}

func FuzzDecodeEntry(f *testing.F) {
	for _, b := range testBlocks(f, "0", 3) {
		block, err := DecodeBlock(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(block.EntryBytes)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEntry(data)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, data) {
			t.Fatal("an entry has two forms")
		}
	})
}

func FuzzDecodeAct(f *testing.F) {
	for _, a := range testActs(f) {
		a.V, a.Time, a.Actor = ActVersion, "2026-01-02T03:04:05.678Z", "person:4711"
		b, err := a.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := DecodeAct(data)
		if err != nil {
			return
		}
		again, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, data) {
			t.Fatal("an act has two forms")
		}
		if err := a.CheckApprovals(0); err != nil && len(a.Approvals) == 0 {
			t.Fatal(err)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	s := testSigner(f, 1)
	cp, err := s.Checkpoint("0", 17, Sum(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cp)
	f.Add([]byte("a\n1\nb\n\n— a b\n"))
	v := s.Verifier()
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := v.Open("0", data)
		if err != nil {
			return
		}
		again, err := s.Checkpoint("0", got.Size, got.Root)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, data) {
			t.Fatal("a checkpoint has two forms")
		}
	})
}

func FuzzParseTilePath(f *testing.F) {
	for tile := range TilesOf(70_000) {
		f.Add(tile.Path())
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ParseTilePath(path)
		if err == nil && tile.Path() != path {
			t.Fatal("a tile has two paths")
		}
	})
}
