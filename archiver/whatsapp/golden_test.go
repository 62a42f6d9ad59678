package whatsapp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testdata = "../../testdata/whatsapp"

// payload is a file of the project's own test data.
type payload struct {
	role  Role
	name  string
	value []byte
}

// payloads reads testdata/whatsapp: ROLE/NAME.json is one value of that role.
func payloads(tb testing.TB) []payload {
	tb.Helper()
	var out []payload
	for _, role := range []Role{RoleWebhooks, RoleSends, RoleConsent, RoleTemplates, RoleDirectory} {
		files, err := filepath.Glob(filepath.Join(testdata, string(role), "*.json"))
		if err != nil || len(files) == 0 {
			tb.Fatalf("no payloads for %s: %v", role, err)
		}
		for _, file := range files {
			value, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			name := filepath.Base(file)
			out = append(out, payload{role, name[:len(name)-len(".json")], value})
		}
	}
	return out
}

// TestGolden compares each payload's items, people and regions with
// testdata/whatsapp/golden/ROLE/NAME.json, whose fields are the types' own, less
// those that are empty.
func TestGolden(t *testing.T) {
	p := NewParser(Options{})
	for _, in := range payloads(t) {
		got := checkAll(t, p, in.role, &record.Record{Value: in.value})
		compareGolden(t, string(in.role), in.name, got)
	}
}

func TestMediaGolden(t *testing.T) {
	header := func(k, v string) record.Header { return record.Header{Key: k, Value: []byte(v)} }
	r := &record.Record{Value: []byte("\xff\xd8\xff\xe0 not JSON"), Headers: []record.Header{
		header("X-Waxseal-Media-Id", "300000000000001"), header(HeaderNumber, "200000000000001"), header(HeaderWABA, "100000000000001"),
		header("Content-Type", "image/jpeg"), header(HeaderSHA256, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		header(HeaderMessageID, "wamid.HBgLMTU1NTAxMDAwMDEVAgASGBQz"), header(HeaderWaID, "15550100001"), header(HeaderFilename, "pipe.jpg"),
	}}
	p := NewParser(Options{})
	compareGolden(t, "media", "image", p.Parse(RoleMedia, r, nil))
	compareGolden(t, "media", "unnamed", p.Parse(RoleMedia, &record.Record{Value: []byte{0}}, nil))
	compareGolden(t, "media", "tombstone", p.Parse(RoleMedia, &record.Record{}, nil))
}

func compareGolden(t *testing.T, dir, name string, got *Parsed) {
	t.Helper()
	file := filepath.Join(testdata, "golden", dir, name+".json")
	text := golden(t, got)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s/%s differs from its golden file:\n%s", dir, name, text)
	}
}

// golden is got as JSON, without empty fields.
func golden(t *testing.T, got *Parsed) []byte {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for i, it := range got.Items {
		m := v["Items"].([]any)[i].(map[string]any)["Media"].(map[string]any)
		delete(m, "SHA256")
		delete(m, "Held")
		if it.Media.Hashed {
			m["SHA256"] = hex.EncodeToString(it.Media.SHA256[:])
		}
		if it.Media.Size > 0 {
			m["Held"] = hex.EncodeToString(it.Media.Held[:])
		}
	}
	b, err = json.MarshalIndent(prune(v, ""), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// prune leaves out what is empty, but for numbers that count from 0.
func prune(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e = prune(e, k); e != nil {
				out[k] = e
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		for i := range v {
			v[i] = prune(v[i], "")
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case float64:
		if v == 0 && !slices.Contains([]string{"N", "Person", "Start", "End", "FirstItem", "Items"}, key) {
			return nil
		}
	}
	return v
}

// TestReuse: a Parser that uses its results' memory again says the same of each
// payload as one that does not, whatever came before.
func TestReuse(t *testing.T) {
	plain, again := NewParser(Options{}), NewParser(Options{Reuse: true})
	all := payloads(t)
	for range 2 {
		for _, in := range all {
			r := &record.Record{Value: in.value}
			want, err := json.Marshal(plain.Parse(in.role, r, nil))
			if err != nil {
				t.Fatal(err)
			}
			p := again.Parse(in.role, r, nil)
			if len(p.Regions) == 0 {
				p.Regions = nil
			}
			got, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s/%s:\n%s\n%s", in.role, in.name, got, want)
			}
		}
		slices.Reverse(all)
	}
}
