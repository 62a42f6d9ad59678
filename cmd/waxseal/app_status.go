package main

import "github.com/waxseal/waxseal/cmd/internal/verdict"

// StatusResponse is how the archive stands.
type StatusResponse struct {
	Identification
	Running  bool         `json:"running"` // a process holds the data folder
	Ready    bool         `json:"ready"`   // it archives: Kafka answers, and every lane that is its own goes on
	Broker   string       `json:"broker"`
	Store    string       `json:"store"`
	Lanes    []LaneStatus `json:"lanes"`
	Control  LaneStatus   `json:"control"`
	Records  uint64       `json:"records"`
	Indexed  uint64       `json:"indexed"` // rows in the index
	Findings uint64       `json:"findings"`
	Alarms   []string     `json:"alarms"`
}

// LaneStatus is how one lane stands.
type LaneStatus struct {
	Lane     string     `json:"lane"`
	Blocks   uint64     `json:"blocks"`
	Records  uint64     `json:"records"`
	Time     string     `json:"time"` // of the last block, RFC 3339, UTC
	Size     uint64     `json:"size,string"`
	Root     string     `json:"root"`
	Indexed  uint64     `json:"indexed,string"` // blocks that the index holds
	Lag      int64      `json:"lag"`            // records in Kafka not archived, -1 unknown
	Source   []Position `json:"source,omitempty"`
	Writable bool       `json:"writable"` // false: stopped, or closed after a fork
}

// VerifyRequest asks for a verification.
type VerifyRequest struct {
	Deep        bool   // open segments with an identity and recompute every commitment
	Fingerprint string // what genesis must hash to; "" trusts the one found, and says so
	Unrecorded  bool
}

// VerifyResponse is the result of a verification.
type VerifyResponse = verdict.Verdict

// ReindexResponse is the result of rebuilding the index.
type ReindexResponse struct {
	Rows    uint64 `json:"rows"`
	Records uint64 `json:"records"`
	Blocks  uint64 `json:"blocks"`
	Erased  uint64 `json:"erased"`  // items whose bytes were lawfully erased
	Changed uint64 `json:"changed"` // rows that the old index lacked or had otherwise
}

// DoctorResponse is a list of checks.
type DoctorResponse struct {
	OK     bool    `json:"ok"`
	Checks []Check `json:"checks"`
}

// Check is one thing the doctor looked at.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`         // what was seen
	Do   string `json:"do,omitempty"` // what to do about it
}

// IndexDifference is a row of the index that is not as the stores say.
type IndexDifference struct {
	Difference string   `json:"difference"` // missing, extra or changed
	Item       string   `json:"item"`
	Lane       string   `json:"lane"`
	Block      uint64   `json:"block,string"`
	Fields     []string `json:"fields,omitempty"` // that are changed
}

// IndexCheckResponse ends a check of the index.
type IndexCheckResponse struct {
	OK      bool       `json:"ok"`
	Rows    uint64     `json:"rows"` // that the stores give
	Missing uint64     `json:"missing"`
	Extra   uint64     `json:"extra"`
	Changed uint64     `json:"changed"`
	Behind  []IndexLag `json:"behind"` // what the index does not claim to have yet
}
