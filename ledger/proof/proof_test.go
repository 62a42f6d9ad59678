package proof

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// layout is how the pieces "ab", "c", "d" of a value, and key and headers "k", are
// shown.
type layout map[ledger.PieceRef]Piece

var content = map[ledger.PieceRef]string{{Index: 0}: "ab", {Index: 1}: "c", {Index: 2}: "d", {Type: ledger.PieceKeyHeaders}: "k"}

// sealed gives a record of these pieces and the entry of a block that holds it
// alone.
func sealed(l layout) (*ledger.Entry, *Record) {
	r := &Record{Record: "wa.webhooks/0/17", LeaderEpoch: 3, Timestamp: 1767323045678}
	salt := ledger.Hash{7}
	var refs []ledger.PieceRef
	var commitments []ledger.Hash
	for _, ref := range []ledger.PieceRef{{Index: 0}, {Index: 1}, {Index: 2}, {Type: ledger.PieceKeyHeaders}} {
		c := ledger.Commit((*[32]byte)(&salt), []byte(content[ref]))
		refs, commitments = append(refs, ref), append(commitments, c)
		p, shown := l[ref]
		p.Type, p.Index = ref.Type, ref.Index
		if shown {
			p.Salt = &salt
		} else {
			p.Commitment = &c
		}
		r.Pieces = append(r.Pieces, p)
	}
	leaf := ledger.Leaf{
		Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 1, Offset: 17}, LeaderEpoch: 3, Timestamp: 1767323045678,
		Root: ledger.PiecesRoot(refs, commitments),
	}
	return &ledger.Entry{Lane: "0", Records: 1, RecordsRoot: leaf.Hash()}, r
}

// Pieces fill the files they stand in, and are neighbours there.
func TestFiles(t *testing.T) {
	v := func(i uint32) ledger.PieceRef { return ledger.PieceRef{Index: i} }
	kh := ledger.PieceRef{Type: ledger.PieceKeyHeaders}
	at := func(file string, offset, n int64) Piece { return Piece{File: file, Offset: offset, Bytes: n} }
	for name, c := range map[string]struct {
		files  map[string]string
		layout layout
		file   string // at fault; "" none is wrong
	}{
		"one file":                         {map[string]string{"a": "abcd"}, layout{v(0): at("a", 0, 2), v(1): at("a", 2, 1), v(2): at("a", 3, 1)}, ""},
		"a file each":                      {map[string]string{"a": "ab", "b": "d"}, layout{v(0): at("a", 0, 2), v(2): at("b", 0, 1)}, ""},
		"inline":                           {nil, layout{v(0): {Data: []byte("ab")}, kh: {Data: []byte("k")}}, ""},
		"nothing":                          {nil, layout{}, ""},
		"a byte behind":                    {map[string]string{"a": "abx"}, layout{v(0): at("a", 0, 2)}, "a"},
		"a byte before":                    {map[string]string{"a": "xab"}, layout{v(0): at("a", 1, 2)}, "a"},
		"a byte between":                   {map[string]string{"a": "abxc"}, layout{v(0): at("a", 0, 2), v(1): at("a", 3, 1)}, "a"},
		"a piece left out between":         {map[string]string{"a": "abd"}, layout{v(0): at("a", 0, 2), v(2): at("a", 2, 1)}, "a"},
		"key behind the value":             {map[string]string{"a": "abcdk"}, layout{v(0): at("a", 0, 2), v(1): at("a", 2, 1), v(2): at("a", 3, 1), kh: at("a", 4, 1)}, "a"},
		"a file again":                     {map[string]string{"a": "ab", "b": "c"}, layout{v(0): at("a", 0, 2), v(1): at("b", 0, 1), v(2): at("a", 2, 1)}, "a"},
		"too short":                        {map[string]string{"a": "a"}, layout{v(0): at("a", 0, 2)}, "a"},
		"other bytes":                      {map[string]string{"a": "ax"}, layout{v(0): at("a", 0, 2)}, "a"},
		"not there":                        {nil, layout{v(0): at("a", 0, 2)}, "a"},
		"below nothing":                    {map[string]string{"a": "ab"}, layout{v(0): at("a", 0, -2)}, "a"},
		"in the file and the proof":        {map[string]string{"a": "ab"}, layout{v(0): {File: "a", Bytes: 2, Data: []byte("ab")}}, "a"},
		"a byte behind, then another file": {map[string]string{"a": "abx", "b": "c"}, layout{v(0): at("a", 0, 2), v(1): at("b", 0, 1)}, "a"},
		"overlapping":                      {map[string]string{"a": "abc"}, layout{v(0): at("a", 0, 2), v(1): at("a", 1, 1)}, "a"},
		"the second piece is longer":       {map[string]string{"a": "abc"}, layout{v(0): at("a", 0, 2), v(1): at("a", 2, 2)}, "a"},
	} {
		e, r := sealed(c.layout)
		opened := 0
		shown, files, err := checkRecord(e, r, func(path string) (io.ReadCloser, error) {
			b, ok := c.files[path]
			if !ok {
				return nil, errors.New("no such file")
			}
			opened++
			return closing{bytes.NewReader([]byte(b)), &opened}, nil
		})
		switch {
		case c.file == "" && (err != nil || len(files) != len(c.files) || shown.Withheld != 4-len(c.layout)):
			t.Errorf("%s: %v", name, err)
		case c.file != "" && (err == nil || err.File != c.file || !errors.Is(err, ErrProof)):
			t.Errorf("%s: %v", name, err)
		}
		if opened != 0 {
			t.Errorf("%s: %d files stay open", name, opened)
		}
	}
}

type closing struct {
	io.Reader
	open *int
}

func (c closing) Close() error { *c.open--; return nil }

// A piece in a wrong place, or neither shown nor withheld, is refused whatever
// its bytes are.
func TestPieces(t *testing.T) {
	for name, change := range map[string]func(r *Record){
		"no piece":             func(r *Record) { r.Pieces = nil },
		"a piece less":         func(r *Record) { r.Pieces = r.Pieces[1:] },
		"a piece twice":        func(r *Record) { r.Pieces = append(r.Pieces, r.Pieces[3]) },
		"swapped":              func(r *Record) { r.Pieces[0], r.Pieces[1] = r.Pieces[1], r.Pieces[0] },
		"neither":              func(r *Record) { r.Pieces[0].Commitment = nil },
		"both":                 func(r *Record) { r.Pieces[0].Salt = &ledger.Hash{7} },
		"withheld, with bytes": func(r *Record) { r.Pieces[0].Data = []byte("ab") },
		"withheld, in a file":  func(r *Record) { r.Pieces[0].File = "a" },
		"another offset":       func(r *Record) { r.Record = "wa.webhooks/0/18" },
		"another era":          func(r *Record) { r.Record = "wa.webhooks~2/0/17" },
		"no name":              func(r *Record) { r.Record = "wa.webhooks/0/017" },
		"another epoch":        func(r *Record) { r.LeaderEpoch++ },
		"another time":         func(r *Record) { r.Timestamp++ },
		"another position":     func(r *Record) { r.Position++ },
		"below":                func(r *Record) { r.Position = -1 },
		"a longer path":        func(r *Record) { r.Path = []ledger.Hash{{}} },
	} {
		e, r := sealed(layout{})
		if _, _, err := checkRecord(e, r, nil); err != nil {
			t.Fatal(err)
		}
		change(r)
		if _, _, err := checkRecord(e, r, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Sizes beyond every log's do not reach the arithmetic of paths.
func TestSizes(t *testing.T) {
	if err := included(nil, 1<<63, ledger.Hash{}, 0, ledger.Hash{}); !errors.Is(err, errSize) {
		t.Error(err)
	}
	if err := included(nil, 0, ledger.EmptyRoot(), 0, ledger.Hash{}); !errors.Is(err, errSize) {
		t.Error(err)
	}
	if err := consistent(nil, ledger.Checkpoint{Size: 1 << 62}, ledger.Checkpoint{Size: 1}); !errors.Is(err, errSize) {
		t.Error(err)
	}
	if err := consistent(nil, ledger.Checkpoint{Size: 1}, ledger.Checkpoint{}); !errors.Is(err, errSize) {
		t.Error(err)
	}
}

// FuzzDocuments: what is read is written the same, and nothing that is read makes
// a check fail in another way than by an error.
func FuzzDocuments(f *testing.F) {
	files, err := filepath.Glob("../../exporter/bundle/testdata/golden/v*/bag/proofs/*.json")
	if err != nil || len(files) < 3 {
		f.Fatal(files, err)
	}
	var anchors []*Anchored
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		if filepath.Base(name) == "anchor.json" {
			a, err := Check(b, nil)
			if err != nil {
				f.Fatal(err)
			}
			anchors = append(anchors, a)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		var err error
		if a, bad := DecodeAnchor(b); bad == nil {
			again, err = a.Encode()
			Check(b, nil)
		} else if p, bad := DecodeFile(b); bad == nil {
			again, err = p.Encode()
			anchors[0].Check(p, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
		} else if c, bad := DecodeConsistency(b); bad == nil {
			again, err = c.Encode()
			anchors[0].Consistent(c)
		} else {
			return
		}
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is written %q, %v", b, again, err)
		}
	})
}
