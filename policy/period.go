package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Period is a length of time as data.json writes it: a number and d, m or y
// ("30d", "18m", "7y"), at most a hundred years.
type Period string

var periodForm = regexp.MustCompile(`^[1-9][0-9]{0,4}[dmy]$`)

// date is how days are written.
const date = "2006-01-02"

// check says what is wrong with a period.
func (p Period) check() error {
	if !periodForm.MatchString(string(p)) {
		return fmt.Errorf("%q is no period; write a number and d, m or y, as 30d or 7y", p)
	}
	if y, m, d := p.parts(); y > 100 || m > 1200 || d > 36525 {
		return fmt.Errorf("%q is longer than a hundred years", p)
	}
	return nil
}

func (p Period) parts() (years, months, days int) {
	n, err := strconv.Atoi(string(p[:len(p)-1]))
	if err != nil { // check has seen the digits
		return 0, 0, 0
	}
	switch p[len(p)-1] {
	case 'y':
		return n, 0, 0
	case 'm':
		return 0, n, 0
	default:
		return 0, 0, n
	}
}

// until is period.until of rego/period.rego in Go: from the end of the day, then
// up to the grain. A test holds the two together.
func (p Period) until(day time.Time) time.Time {
	y, m, d := p.parts()
	end := day.AddDate(0, 0, 1).AddDate(y, m, d)
	if y == 0 && m < 3 && d < 90 {
		return end
	}
	if end.Day() > 1 {
		end = end.AddDate(0, 1, 1-end.Day())
	}
	return end
}

// longer compares two periods, on the days they span from a fixed date.
func (p Period) longer(q Period) bool {
	ref := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return p.span(ref).After(q.span(ref))
}

func (p Period) span(from time.Time) time.Time {
	y, m, d := p.parts()
	return from.AddDate(y, m, d)
}

// Day writes the UTC day of a time in Unix seconds, as Input.Day wants it.
func Day(unix int64) string { return time.Unix(unix, 0).UTC().Format(date) }
