package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runIn makes a module of the files and runs testsum on it with the real go test.
func runIn(t *testing.T, require bool, files map[string]string) (int, string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.test/m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out, errOut bytes.Buffer
	code := run([]string{"./..."}, require, &out, &errOut)
	return code, out.String() + errOut.String()
}

func has(t *testing.T, out string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(out, w) {
			t.Errorf("output lacks %q:\n%s", w, out)
		}
	}
}

const passing = "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Log(\"quiet\"); t.Log(\"figures: 7 kills\") }\n"

func TestPassAndSkip(t *testing.T) {
	code, out := runIn(t, false, map[string]string{
		"a/a_test.go": passing,
		"b/b_test.go": "package b\nimport \"testing\"\nfunc TestB(t *testing.T) { t.Skip(\"no service\") }\n",
		"c/c.go":      "package c\n",
	})
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	has(t, out, "     TestA figures: 7 kills\n", "ok   example.test/m/a", "skipped  example.test/m/b TestB: no service\n", "packages without tests: example.test/m/c\n", "\ntests: 1 passed, 0 failed, 1 skipped\n")
	if strings.Contains(out, "quiet") {
		t.Error("output of a passed test is shown")
	}
}

func TestSkipForAMissingPartFailsWhereAllIsRequired(t *testing.T) {
	files := map[string]string{
		"a/a_test.go": passing + "func TestB(t *testing.T) { t.Skip(\"no service\") }\n",
	}
	if code, out := runIn(t, true, files); code != 1 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	files["a/a_test.go"] = passing + "func TestB(t *testing.T) { t.Skip(\"optional: -torture runs it\") }\n"
	if code, out := runIn(t, true, files); code != 0 {
		t.Errorf("exit code %d for an optional skip:\n%s", code, out)
	}
}

func TestFailure(t *testing.T) {
	code, out := runIn(t, false, map[string]string{
		"a/a_test.go": passing + "func TestB(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Error(\"two and two\") }) }\n",
	})
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	has(t, out, "two and two", "failed   example.test/m/a TestB/sub\n", "tests: 1 passed, 2 failed, 0 skipped\n")
}

func TestWhatDoesNotBuildOrPanicsFails(t *testing.T) {
	code, out := runIn(t, false, map[string]string{
		"a/a_test.go": passing,
		"b/b_test.go": "package b\nimport \"testing\"\nfunc TestB(t *testing.T) { undefined() }\n",
		"c/c_test.go": "package c\nimport (\"os\"; \"testing\")\nfunc TestMain(m *testing.M) { println(\"gone early\"); os.Exit(3) }\n",
	})
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	has(t, out, "undefined: undefined", "gone early", "failed   example.test/m/b (did not build", "failed   example.test/m/c (did not build", "tests: 1 passed, 2 failed, 0 skipped\n")
}

func TestNothingRanIsAFailure(t *testing.T) {
	if code, out := runIn(t, false, map[string]string{"c/c.go": "package c\n"}); code != 1 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
