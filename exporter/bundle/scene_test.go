package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
)

// scene is a small archive: five records of one person in lane 0 or 1, and one of
// three people, of which Ada's is shown and the others' withheld.
type scene struct {
	*archivetest.Archive
	whole bool // everything is shown, of everybody
}

func newScene(t testing.TB) *scene {
	s := &scene{Archive: archivetest.New(t, archivetest.Options{MaxRecords: 3})}
	at := s.Now().Unix()
	for i := range 3 {
		s.say(t, archivetest.Ada, fmt.Sprintf("wamid.A%d", i), "from ada")
	}
	s.say(t, archivetest.Bea, "wamid.B", "from bea") // erased in one test
	s.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(archivetest.Ada, archivetest.Bea, archivetest.Cem)+`,"messages":[`+
		archivetest.Text(archivetest.Ada, "wamid.T1", at, "from ada")+","+archivetest.Text(archivetest.Bea, "wamid.T2", at, "from bea")+","+
		archivetest.Text(archivetest.Cem, "wamid.T3", at, "from cem")+`]`)))
	s.Archive.Archive(t)
	s.Look(t)
	s.Heads(t, "0", "1")
	return s
}

func (s *scene) say(t testing.TB, who archivetest.Person, id, text string) {
	s.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(who)+`,"messages":[`+
		archivetest.Text(who, id, s.Now().Unix(), text)+`]`)))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lanes are the records' lanes with their sizes as sealed last.
func (s *scene) lanes(t testing.TB) map[record.Lane]uint64 {
	t.Helper()
	need := map[record.Lane]uint64{}
	for _, l := range []record.Lane{"0", "1"} {
		b, err := lane.Last(t.Context(), s.Locked, l, 0)
		must(t, err)
		need[l] = b.Entry.N + 1
	}
	return need
}

// export writes a bag of all that is not about Bea or Cem: whole values into a
// file each, and of records of several people a file for each piece.
func (s *scene) export(t testing.TB, out string, need map[record.Lane]uint64, kept []byte) {
	t.Helper()
	must(t, s.tryExport(t, out, need, kept, s.Signer()))
}

func (s *scene) tryExport(t testing.TB, out string, need map[record.Lane]uint64, kept []byte, signer *ledger.Signer) error {
	p, err := prove.Open(t.Context(), s.Locked, s.Meta)
	must(t, err)
	a, err := p.Cover(t.Context(), need)
	must(t, err)
	w, err := bundle.Create(out)
	if err != nil {
		return err
	}
	r := s.Reader(t)
	for l, size := range need {
		for n := range size {
			b, err := a.Block(t.Context(), l, n)
			must(t, err)
			opened, err := r.Records(t.Context(), b.Block.Entry)
			must(t, err)
			for _, o := range opened {
				if o.Known {
					must(t, s.write(w, b, o))
				}
			}
			if f := b.File(); f != nil {
				must(t, w.Proof(f))
			}
		}
	}
	must(t, w.Write("index.html", []byte("<title>test</title>\n")))
	must(t, w.Write("data/messages.jsonl", []byte("{}\n")))
	end := bundle.Ending{
		Anchor: a.Doc(), Rotations: a.Rotations(), Date: a.Date(), Info: []bundle.Field{{Label: "Scope", Value: "--all"}},
		Sign: func(_ context.Context, sum ledger.Hash) ([]byte, error) {
			return bundle.SignNote(signer, p.Fingerprint(), sum), nil
		},
	}
	if kept != nil {
		end.Consistency, err = a.Consistency(t.Context(), kept)
		must(t, err)
	}
	if err := w.Finish(t.Context(), end); err != nil {
		return errors.Join(err, w.Abort())
	}
	return nil
}

func (s *scene) write(w *bundle.Writer, b *prove.Block, o *unseal.Opened) error {
	base := fmt.Sprintf("data/raw/%s/%d/%d", o.Leaf.Topic, o.Leaf.Partition, o.Leaf.Offset)
	other := func(p *unseal.Piece) bool {
		return !s.whole && (bytes.Contains(p.Committed, []byte("from bea")) || bytes.Contains(p.Committed, []byte("from cem")))
	}
	whole := o.Complete
	for i := range o.Pieces {
		whole = whole && !other(&o.Pieces[i])
	}
	if whole {
		if err := w.Write(base+".json", o.Record.Value); err != nil {
			return err
		}
	}
	var failed error
	err := b.Add(o, func(p *unseal.Piece) prove.Disclosure {
		switch {
		case whole && p.Ref.Type == ledger.PieceValue:
			return prove.Disclosure{File: base + ".json", Offset: int64(p.Span.Start)}
		case whole:
			return prove.Disclosure{Inline: true}
		case p.Ref.Type == ledger.PieceValue && !other(p):
			name := fmt.Sprintf("%s.%d.bin", base, p.Ref.Index)
			failed = errors.Join(failed, w.Write(name, p.Committed))
			return prove.Disclosure{File: name}
		}
		return prove.Disclosure{}
	})
	return errors.Join(err, failed)
}

func (s *scene) fingerprint(t testing.TB) ledger.Hash {
	t.Helper()
	p, err := prove.Open(t.Context(), s.Locked, s.Meta)
	must(t, err)
	return p.Fingerprint()
}

// bag exports into a folder of its own.
func (s *scene) bag(t testing.TB, kept []byte) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bag")
	s.export(t, out, s.lanes(t), kept)
	return out
}

func verify(t testing.TB, dir string, trust bundle.Trust) *bundle.Verdict {
	t.Helper()
	v, err := bundle.Verify(t.Context(), dir, trust)
	must(t, err)
	return v
}

func (s *scene) checkpointAt(t testing.TB, size uint64) []byte {
	t.Helper()
	b, err := lane.ReadBlock(t.Context(), s.Locked, record.Control, size-1)
	must(t, err)
	return b.Checkpoint
}

func (s *scene) eraseBea(t testing.TB) {
	s.Pass(24 * time.Hour)
	s.Archive.Archive(t) // rows of before are in nobody's use
	s.Erase(t, archivetest.Number, archivetest.Bea.BSUID)
}

// copyBag makes a copy that may be changed.
func copyBag(t testing.TB, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(out, os.DirFS(dir)))
	return out
}

func (s *scene) ada() archivetest.Person { return archivetest.Ada }

// other signs as this archive would with a key that it does not have.
func (s *scene) other(t testing.TB) *ledger.Signer {
	t.Helper()
	signer, err := ledger.NewSigner(s.Signer().Archive(), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)))
	must(t, err)
	return signer
}
