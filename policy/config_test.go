package policy

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	c, err := ParseConfig([]byte(`
default_profile: broker
classes:
  status: {max: 2y}
profiles:
  broker:
    "*": {duty: 3y, retain: 6y}
    status: {duty: none, retain: 1y}
    contact-unmessaged: {duty: none, retain: 7d}
  regulated:
    status: {duty: 1y, retain: 1y}
  unregulated:
    status: {duty: none, retain: 1m}
numbers:
  106540352242922: {profile: unregulated, department: sales}
  "106540352242923":
    classes:
      communication: {duty: 1m, retain: 2m}
`))
	if err != nil {
		t.Fatal(err)
	}
	e := load(t, Options{Config: c})
	for _, x := range []struct{ kind, number, duty, retain, label string }{
		{"text", "", "2029-12-01", "2032-12-01", ""},
		{"status", "", "", "2027-12-01", ""},
		{"text", "106540352242922", "", "2027-12-01", "department:sales"},
		{"status", "106540352242922", "", "2026-12-25", "department:sales"},
		{"text", "106540352242923", "2026-12-25", "2027-01-25", ""},
		{"status", "106540352242923", "", "2027-12-01", ""},
	} {
		in := message()
		in.Kind, in.Number = x.kind, x.number
		a, err := e.Decide(context.Background(), &in)
		if err != nil {
			t.Fatal(err)
		}
		d := a.Decision
		if d.Duty != x.duty || d.Retain != x.retain || strings.Join(d.Labels, ",") != x.label {
			t.Errorf("%s on %q: %s %s %v, want %+v", x.kind, x.number, d.Duty, d.Retain, d.Labels, x)
		}
	}
}

// TestConfigErrors: each error names the entry and what is wrong with it.
func TestConfigErrors(t *testing.T) {
	for text, says := range map[string]string{
		"number: {}":                                              "field number not found",
		"classes: [x]":                                            "cannot unmarshal",
		"{}\n---\n{}":                                             "one document",
		"default_profile: x":                                      `default_profile: no profile "x"`,
		"classes: {Mail: {}}":                                     `"Mail" is no class name`,
		"classes: {mail: {}}":                                     `classes: mail: max: "" is no period`,
		"classes: {status: {max: 3 years}}":                       `"3 years" is no period`,
		"classes: {status: {max: 200y}}":                          "longer than a hundred years",
		"classes: {provisional: {max: 3y}}":                       `"provisional" is no class name`,
		"classes: {status: {max: 3y}}":                            `profiles: regulated: "*" retains 7y, longer than the maximum of class status (3y)`,
		"profiles: {own: {}}":                                     `profiles: own: it needs an entry "*"`,
		`profiles: {own: {"*": {retain: 1y}}}`:                    `own: *: duty: write a period, or none`,
		`profiles: {own: {"*": {duty: 2y, retain: 1y}}}`:          `duty 2y is longer than retain 1y`,
		`profiles: {own: {"*": {duty: 2y}}}`:                      `retain: "" is no period`,
		`profiles: {own: {"*": {duty: x, retain: 1y}}}`:           `duty: "x" is no period`,
		`profiles: {regulated: {mail: {duty: none, retain: 1y}}}`: `regulated: no class "mail"`,
		`profiles: {regulated: {contact-unmessaged: {duty: none, retain: 1y}}}`:      `retain 1y is longer than the class's maximum 89d`,
		`numbers: {"+15550100001": {}}`:                                              "a key is no phone_number_id",
		`numbers: {"1": {profile: x}}`:                                               `numbers: 1: no profile "x"`,
		`numbers: {"1": {department: ` + strings.Repeat("x", 200) + `}}`:             "department is longer than",
		`numbers: {"1": {classes: {"*": {duty: none, retain: 1y}}}}`:                 `"*" stands in profiles only`,
		`numbers: {"1": {classes: {communication: {duty: none, retain: 13y}}}}`:      `1: classes: communication: retain 13y is longer than`,
		`numbers: {"1": {classes: {communication: {duty: none, retain: 1y, x: 1}}}}`: "field x not found",
	} {
		c, err := ParseConfig([]byte(text))
		if err == nil {
			_, err = Load(context.Background(), Builtin(), Options{Config: c})
		}
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s:\n  %v\n  want … %s", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "15550100001") {
			t.Errorf("%s: the error quotes a phone number", text)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("numbers: {106540352242922: {profile: unregulated}}"))
	f.Add([]byte(`{"profiles":{"x":{"*":{"duty":"none","retain":"1y"}}},"classes":{"status":{"max":"8y"}}}`))
	data, err := builtin.ReadFile("rego/data.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if err != nil {
			return
		}
		_, merged, err := mergeConfig(data, c)
		if err != nil {
			t.Fatalf("a parsed configuration does not merge: %v", err)
		}
		if merged.check() == nil && merged.Classes["communication"].Max == "" {
			t.Fatal("the shipped classes are gone")
		}
	})
}
