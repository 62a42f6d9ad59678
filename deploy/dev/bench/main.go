// Command bench measures the archive and shows each figure beside its baseline,
// taken in the same run, and its goal. It builds the appliance and lets it work
// as a firm would; traffic is made before the clock runs.
//
//	go run ./deploy/dev/bench [-only REGEXP] [-records N] [-json FILE]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"regexp"
	"runtime/pprof"
	"strconv"
	"text/tabwriter"

	"github.com/waxseal/waxseal/deploy/dev/traffic"
)

// figure is one line of the table, and one object of bench.json.
type figure struct {
	Name     string   `json:"name"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline"` // in Unit; null: there is none
	Ratio    *float64 `json:"ratio"`    // of value to baseline
	Goal     *float64 `json:"goal"`     // of the ratio where goalRatio is set; null: as measured

	note      string
	goalRatio bool
	least     bool // the goal is an upper bound
}

// against sets the baseline.
func (f figure) against(baseline float64) figure {
	ratio := f.Value / baseline
	f.Baseline, f.Ratio = &baseline, &ratio
	return f
}

func (f figure) atLeast(goal float64) figure { f.Goal = &goal; return f }
func (f figure) atMost(goal float64) figure  { f.Goal, f.least = &goal, true; return f }

// ratioAtLeast sets a goal for the ratio to the baseline.
func (f figure) ratioAtLeast(goal float64) figure { f.Goal, f.goalRatio = &goal, true; return f }

// met says "yes", "no", or "" without a goal.
func (f figure) met() string {
	if f.Goal == nil {
		return ""
	}
	v := f.Value
	if f.goalRatio {
		v = *f.Ratio
	}
	if v == *f.Goal || v < *f.Goal == f.least {
		return "yes"
	}
	return "no"
}

// measurement makes some of the figures.
type measurement struct {
	names []string
	run   func(context.Context, *bench) ([]figure, error)
}

// bench is what measurements share.
type bench struct {
	dir     string // scratch
	records int
	binary  string // the appliance
	archive string // data folder that the last archive run made
}

func measurements() []measurement {
	return []measurement{
		{[]string{"archive", "stored_per_raw", "peak_memory"}, archiveIndexed},
		{[]string{"archive_unindexed"}, archiveUnindexed},
		{[]string{"ledger_append_1", "ledger_append_1000", "verify_leaves"}, ledgerAppend},
		{[]string{"verify_bytes", "verify_bytes_texts"}, verifyBytes},
		{[]string{"parse", "parse_allocs"}, parse},
		{[]string{"decide"}, decide},
		{[]string{"export"}, export},
	}
}

func main() {
	only := flag.String("only", ".", "measure only figures whose name matches")
	records := flag.Int("records", 400_000, "records of the archive runs")
	out := flag.String("json", "bench.json", "file for the figures")
	profile := flag.String("cpuprofile", "", "file for a CPU profile of this process, which is all but the archive runs")
	fill := flag.String("produce", "", "fill the broker in this folder with -records from -people, and measure nothing: what the bench does in a process of its own")
	people := flag.Int("people", traffic.People, "people of -produce")
	media := flag.Int("media", 0, "media of 1 MiB of -produce")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := func() error { return run(ctx, *only, *records, *out) }
	if *fill != "" {
		work = func() error { return produce(ctx, *fill, *records, *people, *media) }
	}
	if err := profiled(*profile, work); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// profiled runs fn, under the profiler where a file is named.
func profiled(path string, fn func() error) error {
	if path == "" {
		return fn()
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = fn()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

func run(ctx context.Context, only string, records int, out string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	dir, err := os.MkdirTemp("", "waxseal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, records: records}
	var all []figure
	for _, m := range measurements() {
		wanted := false
		for _, n := range m.names {
			wanted = wanted || match.MatchString(n)
		}
		if !wanted {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %v …\n", m.names)
		figures, err := m.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.names[0], err)
		}
		all = append(all, figures...)
	}
	show(all)
	body, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(body, '\n'), 0o644)
}

func show(all []figure) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tVALUE\tUNIT\tBASELINE\tRATIO\tGOAL\tMET\tNOTE")
	for _, f := range all {
		goal := number(f.Goal)
		switch {
		case f.Goal == nil:
		case f.goalRatio:
			goal = "ratio " + goal
		case f.least:
			goal = "≤ " + goal
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Name, number(&f.Value), f.Unit, number(f.Baseline), number(f.Ratio), goal, f.met(), f.note)
	}
	w.Flush()
}

// number writes three significant digits, with separators of thousands.
func number(v *float64) string {
	switch {
	case v == nil:
		return ""
	case math.Abs(*v) < 100:
		return strconv.FormatFloat(*v, 'g', 3, 64)
	}
	s := strconv.FormatFloat(*v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
