// Package demo is a working day of a small firm, as records for Kafka: what an
// archive is shown with that has nothing of its own yet. The firm, its three
// people and all its customers are invented; every phone number is of the range
// reserved for fiction (1 555 010 xxxx), every id begins with 155501.
package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Record is one record of the day.
type Record struct {
	Number  int           // in the day, from 0, oldest first
	Role    whatsapp.Role // what its topic carries
	Time    time.Time     // when it came in: Kafka's timestamp
	Key     []byte        // the account's id
	Value   []byte
	Headers []record.Header // less HeaderNumber
	Mark    string          // by which a story names it, mostly ""
}

// HeaderNumber tells records of the day from all others: NUMBER/EDITION.
const HeaderNumber = "x-waxseal-demo"

// length is how long the day is, from the first record to the last.
const length = 9 * time.Hour

// Day gives the day that ended shortly before now. The same now gives the same
// bytes.
func Day(now time.Time) []Record {
	d := &day{
		start: now.UTC().Truncate(time.Minute).Add(-length - 3*time.Minute),
		rng:   rand.New(rand.NewPCG(20261124, 300)),
	}
	d.office()
	d.promise()
	d.stop()
	d.templates()
	d.campaign()
	d.claims()
	d.onboarding()
	d.fiveWays()
	d.notArchived()
	d.batch()
	d.identities()
	d.branch()
	d.chats()
	d.renewals()
	slices.SortStableFunc(d.records, func(a, b Record) int { return a.Time.Compare(b.Time) })
	for i := range d.records {
		d.records[i].Number = i
	}
	return d.records
}

// Edition tells days apart: two that differ in any byte have different ones.
func Edition(all []Record) string {
	h := sha256.New()
	for _, r := range all {
		fmt.Fprintf(h, "%s %d %q %d\n", r.Role, r.Time.UnixMilli(), r.Key, len(r.Value))
		h.Write(r.Value)
		for _, x := range r.Headers {
			fmt.Fprintf(h, "%q %q\n", x.Key, x.Value)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// Kafka gives the record as it is produced.
func (r *Record) Kafka(edition string) *record.Record {
	mark := record.Header{Key: HeaderNumber, Value: fmt.Appendf(nil, "%d/%s", r.Number, edition)}
	return &record.Record{
		Timestamp: r.Time.UnixMilli(), Key: r.Key, Value: r.Value, Headers: append(slices.Clone(r.Headers), mark),
	}
}

// Number reads which record of a day r is, and of which edition. ok is false for
// a record of another origin.
func Number(r *record.Record) (n int, edition string, ok bool) {
	h, ok := r.Header(HeaderNumber)
	if !ok {
		return 0, "", false
	}
	number, edition, ok := strings.Cut(string(h), "/")
	if _, err := fmt.Sscanf(number, "%d", &n); err != nil || !ok || n < 0 || fmt.Sprint(n) != number {
		return 0, "", false
	}
	return n, edition, true
}

// day is a day being written.
type day struct {
	start   time.Time
	rng     *rand.Rand
	records []Record
	offers  []sent // of the afternoon
	ids     int
}

// at is a time of the day's own clock: the first record comes in at eight.
func (d *day) at(hour, minute int) time.Time {
	return d.start.Add(time.Duration(hour-8)*time.Hour + time.Duration(minute)*time.Minute)
}

// put adds a record that came in at t.
func (d *day) put(role whatsapp.Role, t time.Time, waba string, value []byte, headers ...record.Header) {
	d.records = append(d.records, Record{Role: role, Time: t, Key: []byte(waba), Value: value, Headers: headers})
}

// mark names the record that was added last.
func (d *day) mark(name string) { d.records[len(d.records)-1].Mark = name }

// hex20 gives 20 hex digits, different each time.
func (d *day) hex20() string {
	d.ids++
	sum := sha256.Sum256(fmt.Appendf(nil, "waxseal demo %d", d.ids))
	return strings.ToUpper(hex.EncodeToString(sum[:10]))
}

// pause gives some time between from and to seconds.
func (d *day) pause(from, to int) time.Duration {
	return time.Duration(from+d.rng.IntN(to-from+1)) * time.Second
}
