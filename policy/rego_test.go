package policy

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
)

// TestRego runs the Rego tests beside the policy with the same capabilities, and
// wants every line of the policy covered by them.
func TestRego(t *testing.T) {
	ctx := context.Background()
	files, err := readBundle(os.DirFS("rego"))
	if err != nil {
		t.Fatal(err)
	}
	policy, data, err := parse(files)
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]*ast.Module{}
	for name, m := range policy {
		modules[name] = m
	}
	tests, err := filepath.Glob("rego/*_test.rego")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no Rego tests: %v", err)
	}
	for _, name := range tests {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ast.ParseModule(name, string(text))
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = m
	}
	c := cover.New()
	results, err := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithCapabilities(capabilities())).
		SetStore(inmem.NewFromObject(data)).
		SetCoverageQueryTracer(c).
		SetModules(modules).
		RunTests(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := range results {
		if !r.Pass() {
			t.Errorf("%s.%s: %v", r.Package, r.Name, r.Error)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d Rego tests ran", n)
	}
	report := c.Report(policy)
	t.Logf("%d Rego tests, %.1f %% of the policy covered", n, report.Coverage)
	if report.Coverage < 100 {
		for name, f := range report.Files {
			for _, r := range f.NotCovered {
				t.Errorf("%s:%d to %d is not covered", name, r.Start.Row, r.End.Row)
			}
		}
	}
}
