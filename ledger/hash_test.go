package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/waxseal/waxseal/archiver/record"
)

// Root against x/mod's tree, and the frontier against Root.
func TestRootAgainstTlog(t *testing.T) {
	read := readStored(t, 300)
	var leaves []Hash
	tree := new(Tree)
	for i := range 300 {
		if tree.Root() != Root(leaves) {
			t.Fatalf("size %d: tree and Root differ", i)
		}
		want, err := tlog.TreeHash(int64(i), tlog.HashReaderFunc(read))
		if err != nil {
			t.Fatal(err)
		}
		if Root(leaves) != Hash(want) {
			t.Fatalf("size %d: not x/mod's root", i)
		}
		again, err := NewTree(tree.Size(), tree.Frontier())
		if err != nil || again.Root() != tree.Root() {
			t.Fatalf("size %d: another tree from its frontier: %v", i, err)
		}
		h := LeafHash(testLogEntry(i))
		leaves = append(leaves, h)
		tree.Append(h)
	}
	if _, err := NewTree(3, tree.Frontier()[:1]); !errors.Is(err, ErrFrontier) {
		t.Errorf("a short frontier: %v", err)
	}
}

// RFC 6962's own numbers, as the Certificate Transparency tests have them.
func TestKnownHashes(t *testing.T) {
	for name, tc := range map[string]struct {
		got  Hash
		want string
	}{
		"empty root": {EmptyRoot(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"empty leaf": {LeafHash(nil), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		"two leaves": {Root([]Hash{LeafHash(nil), LeafHash([]byte{0})}), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	} {
		if tc.got.String() != tc.want {
			t.Errorf("%s: %s", name, tc.got)
		}
	}
}

func TestLongInputs(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 991, 992, 993, 5000} {
		data := []byte(strings.Repeat("x", n))
		if LeafHash(data) != sha256.Sum256(append([]byte{0}, data...)) {
			t.Errorf("leaf of %d bytes", n)
		}
		salt := [32]byte{1, 2, 3}
		if Commit(&salt, data) != sha256.Sum256(append(salt[:], data...)) {
			t.Errorf("commitment of %d bytes", n)
		}
	}
}

func TestPiecesRootSorts(t *testing.T) {
	var refs []PieceRef
	var commitments, leaves []Hash
	for _, typ := range []PieceType{PieceValue, PieceKeyHeaders, PieceDecision} {
		for i := range uint32(9) {
			refs = append(refs, PieceRef{Type: typ, Index: i})
			c := Sum([]byte{byte(typ), byte(i)})
			commitments = append(commitments, c)
			leaves = append(leaves, LeafHash(append([]byte{byte(typ), 0, 0, 0, byte(i)}, c[:]...)))
		}
	}
	want := Root(leaves)
	if PiecesRoot(refs, commitments) != want {
		t.Error("sorted")
	}
	for i, j := 0, len(refs)-1; i < j; i, j = i+1, j-1 {
		refs[i], refs[j] = refs[j], refs[i]
		commitments[i], commitments[j] = commitments[j], commitments[i]
	}
	first := refs[0]
	if PiecesRoot(refs, commitments) != want || refs[0] != first {
		t.Error("reversed, or changed what it was given")
	}
}

// The leaf of FORMAT.md, byte by byte.
func TestLeafEncoding(t *testing.T) {
	l := Leaf{Coordinates: record.Coordinates{Topic: "wa", Era: 2, Partition: 3, Offset: 4}, LeaderEpoch: -1, Timestamp: 1 << 40, Root: Sum(nil)}
	want := "01" + "0002" + "7761" + "00000002" + "00000003" + "0000000000000004" + "ffffffff" + "0000010000000000" + Sum(nil).String()
	if got := hex.EncodeToString(l.Encode()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if l.Hash() != LeafHash(l.Encode()) {
		t.Error("hash")
	}
}

func TestHashJSON(t *testing.T) {
	h := Sum([]byte("x"))
	b, err := json.Marshal(h)
	if err != nil || string(b) != `"`+h.String()+`"` {
		t.Fatalf("%s, %v", b, err)
	}
	var got Hash
	if err := json.Unmarshal(b, &got); err != nil || got != h {
		t.Fatal(err)
	}
	for _, bad := range []string{`""`, `"` + strings.ToUpper(h.String()) + `"`, `"` + h.String()[1:] + `"`, `"` + h.String() + `0"`, `"g` + h.String()[1:] + `"`, `1`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestNames(t *testing.T) {
	for lane, want := range map[record.Lane]bool{"0": true, "17": true, "control": true, "3~2": true, "control~2": true, "": false, "01": false, "3~1": false, "3~02": false, "-1": false, "x": false, "3~": false, "+1": false} {
		if ValidLane(lane) != want {
			t.Errorf("lane %q: %v", lane, !want)
		}
	}
	for archive, want := range map[string]bool{"a": true, "archive.example/firm-1": true, "": false, "a b": false, "a/": false, "/a": false, "A": false, "a+b": false, "a\n": false} {
		if ValidArchive(archive) != want {
			t.Errorf("archive %q: %v", archive, !want)
		}
	}
	for _, lives := range [][2]record.Lane{{"3", "3~2"}, {"3~2", "3~3"}, {"3~9", "3~10"}} {
		if nextLife(lives[0]) != lives[1] {
			t.Errorf("after %s: %s", lives[0], nextLife(lives[0]))
		}
		if old, ok := PreviousLife(lives[1]); !ok || old != lives[0] {
			t.Errorf("before %s: %s", lives[1], old)
		}
	}
	if _, ok := PreviousLife("3"); ok {
		t.Error("a life before the first")
	}
	for _, n := range []uint64{0, 7, 123456789012} {
		if got, ok := ParseBlockKey("0", BlockKey("0", n)); !ok || got != n {
			t.Errorf("block %d: %d", n, got)
		}
		if got, name, ok := ParseDataKey("0", DataKey("0", n, "seg-0")); !ok || got != n || name != "seg-0" {
			t.Errorf("data %d: %d", n, got)
		}
	}
	for _, key := range []string{"lanes/0/blocks/1", "lanes/0/blocks/0000000000001", "lanes/1/blocks/000000000001", "lanes/0/blocks/00000000000x"} {
		if _, ok := ParseBlockKey("0", key); ok {
			t.Errorf("%s was read", key)
		}
	}
}

func BenchmarkRoot(b *testing.B) {
	leaves := make([]Hash, 4096)
	for i := range leaves {
		leaves[i] = Sum([]byte{byte(i), byte(i >> 8)})
	}
	for b.Loop() {
		Root(leaves)
	}
	b.ReportMetric(float64(b.N*len(leaves))/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkLeaf(b *testing.B) {
	l := Leaf{Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 1, Offset: 4}}
	refs := []PieceRef{{Type: PieceValue}, {Type: PieceKeyHeaders}, {Type: PieceDecision}}
	commitments := make([]Hash, 3)
	for b.Loop() {
		l.Root = PiecesRoot(refs, commitments)
		l.Hash()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
}
