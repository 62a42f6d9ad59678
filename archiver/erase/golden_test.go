package erase_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

var update = flag.Bool("update", false, "write the golden archive anew; only before the format is released")

// goldenFile is an archive of format version 1, one person erased. Every later
// release reads it.
const goldenFile = "../../testdata/seal/golden-v1.json"

type golden struct {
	Identities []string                         `json:"identities"` // made for this file alone
	Entries    map[record.Lane][]*ledger.Entry  `json:"entries"`
	Current    map[string]ledger.Object         `json:"current"`
	Stores     map[string]map[string][]byte     `json:"stores"`
	Records    map[record.Lane][][]goldenRecord `json:"records"`
}

type goldenRecord struct {
	Leaf   ledger.Hash `json:"leaf"`
	Value  ledger.Hash `json:"value"` // SHA-256, of "{}" and spaces where erased
	Gone   bool        `json:"gone"`
	Erased int         `json:"erased"`
	Rules  int         `json:"rules"`
}

// summary reads every record as the golden file tells it.
func summary(t *testing.T, r *unseal.Reader, entries map[record.Lane][]*ledger.Entry) map[record.Lane][][]goldenRecord {
	t.Helper()
	out := map[record.Lane][][]goldenRecord{}
	for lane, blocks := range entries {
		for _, e := range blocks {
			got, err := r.Records(context.Background(), e)
			if err != nil {
				t.Fatal(err)
			}
			block := []goldenRecord{}
			for _, o := range got {
				g := goldenRecord{Value: ledger.Sum(o.Record.Value), Gone: o.Gone, Erased: len(o.Erased), Rules: len(o.Rulings)}
				if o.Known {
					g.Leaf = o.Leaf.Hash()
				}
				block = append(block, g)
			}
			out[lane] = append(out[lane], block)
		}
	}
	return out
}

func (s *scene) golden(t *testing.T) *golden {
	t.Helper()
	g := &golden{Entries: s.Entries, Current: s.Current, Stores: map[string]map[string][]byte{}, Records: summary(t, s.reader, s.Entries)}
	for _, id := range s.Identities() {
		g.Identities = append(g.Identities, id.(*age.X25519Identity).String())
	}
	for name, st := range map[string]*mem.Store{"locked": s.Archive.Locked, "meta": s.Meta.Store, "spare": s.Spare.Store} {
		g.Stores[name] = map[string][]byte{}
		for _, key := range st.Keys() {
			body, _, err := st.Get(context.Background(), key)
			if err != nil {
				t.Fatal(err)
			}
			g.Stores[name][key] = body
		}
	}
	return g
}

func TestGolden(t *testing.T) {
	if *update {
		s := newScene(t)
		if err := s.erase(person(erased)); err != nil {
			t.Fatal(err)
		}
		b, err := json.MarshalIndent(s.golden(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	a := sealtest.New(t)
	a.Entries, a.Current = g.Entries, g.Current
	for name, st := range map[string]worm.Store{"locked": a.Locked, "meta": a.Meta, "spare": a.Spare} {
		for key, body := range g.Stores[name] {
			if _, err := st.Put(context.Background(), key, body, ledger.Sum(body), worm.Lock{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ids, err := unseal.ParseIdentities(strings.NewReader(strings.Join(g.Identities, "\n")), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := unseal.New(unseal.Config{Identities: ids, Origin: sealtest.Origin, Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare, Boxes: a.Boxes})
	if err != nil {
		t.Fatal(err)
	}
	records, erasedPieces, gone := 0, 0, 0
	got := summary(t, r, g.Entries)
	for lane, blocks := range g.Records {
		for n, want := range blocks {
			for i := range want {
				if got[lane][n][i] != want[i] {
					t.Errorf("lane %s block %d leaf %d: %+v, want %+v", lane, n, i, got[lane][n][i], want[i])
				}
				records++
				erasedPieces += want[i].Erased
				if want[i].Gone {
					gone++
				}
			}
		}
	}
	if records < 10 || erasedPieces == 0 || gone == 0 {
		t.Errorf("golden archive of %d records, %d erased pieces, %d gone", records, erasedPieces, gone)
	}
}
