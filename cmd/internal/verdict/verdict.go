// Package verdict is how our commands tell what a verification found: the JSON
// that scripts read, and text for people. waxseal verify and waxverify say the
// same of the same archive.
package verdict

import "github.com/waxseal/waxseal/ledger/verify"

// Verdict is the result of a verification.
type Verdict struct {
	OK          bool      `json:"ok"` // no contradiction
	Deep        bool      `json:"deep"`
	Archive     string    `json:"archive"`
	Fingerprint string    `json:"fingerprint"`
	Pinned      bool      `json:"pinned"` // the fingerprint was given from outside
	Records     uint64    `json:"records"`
	Blocks      uint64    `json:"blocks"`
	Segments    uint64    `json:"segments"`
	Boxes       uint64    `json:"boxes"`
	Erased      uint64    `json:"erased"`    // rows removed with an act
	Waste       uint64    `json:"waste"`     // objects no block names
	InFlight    uint64    `json:"in_flight"` // objects of a step not committed yet
	Lanes       []Lane    `json:"lanes"`
	Findings    []Finding `json:"findings"`
}

// Lane is what was verified of one lane.
type Lane struct {
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
	Code   string `json:"code"`  // stable, as missing
	Lane   string `json:"lane,omitempty"`
	Entry  *int64 `json:"entry,omitempty"` // block number
	Store  string `json:"store,omitempty"` // locked, meta or spare
	Object string `json:"object,omitempty"`
	From   *int64 `json:"from,omitempty"` // byte range [from, to) in the object
	To     *int64 `json:"to,omitempty"`
	Means  string `json:"means"` // a sentence
}

// Of makes a verdict of a report.
func Of(r *verify.Report) Verdict {
	out := Verdict{
		OK: r.OK, Deep: r.Deep, Archive: r.Archive, Fingerprint: r.Fingerprint, Pinned: !r.IntegrityOnly,
		Records: r.Records, Blocks: r.Blocks, Segments: r.Segments, Boxes: r.Boxes, Erased: r.Erased,
		Waste: r.Waste.Objects, InFlight: r.InFlight.Objects, Findings: []Finding{}, Lanes: []Lane{},
	}
	for _, l := range r.Lanes {
		out.Lanes = append(out.Lanes, Lane{Lane: string(l.Lane), Blocks: l.Size, Records: l.Records, Size: l.Size, Root: l.Root, Sealed: l.Sealed})
	}
	for _, f := range r.Findings {
		if f.Class == verify.Failure || f.Class == verify.Warning {
			out.Findings = append(out.Findings, finding(f))
		}
	}
	return out
}

func finding(f verify.Finding) Finding {
	out := Finding{Class: string(f.Class), Code: string(f.Code), Lane: string(f.Lane), Store: f.Store, Object: f.Object, Means: f.Sentence}
	if f.Class == verify.Failure {
		out.Class = "contradiction"
	}
	if f.Entry != nil {
		n := int64(*f.Entry)
		out.Entry = &n
	}
	if f.Range != nil {
		out.From, out.To = &f.Range.From, &f.Range.To
	}
	return out
}
