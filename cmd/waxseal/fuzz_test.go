package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A configuration file is read or refused as usage, and never ends the process.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{"", "---\n", "data: x\n", "topics: {webhooks: a}\n", "recipients:\n  firm: [a, b]\n", "a: &a [*a]\n", "? [x]\n: y\n", "<<: {data: x}\n", "data: !!binary aGk=\n"} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "w.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := resolve(nil, nil, path)
		if err != nil && !errors.Is(err, ErrUsage) {
			t.Errorf("not a usage error: %v", err)
		}
		if err == nil && len(s.values) != len(settings()) {
			t.Errorf("%d settings, want %d", len(s.values), len(settings()))
		}
	})
}

// A time that is read names a span that is not empty and does not run backwards.
func FuzzSpan(f *testing.F) {
	for _, seed := range []string{"2026", "2026-11", "2026-11-24", "2026-11-24 09:30", "2026-11-24T09:30:05+01:00", "0000-01-01", "9999"} {
		f.Add(seed)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from, to, err := span(s, zone)
		if err != nil && !errors.Is(err, ErrUsage) {
			t.Errorf("not a usage error: %v", err)
		}
		if err == nil && from >= to {
			t.Errorf("%q is [%d, %d)", s, from, to)
		}
	})
}
