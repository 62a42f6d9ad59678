package main

// StatusResponse is how the archive stands.
type StatusResponse struct {
	Identification
	Running  bool         `json:"running"` // a process holds the data folder
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
type VerifyResponse struct {
	OK          bool         `json:"ok"` // no contradiction
	Deep        bool         `json:"deep"`
	Archive     string       `json:"archive"`
	Fingerprint string       `json:"fingerprint"`
	Pinned      bool         `json:"pinned"` // the fingerprint was given from outside
	Records     uint64       `json:"records"`
	Blocks      uint64       `json:"blocks"`
	Segments    uint64       `json:"segments"`
	Boxes       uint64       `json:"boxes"`
	Erased      uint64       `json:"erased"`    // rows removed with an act
	Waste       uint64       `json:"waste"`     // objects no block names
	InFlight    uint64       `json:"in_flight"` // objects of a step not committed yet
	Lanes       []LaneVerify `json:"lanes"`
	Findings    []Finding    `json:"findings"`
}

// LaneVerify is what was verified of one lane.
type LaneVerify struct {
	Lane    string `json:"lane"`
	Blocks  uint64 `json:"blocks"`
	Records uint64 `json:"records"`
	Size    uint64 `json:"size,string"`
	Root    string `json:"root"`
	Sealed  uint64 `json:"sealed,string"` // size that the last heads event covers
}

// Finding is one thing a verification found.
type Finding struct {
	Class  string `json:"class"` // warning or contradiction
	Code   string `json:"code"`  // stable, as missing-object
	Lane   string `json:"lane,omitempty"`
	Entry  *int64 `json:"entry,omitempty"` // block number
	Object string `json:"object,omitempty"`
	From   *int64 `json:"from,omitempty"` // byte range [from, to) in the object
	To     *int64 `json:"to,omitempty"`
	Means  string `json:"means"` // a sentence
}

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
