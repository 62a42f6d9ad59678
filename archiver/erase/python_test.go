package erase_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

const (
	readerPy   = "../../testdata/seal/reader.py"
	dictionary = "../seal/dictionary.bin"
)

// foreignRecord is a record as reader.py prints it.
type foreignRecord struct {
	Position int              `json:"position"`
	Gone     bool             `json:"gone"`
	Leaf     string           `json:"leaf"`
	Name     string           `json:"name"`
	Epoch    int32            `json:"epoch"`
	Time     int64            `json:"time"`
	Value    []*string        `json:"value"`
	Erased   [][2]int         `json:"erased"`
	Key      *string          `json:"key"`
	Headers  [][2]*string     `json:"headers"`
	Null     bool             `json:"null"`
	Rulings  []map[string]any `json:"rulings"`
	Media    *struct {
		Length int64  `json:"length"`
		SHA256 string `json:"sha256"`
	} `json:"media"`
}

type foreign struct {
	Boxes []struct {
		Block    uint64            `json:"block"`
		RowsRoot string            `json:"rows_root"`
		Removed  []int             `json:"removed"`
		Tags     map[string]string `json:"tags"`
	} `json:"boxes"`
	Blocks map[string][]foreignRecord `json:"blocks"`
}

// interpreter is the Python that `make test` made ready, else the system's.
func interpreter() string {
	if p := os.Getenv("WAXSEAL_PYTHON"); p != "" {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return "python3"
}

func needPython(t *testing.T) {
	t.Helper()
	if out, err := exec.Command(interpreter(), "-c", "import cryptography").CombinedOutput(); err != nil {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatalf("python3 with cryptography is required: %v %s", err, out)
		}
		t.Skipf("SKIPPED: no python3 with the cryptography module: %v", err)
	}
}

// export writes what reader.py needs of a lane and gives its arguments.
func (s *scene) export(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{readerPy, "--dictionary", dictionary}
	for i, id := range s.Identities() {
		args = append(args, "--identity", write(fmt.Sprintf("identity-%d", i), []byte(id.(*age.X25519Identity).String()+"\n")))
	}
	for n, e := range s.Entries["0"] {
		boxes, err := s.Boxes(context.Background(), "0", uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		for i := range boxes {
			body, _, err := s.Meta.Get(context.Background(), boxes[i].Key)
			if errors.Is(err, worm.ErrNotFound) {
				body, _, err = s.Archive.Locked.Get(context.Background(), boxes[i].Key)
			}
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, "--box", write(fmt.Sprintf("%d-box-%d", n, i), body))
		}
		for i := range e.Segments {
			body, _, err := s.Archive.Locked.Get(context.Background(), e.Segments[i].Key)
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, "--segment", write(fmt.Sprintf("%d-seg-%d", n, i), body))
		}
		for i := range e.Media {
			body, _, err := s.Archive.Locked.Get(context.Background(), e.Media[i].Key)
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, "--media", write(fmt.Sprintf("%d-media-%d", n, i), body))
		}
	}
	return args
}

func python(t *testing.T, args []string) *foreign {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(interpreter(), args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reader.py: %v\n%s", err, stderr.String())
	}
	var f foreign
	if err := json.Unmarshal(out, &f); err != nil {
		t.Fatalf("reader.py: %v", err)
	}
	return &f
}

// TestPythonReader has the reader that was written from FORMAT.md alone read an
// archive before and after an erasure, and compares everything it understood.
func TestPythonReader(t *testing.T) {
	needPython(t)
	s := newScene(t)
	long := make([]*seal.Cut, 40) // one cell, which Zstandard compresses
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Logf("SKIPPED in part: no zstd program, so no cell of that method: %v", err)
		long = long[:4]
	}
	for i := range long {
		long[i] = s.traffic.Message(4, sealtest.Free)
	}
	s.block(t, "0", append(long, pictures()...)...)
	s.Writer(t, "0").Retire(1 << 30)
	s.block(t, "0")
	s.compare(t, python(t, s.export(t)))
	if err := s.erase(person(erased)); err != nil {
		t.Fatal(err)
	}
	f := python(t, s.export(t))
	removed := 0
	for _, b := range f.Boxes {
		removed += len(b.Removed)
	}
	if removed != 4 {
		t.Errorf("python sees %d removed rows in lane 0, want 4", removed)
	}
	s.compare(t, f)
}

// compare holds what Python read to what Go reads.
func (s *scene) compare(t *testing.T, f *foreign) {
	t.Helper()
	s.reader.Forget()
	k := 0
	for n, e := range s.Entries["0"] {
		for i := range e.Boxes {
			if f.Boxes[k].RowsRoot != e.Boxes[i].RowsRoot.String() || f.Boxes[k].Block != uint64(n) {
				t.Fatalf("block %d box %d: %+v", n, i, f.Boxes[k])
			}
			k++
		}
		want, err := s.reader.Records(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		got := f.Blocks[fmt.Sprint(n)]
		if len(got) != len(want) {
			t.Fatalf("block %d: python reads %d records, go %d", n, len(got), len(want))
		}
		for i := range want {
			compareRecord(t, &got[i], want[i], s.Leaves["0"][n][i])
		}
	}
	if k == 0 || k != len(f.Boxes) {
		t.Fatalf("%d boxes compared of %d", k, len(f.Boxes))
	}
}

func compareRecord(t *testing.T, got *foreignRecord, want *unseal.Opened, leaf ledger.Hash) {
	t.Helper()
	if got.Gone != want.Gone || got.Position != want.Position {
		t.Fatalf("leaf %d: gone is %v, %v in go", want.Position, got.Gone, want.Gone)
	}
	if got.Gone {
		return
	}
	c := want.Record.Coordinates
	if got.Leaf != leaf.String() || got.Name != fmt.Sprintf("%s~%d/%d/%d", c.Topic, c.Era, c.Partition, c.Offset) ||
		got.Epoch != want.Record.LeaderEpoch || got.Time != want.Record.Timestamp {
		t.Fatalf("leaf %d: %+v", want.Position, got)
	}
	var erased [][2]int
	values := 0
	for _, p := range want.Pieces {
		if !p.Present {
			erased = append(erased, [2]int{int(p.Ref.Type), int(p.Ref.Index)})
		}
		if p.Ref.Type != ledger.PieceValue {
			continue
		}
		v := got.Value[values]
		values++
		if (v != nil) != p.Present || v != nil && *v != hex.EncodeToString(p.Committed) {
			t.Fatalf("leaf %d: value piece %d differs", want.Position, p.Ref.Index)
		}
	}
	if m := want.Media(); (m != nil) != (got.Media != nil) || m != nil && (got.Media.Length != m.Media.Length || got.Media.SHA256 != m.Media.SHA256.String()) {
		t.Fatalf("leaf %d: media %+v", want.Position, got.Media)
	}
	if fmt.Sprint(got.Erased) != fmt.Sprint(erased) || values != len(got.Value) {
		t.Fatalf("leaf %d: erased %v, want %v", want.Position, got.Erased, erased)
	}
	if got.Null || (got.Key == nil) != (want.Record.Key == nil) || len(got.Headers) != len(want.Record.Headers) || len(got.Rulings) != len(want.Rulings) {
		t.Fatalf("leaf %d: key, headers or rulings differ", want.Position)
	}
	for i, h := range want.Record.Headers {
		if *got.Headers[i][0] != hex.EncodeToString([]byte(h.Key)) || *got.Headers[i][1] != hex.EncodeToString(h.Value) {
			t.Fatalf("leaf %d: header %d differs", want.Position, i)
		}
	}
	for i, r := range got.Rulings {
		if r["rule"] != string(want.Rulings[i].Rule.JSON) || r["saw"] != string(want.Rulings[i].Saw) {
			t.Fatalf("leaf %d: ruling %d: %v", want.Position, i, r)
		}
	}
}

// TestPythonRefuses: the foreign reader sees damage too, without our help.
func TestPythonRefuses(t *testing.T) {
	needPython(t)
	s := newScene(t)
	s.block(t, "0", pictures()...)
	args := s.export(t)
	path := args[len(args)-1]
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)-100] ^= 1
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	err = exec.Command(interpreter(), args...).Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("reader.py on a damaged media object: %v", err)
	}
}
