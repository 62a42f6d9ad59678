package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/waxseal/waxseal/archiver/record"
)

func load(t testing.TB, opt Options) *Engine {
	t.Helper()
	e, err := Load(context.Background(), Builtin(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// message is a live message of a customer.
func message() Input {
	return Input{
		Kind: "text", Channel: "user", Direction: "in", Provenance: "live", Number: "106540352242922", Day: "2026-11-24",
		Facts: Facts{Marketing: "never", Window: "open", Messaged: "yes"},
	}
}

// bundle is a policy of one module over the shipped data.
func bundle(module string) fstest.MapFS {
	data, err := fs.ReadFile(Builtin(), "data.json")
	if err != nil {
		panic(err)
	}
	return fstest.MapFS{"data.json": {Data: data}, "archive.rego": {Data: []byte(module)}}
}

func TestDecide(t *testing.T) {
	e := load(t, Options{})
	in := message()
	a, err := e.Decide(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	want := Decision{Class: "communication", Duty: "2031-12-01", Retain: "2033-12-01", Scope: "business", Revision: e.Revision()}
	if !reflect.DeepEqual(a.Decision, want) {
		t.Errorf("decision %+v, want %+v", a.Decision, want)
	}
	if got := time.Unix(a.Duty, 0).UTC().Format(time.RFC3339); got != "2031-12-01T00:00:00Z" {
		t.Errorf("duty %s", got)
	}
	if got := time.Unix(a.Retain, 0).UTC().Format(time.RFC3339); got != "2033-12-01T00:00:00Z" {
		t.Errorf("retain %s", got)
	}
	sealed := `{"in":{"kind":"text","channel":"user","direction":"in","provenance":"live","number":"106540352242922",` +
		`"day":"2026-11-24","marketing":"never","window":"open","messaged":"yes"},` +
		`"out":{"class":"communication","duty":"2031-12-01","retain":"2033-12-01","scope":"business","revision":"` + e.Revision() + `"}}`
	if string(a.JSON) != sealed {
		t.Errorf("rule\n%s\nwant\n%s", a.JSON, sealed)
	}
	if a.Hash != sha256.Sum256(a.JSON) {
		t.Error("hash is not that of the rule")
	}
	again, err := e.Decide(context.Background(), &in)
	if err != nil || again != a {
		t.Errorf("the second answer is another one: %v", err)
	}
}

// TestRevision holds the revision to everything that decides, and to nothing else.
func TestRevision(t *testing.T) {
	plain := load(t, Options{})
	sum := sha256.Sum256(plain.Bundle())
	if plain.Revision() != hex.EncodeToString(sum[:]) {
		t.Error("the revision is not the hash of the bundle")
	}
	if load(t, Options{}).Revision() != plain.Revision() {
		t.Error("two loads differ")
	}
	configured := load(t, Options{Config: Config{Numbers: map[string]Number{"1": {Profile: "unregulated"}}}})
	if configured.Revision() == plain.Revision() {
		t.Error("overrides do not change the revision")
	}
	tested := fstest.MapFS{"x_test.rego": {Data: []byte("package x")}, "README.md": {Data: []byte("x")}}
	for _, name := range []string{"archive.rego", "findings.rego", "period.rego", "data.json"} {
		b, err := fs.ReadFile(Builtin(), name)
		if err != nil {
			t.Fatal(err)
		}
		tested[name] = &fstest.MapFile{Data: b}
	}
	e, err := Load(context.Background(), tested, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Revision() != plain.Revision() {
		t.Error("tests change the revision")
	}
}

// TestReplay opens an archived bundle, as a reader does years later.
func TestReplay(t *testing.T) {
	ctx := context.Background()
	e := load(t, Options{Config: Config{Numbers: map[string]Number{"106540352242922": {Profile: "unregulated"}}}})
	in := message()
	a, err := e.Decide(ctx, &in)
	if err != nil {
		t.Fatal(err)
	}
	later, err := Open(ctx, e.Bundle(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if later.Revision() != e.Revision() {
		t.Fatal("the opened bundle has another revision")
	}
	if _, err := later.Replay(ctx, a.JSON); err != nil {
		t.Errorf("replay: %v", err)
	}
	forged := strings.Replace(string(a.JSON), `"retain":"2027`, `"retain":"2028`, 1)
	if forged == string(a.JSON) {
		t.Fatal("nothing forged")
	}
	if _, err := later.Replay(ctx, []byte(forged)); !errors.Is(err, ErrReplay) {
		t.Errorf("a forged decision replays: %v", err)
	}
	if _, err := load(t, Options{}).Replay(ctx, a.JSON); !errors.Is(err, ErrReplay) {
		t.Errorf("another revision replays: %v", err)
	}
	if _, err := later.Replay(ctx, []byte(`{"in":{"knd":"text"}}`)); err == nil {
		t.Error("nonsense replays")
	}
}

func TestOpenRefuses(t *testing.T) {
	good := load(t, Options{}).Bundle()
	for name, b := range map[string][]byte{
		"empty":       nil,
		"space":       append(slices.Clone(good), ' '),
		"version":     []byte(strings.Replace(string(good), `{"v":1`, `{"v":2`, 1)),
		"no data":     []byte(`{"v":1,"files":[]}`),
		"other field": []byte(`{"v":1,"files":[],"x":1}`),
	} {
		if _, err := Open(context.Background(), b, Options{}); !errors.Is(err, ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefusedAtLoad: what could not be replayed, or would never fire, does not compile.
func TestRefusedAtLoad(t *testing.T) {
	answer := `{"class": "communication", "retain": "2030-01-01", "scope": "business"}`
	for name, module := range map[string]string{
		"clock":         `decision := ` + answer + ` if time.now_ns() > 0`,
		"http":          `decision := ` + answer + ` if http.send({"method": "get", "url": "x"}).status_code == 200`,
		"random":        `decision := ` + answer + ` if rand.intn("x", 2) == 1`,
		"uuid":          `decision := ` + answer + ` if uuid.rfc4122("x") != ""`,
		"runtime":       `decision := ` + answer + ` if opa.runtime().env.HOME != ""`,
		"dns":           `decision := ` + answer + ` if count(net.lookup_ip_addr("x")) > 0`,
		"certificates":  `decision := ` + answer + ` if crypto.x509.parse_and_verify_certificates("x")[0]`,
		"tokens":        `decision := ` + answer + ` if io.jwt.decode_verify("x", {"secret": "x"})[0]`,
		"input field":   `decision := ` + answer + ` if input.marketting == "given"`,
		"no entry":      `verdict := ` + answer,
		"syntax":        `decision := `,
		"other package": ``,
	} {
		fsys := bundle("package waxseal.archive\n\n" + module + "\n")
		if name == "other package" {
			fsys = bundle("package other\n\ndecision := " + answer)
		}
		if _, err := Load(context.Background(), fsys, Options{}); !errors.Is(err, ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(context.Background(), fstest.MapFS{}, Options{}); !errors.Is(err, ErrBundle) {
		t.Errorf("empty: %v", err)
	}
}

// TestProvisional: whatever a policy does wrong, the item is kept and the error says so.
func TestProvisional(t *testing.T) {
	const head = "package waxseal.archive\n\n"
	for name, c := range map[string]struct {
		module string
		want   error
	}{
		"undefined":      {`decision := {} if input.kind == "nothing"`, ErrUndefined},
		"not an object":  {`decision := 7`, ErrInvalid},
		"unknown field":  {`decision := {"class": "communication", "retain": "2030-01-01", "scope": "business", "keep": true}`, ErrInvalid},
		"unknown class":  {`decision := {"class": "mail", "retain": "2030-01-01", "scope": "business"}`, ErrInvalid},
		"own class":      {`decision := {"class": "provisional", "retain": "2030-01-01", "scope": "business"}`, ErrInvalid},
		"no retain":      {`decision := {"class": "communication", "scope": "business"}`, ErrInvalid},
		"retain a day":   {`decision := {"class": "communication", "retain": "2026-11-24", "scope": "business"}`, ErrInvalid},
		"retain no date": {`decision := {"class": "communication", "retain": "2030-02-30", "scope": "business"}`, ErrInvalid},
		"duty behind":    {`decision := {"class": "communication", "duty": "2030-01-02", "retain": "2030-01-01", "scope": "business"}`, ErrInvalid},
		"duty no date":   {`decision := {"class": "communication", "duty": "soon", "retain": "2030-01-01", "scope": "business"}`, ErrInvalid},
		"scope":          {`decision := {"class": "communication", "retain": "2030-01-01", "scope": "private"}`, ErrInvalid},
		"severity":       {`decision := {"class": "communication", "retain": "2030-01-01", "scope": "business", "findings": [{"rule": "x", "severity": "bad", "reason": "y"}]}`, ErrInvalid},
		"empty label":    {`decision := {"class": "communication", "retain": "2030-01-01", "scope": "business", "labels": [""]}`, ErrInvalid},
		"conflict": {`decision := {"class": "communication", "retain": retain, "scope": "business"}
retain := "2030-01-01" if input.kind == "text"
retain := "2031-01-01" if input.channel == "user"`, ErrInvalid},
	} {
		e, err := Load(context.Background(), bundle(head+c.module), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		in := message()
		for range 2 { // the second comes from memory
			a, err := e.Decide(context.Background(), &in)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: error %v, want %v", name, err, c.want)
			}
			want := Decision{Class: "provisional", Duty: "2027-02-23", Retain: "2027-02-23", Scope: "business", Revision: e.Revision(), Provisional: true}
			if !reflect.DeepEqual(a.Decision, want) {
				t.Errorf("%s: decision %+v, want %+v", name, a.Decision, want)
			}
			if a.Hash != sha256.Sum256(a.JSON) || a.Retain == 0 || a.Duty != a.Retain {
				t.Errorf("%s: the provisional answer cannot be sealed", name)
			}
		}
	}
}

func TestNoDay(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := load(t, Options{Now: func() time.Time { return now }})
	in := message()
	in.Day = "24.11.2026"
	a, err := e.Decide(context.Background(), &in)
	if !errors.Is(err, ErrInput) || !a.Decision.Provisional || a.Decision.Retain != "2026-05-31" {
		t.Errorf("%v, %+v", err, a.Decision)
	}
}

// endless takes far longer than any limit, and stops only because it is told to.
const endless = "package waxseal.archive\n\n" + `decision := {"class": "communication", "retain": "2030-01-01", "scope": "business"} if {
	n := numbers.range(1, 3000)
	count([1 | some a in n; some b in n; some c in n; a + b + c == 0]) == 0
}`

func TestTimeout(t *testing.T) {
	e, err := Load(context.Background(), bundle(endless), Options{Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	in := message()
	first, err := e.Decide(context.Background(), &in)
	if !errors.Is(err, ErrTimeout) || !first.Decision.Provisional {
		t.Fatalf("%v", err)
	}
	for range retryAfter {
		if a, err := e.Decide(context.Background(), &in); a != first || !errors.Is(err, ErrTimeout) {
			t.Fatal("a timeout was not remembered")
		}
	}
	if a, err := e.Decide(context.Background(), &in); a == first || !errors.Is(err, ErrTimeout) {
		t.Fatal("a timeout was remembered for ever")
	}
}

func TestCanceled(t *testing.T) {
	e, err := Load(context.Background(), bundle(endless), Options{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	in := message()
	a, err := e.Decide(ctx, &in)
	if !errors.Is(err, context.Canceled) || !a.Decision.Provisional {
		t.Fatalf("%v", err)
	}
	if a, _ := e.cache.get(&in); a != nil {
		t.Error("a canceled decision was remembered")
	}
}

// TestClamp: a rule that asks for ever gets the class's maximum and a finding.
func TestClamp(t *testing.T) {
	e, err := Load(context.Background(), bundle(`package waxseal.archive
decision := {"class": "contact", "duty": "2150-01-01", "retain": "2150-01-01", "scope": "business"}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := message()
	a, err := e.Decide(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	if d := a.Decision; d.Duty != "2038-12-01" || d.Retain != "2038-12-01" || !slices.Equal(a.Rules, []string{"retention-clamped"}) || a.Severity != "medium" {
		t.Errorf("%+v", d)
	}
}

func TestLimits(t *testing.T) {
	e := load(t, Options{})
	now := time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)
	if l, ok := e.Limit("contact-unmessaged", now); !ok || l.Format(date) != "2027-02-22" {
		t.Errorf("limit %v", l)
	}
	if _, ok := e.Limit("mail", now); ok {
		t.Error("a limit for an unknown class")
	}
	for _, class := range e.Classes() {
		l, ok := e.Limit(class, now)
		if !ok || l.After(e.Horizon(now)) {
			t.Errorf("class %s lies behind the horizon", class)
		}
	}
	if !slices.Contains(e.Classes(), "provisional") {
		t.Error("provisional is no class")
	}
}

// TestDatesAgree holds the Rego dates to the Go ones, over ten years of days.
func TestDatesAgree(t *testing.T) {
	ctx := context.Background()
	for _, p := range []Period{"1d", "30d", "89d", "90d", "365d", "1m", "2m", "3m", "18m", "1y", "7y", "100y"} {
		e := load(t, Options{Config: Config{
			Classes:  map[string]Class{"communication": {Max: "100y"}},
			Profiles: map[string]Profile{"regulated": {"communication": {Duty: "none", Retain: p}}},
		}})
		for day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 11) {
			in := message()
			in.Day = day.Format(date)
			a, err := e.Decide(ctx, &in)
			if err != nil {
				t.Fatal(err)
			}
			if want := p.until(day).Format(date); a.Decision.Retain != want {
				t.Fatalf("%s from %s: rego says %s, Go %s", p, in.Day, a.Decision.Retain, want)
			}
			if end := p.span(day.AddDate(0, 0, 1)); p.until(day).Before(end) {
				t.Fatalf("%s from %s ends at %s, too early", p, in.Day, p.until(day))
			}
		}
	}
}

// kinds are all kinds an item can have. TestKinds reads the source to hold the
// list in data.json to them.
func TestKinds(t *testing.T) {
	src, err := os.ReadFile("../archiver/record/kind.go")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Waxseal struct {
			Kinds map[string]string
		}
	}
	data, err := fs.ReadFile(Builtin(), "data.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(src)) {
		_, rest, ok := strings.Cut(line, "Kind = \"")
		if !ok {
			continue
		}
		kind, _, _ := strings.Cut(rest, `"`)
		if doc.Waxseal.Kinds[kind] == "" {
			t.Errorf("data.json gives no class to kind %s", kind)
		}
		n++
	}
	if n < 40 {
		t.Errorf("only %d kinds found in the source", n)
	}
	if doc.Waxseal.Kinds[string(record.Text)] != "communication" {
		t.Error("text is no communication")
	}
}

// TestSchemas holds the documented schemas to what goes in and comes out.
func TestSchemas(t *testing.T) {
	in, out := compileSchema(t, "schema/archive.input.json"), compileSchema(t, "schema/archive.output.json")
	e := load(t, Options{})
	n := 0
	for input := range inputs() {
		if err := in.Validate(generic(t, input)); err != nil {
			t.Fatal(err)
		}
		a, err := e.Decide(context.Background(), &input)
		if err != nil {
			t.Fatal(err)
		}
		d := output{a.Decision.Class, a.Decision.Duty, a.Decision.Retain, a.Decision.Scope, a.Decision.Labels, a.Decision.Findings}
		m := generic(t, d).(map[string]any)
		for _, k := range []string{"labels", "findings"} {
			if m[k] == nil {
				delete(m, k)
			}
		}
		if err := out.Validate(m); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 1000 {
		t.Fatalf("only %d inputs", n)
	}
	props := generic(t, json.RawMessage(inputSchema)).(map[string]any)["properties"].(map[string]any)
	for f := range fields(reflect.TypeFor[Input]()) {
		if props[f] == nil {
			t.Errorf("the schema does not know input field %s", f)
		}
		delete(props, f)
	}
	if len(props) > 0 {
		t.Errorf("the schema knows fields an input has not: %v", props)
	}
}

func compileSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func generic(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func fields(typ reflect.Type) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, f := range reflect.VisibleFields(typ) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !yield(name) {
				return
			}
		}
	}
}

// inputs are the combinations that the shipped rules can tell apart, and more.
func inputs() func(func(Input) bool) {
	return func(yield func(Input) bool) {
		for _, kind := range []string{"text", "template", "contact_sync", "consent", "unparsed", "not_a_kind"} {
			for _, direction := range []string{"in", "out"} {
				for _, provenance := range []string{"live", "backfill"} {
					for _, marketing := range []string{"given", "withdrawn", "never", "unknown"} {
						for _, template := range []string{"", "APPROVED", "PAUSED", "UNARCHIVED", "unknown"} {
							for _, category := range []string{"", "MARKETING", "UTILITY", "unknown"} {
								for _, messaged := range []string{"yes", "no", "unknown"} {
									in := message()
									in.Kind, in.Direction, in.Provenance = kind, direction, provenance
									in.Marketing, in.Template, in.Category, in.Messaged = marketing, template, category, messaged
									if !yield(in) {
										return
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

func ExampleEngine_Decide() {
	ctx := context.Background()
	config, err := ParseConfig([]byte("numbers: {106540352242922: {profile: unregulated, department: sales}}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := Load(ctx, Builtin(), Options{Config: config})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := e.Decide(ctx, &Input{
		Kind: "template", Channel: "api", Direction: "out", Provenance: "live", Number: "106540352242922", Day: Day(1795478400),
		Facts: Facts{Marketing: "withdrawn", Window: "open", Messaged: "yes", Template: "APPROVED", Category: "MARKETING"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Decision.Class, a.Decision.Duty == "", a.Decision.Retain, a.Decision.Labels, a.Rules, a.Severity)
	// Output: communication true 2027-12-01 [department:sales] [marketing-after-withdrawal] high
}
