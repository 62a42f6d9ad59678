package bundle_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/exporter/bundle"
)

// mutant is a document with one thing changed.
type mutant struct {
	what string
	text []byte
}

// mutants changes each value of a JSON document in every way that is telling for
// its kind, and each object and list in its members. The text stays canonical
// where the change allows it.
func mutants(t testing.TB, doc []byte) (out []mutant) {
	t.Helper()
	emit := func(path string, text []byte) { out = append(out, mutant{path, text}) }
	walk(t, "", bytes.TrimSuffix(doc, []byte("\n")), func(path string, text []byte) { emit(path, append(text, '\n')) })
	emit("no line feed", bytes.TrimSuffix(doc, []byte("\n")))
	emit("a blank", append([]byte(" "), doc...))
	emit("twice", append(bytes.Clone(doc), doc...))
	emit("a field more", bytes.Replace(doc, []byte(`{"v":1`), []byte(`{"v":1,"w":1`), 1))
	emit("a field twice", bytes.Replace(doc, []byte(`{"v":1`), []byte(`{"v":1,"v":1`), 1))
	emit("another version", bytes.Replace(doc, []byte(`{"v":1`), []byte(`{"v":2`), 1))
	emit("an escape", bytes.Replace(doc, []byte(`"archive":"a`), []byte(`"archive":"\u0061`), 1))
	return out
}

// member is a name and the text of a value.
type member struct {
	name string
	text json.RawMessage
}

func members(t testing.TB, text []byte) (out []member, object, list bool) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	first, err := d.Token()
	must(t, err)
	object, list = first == json.Delim('{'), first == json.Delim('[')
	for (object || list) && d.More() {
		var m member
		if object {
			name, err := d.Token()
			must(t, err)
			m.name = name.(string)
		}
		must(t, d.Decode(&m.text))
		out = append(out, m)
	}
	return out, object, list
}

func write(ms []member, object bool) []byte {
	var parts []string
	for _, m := range ms {
		p := string(m.text)
		if object {
			p = fmt.Sprintf("%q:%s", m.name, p)
		}
		parts = append(parts, p)
	}
	if object {
		return []byte("{" + strings.Join(parts, ",") + "}")
	}
	return []byte("[" + strings.Join(parts, ",") + "]")
}

// walk gives the text of the whole with each change made to value.
func walk(t testing.TB, path string, value []byte, emit func(string, []byte)) {
	ms, object, list := members(t, value)
	if !object && !list {
		for _, v := range scalars(value) {
			emit(fmt.Sprintf("%s is %.40s", path, v), []byte(v))
		}
		return
	}
	emit(path+" is empty", write(nil, object))
	emit(path+" is null", []byte("null"))
	for i, m := range ms {
		at := fmt.Sprintf("%s.%s", path, m.name)
		if list {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		if list && i > 2 && i < len(ms)-1 {
			continue // the others are like these
		}
		emit(at+" left out", write(slices.Delete(slices.Clone(ms), i, i+1), object))
		emit(at+" twice", write(slices.Insert(slices.Clone(ms), i, m), object))
		if i > 0 {
			swapped := slices.Clone(ms)
			swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
			emit(at+" swapped with the one before", write(swapped, object))
		}
		walk(t, at, m.text, func(what string, text []byte) {
			changed := slices.Clone(ms)
			changed[i].text = text
			emit(what, write(changed, object))
		})
	}
}

func scalars(value []byte) []string {
	text := string(value)
	if !strings.HasPrefix(text, `"`) {
		return []string{"-1", text + "0", text + ".0", "1e3", "9007199254740993", "99999999999999999999", "null", "true", `"` + text + `"`, "[]"}
	}
	inner := strings.Trim(text, `"`)
	out := []string{`""`, "null", "7", `"` + inner + `x"`, `"0"`, `"-1"`, `"281474976710657"`, `"18446744073709551616"`, `"control"`, `"` + inner + `\n"`}
	if len(inner) > 0 {
		last := inner[len(inner)-1]
		out = append(out, `"`+inner[:len(inner)-1]+`"`, `"`+inner[:len(inner)-1]+string(last^1)+`"`, `"`+strings.ToUpper(inner)+`"`)
	}
	if raw, err := base64.StdEncoding.DecodeString(inner); err == nil && len(raw) > 0 && len(inner) != 64 {
		raw[len(raw)/2] ^= 1
		out = append(out, `"`+base64.StdEncoding.EncodeToString(raw)+`"`)
	}
	return out
}

// Each proof is changed in every part and form, and the bag signed again with the
// archive's own key, so that the proof alone stands against it. Go and verify.py
// refuse both, and name a file: no part of a proof is idle, but that a record
// which shows no byte may be left out. One mutant in sixteen, fewer under the race detector, with WAXSEAL_TORTURE
// all.
func TestTortureProofs(t *testing.T) {
	s, py := newScene(t), startPython(t)
	s.Rotate(t, 5, "0", "1")
	s.say(t, s.ada(), "wamid.R", "from ada")
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
	for range 3 {
		s.Look(t)
	}
	fp := s.fingerprint(t)
	trust := bundle.Trust{Fingerprint: &fp}
	kept := s.checkpointAt(t, s.Log.Size()-1)
	part := copyBag(t, s.bag(t, kept))
	s.whole = true
	whole := copyBag(t, s.bag(t, kept)) // pieces of several people in one file
	all := 0
	for _, c := range []struct{ dir, path string }{
		{part, "proofs/anchor.json"}, {part, "proofs/consistency.json"}, {part, "proofs/0-1.json"}, {part, "proofs/0-2.json"}, {whole, "proofs/0-2.json"},
	} {
		dir, path := c.dir, c.path
		doc, err := os.ReadFile(filepath.Join(dir, path))
		must(t, err)
		every := 16
		if raceEnabled {
			every = 64
		}
		if os.Getenv("WAXSEAL_TORTURE") == "1" {
			every = 1
		}
		for i, m := range mutants(t, doc) {
			if bytes.Equal(m.text, doc) || i%every != 0 {
				continue
			}
			all++
			put(t, dir, path, m.text)
			reseal(t, dir, s.Signer(), fp)
			v := both(t, py, dir, trust)
			if v.OK && !(strings.HasPrefix(m.what, ".records[") && strings.HasSuffix(m.what, "] left out")) {
				t.Errorf("%s: %s: accepted", path, m.what)
			}
			if t.Failed() {
				t.Fatalf("%s: %s\n%.300s", path, m.what, m.text)
			}
		}
		put(t, dir, path, doc)
	}
	for _, dir := range []string{part, whole} {
		reseal(t, dir, s.Signer(), fp)
		if v := both(t, py, dir, trust); !v.OK || all < 20 || (v.Withheld == 0) != (dir == whole) {
			t.Fatalf("%d mutants\n%s", all, v.Text())
		}
	}
	t.Logf("%d mutants", all)
}
