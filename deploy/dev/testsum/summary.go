package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is one line of go test -json (cmd/test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

type key struct{ pkg, test string }

type skip struct {
	key
	reason string
}

// summary collects what happened. It prints a line as each package ends, and
// the output of what failed.
type summary struct {
	w       io.Writer
	output  map[key][]string
	build   map[string][]string
	count   map[string]map[string]int // by package, then action
	passed  int
	failed  []key
	skipped []skip
	noTests []string
	broken  []string // packages that failed without a failed test: build, panic, timeout
}

func newSummary(w io.Writer) *summary {
	return &summary{w: w, output: map[key][]string{}, build: map[string][]string{}, count: map[string]map[string]int{}}
}

func (s *summary) read(r io.Reader) error {
	for d := json.NewDecoder(r); ; {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		s.add(e)
	}
}

func (s *summary) add(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		s.output[k] = append(s.output[k], e.Output)
	case "build-output":
		s.build[e.ImportPath] = append(s.build[e.ImportPath], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.packageEnd(e)
			return
		}
		s.testEnd(e.Action, k)
	}
}

// figures begins a line of a passed test that is shown all the same.
const figures = "figures:"

func (s *summary) testEnd(action string, k key) {
	if s.count[k.pkg] == nil {
		s.count[k.pkg] = map[string]int{}
	}
	s.count[k.pkg][action]++
	switch action {
	case "pass":
		s.passed++
		for _, line := range s.output[k] {
			if line = strings.TrimSpace(prefix.ReplaceAllString(line, "")); strings.HasPrefix(line, figures) {
				fmt.Fprintf(s.w, "     %s %s\n", k.test, line)
			}
		}
		delete(s.output, k)
	case "skip":
		s.skipped = append(s.skipped, skip{k, reason(s.output[k])})
	case "fail":
		s.failed = append(s.failed, k)
		fmt.Fprintf(s.w, "FAIL %s %s\n%s", k.pkg, k.test, strings.Join(s.output[k], ""))
	}
}

// packageEnd prints the package's line; where no test of it failed but the
// package did, also all that it said.
func (s *summary) packageEnd(e event) {
	n := s.count[e.Package]
	counts := fmt.Sprintf("%d passed, %d failed, %d skipped", n["pass"], n["fail"], n["skip"])
	switch {
	case e.Action == "fail":
		if n["fail"] == 0 {
			s.broken = append(s.broken, e.Package)
			fmt.Fprint(s.w, strings.Join(s.build[e.FailedBuild], ""))
			s.printRest(e.Package)
		}
		fmt.Fprintf(s.w, "FAIL %-60s %6.1fs  %s\n", e.Package, e.Elapsed, counts)
	case n["pass"]+n["skip"] == 0:
		s.noTests = append(s.noTests, e.Package)
	default:
		fmt.Fprintf(s.w, "ok   %-60s %6.1fs  %s\n", e.Package, e.Elapsed, counts)
	}
}

// printRest shows all output of a package that is still kept: of tests that
// never ended, and of the package itself.
func (s *summary) printRest(pkg string) {
	for k, lines := range s.output {
		if k.pkg == pkg {
			fmt.Fprint(s.w, strings.Join(lines, ""))
		}
	}
}

var (
	frame  = regexp.MustCompile(`^\s*(=== |--- |\?\s)`)
	prefix = regexp.MustCompile(`^\s*[\w./-]+\.go:\d+: `)
)

// reason is what a skipped test said, without file and line.
func reason(lines []string) string {
	var said []string
	for _, line := range lines {
		if !frame.MatchString(line) {
			said = append(said, strings.TrimSpace(prefix.ReplaceAllString(line, "")))
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// optional begins the reason of a test skipped by choice.
const optional = "optional:"

// print ends the run, and says whether it is a success.
func (s *summary) print(require bool) bool {
	fmt.Fprintln(s.w)
	if len(s.noTests) > 0 {
		fmt.Fprintf(s.w, "packages without tests: %s\n", strings.Join(s.noTests, " "))
	}
	missing := 0
	slices.SortFunc(s.skipped, func(a, b skip) int { return strings.Compare(a.pkg+a.test, b.pkg+b.test) })
	for _, k := range s.skipped {
		fmt.Fprintf(s.w, "skipped  %s %s: %s\n", k.pkg, k.test, k.reason)
		if !strings.HasPrefix(k.reason, optional) {
			missing++
		}
	}
	for _, k := range s.failed {
		fmt.Fprintf(s.w, "failed   %s %s\n", k.pkg, k.test)
	}
	for _, pkg := range s.broken {
		fmt.Fprintf(s.w, "failed   %s (did not build, panicked or ran out of time)\n", pkg)
	}
	if require && missing > 0 {
		fmt.Fprintf(s.w, "failed   %d tests were skipped for a missing part, and WAXSEAL_REQUIRE_SERVICES=1\n", missing)
	}
	if s.passed == 0 {
		fmt.Fprintln(s.w, "failed   no test ran")
	}
	fmt.Fprintf(s.w, "tests: %d passed, %d failed, %d skipped\n", s.passed, len(s.failed)+len(s.broken), len(s.skipped))
	return len(s.failed)+len(s.broken) == 0 && s.passed > 0 && (!require || missing == 0)
}
