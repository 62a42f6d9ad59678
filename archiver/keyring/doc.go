// Package keyring keeps an archive's keys in a folder: the age identities that
// open what was sealed, the keys the archiver works with, and the list of all
// public halves.
//
// It keeps the two apart. Ingest gives what an archiver needs (recipients,
// signing key, subject, token and state key) and touches no identity;
// Identities is a call of its own, may ask for a passphrase, and only the verbs
// that read content make it. An ingest host holds the folder without its
// identity files, and then there is nothing to ask for.
//
// Key files are create-only: Create makes the whole folder or nothing, a
// rotation adds files. The list, keyring.json, is the one file that changes,
// by replacement. FORMAT.md draws the folder.
package keyring

import (
	"errors"
	"slices"

	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/unseal"
)

// What callers branch on.
var (
	ErrNone       = errors.New("no keys here")            // Open found no keyring
	ErrExists     = errors.New("keys are here already")   // Create found one
	ErrDamaged    = errors.New("keyring is damaged")      // a file that is not what its name says
	ErrAbsent     = errors.New("key is not on this host") // its file was moved away, or never was here
	ErrPassphrase = unseal.ErrPassphrase                  // an identity did not open
	ErrRecipient  = seal.ErrRecipient                     // malformed, or of a kind that is not accepted
	ErrMixed      = seal.ErrMixed                         // age refuses a file for both
)

// Role says whose recipient something is sealed to.
type Role string

// The roles. Firm and Escrow open segments and key boxes; Boxes, where set,
// opens the key boxes in their place, so that no single identity holds both
// halves of a reading key; Audit opens the bodies of acts; Indexer opens the
// outbox rows that feed the index.
const (
	Firm    Role = "firm"
	Escrow  Role = "escrow"
	Audit   Role = "audit"
	Indexer Role = "indexer"
	Boxes   Role = "boxes"
)

// Roles lists the roles, in the order they are shown.
func Roles() []Role { return []Role{Firm, Escrow, Audit, Indexer, Boxes} }

// made are the roles that get an identity of their own unless recipients are given.
func made() []Role { return []Role{Firm, Escrow, Audit, Indexer} }

// Valid reports whether r is one of Roles.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Kind is the kind of all recipients of an archive. age refuses a mix.
type Kind string

// The kinds of recipients.
const (
	PostQuantum Kind = "post-quantum" // ML-KEM-768 with X25519: age1pq1…
	Classic     Kind = "classic"      // X25519: age1…
)

// Key is 32 random bytes: a subject, token or state key.
type Key [32]byte

// String hides the key from logs and error texts.
func (Key) String() string { return "(key)" }

// GoString hides the key from %#v.
func (Key) GoString() string { return "(key)" }
