package policy

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed rego/archive.rego rego/findings.rego rego/period.rego rego/data.json
var builtin embed.FS

// Builtin is the policy Waxseal ships.
func Builtin() fs.FS {
	sub, err := fs.Sub(builtin, "rego")
	if err != nil { // only for an invalid path, which "rego" is not
		panic(err)
	}
	return sub
}

// ErrBundle is returned for a bundle that cannot be loaded: it does not compile,
// reads a clock, lacks an entry point or its data break the rules of data.json.
var ErrBundle = errors.New("not a usable policy bundle")

// maxBundle bounds the bytes of one bundle.
const maxBundle = 16 << 20

// File is one file of a bundle: Rego, or the effective data.json.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// archived is a bundle as it is stored: compact JSON in this field order, files
// sorted by name. Its SHA-256 is the revision. See FORMAT.md.
type archived struct {
	V     int    `json:"v"`
	Files []File `json:"files"`
}

const dataFile = "data.json"

// readBundle collects what decides: *.rego without *_test.rego, and data.json.
func readBundle(fsys fs.FS) ([]File, error) {
	var files []File
	var total int
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || !decides(name) {
			return nil
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if total += len(b); total > maxBundle {
			return fmt.Errorf("more than %d bytes: %w", maxBundle, ErrBundle)
		}
		files = append(files, File{name, string(b)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read policy bundle: %w", err)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

func decides(name string) bool {
	if name == dataFile {
		return true
	}
	return path.Ext(name) == ".rego" && !strings.HasSuffix(name, "_test.rego")
}

// pack gives the stored bytes of a bundle and their hash, the revision.
func pack(files []File) ([]byte, string, error) {
	b, err := compact(archived{1, files})
	if err != nil {
		return nil, "", fmt.Errorf("pack policy bundle: %w", err)
	}
	sum := sha256.Sum256(b)
	return b, hex.EncodeToString(sum[:]), nil
}

// unpack reads what pack wrote, and nothing else.
func unpack(b []byte) ([]File, error) {
	if len(b) > maxBundle {
		return nil, fmt.Errorf("archived bundle: more than %d bytes: %w", maxBundle, ErrBundle)
	}
	var a archived
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, fmt.Errorf("archived bundle: %v: %w", err, ErrBundle)
	}
	again, _, err := pack(a.Files)
	if err != nil {
		return nil, err
	}
	if a.V != 1 || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("archived bundle: not in its one form: %w", ErrBundle)
	}
	return a.Files, nil
}

// compact is the one JSON form of this package: no spaces, no HTML escapes,
// struct fields in their order, map keys sorted.
func compact(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
