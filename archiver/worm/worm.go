// Package worm is the contract of the object stores Waxseal writes to, in
// English and in Go. worm/wormtest holds every implementation to it; worm/dir
// is the embedded default, worm/s3 the real thing.
//
// # The contract
//
// Create-only. Put never replaces. If the key holds an object, also one hidden
// by a delete marker or a newer version, Put answers ErrExists and changes
// nothing. Of several concurrent Puts of one key exactly one succeeds.
//
// Durable. When Put returns nil the object, its bytes, its retention and its
// key survive a power cut. When it returns an error other than ErrExists the
// object may be there, may not be there, or may still arrive: the caller reads
// before it concludes. An object is there whole or not at all.
//
// Locked. Until RetainUntil nobody, whatever their credentials within the
// contract, deletes, overwrites, hides or shortens. Extending is allowed. A
// hold blocks deletion as long as it is set, also after RetainUntil. An object
// put without retention can be deleted. Times are UTC and rounded up to the
// whole second, so that rounding never shortens.
//
// Unlocked. A meta or spare store keeps no locks. It refuses a Put with a Lock,
// Extend and Hold with ErrNoLocks, rather than promise what it cannot hold.
//
// Keys are 1 to 512 bytes of a-z 0-9 . _ ~ - and / between segments of 1 to
// 200 bytes, no segment "." or "..". Anything else is ErrKey. No key is the
// folder of another: with an object "a", a store may refuse "a/b" with ErrKey,
// and the reverse.
package worm

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// What callers branch on.
var (
	ErrExists   = errors.New("object exists")                        // Put found the key taken
	ErrNotFound = errors.New("no such object")                       // Get, Head, Extend, Hold, Delete, Swap
	ErrLocked   = errors.New("object is locked")                     // Delete before RetainUntil or under hold; a shortening
	ErrKey      = errors.New("not an object key")                    // malformed key
	ErrChanged  = errors.New("object changed meanwhile")             // Swap lost its race
	ErrFull     = errors.New("store is full")                        // no space; nothing was stored
	ErrDamaged  = errors.New("object or its lock record is damaged") // what is stored contradicts itself
	ErrSum      = errors.New("body does not match its SHA-256")      // Put: nothing was stored
	ErrPast     = errors.New("retention does not lie in the future") // Put, Extend
	ErrNoLocks  = errors.New("store keeps no locks")                 // a Lock, Extend or Hold on an unlocked store
)

// Lock is what protects an object. The zero Lock protects nothing.
type Lock struct {
	RetainUntil time.Time // UTC, whole seconds; zero is no retention
	Hold        bool
}

// Info is what a store says of an object.
type Info struct {
	Key     string
	Size    int64
	SHA256  [sha256.Size]byte // zero where the store does not know
	Version string            // a hint, opaque
	Lock    Lock
	ModTime time.Time // the store's clock at Put
}

// Version is one entry of a listing: an object version or a delete marker.
type Version struct {
	Info
	Latest       bool
	DeleteMarker bool
}

// Reader is what reading an archive needs; a copy without locks has it too. The
// oldest version of a key is the object. Safe for concurrent use.
type Reader interface {
	// Get reads the whole object, oldest version.
	Get(ctx context.Context, key string) ([]byte, Info, error)
	// ReadAt reads len(p) bytes at off, with io.ReaderAt's rules.
	ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error)
	// Head answers what Get would, without the bytes.
	Head(ctx context.Context, key string) (Info, error)
	// List calls fn for each version of each key with the prefix, in key order,
	// oldest version first, starting behind startAfter ("" for all). It stops at
	// fn's first error and returns it. A store may leave SHA256 and Lock zero
	// (also those of a damaged object): Head tells.
	List(ctx context.Context, prefix, startAfter string, fn func(Version) error) error
}

// Store is what the archiver needs: create, read, list. Safe for concurrent use.
type Store interface {
	Reader
	// Put creates key with body, locked as said. sum is the SHA-256 of body; a
	// store that receives other bytes refuses. RetainUntil must lie in the future.
	Put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock Lock) (Info, error)
	// Now is the store's clock, exact to a second.
	Now(ctx context.Context) (time.Time, error)
}

// Keeper is what retention, holds and erasure need, with credentials the
// archiver does not have.
type Keeper interface {
	Store
	// Extend moves RetainUntil later; an earlier time is ErrLocked.
	Extend(ctx context.Context, key string, until time.Time) error
	// Hold sets or clears the legal hold.
	Hold(ctx context.Context, key string, on bool) error
	// Delete removes every version of the key; ErrLocked while one is protected.
	Delete(ctx context.Context, key string) error
}

// Swapper is the one mutable object a log needs: its live checkpoint. Only
// unlocked stores have it.
type Swapper interface {
	// Swap replaces the bytes of key if they are exactly old (nil: if there is
	// none), else ErrChanged. Durable like Put.
	Swap(ctx context.Context, key string, old, new []byte) error
}

// Meta is the unlocked store.
type Meta interface {
	Keeper
	Swapper
}
