package policy

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of the current version anew")

// TestGolden opens a bundle that an earlier release archived and repeats what it
// decided. The files stay for good: -update is for a format not yet released.
func TestGolden(t *testing.T) {
	const bundleFile, rulesFile = "testdata/bundle-v1.json", "testdata/rules-v1.jsonl"
	ctx := context.Background()
	if *update {
		e := load(t, Options{Config: Config{Numbers: map[string]Number{"106540352242922": {Profile: "unregulated", Department: "sales"}}}})
		var rules []byte
		for in := range inputs() {
			if len(rules) > 20_000 {
				break
			}
			a, err := e.Decide(ctx, &in)
			if err != nil {
				t.Fatal(err)
			}
			rules = append(append(rules, a.JSON...), '\n')
		}
		for name, b := range map[string][]byte{bundleFile: e.Bundle(), rulesFile: rules} {
			if err := os.WriteFile(name, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	stored, err := os.ReadFile(bundleFile)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(ctx, stored, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(rules)) {
		if _, err := e.Replay(ctx, []byte(strings.TrimSuffix(line, "\n"))); err != nil {
			t.Errorf("rule %d: %v", n, err)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d rules", n)
	}
}

// TestReadme holds the example of the README to the parser.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(example, "```")
	if !ok || !closed {
		t.Fatal("no example")
	}
	c, err := ParseConfig([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	e := load(t, Options{Config: c})
	in := message()
	a, err := e.Decide(context.Background(), &in)
	if err != nil || a.Decision.Duty != "2032-12-01" || a.Decision.Labels[0] != "department:sales" {
		t.Errorf("%+v %v", a.Decision, err)
	}
	for _, class := range e.Classes() {
		if !strings.Contains(string(text), "| `"+class+"` |") {
			t.Errorf("the README does not tell of class %s", class)
		}
	}
}
