package main

// ExportRequest asks for a production.
type ExportRequest struct {
	Search     SearchRequest
	All        bool   // everything; Search is not looked at
	Scope      string // that, as flags
	Unit       string // message, day or conversation
	Context    int    // messages before and after each hit
	Since      []byte `json:"-"` // signed checkpoint of control that somebody kept
	Out        string // folder
	Estimate   bool   // only say how much it is
	Unrecorded bool
}

// ExportEstimate is how much is in scope, before anything is written.
type ExportEstimate struct {
	Conversations int   `json:"conversations"`
	Days          int   `json:"days"` // conversation-days
	Messages      int   `json:"messages"`
	Events        int   `json:"events"`
	Media         int   `json:"media"`
	Items         int   `json:"items"`
	Records       int   `json:"records"`
	Bytes         int64 `json:"bytes"` // raw, of the records
}

// ExportResponse says what was written, or with Estimate what would be.
type ExportResponse struct {
	Estimate      bool           `json:"estimate,omitempty"` // nothing was written
	Out           string         `json:"out,omitempty"`
	Archive       string         `json:"archive"`
	Fingerprint   string         `json:"fingerprint"`
	Size          uint64         `json:"size,string"` // of the checkpoint that the proofs end in; 0 of an estimate
	Scope         string         `json:"scope"`
	Unit          string         `json:"unit"`
	Zone          string         `json:"zone"`
	Conversations int            `json:"conversations"`
	Days          int            `json:"days"`
	Messages      int            `json:"messages"`
	Events        int            `json:"events"`
	Media         int            `json:"media"`
	Items         int            `json:"items"`
	Records       int            `json:"records"`
	Bytes         int64          `json:"bytes"`      // raw, of the records
	Withheld      int            `json:"withheld"`   // pieces
	Gaps          int            `json:"gaps"`       // listed in data/gaps.json
	Exceptions    map[string]int `json:"exceptions"` // by code; listed in data/exceptions.json

	Behind []IndexLag `json:"behind,omitempty"` // what the index lacked: the production is not complete
}
