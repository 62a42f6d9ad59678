package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// mapStore is a LogStore in a map.
type mapStore struct {
	m    map[string][]byte
	fail int // writes until the next error; 0 never
}

var errDown = errors.New("store is down")

func (s *mapStore) down() bool {
	if s.fail > 0 {
		s.fail--
		return s.fail == 0
	}
	return false
}

func (s *mapStore) Create(_ context.Context, key string, body []byte) error {
	if s.down() {
		return errDown
	}
	if have, ok := s.m[key]; ok && !bytes.Equal(have, body) {
		return ErrTile
	}
	s.m[key] = bytes.Clone(body)
	return nil
}

func (s *mapStore) Read(_ context.Context, key string) ([]byte, error) {
	if have, ok := s.m[key]; ok {
		return have, nil
	}
	return nil, ErrNotStored
}

func (s *mapStore) Swap(_ context.Context, key string, old, new []byte) error {
	if s.down() {
		return errDown
	}
	have, ok := s.m[key]
	if ok != (old != nil) || !bytes.Equal(have, old) {
		return ErrSwapped
	}
	s.m[key] = bytes.Clone(new)
	return nil
}

func testLogEntry(i int) []byte { return fmt.Appendf(nil, "entry %d", i) }

// addTo adds entries up to size, and publishes there.
func addTo(t testing.TB, p *Publisher, s *Signer, size uint64) {
	t.Helper()
	ctx := context.Background()
	for p.Size() < size {
		if err := p.Add(ctx, testLogEntry(int(p.Size()))); err != nil {
			t.Fatal(err)
		}
	}
	cp, err := s.Checkpoint("0", size, p.Root())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(ctx, cp); err != nil {
		t.Fatal(err)
	}
}

// The worked example of C2SP tlog-tiles: 70,000 entries are 273 full level 0
// tiles and a partial one of 112, a full level 1 tile and a partial one of 17,
// and a level 2 tile of 1.
func TestTilesOf70000(t *testing.T) {
	count := map[Tile]int{}
	for tile := range TilesOf(70_000) {
		key := Tile{Level: tile.Level, Width: tile.Width}
		count[key]++
	}
	want := map[Tile]int{
		{Level: Entries, Width: 256}: 273, {Level: Entries, Width: 112}: 1,
		{Level: 0, Width: 256}: 273, {Level: 0, Width: 112}: 1,
		{Level: 1, Width: 256}: 1, {Level: 1, Width: 17}: 1,
		{Level: 2, Width: 1}: 1,
	}
	if !maps.Equal(count, want) {
		t.Errorf("got %v, want %v", count, want)
	}
}

func TestPublishWritesExactlyTheTiles(t *testing.T) {
	s := testSigner(t, 1)
	store := &mapStore{m: map[string][]byte{}}
	p := NewPublisher(store, "0", s.Verifier())
	addTo(t, p, s, 70_000)
	want := []string{"log/0/checkpoint"}
	for tile := range TilesOf(70_000) {
		want = append(want, TileKey("0", tile))
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(store.m)); !slices.Equal(got, want) {
		t.Fatalf("%d objects, want %d", len(got), len(want))
	}
	// Each hash tile against x/mod's own idea of it.
	hashes := tlog.HashReaderFunc(readStored(t, 70_000))
	for _, mt := range tlog.NewTiles(8, 0, 70_000) {
		data, err := tlog.ReadTileData(mt, hashes)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, store.m["log/0/"+torchwood.TilePath(mt)]) {
			t.Errorf("%s differs from x/mod's", torchwood.TilePath(mt))
		}
	}
}

// readStored is x/mod's own tree over the test entries.
func readStored(t *testing.T, size int) func([]int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	read := func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, all[i])
		}
		return out, nil
	}
	for i := range size {
		h, err := tlog.StoredHashes(int64(i), testLogEntry(i), tlog.HashReaderFunc(read))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h...)
	}
	return read
}

func TestPublisherGoesOnFromEverySize(t *testing.T) {
	s := testSigner(t, 1)
	for _, step := range []uint64{1, 7, 255, 256, 257, 65_537} {
		store := &mapStore{m: map[string][]byte{}}
		var last *Publisher
		for size := step; size <= min(3*step+520, 70_000); size += step {
			p, err := OpenPublisher(context.Background(), store, "0", s.Verifier())
			if err != nil {
				t.Fatalf("step %d, size %d: %v", step, size, err)
			}
			if p.Size() != size-step {
				t.Fatalf("opened at %d, want %d", p.Size(), size-step)
			}
			addTo(t, p, s, size)
			last = p
			for tile := range TilesOf(size) {
				if _, ok := store.m[TileKey("0", tile)]; !ok {
					t.Fatalf("step %d: %s is not there at size %d", step, tile.Path(), size)
				}
			}
		}
		var tree Tree
		for i := range last.Size() {
			tree.Append(LeafHash(testLogEntry(int(i))))
		}
		if tree.Root() != last.Root() {
			t.Errorf("step %d: another root", step)
		}
	}
}

func TestPublishNeverLowers(t *testing.T) {
	s := testSigner(t, 1)
	store := &mapStore{m: map[string][]byte{}}
	ahead, behind := NewPublisher(store, "0", s.Verifier()), NewPublisher(store, "0", s.Verifier())
	addTo(t, ahead, s, 10)
	addTo(t, behind, s, 4)
	if behind.Published() != 10 {
		t.Errorf("published %d, want 10", behind.Published())
	}
	p, err := OpenPublisher(context.Background(), store, "0", s.Verifier())
	if err != nil || p.Size() != 10 {
		t.Fatalf("size %d, %v", p.Size(), err)
	}
	// What the slower one wrote is right, and a fork is refused.
	if err := behind.Add(context.Background(), []byte("another entry")); err != nil {
		t.Fatal(err)
	}
	cp, _ := s.Checkpoint("0", 5, behind.Root())
	if err := behind.Publish(context.Background(), cp); err != nil {
		t.Errorf("a size that nobody published: %v", err)
	}
	for behind.Size() < 10 {
		if err := behind.Add(context.Background(), testLogEntry(int(behind.Size()))); err != nil {
			t.Fatal(err)
		}
	}
	cp, _ = s.Checkpoint("0", 10, behind.Root())
	if err := behind.Publish(context.Background(), cp); !errors.Is(err, ErrTile) {
		t.Errorf("a fork: %v", err)
	}
}

// Each write of a publication fails once; repeating it gives the same store.
func TestPublishAfterEachFailure(t *testing.T) {
	s := testSigner(t, 1)
	good := &mapStore{m: map[string][]byte{}}
	addTo(t, NewPublisher(good, "0", s.Verifier()), s, 600)
	for fail := 1; fail < 20; fail++ {
		store := &mapStore{m: map[string][]byte{}, fail: fail}
		p := NewPublisher(store, "0", s.Verifier())
		errs := 0
		for p.Size() < 600 {
			if err := p.Add(context.Background(), testLogEntry(int(p.Size()))); err != nil {
				errs++
			}
		}
		cp, err := s.Checkpoint("0", 600, p.Root())
		if err != nil {
			t.Fatal(err)
		}
		for p.Published() < 600 {
			if err := p.Publish(context.Background(), cp); err != nil {
				errs++
			}
		}
		if !maps.EqualFunc(store.m, good.m, bytes.Equal) {
			t.Errorf("failure %d: another store", fail)
		}
		if errs == 0 && store.fail == 0 {
			t.Errorf("failure %d went unseen", fail)
		}
	}
}

// Other people's code reads the log: x/mod's note and tlog through the C2SP
// paths, and torchwood's client.
func TestForeignEyes(t *testing.T) {
	ctx := context.Background()
	s := testSigner(t, 1)
	store := &mapStore{m: map[string][]byte{}}
	p := NewPublisher(store, "0", s.Verifier())
	addTo(t, p, s, 300)
	old := tlog.Tree{N: 300, Hash: tlog.Hash(p.Root())}
	addTo(t, p, s, 1500)

	vkey, err := s.Verifier().VerifierKey("0")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	signed := store.m["log/0/checkpoint"]
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(testArchive+"/0"), torchwood.SingleVerifierPolicy(verifier))
	cp, n, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		t.Errorf("%d signatures", len(n.Sigs))
	}
	tree := tlog.Tree{N: cp.N, Hash: cp.Hash}

	root := fstest.MapFS{}
	for key, body := range store.m {
		root[key[len("log/0/"):]] = &fstest.MapFile{Data: body}
	}
	tiles, err := torchwood.NewTileFS(root)
	if err != nil {
		t.Fatal(err)
	}
	reader := torchwood.TileHashReaderWithContext(ctx, tree, tiles)
	for _, i := range []int64{0, 255, 256, 1023, 1499} {
		proof, err := tlog.ProveRecord(tree.N, i, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(testLogEntry(int(i)))); err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		t.Errorf("tree: %v", err)
	}

	client, err := torchwood.NewClient(tiles)
	if err != nil {
		t.Fatal(err)
	}
	seen := int64(0)
	for i, entry := range client.AllEntries(ctx, tree, 0) {
		if i != seen || !bytes.Equal(entry, testLogEntry(int(i))) {
			t.Fatalf("entry %d is %q", i, entry)
		}
		seen++
	}
	if err := client.Err(); err != nil || seen != tree.N {
		t.Errorf("read %d entries, %v", seen, err)
	}
	// And they see a changed entry.
	root["tile/entries/002"].Data[10] ^= 1
	for range client.AllEntries(ctx, tree, 0) {
	}
	if client.Err() == nil {
		t.Error("a changed bundle went unseen: this test sees nothing")
	}
}

func TestTilePaths(t *testing.T) {
	for path, want := range map[string]Tile{
		"tile/0/x001/x234/067":          {0, 1234067, 256},
		"tile/entries/x001/x234/067":    {Entries, 1234067, 256},
		"tile/2/000.p/1":                {2, 0, 1},
		"tile/entries/999.p/255":        {Entries, 999, 255},
		"tile/1/x001/000.p/17":          {1, 1000, 17},
		"tile/7/x123/x456/x789/000.p/9": {7, 123456789000, 9},
	} {
		got, err := ParseTilePath(path)
		if err != nil || got != want || got.Path() != path {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
	for _, path := range []string{"", "tile", "tile/0", "tile/8/000", "tile/-1/000", "tile/00/000", "tile/0/0", "tile/0/0000", "tile/0/x000/000", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/x001000", "tile/0/001/000", "tile/data/000", "tile/0/000.p", "tile/0/000/"} {
		if tile, err := ParseTilePath(path); err == nil {
			t.Errorf("%q was read as %v", path, tile)
		}
	}
}

func TestInSize(t *testing.T) {
	for _, tc := range []struct {
		tile Tile
		size uint64
		want bool
	}{
		{Tile{0, 0, 1}, 0, false}, {Tile{0, 0, 1}, 1, true}, {Tile{0, 1, 256}, 511, false}, {Tile{0, 1, 256}, 512, true},
		{Tile{1, 0, 1}, 255, false}, {Tile{1, 0, 1}, 256, true}, {Tile{Entries, 1, 3}, 258, false}, {Tile{Entries, 1, 3}, 259, true},
		{Tile{7, 1<<62 - 1, 256}, 1 << 62, false},
	} {
		if got := tc.tile.InSize(tc.size); got != tc.want {
			t.Errorf("%s in %d: %v", tc.tile.Path(), tc.size, got)
		}
	}
}
