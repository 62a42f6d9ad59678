package bundle_test

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/exporter/bundle"
)

const suite = "testdata/bagit/v1.0"

// The conformance suite of the Library of Congress: valid bags pass, each invalid
// one is refused.
func TestConformance(t *testing.T) {
	valid, err := filepath.Glob(suite + "/valid/*")
	must(t, err)
	invalid, err := filepath.Glob(suite + "/invalid/*")
	must(t, err)
	if len(valid) < 1 || len(invalid) < 4 {
		t.Fatalf("%d valid, %d invalid bags", len(valid), len(invalid))
	}
	for _, dir := range valid {
		if problems, err := bundle.Validate(t.Context(), dir); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", dir, problems, err)
		}
	}
	reasons := map[string]string{
		"bagit-with-invalid-whitespace": "bagit.txt", "notAllManifestsListAllFiles": "data/missingFromManifest.txt",
		"same-filename-listed-twice-with-different-hashes": "manifest-sha256.txt", "same-filename-listed-twice-with-the-same-hash": "manifest-sha256.txt",
	}
	for _, dir := range invalid {
		problems, err := bundle.Validate(t.Context(), dir)
		must(t, err)
		named := false
		for _, p := range problems {
			named = named || p.File == reasons[filepath.Base(dir)]
		}
		if !named {
			t.Errorf("%s: %v", dir, problems)
		}
	}
}

// bag is a plain BagIt bag, as anybody might write one.
func plainBag(t *testing.T, change func(files map[string]string)) string {
	t.Helper()
	files := map[string]string{
		"bagit.txt":  "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
		"data/a.txt": "hello\n", "data/b/c%d.txt": "hello\n", "note.txt": "a tag file\n",
	}
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	files["manifest-sha256.txt"] = sum("hello\n") + "  data/a.txt\n" + sum("hello\n") + "  data/b/c%25d.txt\n"
	change(files)
	dir := t.TempDir()
	for path, content := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700))
		put(t, dir, path, []byte(content))
	}
	return dir
}

func TestValidate(t *testing.T) {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("hello\n")))
	const m = "manifest-sha256.txt"
	for name, change := range map[string]func(f map[string]string){
		"as it is":                  func(map[string]string) {},
		"lines of Windows":          func(f map[string]string) { f[m] = strings.ReplaceAll(f[m], "\n", "\r\n") },
		"one blank":                 func(f map[string]string) { f[m] = strings.ReplaceAll(f[m], "  ", " ") },
		"a tab and capitals":        func(f map[string]string) { f[m] = strings.ReplaceAll(strings.ToUpper(f[m][:64])+f[m][64:], "  ", "\t") },
		"a star, as md5deep writes": func(f map[string]string) { f[m] = strings.ReplaceAll(f[m], "  ", " *") },
		"a tag manifest": func(f map[string]string) {
			f["tagmanifest-sha256.txt"] = fmt.Sprintf("%x  note.txt\n", sha256.Sum256([]byte(f["note.txt"])))
		},
		"a size": func(f map[string]string) { f["bag-info.txt"] = "Payload-Oxum: 12.2\n" },
	} {
		if problems, err := bundle.Validate(t.Context(), plainBag(t, change)); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", name, problems, err)
		}
	}
	for name, c := range map[string]struct {
		file   string
		change func(f map[string]string)
	}{
		"no declaration":    {"bagit.txt", func(f map[string]string) { delete(f, "bagit.txt") }},
		"another version":   {"bagit.txt", func(f map[string]string) { f["bagit.txt"] = strings.Replace(f["bagit.txt"], "1.0", "0.97", 1) }},
		"a blank line":      {"bagit.txt", func(f map[string]string) { f["bagit.txt"] += "\n" }},
		"a byte order mark": {m, func(f map[string]string) { f[m] = "\ufeff" + f[m] }},
		"no manifest":       {m, func(f map[string]string) { delete(f, m) }},
		"a weak checksum": {"manifest-md5.txt", func(f map[string]string) {
			f["manifest-md5.txt"] = fmt.Sprintf("%x  data/a.txt\n", md5.Sum([]byte("hello\n")))
		}},
		"a file more":           {"data/x", func(f map[string]string) { f["data/x"] = "" }},
		"a file less":           {"data/a.txt", func(f map[string]string) { delete(f, "data/a.txt") }},
		"a changed file":        {"data/a.txt", func(f map[string]string) { f["data/a.txt"] = "hellO\n" }},
		"a changed tag file":    {"note.txt", func(f map[string]string) { f["tagmanifest-sha256.txt"] = sum + "  note.txt\n" }},
		"a fetch file":          {"fetch.txt", func(f map[string]string) { f["fetch.txt"] = "https://example.com/ 1 data/z\n" }},
		"out of the bag":        {m, func(f map[string]string) { f[m] += sum + "  ../a.txt\n" }},
		"out of the bag, data":  {m, func(f map[string]string) { f[m] += sum + "  data/../../a.txt\n" }},
		"from the root":         {m, func(f map[string]string) { f[m] += sum + "  /etc/passwd\n" }},
		"from home":             {m, func(f map[string]string) { f[m] += sum + "  ~/a.txt\n" }},
		"from a drive":          {m, func(f map[string]string) { f[m] += sum + "  C:/a.txt\n" }},
		"a backslash":           {m, func(f map[string]string) { f[m] += sum + "  data\\a.txt\n" }},
		"a tag file as payload": {m, func(f map[string]string) { f[m] += sum + "  note.txt\n" }},
		"twice":                 {m, func(f map[string]string) { f[m] += f[m] }},
		"twice, in capitals":    {m, func(f map[string]string) { f[m] += sum + "  data/A.TXT\n" }},
		"twice, escaped":        {m, func(f map[string]string) { f[m] += sum + "  data/b/c%d.txt\n" }},
		"twice, with a dot":     {m, func(f map[string]string) { f[m] += sum + "  ./data/a.txt\n" }},
		"no checksum":           {m, func(f map[string]string) { f[m] += "abc  data/z\n" }},
		"an empty line":         {m, func(f map[string]string) { f[m] = "\n" + f[m] }},
		"capitals on the disk":  {"data/a.txt", func(f map[string]string) { f["data/A.txt"] = "hello\n" }},
		"another size":          {"bag-info.txt", func(f map[string]string) { f["bag-info.txt"] = "payload-oxum: 12.3\n" }},
		"its own tag manifest": {"tagmanifest-sha256.txt", func(f map[string]string) {
			f["tagmanifest-sha256.txt"] = sum + "  tagmanifest-sha256.txt\n"
		}},
	} {
		problems, err := bundle.Validate(t.Context(), plainBag(t, c.change))
		must(t, err)
		named := false
		for _, p := range problems {
			named = named || strings.EqualFold(p.File, c.file)
		}
		if !named {
			t.Errorf("%s: %v", name, problems)
		}
	}
	dir := plainBag(t, func(map[string]string) {})
	must(t, os.Remove(filepath.Join(dir, "data/a.txt")))
	must(t, os.Symlink("b/c%d.txt", filepath.Join(dir, "data/a.txt")))
	if problems, err := bundle.Validate(t.Context(), dir); err != nil || len(problems) == 0 {
		t.Errorf("a link: %v %v", problems, err)
	}
	if _, err := bundle.Validate(t.Context(), filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there")
	}
}

// FuzzManifest: no manifest makes the validator fail in another way than by
// naming it, and it never reads outside of the bag.
func FuzzManifest(f *testing.F) {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("hello\n")))
	for _, s := range []string{sum + "  data/a.txt\n", sum + "  data/../a.txt", "", "\r\n", sum + "\t*./data/%0Aa.txt\r", sum + "  data/%2"} {
		f.Add(s)
	}
	dir := f.TempDir()
	must(f, os.MkdirAll(filepath.Join(dir, "data"), 0o700))
	put(f, dir, "data/a.txt", []byte("hello\n"))
	put(f, dir, "bagit.txt", []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"))
	f.Fuzz(func(t *testing.T, text string) {
		put(t, dir, "manifest-sha256.txt", []byte(text))
		problems, err := bundle.Validate(t.Context(), dir)
		must(t, err)
		if len(problems) == 0 && !strings.Contains(strings.ToLower(text), sum) {
			t.Errorf("%q passes", text)
		}
	})
}
