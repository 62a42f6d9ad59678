// Package state is the lane state: what an archive decision must know of
// earlier items. Consent, service windows, template status, aliases, who
// answers on which number: as keyed hashes, enums and times, never as text or
// phone numbers.
//
// The state lives in memory. It is derived from items in ledger order and
// travels outside the seal as a snapshot and a delta a block, both encrypted
// under the archive's state key (Sealer), because the ingest host cannot open
// what it sealed and another host must be able to take the lane over.
//
// All of it is reached by a short list of changes (change.go). A live item makes
// changes, they are written down, and a delta is their list; so a taker that
// replays deltas runs the same code over the same bytes and ends in the same
// state. FORMAT.md has the bytes.
package state

import (
	"errors"
	"math"
)

// What callers branch on.
var (
	// ErrDamaged is returned for a snapshot, delta or sealed object that is not
	// what this package wrote for that place. The lane goes on with NewUnknown.
	ErrDamaged = errors.New("lane state is damaged")
	// ErrPending is returned by Snapshot while changes wait for Delta: a snapshot
	// with them would meet them a second time in the next outbox.
	ErrPending = errors.New("lane state has changes that no delta holds yet")
)

// State is the state of one lane. It belongs to one goroutine.
type State struct {
	hash     hasher
	purposes purposes
	all      tag // the scope of consent for every number

	complete bool   // has seen the lane from its start
	birth    uint32 // where not complete: nothing is known of earlier times
	seq      uint64 // number of the next delta

	words   table[string]
	sources table[source]
	scopes  table[tag]
	places  []scope // beside scopes: what is known of each
	people  []person
	ids     map[tag]uint32     // identity within a scope -> person
	consent map[uint32][]event // person -> events in order of time
	shelf   []template
	titles  map[tag]uint32 // template key -> template

	log   coder // changes since the last Delta, encoded
	count uint64
}

// New is the state of a lane that has no blocks yet: it is complete, so that what
// it has not seen has not been ("never").
func New(key Key) *State {
	s := &State{
		hash: newHasher(key), complete: true,
		words: newTable[string](maxWords), sources: newTable[source](maxSources), scopes: newTable[tag](maxScopes),
		ids: map[tag]uint32{}, consent: map[uint32][]event{}, titles: map[tag]uint32{},
	}
	s.purposes, s.all = s.hashPurposes(), s.hash.tag(ofAll)
	return s
}

// NewUnknown is the state of a lane whose history is lost: born at since (Unix
// seconds), it answers "unknown" where New would answer "never".
func NewUnknown(key Key, since int64) *State {
	s := New(key)
	s.complete, s.birth = false, seconds(since)
	return s
}

// Complete says whether the state has seen the lane from its start.
func (s *State) Complete() bool { return s.complete }

// People is the number of persons the state knows, for metrics.
func (s *State) People() int { return len(s.people) }

// Bounds of the tables. A table that is full forgets nothing: the state ceases
// to be complete instead.
const (
	maxWords   = 1 << 20
	maxSources = 1 << 16
	maxScopes  = 1 << 20
	maxPeople  = 1 << 30
	maxShelf   = 1 << 20
)

// seconds narrows a Unix time to the 32 bits the state keeps: 1970 to 2106.
func seconds(unix int64) uint32 {
	return uint32(min(max(unix, 0), math.MaxUint32))
}

// table gives small numbers to values, in order of arrival.
type table[T comparable] struct {
	list  []T
	index map[T]uint32
	limit int
}

func newTable[T comparable](limit int) table[T] {
	return table[T]{index: map[T]uint32{}, limit: limit}
}

func (t *table[T]) add(v T) bool {
	if _, ok := t.index[v]; ok || len(t.list) >= t.limit {
		return false
	}
	t.index[v] = uint32(len(t.list))
	t.list = append(t.list, v)
	return true
}

func (t *table[T]) has(i uint64) bool { return i < uint64(len(t.list)) }
