package main

import (
	"fmt"
	"strings"
	"time"
)

// Forms of a point in time, with the length of what they name: a day typed as
// --to is meant to be searched too.
var whenForms = []struct {
	layout string
	next   func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05", func(t time.Time) time.Time { return t.Add(time.Second) }},
	{time.RFC3339, func(t time.Time) time.Time { return t.Add(time.Second) }},
}

// span reads a year, month, day, minute or second in the zone and gives the
// Unix seconds [from, to) that it names.
func span(s string, zone *time.Location) (from, to int64, err error) {
	text := strings.Replace(strings.TrimSpace(s), " ", "T", 1)
	for _, f := range whenForms {
		if t, err := time.ParseInLocation(f.layout, text, zone); err == nil {
			return t.Unix(), f.next(t).Unix(), nil
		}
	}
	return 0, 0, fmt.Errorf("%q is no time (as 2026, 2026-11, 2026-11-24, \"2026-11-24 09:30\" or RFC 3339): %w", s, ErrUsage)
}

// clock shows a time of a response, RFC 3339 in UTC, in the zone of the reader.
func clock(s string, zone *time.Location) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return t.In(zone).Format("2006-01-02 15:04:05 MST")
}
