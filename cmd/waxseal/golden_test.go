package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/retrieve"
)

var update = flag.Bool("update", false, "make the golden archive of the newest format anew; only before that format is released")

// goldenDir holds an archive of each format there was. None is changed once its
// format is released; every later release reads all of them.
const goldenDir = "../../testdata/golden"

// golden is what is expected of a golden archive.
type golden struct {
	Fingerprint string         `json:"fingerprint"`
	Blocks      uint64         `json:"blocks"`
	ErasedRows  uint64         `json:"erased_rows"`
	Erased      int            `json:"erased_records"`
	Records     []goldenRecord `json:"records"`
}

// goldenRecord is a record as cat gives it; an erased one has filler.
type goldenRecord struct {
	CatRecord
	SHA256 string `json:"sha256"` // of the value
}

func TestGolden(t *testing.T) {
	if *update {
		makeGolden(t, filepath.Join(goldenDir, "v1-media"))
	}
	versions, err := filepath.Glob(filepath.Join(goldenDir, "v*"))
	if err != nil || len(versions) == 0 {
		t.Fatalf("no golden archives: %v", err)
	}
	for _, dir := range versions {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readGolden(t, dir)
			a := openGolden(t, dir)
			goldenVerifies(t, a, want)
			goldenReads(t, a, dir, want)
			goldenGoesOn(t, a, want)
		})
	}
}

func readGolden(t *testing.T, dir string) golden {
	t.Helper()
	var g golden
	b, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Records) < 20 || g.Erased == 0 || g.ErasedRows == 0 {
		t.Fatalf("a golden archive of %d records, %d erased", len(g.Records), g.Erased)
	}
	return g
}

// openGolden opens a copy of the archive: what is in the tree stays as it is.
func openGolden(t *testing.T, dir string) *appliance {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(data, os.DirFS(filepath.Join(dir, "data"))); err != nil {
		t.Fatal(err)
	}
	return openFolder(t, data)
}

// openFolder is the App over a data folder, with the settings the golden
// archives are made with.
func openFolder(t *testing.T, data string) *appliance {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	text := "default_profile: unregulated\nnumbers:\n  \"155501000000020\": {profile: regulated}\n"
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := resolve(map[string]string{"data": data}, []string{
		"WAXSEAL_NAME=golden.example/v1", "WAXSEAL_KIND=classic", "WAXSEAL_PARTITIONS=2", "WAXSEAL_LINGER=10ms", "WAXSEAL_RULES=" + rules,
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return &appliance{set: set, env: Env{
		Settings: set, Log: slog.New(slog.DiscardHandler), Progress: func(string, int64, int64) {},
	}}
}

// goldenVerifies holds the archive to the fingerprint on record, with and
// without its identities.
func goldenVerifies(t *testing.T, a *appliance, want golden) {
	t.Helper()
	for _, deep := range []bool{false, true} {
		v, err := a.Verify(t.Context(), VerifyRequest{Fingerprint: want.Fingerprint, Deep: deep, Unrecorded: true})
		if err != nil {
			t.Fatal(err)
		}
		if !v.OK || !v.Pinned || len(v.Findings) != 0 || v.Records != uint64(len(want.Records)) || v.Erased != want.ErasedRows || v.Blocks < want.Blocks {
			t.Errorf("deep %v: %+v", deep, v)
		}
	}
}

// goldenReads rebuilds the index, and compares its rows and every record.
func goldenReads(t *testing.T, a *appliance, dir string, want golden) {
	t.Helper()
	ctx := t.Context()
	if _, err := a.Reindex(ctx); err != nil {
		t.Fatal(err)
	}
	got := rowsOf(t, a)
	var rows []map[string]any
	b, err := os.ReadFile(filepath.Join(dir, "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	decodeExact(t, b, &rows)
	if len(got) != len(rows) || len(rows) == 0 {
		t.Fatalf("%d rows, want %d", len(got), len(rows))
	}
	for i, row := range rows { // fields may be added, none may say something else
		for _, name := range slices.Sorted(maps.Keys(row)) {
			if !reflect.DeepEqual(got[i][name], row[name]) {
				t.Errorf("row %d: %s is %v, want %v", i, name, got[i][name], row[name])
			}
		}
	}
	for i, r := range catAll(t, a, want.Records) {
		if !reflect.DeepEqual(r, want.Records[i]) {
			t.Errorf("record %s is not as it was", want.Records[i].Record)
		}
	}
}

// goldenGoesOn archives into the archive with today's code.
func goldenGoesOn(t *testing.T, a *appliance, want golden) {
	t.Helper()
	feedGolden(t, a, "webhooks/message_text.json")
	drain(t, a)
	v, err := a.Verify(t.Context(), VerifyRequest{Fingerprint: want.Fingerprint, Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	if !v.OK || v.Records != uint64(len(want.Records))+1 {
		t.Errorf("gone on with: %+v", v)
	}
}

// catAll reads records by their names.
func catAll(t *testing.T, a *appliance, records []goldenRecord) []goldenRecord {
	t.Helper()
	r, err := a.openReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	lib := r.library(a.set)
	var out []goldenRecord
	for _, want := range records {
		if err := lib.Cat(t.Context(), want.Record, func(r *retrieve.Record) error {
			out = append(out, goldenOf(catOf(r)))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// rowsOf gives the rows of the index as JSON would.
func rowsOf(t *testing.T, a *appliance) []map[string]any {
	t.Helper()
	ix, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(a.set.Data, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	var rows []index.Row
	if err := ix.All(t.Context(), func(r index.Row) error {
		rows = append(rows, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	decodeExact(t, b, &out)
	return out
}

// decodeExact decodes JSON without rounding numbers.
func decodeExact(t *testing.T, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}

// feedGolden feeds payloads of testdata/whatsapp, or of this command's samples,
// each to the topic its folder names, and gives what they became by name.
func feedGolden(t *testing.T, a *appliance, files ...string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range files {
		path := filepath.Join("../../testdata/whatsapp", filepath.FromSlash(name))
		if !exists(path) {
			path = filepath.Join("samples", filepath.FromSlash(name))
		}
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Feed(t.Context(), FeedRequest{Paths: []string{path}, Topic: "wa." + filepath.Dir(name)})
		if err != nil {
			t.Fatal(err)
		}
		out[r.Files[0].Records[0]] = body
	}
	return out
}

func drain(t *testing.T, a *appliance) {
	t.Helper()
	if _, err := a.Archive(t.Context(), ArchiveRequest{Drain: true}, func(Event) {}); err != nil {
		t.Fatal(err)
	}
}

// The tree keeps golden archives byte for byte, and small.
func TestGoldenIsSmallAndPlain(t *testing.T) {
	total := int64(0)
	err := filepath.WalkDir(goldenDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a plain file", path)
		}
		total += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > 700<<10 {
		t.Errorf("%d bytes", total)
	}
	attributes, err := os.ReadFile("../../.gitattributes")
	if err != nil || !bytes.Contains(attributes, []byte("testdata/golden/** -text\n")) {
		t.Errorf(".gitattributes does not keep the golden archives from being changed on checkout: %v", err)
	}
}
