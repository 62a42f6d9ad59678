package verify

import (
	"cmp"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
)

// Class says how grave a finding is.
type Class string

// The classes, from harmless to grave.
const (
	Waste    Class = "waste"
	InFlight Class = "inflight"
	Warning  Class = "warning"
	Failure  Class = "failure"
)

// Code says what is wrong, for programs.
type Code string

// The codes of findings.
const (
	CodeUnreadable Code = "unreadable"    // the store could not read or list
	CodeMissing    Code = "missing"       // a named object is not there
	CodeChanged    Code = "changed"       // an object has other bytes than its entry says
	CodeDamaged    Code = "damaged"       // a block or act cannot be decoded
	CodeMisplaced  Code = "misplaced"     // a block or object under another key than its own
	CodeLeaves     Code = "leaves"        // leaves or events are not those of the entry
	CodeSignature  Code = "signature"     // a checkpoint no valid key signed
	CodeChain      Code = "chain"         // a block that does not continue the one before
	CodeFork       Code = "fork"          // signed, and yet another history
	CodeTruncated  Code = "truncated"     // a lane is shorter than something signed says
	CodeGenesis    Code = "genesis"       // no genesis, or not the expected one
	CodeRotation   Code = "rotation"      // a change of keys that does not hold
	CodeWriter     Code = "writer"        // an entry of an unknown or changed writer
	CodeClock      Code = "clock"         // time went back
	CodeRowsFrom   Code = "rows_from"     // rows_from sank, or passed the block
	CodeCoverage   Code = "coverage"      // offsets not covered, or twice
	CodeTakeover   Code = "takeover"      // a takeover block that is not empty
	CodeLock       Code = "lock"          // a lock that ends too early
	CodeVersion    Code = "newer_version" // something was written over an object
	CodeMarker     Code = "delete_marker" // an object is hidden
	CodeRows       Code = "rows"          // a key box lacks a row, or an erasure is not as decided
	CodeErasure    Code = "erasure"       // an erasure that was not allowed, or is not complete
	CodePublished  Code = "published"     // the published log is behind what was signed
	CodeTile       Code = "tile"          // a tile or bundle is not the log's
	CodeHead       Code = "head"          // a sealed head is not the lane's
	CodeAct        Code = "act"           // an act contradicts its block
	CodeClosed     Code = "closed"        // a closed lane, or what follows it
	CodeForeign    Code = "foreign"       // nothing accounts for an object
	CodeUnnamed    Code = "unnamed"       // waste, or in flight
	CodeLeaf       Code = "leaf"          // deep: a record is not what its leaf says
	CodeOpen       Code = "open"          // deep: a sealed object cannot be opened
)

// Finding is one thing that is to be said about the archive.
type Finding struct {
	Class    Class       `json:"class"`
	Code     Code        `json:"code"`
	Lane     record.Lane `json:"lane,omitempty"`
	Entry    *uint64     `json:"entry,omitempty"`  // number of the block
	Store    string      `json:"store,omitempty"`  // locked, meta, spare
	Object   string      `json:"object,omitempty"` // key
	Range    *Range      `json:"range,omitempty"`
	Sentence string      `json:"sentence"`
}

// Range is a byte range [From, To) of an object.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Lane, b.Lane), cmp.Compare(number(a.Entry), number(b.Entry)), cmp.Compare(a.Object, b.Object),
		cmp.Compare(a.Store, b.Store), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Sentence, b.Sentence),
	)
}

func number(n *uint64) uint64 {
	if n == nil {
		return 0
	}
	return *n
}

// Count is a number of objects and of their bytes.
type Count struct {
	Objects uint64 `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

// LaneReport is what was found of one lane: its log, as far as it could be followed.
type LaneReport struct {
	Lane    record.Lane `json:"lane"`
	Size    uint64      `json:"size"` // blocks
	Records uint64      `json:"records"`
	Sealed  uint64      `json:"sealed"` // size that the last heads event covers
	Root    string      `json:"root"`   // hex; "" where the chain is broken at the end
}

// Report is what verification found.
type Report struct {
	OK            bool   `json:"ok"`             // no failure
	IntegrityOnly bool   `json:"integrity_only"` // no fingerprint was given: the archive agrees with itself, whoever made it
	LocksSkipped  bool   `json:"locks_skipped"`  // a copy without locks: retention was not judged
	Deep          bool   `json:"deep"`
	Archive       string `json:"archive"`
	Fingerprint   string `json:"fingerprint"` // of the genesis that was found

	Records  uint64       `json:"records"` // of Kafka
	Bodies   uint64       `json:"bodies"`  // of acts: the leaves of control
	Blocks   uint64       `json:"blocks"`
	Segments uint64       `json:"segments"` // and media
	Boxes    uint64       `json:"boxes"`
	Rows     uint64       `json:"rows"` // hashes held to their roots
	Erased   uint64       `json:"erased_rows"`
	Leaves   uint64       `json:"leaves"`        // deep: recomputed
	Gone     uint64       `json:"erased_leaves"` // deep: not to be recomputed after an erasure
	Acts     uint64       `json:"acts"`
	Tiles    uint64       `json:"tiles"`
	Bytes    int64        `json:"bytes"` // read of all objects
	Lanes    []LaneReport `json:"lanes"`

	Waste    Count     `json:"waste"`
	InFlight Count     `json:"in_flight"`
	Warnings uint64    `json:"warnings"`
	Failures uint64    `json:"failures"`
	Findings []Finding `json:"findings"` // at most Config.MaxFindings of each class, sorted
}

// add counts a finding and keeps it while there is room for its class.
func (r *Report) add(f Finding, limit int) {
	kept := 0
	switch f.Class {
	case Warning:
		r.Warnings++
		kept = int(r.Warnings)
	case Failure:
		r.Failures++
		kept = int(r.Failures)
	case Waste:
		kept = int(r.Waste.Objects)
	case InFlight:
		kept = int(r.InFlight.Objects)
	}
	if kept <= limit {
		r.Findings = append(r.Findings, f)
	}
}

func (r *Report) finish() {
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	slices.SortFunc(r.Findings, compareFindings)
	slices.SortFunc(r.Lanes, func(a, b LaneReport) int { return cmp.Compare(a.Lane, b.Lane) })
	r.OK = r.Failures == 0
}
