package archiver

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// cutSamples are the project's payloads with their roles, and records that are
// odd as records.
func cutSamples(t *testing.T) (records []*record.Record, roles []whatsapp.Role) {
	t.Helper()
	add := func(role whatsapp.Role, r *record.Record) {
		r.Coordinates = record.Coordinates{Topic: "wa.test", Era: 1, Offset: int64(len(records))}
		r.Timestamp = 1772355600000 + int64(len(records))
		records, roles = append(records, r), append(roles, role)
	}
	for folder, role := range map[string]whatsapp.Role{
		"webhooks": whatsapp.RoleWebhooks, "sends": whatsapp.RoleSends, "consent": whatsapp.RoleConsent,
		"templates": whatsapp.RoleTemplates, "directory": whatsapp.RoleDirectory,
	} {
		files, err := filepath.Glob(filepath.Join("../testdata/whatsapp", folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no payloads in %s: %v", folder, err)
		}
		for _, f := range files {
			value, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			add(role, &record.Record{Key: []byte("155501000000010"), Value: value, Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: []byte("sha256=00")}, {Key: "h", Value: nil}}})
		}
	}
	add(whatsapp.RoleWebhooks, &record.Record{})
	add(whatsapp.RoleWebhooks, &record.Record{Key: []byte{}, Value: []byte{}})
	add(whatsapp.RoleWebhooks, &record.Record{Value: []byte("{")})
	return records, roles
}

// randomRulings decides on items as no policy would: from a few retentions, at
// random.
func randomRulings(rng *rand.Rand, n int) []ruled {
	out := make([]ruled, n)
	for i := range out {
		k := rng.IntN(4)
		ret := seal.Retention{Class: fmt.Sprintf("class-%d", k), Retain: 2_000_000_000 + int64(k)*86400}
		if k > 1 {
			ret.Duty = ret.Retain - 3600
		}
		rule := fmt.Appendf(nil, `{"rule":%d}`, k)
		out[i] = ruled{rule: &seal.Rule{JSON: rule, Hash: ledger.Sum(rule)}, saw: fmt.Appendf(nil, "saw %d", i), retention: ret}
	}
	return out
}

func tagger(p *whatsapp.Parsed) func(int) [16]byte {
	keys := index.NewKeys([32]byte{1}, map[uint32][32]byte{1: {2}})
	return func(i int) [16]byte {
		g := &p.Regions[i]
		return keys.PersonTag(g.Number, index.PersonIDs(&p.People[g.Person])[0])
	}
}

// TestCut holds every cut of every payload, under decisions at random, to what a
// cut promises.
func TestCut(t *testing.T) {
	records, roles := cutSamples(t)
	rng := rand.New(rand.NewPCG(1, 2))
	parser := whatsapp.NewParser(whatsapp.Options{})
	var c cutter
	divided := 0
	for i, r := range records {
		p := parser.Parse(roles[i], r, nil)
		for range 8 {
			rulings := randomRulings(rng, len(p.Items))
			cut := c.cut(r, p, rulings, tagger(p))
			if judgeCut(t, r, p, rulings, cut) {
				divided++
			}
		}
	}
	if divided < 40 {
		t.Errorf("%d cuts of several people: the payloads have moved", divided)
	}
}

// judgeCut says whether the record was divided.
func judgeCut(t *testing.T, r *record.Record, p *whatsapp.Parsed, rulings []ruled, cut *seal.Cut) bool {
	t.Helper()
	longest, shortest := rulings[0].retention, seal.Retention{}
	for _, d := range rulings {
		longest = longer(longest, d.retention)
	}
	people := map[[16]byte]bool{}
	for i := range p.Regions {
		people[tagger(p)(i)] = true
	}
	var value []byte
	rows, ruled, headers, subjects := map[rowOf]bool{}, make([]int, len(rulings)), 0, 0
	for i := range cut.Pieces {
		q := &cut.Pieces[i]
		rows[rowOf{q.Owner, q.Retention}] = true
		switch q.Type {
		case ledger.PieceValue:
			value = append(value, q.Bytes...)
			if q.Owner.Kind == seal.OwnerSubject {
				subjects++
				if shortest == (seal.Retention{}) || longer(q.Retention, shortest) == shortest {
					shortest = q.Retention
				}
				for n := q.FirstItem; n < q.FirstItem+q.Items; n++ {
					if longer(q.Retention, rulings[n].retention) != q.Retention {
						t.Errorf("%s: item %d is kept shorter than it was decided", r.Coordinates, n)
					}
				}
			} else if q.Retention != longest {
				t.Errorf("%s: envelope until %v, the longest is %v", r.Coordinates, q.Retention, longest)
			}
		case ledger.PieceKeyHeaders:
			headers++
		case ledger.PieceDecision:
			for _, d := range q.Rulings {
				ruled[d.Item]++
			}
		}
	}
	if !bytes.Equal(value, r.Value) {
		t.Errorf("%s: the pieces are not the value", r.Coordinates)
	}
	if headers != 1 {
		t.Errorf("%s: %d pieces of key and headers", r.Coordinates, headers)
	}
	for n, times := range ruled {
		if times != 1 {
			t.Errorf("%s: item %d is decided %d times", r.Coordinates, n, times)
		}
	}
	if len(people) <= 1 {
		if len(rows) != 1 {
			t.Errorf("%s: %d rows for %d people", r.Coordinates, len(rows), len(people))
		}
		return false
	}
	if subjects != len(p.Regions) {
		t.Errorf("%s: %d pieces of people, %d regions", r.Coordinates, subjects, len(p.Regions))
	}
	if !rows[rowOf{seal.Owner{Kind: seal.OwnerHeaders}, shortest}] {
		t.Errorf("%s: key and headers are not under the shortest of the regions, %v", r.Coordinates, shortest)
	}
	return true
}

// TestCutSealUnseal seals every payload as it is cut and reads it back: exact
// bytes, key, headers, null or empty, and what was decided of each item.
func TestCutSealUnseal(t *testing.T) {
	records, roles := cutSamples(t)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	w, err := seal.NewWriter(seal.Config{Origin: "cut.example", Lane: "0", Recipients: []age.Recipient{id.Recipient()}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Begin(1); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	parser := whatsapp.NewParser(whatsapp.Options{})
	var c cutter
	var leaves []ledger.Hash
	decided := make([][]ruled, len(records))
	for i, r := range records {
		p := parser.Parse(roles[i], r, nil)
		decided[i] = randomRulings(rng, len(p.Items))
		leaf, _, err := w.Add(c.cut(r, p, decided[i], tagger(p)))
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		leaves = append(leaves, leaf.Hash())
	}
	opened := unsealAll(t, w, id, len(records))
	for i, o := range opened {
		if !o.Complete || o.Leaf.Hash() != leaves[i] {
			t.Fatalf("record %d: complete %v", i, o.Complete)
		}
		got, want := o.Record, *records[i]
		got.Headers, want.Headers = append([]record.Header{}, got.Headers...), append([]record.Header{}, want.Headers...)
		want.LeaderEpoch = got.LeaderEpoch
		if !reflect.DeepEqual(got, want) {
			t.Errorf("record %d reads back otherwise", i)
		}
		if len(o.Rulings) != len(decided[i]) {
			t.Errorf("record %d: %d rulings of %d", i, len(o.Rulings), len(decided[i]))
			continue
		}
		for n, d := range o.Rulings {
			if w := decided[i][n]; d.Item != n || !bytes.Equal(d.Saw, w.saw) || d.Rule.Hash != w.rule.Hash || !bytes.Equal(d.Rule.JSON, w.rule.JSON) {
				t.Errorf("record %d item %d: another ruling", i, n)
			}
		}
	}
}

// unsealAll stores what a writer sealed and opens it.
func unsealAll(t *testing.T, w *seal.Writer, id age.Identity, n int) []*unseal.Opened {
	t.Helper()
	sealed, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	locked, meta := mem.New(nil), mem.NewMeta(nil)
	e := &ledger.Entry{Lane: "0", N: 1, Records: uint64(n), RowsFrom: sealed.RowsFrom}
	put := func(s worm.Store, o seal.Object) {
		if _, err := s.Put(context.Background(), o.Key, o.Body, o.SHA256, worm.Lock{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range sealed.Segments {
		put(locked, o)
		e.Segments = append(e.Segments, o.Entry())
	}
	for _, b := range sealed.Boxes {
		e.Boxes = append(e.Boxes, b.Entry())
		if b.Locked {
			put(locked, b.Object)
		} else {
			put(meta, b.Object)
		}
	}
	r, err := unseal.New(unseal.Config{Identities: []age.Identity{id}, Origin: "cut.example", Locked: locked, Unlocked: meta, Spare: meta,
		Boxes: func(context.Context, record.Lane, uint64) ([]ledger.Box, error) { return e.Boxes, nil }})
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Records(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
