package archiver

import (
	"time"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/policy"
)

// Mode is how serious an archive is. It is part of genesis and never changes.
type Mode string

// The modes of an archive.
const (
	Production Mode = "production"
	Evaluation Mode = "evaluation" // locks of minutes: an archive that can be thrown away
)

const (
	shortestLock     = 24 * time.Hour // of anything stored in production
	shortestEvalLock = time.Minute
	longestEvalLock  = 10 * time.Minute
)

// locker turns answers of the policy into rules and lock dates, once each a block.
type locker struct {
	mode  Mode
	limit func(class string, now time.Time) (time.Time, bool)
	now   time.Time
	seen  map[*policy.Answer]locked
}

type locked struct {
	rule      *seal.Rule
	retention seal.Retention
}

// reset starts a block: all its locks count from one instant.
func (l *locker) reset(now time.Time) {
	l.now = now.UTC()
	if l.seen == nil {
		l.seen = map[*policy.Answer]locked{}
	}
	clear(l.seen)
}

func (l *locker) lock(a *policy.Answer) locked {
	if r, ok := l.seen[a]; ok {
		return r
	}
	r := locked{&seal.Rule{JSON: a.JSON, Hash: a.Hash}, l.retention(a)}
	l.seen[a] = r
	return r
}

// retention gives the dates of an answer, clamped to [now + 1 day, the class's
// maximum]; their grain is the policy's (a month, or a day for short classes). A
// duty that has already ended is none. In evaluation mode everything lies
// between a minute and ten from now, to the minute.
func (l *locker) retention(a *policy.Answer) seal.Retention {
	retain, duty := time.Unix(a.Retain, 0), time.Unix(a.Duty, 0)
	if l.mode == Evaluation {
		hi := l.now.Add(longestEvalLock).Truncate(time.Minute)
		retain, duty = earlier(retain, hi), earlier(duty, hi)
		if lo := l.now.Add(shortestEvalLock); retain.Before(lo) {
			retain = roundUp(lo, time.Minute)
		}
	} else {
		if hi, ok := l.limit(a.Decision.Class, l.now); ok {
			retain = earlier(retain, hi)
		}
		if lo := l.now.Add(shortestLock); retain.Before(lo) {
			retain = roundUp(lo, 24*time.Hour)
		}
	}
	r := seal.Retention{Class: a.Decision.Class, Retain: retain.Unix()}
	if duty.After(l.now) {
		r.Duty = min(duty.Unix(), r.Retain)
	}
	return r
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func roundUp(t time.Time, grain time.Duration) time.Time {
	if down := t.Truncate(grain); !down.Equal(t) {
		return down.Add(grain)
	}
	return t
}

// Horizon gives how long blocks are locked: not before the longest class ends,
// because they prove all the others.
func Horizon(mode Mode, longest func(now time.Time) time.Time) func(now time.Time) time.Time {
	return func(now time.Time) time.Time {
		if mode == Evaluation {
			return now.Add(longestEvalLock).Truncate(time.Second)
		}
		acts := time.Unix(ActRetention(mode, now).Retain, 0).UTC()
		if l := longest(now); l.After(acts) {
			return l
		}
		return acts
	}
}

// Class and dates of act bodies: who looked at what is kept under a duty for
// seven years, as 17 CFR 240.17a-4 asks of an audit trail's own records (six),
// with a year to spare, and locked as long.
const (
	ActClass = "audit"
	actYears = 7
)

// ActRetention gives the retention of an act's body.
func ActRetention(mode Mode, now time.Time) seal.Retention {
	now = now.UTC()
	until := time.Date(now.Year()+actYears, now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	if mode == Evaluation {
		until = now.Add(longestEvalLock).Truncate(time.Minute)
	}
	return seal.Retention{Class: ActClass, Duty: until.Unix(), Retain: until.Unix()}
}
