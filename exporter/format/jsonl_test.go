package format

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// mustJSON holds a JSON file of the production to the schema that the
// production brings along.
func mustJSON(t testing.TB, files map[string][]byte, at string) {
	t.Helper()
	name := strings.TrimSuffix(path.Base(at), path.Ext(at))
	schema := compiled(t, name)
	docs := [][]byte{files[at]}
	if path.Ext(at) == ".jsonl" {
		docs = bytes.Split(bytes.TrimSuffix(files[at], []byte("\n")), []byte("\n"))
	}
	for i, text := range docs {
		if len(text) == 0 && len(files[at]) == 0 {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s line %d: %v", at, i+1, err)
		}
		if err := schema.Validate(v); err != nil {
			t.Fatalf("%s line %d: %v", at, i+1, err)
		}
	}
}

var compiledSchemas sync.Map

// compiled is one of the schemas that a production brings along.
func compiled(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	if s, ok := compiledSchemas.Load(name); ok {
		return s.(*jsonschema.Schema)
	}
	for _, f := range schemas() {
		if f.Path != "schemas/"+name+".schema.json" {
			continue
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("s.json", doc); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile("s.json")
		if err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		compiledSchemas.Store(name, schema)
		return schema
	}
	t.Fatalf("no schema %s", name)
	return nil
}

func TestJSONLScene(t *testing.T) {
	s := newScene(t)
	files := s.files(t)
	want := 0
	for _, c := range s.convs {
		for _, d := range c.Days {
			want += len(d.Messages)
		}
	}
	lines := strings.Split(strings.TrimSuffix(string(files[MessagesPath]), "\n"), "\n")
	if len(lines) != want {
		t.Fatalf("%d lines for %d messages", len(lines), want)
	}
	var m struct {
		Date, Time, Text string
		FromName         string `json:"from_name"`
		Edits            []struct{ Before, Text string }
		Ledger           struct{ Block string }
	}
	if err := json.Unmarshal([]byte(lines[1]), &m); err != nil {
		t.Fatal(err)
	}
	if m.Date != "2026-11-24" || m.Time != "2026-11-24T08:14:05Z" || m.Text != "Yes, and delivery is free." || m.Edits[0].Text != "Yes, and delivery is €40." ||
		m.Edits[0].Before != m.Text || m.FromName != "Kestrel Home, Furniture" || m.Ledger.Block != "1" {
		t.Errorf("%+v", m)
	}
	if n := strings.Count(string(files["data/events.jsonl"]), "\n"); n != len(s.events) {
		t.Errorf("%d events of %d", n, len(s.events))
	}
	empty, err := (&Production{}).Files(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range empty {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(f.Path, "data/gaps") && b.String() != "[]\n" {
			t.Errorf("no gaps: %q", b.String())
		}
	}
}
