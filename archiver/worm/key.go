package worm

import (
	"fmt"
	"time"
)

// The longest key and the longest segment of one, in bytes.
const (
	MaxKey     = 512
	MaxSegment = 200
)

// CheckKey answers nil for an object key of the contract, else ErrKey. The
// error does not repeat the key: what is no key may be anything.
func CheckKey(key string) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("key of %d bytes: %w", len(key), ErrKey)
	}
	start := 0
	for i := 0; i <= len(key); i++ {
		if i < len(key) && key[i] != '/' {
			if !keyByte(key[i]) {
				return fmt.Errorf("byte %#x at %d: %w", key[i], i, ErrKey)
			}
			continue
		}
		switch seg := key[start:i]; {
		case seg == "", seg == ".", seg == "..", len(seg) > MaxSegment:
			return fmt.Errorf("segment at byte %d: %w", start, ErrKey)
		}
		start = i + 1
	}
	return nil
}

func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '~' || c == '-'
}

// Whole gives the lock with its retention in UTC, rounded up to the second.
func (l Lock) Whole() Lock {
	l.RetainUntil = WholeSecond(l.RetainUntil)
	return l
}

// WholeSecond gives t in UTC, rounded up to the second; the zero time stays.
func WholeSecond(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	w := t.UTC().Truncate(time.Second)
	if w.Before(t) {
		w = w.Add(time.Second)
	}
	return w
}

// Protects says whether the lock forbids deletion at that time.
func (l Lock) Protects(now time.Time) bool { return l.Hold || l.RetainUntil.After(now) }
