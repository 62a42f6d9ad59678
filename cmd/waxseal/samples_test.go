package main

import (
	"embed"
	"regexp"
	"strconv"
	"time"
)

// samples are payloads of the project's own, one file a record, in a folder for
// each role. Times in them are relative to the start: @-60@ is a minute ago in
// Unix seconds, !-60! in RFC 3339.
//
//go:embed samples
var samples embed.FS

var (
	unixMark = regexp.MustCompile(`@(-?\d+)@`)
	timeMark = regexp.MustCompile(`!(-?\d+)!`)
)

// atNow puts times into a sample.
func atNow(body []byte, now time.Time) []byte {
	fill := func(re *regexp.Regexp, body []byte, format func(time.Time) string) []byte {
		return re.ReplaceAllFunc(body, func(m []byte) []byte {
			n, err := strconv.Atoi(string(m[1 : len(m)-1]))
			if err != nil {
				return m
			}
			return []byte(format(now.Add(time.Duration(n) * time.Second)))
		})
	}
	body = fill(unixMark, body, func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) })
	return fill(timeMark, body, func(t time.Time) string { return t.UTC().Format(time.RFC3339) })
}
