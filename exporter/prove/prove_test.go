package prove_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// scene is an archive with records in both lanes, under several blocks, one of
// them of three people.
type scene struct {
	*archivetest.Archive
	three record.Coordinates
}

func newScene(t testing.TB) *scene {
	s := &scene{Archive: archivetest.New(t, archivetest.Options{MaxRecords: 3})}
	at := s.Now().Unix()
	var recs []*record.Record
	for i := range 8 {
		recs = append(recs, archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(archivetest.Ada)+`,"messages":[`+
			archivetest.Text(archivetest.Ada, fmt.Sprintf("wamid.ADA%d", i), at, fmt.Sprintf("message %d", i))+`]`)))
	}
	three := archivetest.Webhook("messages", archivetest.Contacts(archivetest.Ada, archivetest.Bea, archivetest.Cem)+`,"messages":[`+
		archivetest.Text(archivetest.Ada, "wamid.T1", at, "from ada")+","+archivetest.Text(archivetest.Bea, "wamid.T2", at, "from bea")+","+
		archivetest.Text(archivetest.Cem, "wamid.T3", at, "from cem")+`]`)
	where := s.Feed(t, "wa.webhooks", append(recs, archivetest.Record(three))...)
	s.three = where[8]
	s.Archive.Archive(t)
	return s
}

// lanes are those that hold records, with their sizes.
func (s *scene) lanes(t testing.TB) map[record.Lane]uint64 {
	t.Helper()
	need := map[record.Lane]uint64{}
	for _, l := range []record.Lane{"0", "1"} {
		b, err := lane.Last(t.Context(), s.Locked, l, 0)
		if err != nil {
			t.Fatal(err)
		}
		need[l] = b.Entry.N + 1
	}
	return need
}

func (s *scene) open(t testing.TB) *prove.Prover {
	t.Helper()
	p, err := prove.Open(t.Context(), s.Locked, s.Meta)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *scene) cover(t testing.TB, need map[record.Lane]uint64) *prove.Anchor {
	t.Helper()
	a, err := s.open(t).Cover(t.Context(), need)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// files are what a test's proofs name.
type files map[string][]byte

func (f files) open(path string) (io.ReadCloser, error) {
	b, ok := f[path]
	if !ok {
		return nil, errors.New("no such file")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// inline shows every piece in the proof.
func inline(*unseal.Piece) prove.Disclosure { return prove.Disclosure{Inline: true} }

// all proves every record of every block.
func (s *scene) all(t testing.TB, a *prove.Anchor, disclose func(*unseal.Piece) prove.Disclosure) (out []*proof.File) {
	t.Helper()
	r := s.Reader(t)
	for _, l := range []record.Lane{"0", "1"} {
		for n := uint64(0); ; n++ {
			b, err := a.Block(t.Context(), l, n)
			if errors.Is(err, worm.ErrNotFound) || errors.Is(err, prove.ErrHeads) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			opened, err := r.Records(t.Context(), b.Block.Entry)
			if err != nil {
				t.Fatal(err)
			}
			for i := len(opened) - 1; i >= 0; i-- { // in any order
				if err := b.Add(opened[i], disclose); err != nil {
					t.Fatal(err)
				}
			}
			if f := b.File(); f != nil {
				out = append(out, f)
			}
		}
	}
	return out
}

func check(t testing.TB, a *prove.Anchor, fp ledger.Hash, fs []*proof.File, open proof.Open) (shown []proof.Shown) {
	t.Helper()
	doc, err := a.Doc().Encode()
	if err != nil {
		t.Fatal(err)
	}
	checked, err := proof.Check(doc, &fp)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := proof.DecodeFile(b)
		if err != nil {
			t.Fatal(err)
		}
		r, err := checked.Check(again, open)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, r.Records...)
	}
	return shown
}

func TestProveEveryRecord(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	if _, err := s.open(t).Cover(t.Context(), need); !errors.Is(err, prove.ErrHeads) {
		t.Fatalf("before heads are sealed: %v", err)
	}
	s.Heads(t, "0")
	s.Look(t)
	s.Heads(t, "1") // another act: both are in the anchor
	a := s.cover(t, need)
	fs := s.all(t, a, inline)
	shown := check(t, a, s.open(t).Fingerprint(), fs, files{}.open)
	if len(shown) != 9 || len(fs) < 3 {
		t.Fatalf("%d records in %d blocks", len(shown), len(fs))
	}
	for _, r := range shown {
		if r.Withheld != 0 {
			t.Errorf("%s: %d pieces withheld", r.Record, r.Withheld)
		}
	}
	if _, err := s.open(t).Cover(t.Context(), map[record.Lane]uint64{"0": need["0"] + 1}); !errors.Is(err, prove.ErrHeads) {
		t.Errorf("a block that is not there: %v", err)
	}
	if _, err := s.open(t).Cover(t.Context(), nil); err == nil {
		t.Error("covered nothing")
	}
}

// Of a record of three people one is shown: of the others the commitments alone,
// not a byte. The same where one of them was erased.
func TestOneOfThree(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	s.Heads(t, "0", "1")
	for _, erased := range []bool{false, true} {
		if erased {
			s.Pass(24 * time.Hour)
			s.Archive.Archive(t) // rows of before are in nobody's use
			s.Erase(t, archivetest.Number, archivetest.Bea.BSUID)
		}
		a := s.cover(t, need)
		bag := files{}
		fs := s.all(t, a, func(p *unseal.Piece) prove.Disclosure {
			if p.Ref.Type != ledger.PieceValue || !bytes.Contains(p.Committed, []byte("from ada")) {
				return prove.Disclosure{}
			}
			bag["data/ada"] = p.Committed
			return prove.Disclosure{File: "data/ada"}
		})
		for _, r := range check(t, a, s.open(t).Fingerprint(), fs, bag.open) {
			if r.Record == s.three.String() && (r.Withheld == 0 || r.Withheld != r.Pieces-1) {
				t.Errorf("erased %v: %d of %d pieces withheld", erased, r.Withheld, r.Pieces)
			}
		}
		for _, f := range fs {
			b, err := f.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), "from bea") || len(bag) != 1 {
				t.Error("somebody else's bytes are in the proof")
			}
		}
	}
}

// Nothing later enters: a production asked for again, after control and the
// lanes have grown, after tiles were lost or changed, has the same bytes.
func TestRepeats(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	s.Heads(t, "0", "1")
	want := s.encode(t, need)
	same := func(what string) {
		t.Helper()
		if got := s.encode(t, need); !reflect.DeepEqual(got, want) {
			t.Errorf("other bytes %s", what)
		}
	}
	same("when asked again")
	for range 5 {
		s.Look(t)
	}
	s.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages", `"messages":[]`)))
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
	same("after the archive has grown")
	if err := s.Log.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	same("after tiles were published")
	tamperTiles(t, s.Meta)
	same("after tiles were changed")
}

func (s *scene) encode(t testing.TB, need map[record.Lane]uint64) (out []string) {
	t.Helper()
	a := s.cover(t, need)
	doc, err := a.Doc().Encode()
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, string(doc), a.Date())
	r := s.Reader(t)
	for _, l := range []record.Lane{"0", "1"} {
		for n := range need[l] {
			b, err := a.Block(t.Context(), l, n)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := r.Records(t.Context(), b.Block.Entry)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range opened {
				if err := b.Add(o, inline); err != nil {
					t.Fatal(err)
				}
			}
			if f := b.File(); f != nil {
				doc, err := f.Encode()
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, string(doc))
			}
		}
	}
	return out
}

// tamperTiles changes every stored hash tile.
func tamperTiles(t testing.TB, meta mem.Meta) {
	t.Helper()
	n := 0
	err := meta.List(t.Context(), "log/", "", func(v worm.Version) error {
		if strings.Contains(v.Key, "/tile/0/") {
			body, _, err := meta.Get(t.Context(), v.Key)
			if err != nil {
				return err
			}
			body = bytes.Clone(body)
			body[0] ^= 1
			meta.Tamper(v.Key, body)
			n++
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%d tiles changed: %v", n, err)
	}
}

// A block that stands in the store, but was never sealed under the head, is not
// proven; neither is a record that is not the block's.
func TestRefusesForgeries(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	s.Heads(t, "0", "1")
	a := s.cover(t, need)
	l := record.PartitionLane(s.three.Partition)
	for n := range need[l] {
		b, err := a.Block(t.Context(), l, n)
		if err != nil {
			t.Fatal(err)
		}
		if b.Block.Entry.Records == 0 {
			continue
		}
		opened, err := s.Reader(t).Records(t.Context(), b.Block.Entry)
		if err != nil {
			t.Fatal(err)
		}
		opened[0].Leaf.Timestamp++
		if err := b.Add(opened[0], inline); !errors.Is(err, prove.ErrRecord) {
			t.Errorf("a record with another timestamp: %v", err)
		}
		s.Forge(t, l, n, archivetest.ForgeLeaves)
		if _, err := a.Block(t.Context(), l, n); err == nil {
			t.Error("a forged block was proven")
		}
		return
	}
	t.Fatal("no block with records")
}

// checkpointAt is what an auditor kept when control had that many blocks.
func (s *scene) checkpointAt(t testing.TB, size uint64) []byte {
	t.Helper()
	b, err := lane.ReadBlock(t.Context(), s.Locked, record.Control, size-1)
	if err != nil {
		t.Fatal(err)
	}
	return b.Checkpoint
}

func TestConsistency(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	s.Look(t)
	s.Heads(t, "0", "1")
	before := s.Log.Size()
	for range 3 {
		s.Look(t)
	}
	s.Rotate(t, 7, "0", "1")
	for range 3 {
		s.Look(t)
	}
	a := s.cover(t, need)
	if cp, _ := a.Checkpoint(); cp.Size != before {
		t.Fatalf("anchor at %d, want %d", cp.Size, before)
	}
	doc, err := a.Doc().Encode()
	if err != nil {
		t.Fatal(err)
	}
	checked, err := proof.Check(doc, nil)
	if err != nil {
		t.Fatal(err)
	}
	for size := uint64(1); size <= s.Log.Size(); size++ {
		kept := s.checkpointAt(t, size)
		c, err := a.Consistency(t.Context(), kept)
		if err != nil {
			t.Fatalf("kept at %d: %v", size, err)
		}
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if c, err = proof.DecodeConsistency(b); err != nil {
			t.Fatal(err)
		}
		if got, err := checked.Kept(kept, c); err != nil || got.Size != size {
			t.Errorf("kept at %d: %v", size, err)
		}
		if _, err := checked.Kept(kept, nil); (err == nil) != (size == before) {
			t.Errorf("kept at %d without a proof: %v", size, err)
		}
		if size > 1 && size-1 != before {
			if _, err := checked.Kept(s.checkpointAt(t, size-1), c); !errors.Is(err, proof.ErrUnrelated) {
				t.Errorf("a proof for one checkpoint was taken for another: %v", err)
			}
		}
		for i := range c.Path {
			c.Path[i][0] ^= 1
			if _, err := checked.Consistent(c); !errors.Is(err, proof.ErrFork) {
				t.Errorf("kept at %d, hash %d changed: %v", size, i, err)
			}
			c.Path[i][0] ^= 1
		}
	}
	// Of a fork: rightly signed, another root.
	for _, size := range []uint64{before - 1, before, before + 1, s.Log.Size()} {
		signer := s.SignerAt(t, record.Control, size)
		fork, err := signer.Checkpoint(record.Control, size, ledger.Hash{1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Consistency(t.Context(), fork); !errors.Is(err, proof.ErrFork) {
			t.Errorf("fork at %d: %v", size, err)
		}
	}
	beyond, err := s.Signer().Checkpoint(record.Control, s.Log.Size()+1, ledger.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Consistency(t.Context(), beyond); !errors.Is(err, prove.ErrCut) {
		t.Errorf("beyond the archive's end: %v", err)
	}
	other, err := s.Signer().Checkpoint("0", 1, ledger.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Consistency(t.Context(), other); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("a lane's checkpoint: %v", err)
	}
}

// After a rotation both blocks of before and of after are proven, and the
// checkpoint by the new key.
func TestRotationBetweenBlocks(t *testing.T) {
	s := newScene(t)
	s.Heads(t, "0", "1")
	s.Rotate(t, 9, "0", "1")
	s.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(archivetest.Bea)+`,"messages":[`+
		archivetest.Text(archivetest.Bea, "wamid.AFTER", s.Now().Unix(), "after")+`]`)))
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
	need := s.lanes(t)
	a := s.cover(t, need)
	if len(a.Doc().Rotations) != 1 || len(a.Rotations()) != 1 {
		t.Fatalf("%d rotations in the anchor", len(a.Doc().Rotations))
	}
	if shown := check(t, a, s.open(t).Fingerprint(), s.all(t, a, inline), files{}.open); len(shown) != 10 {
		t.Errorf("%d records", len(shown))
	}
	doc := *a.Doc()
	doc.Rotations = nil
	b, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Check(b, nil); err == nil {
		t.Error("the new key was believed without the rotation")
	}
}

// A long control lane is halved over its snapshots, and the same act is found
// when they are gone.
func TestFirstActInALongControl(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	for range 450 {
		s.Look(t)
	}
	s.Heads(t, "0", "1")
	want := s.Log.Size()
	for range 1400 {
		s.Look(t)
	}
	s.Heads(t, "0", "1")
	reads := 0
	s.Locked.Hook(func(_ context.Context, c mem.Call) mem.Fault {
		if c.Op == mem.OpGet {
			reads++
		}
		return mem.None
	})
	cp, _ := s.cover(t, need).Checkpoint()
	s.Locked.Hook(nil)
	if cp.Size != want {
		t.Errorf("anchor at %d, want %d", cp.Size, want)
	}
	if reads == 0 || reads > 1000 {
		t.Errorf("%d reads of 1850 blocks", reads)
	}
	p := s.open(t)
	s.Meta.Hook(func(_ context.Context, c mem.Call) mem.Fault {
		if strings.HasSuffix(c.Key, "-snapshot") {
			return mem.Lost
		}
		return mem.None
	})
	a, err := p.Cover(t.Context(), need)
	s.Meta.Hook(nil)
	if err != nil {
		t.Fatal(err)
	}
	cp, _ = a.Checkpoint()
	if cp.Size != want {
		t.Errorf("without snapshots: anchor at %d, want %d", cp.Size, want)
	}
	var v *control.View
	s.Log.View(func(now *control.View) { v = now })
	if v.Looks != 1850 {
		t.Errorf("%d looks", v.Looks)
	}
}
