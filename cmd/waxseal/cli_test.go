package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/waxseal/waxseal/cmd/internal/about"
)

func model(t *testing.T) *kong.Application {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.Name("waxseal"))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// Help teaches: every command that can be typed shows an example of itself.
func TestEveryCommandHasAnExample(t *testing.T) {
	leaves := model(t).Leaves(false)
	if len(leaves) < 15 {
		t.Fatalf("only %d commands", len(leaves))
	}
	for _, cmd := range leaves {
		path := strings.SplitN(cmd.FullPath(), " <", 2)[0]
		_, examples, ok := strings.Cut(cmd.Detail, "Examples:\n")
		if !ok || !strings.Contains(examples, path) {
			t.Errorf("%s: its help has no example of it", path)
		}
		for _, f := range cmd.Flags {
			if f.Help == "" {
				t.Errorf("%s --%s has no help", path, f.Name)
			}
		}
	}
}

// Examples are real: each parses.
func TestExamplesParse(t *testing.T) {
	for _, cmd := range model(t).Leaves(false) {
		_, examples, _ := strings.Cut(cmd.Detail, "Examples:\n")
		for line := range strings.Lines(examples) {
			_, args, ok := strings.Cut(line, "waxseal ")
			if !ok || strings.ContainsAny(args, "'\"$|") {
				continue // needs a shell
			}
			args, _, _ = strings.Cut(args, "   ")
			args, _, _ = strings.Cut(args, " > ")
			var c cli
			parser, err := kong.New(&c, kong.Name("waxseal"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(strings.Fields(strings.TrimRight(args, ")\n"))); err != nil {
				t.Errorf("%q: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

// Every setting that the help calls a flag is one, and every flag that names a
// setting is read by it.
func TestFlagsAreSettings(t *testing.T) {
	x := "x"
	c := cli{Data: &x, Broker: &x, Output: &x, TZ: &x, LogLevel: &x}
	for name := range c.flags() {
		if _, ok := findSetting(name); !ok {
			t.Errorf("flag %s is no setting", name)
		}
	}
	names := map[string]bool{}
	for _, s := range settings() {
		if names[s.env()] {
			t.Errorf("two settings read %s", s.env())
		}
		names[s.env()] = true
	}
}

// Uncommented, the example file sets every setting to its default.
func TestExampleConfigIsTheDefaults(t *testing.T) {
	var b bytes.Buffer
	if err := exampleConfig(&b); err != nil {
		t.Fatal(err)
	}
	var plain strings.Builder
	for line := range strings.Lines(b.String()) {
		plain.WriteString(strings.TrimPrefix(line, "#"))
	}
	path := t.TempDir() + "/w.yaml"
	if err := os.WriteFile(path, []byte(plain.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := resolve(nil, nil, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got.values {
		if !strings.HasPrefix(v.source, path) {
			t.Errorf("%s is not in the example file", v.name)
		}
		if v.text != v.def {
			t.Errorf("%s = %q in the example file, default %q", v.name, v.text, v.def)
		}
	}
}

func TestSpan(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, from, to string }{
		{"2026", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"},
		{"2026-02", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"},
		{"2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // the day with 25 hours
		{"2026-11-24 09:30", "2026-11-24T08:30:00Z", "2026-11-24T08:31:00Z"},
		{"2026-11-24T09:30:05+00:00", "2026-11-24T09:30:05Z", "2026-11-24T09:30:06Z"},
	} {
		from, to, err := span(c.in, berlin)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		f, u := time.Unix(from, 0).UTC().Format(time.RFC3339), time.Unix(to, 0).UTC().Format(time.RFC3339)
		if f != c.from || u != c.to {
			t.Errorf("%s is [%s, %s), want [%s, %s)", c.in, f, u, c.from, c.to)
		}
	}
}

// Scripts rely on what SCRIPTING.md says, so every field stands there.
func TestScriptingNamesEveryField(t *testing.T) {
	doc, err := os.ReadFile("SCRIPTING.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("%s.%s: SCRIPTING.md lacks `%s`", typ.Name(), f.Name, name)
			}
			walk(f.Type)
		}
	}
	for _, v := range []any{Event{}, ArchiveResponse{}, FeedResponse{}, StatusResponse{}, VerifyResponse{}, ReindexResponse{}, IndexCheckResponse{}, IndexDifference{}, ddlResponse{}, DoctorResponse{}, SearchResponse{}, Hit{},
		ShowResponse{}, CatRecord{}, ExportResponse{}, ExportEstimate{}, Identification{}, RotateResponse{}, keysResponse{}, configResponse{}, about.Binary{}} {
		walk(reflect.TypeOf(v))
	}
}
