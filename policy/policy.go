// Package policy decides. It runs Rego in embedded OPA over an input that says
// everything the rules may know, and answers what to do and why. Nothing else
// in Waxseal knows a retention period or a consent rule.
//
// A decision is a pure function of its Input and the bundle's bytes: no clock,
// no network, no randomness. So it can be sealed beside the message and
// replayed years later.
package policy

// Input is all an archive decision may look at. It holds no message text, no
// phone number and no exact time, so distinct inputs are few and answers can be
// remembered.
type Input struct {
	Kind       string `json:"kind"`
	Sub        string `json:"sub,omitempty"`
	Channel    string `json:"channel"`
	Direction  string `json:"direction"`
	Provenance string `json:"provenance"`
	WABA       string `json:"waba,omitempty"`
	Number     string `json:"number,omitempty"` // phone_number_id
	Day        string `json:"day"`              // 2026-11-24, UTC day retention counts from: the platform's clock where it is sane, else Kafka's
	Facts
}

// Facts is the lane state a decision sees, as of the item's own time. Enums
// only. Unknown state is "unknown", never "not asked".
type Facts struct {
	Marketing  string `json:"marketing"`           // consent to marketing: given | withdrawn | never | unknown
	Window     string `json:"window"`              // open | closed | unknown: the 24 h service window
	Messaged   string `json:"messaged"`            // yes | no | unknown: has this person ever exchanged a message with the number
	Template   string `json:"template,omitempty"`  // for template sends: APPROVED, PAUSED, …, or unknown
	Category   string `json:"category,omitempty"`  // for template sends: MARKETING, UTILITY, AUTHENTICATION, or unknown
	Custodian  string `json:"custodian,omitempty"` // employee who answered on the number then
	Department string `json:"department,omitempty"`
	Role       string `json:"role,omitempty"`
}

// Finding is a rule's observation. A violation is only what a reviewer concludes.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // info | low | medium | high
	Reason   string `json:"reason"`
}

// Decision is the answer for one item.
type Decision struct {
	Class       string    `json:"class"`
	Duty        string    `json:"duty,omitempty"` // 2032-12-01: until then nothing can be erased; "" no duty
	Retain      string    `json:"retain"`         // 2034-12-01: until then it is locked
	Scope       string    `json:"scope"`          // business | personal
	Labels      []string  `json:"labels,omitempty"`
	Findings    []Finding `json:"findings,omitempty"`
	Revision    string    `json:"revision"` // bundle revision
	Provisional bool      `json:"provisional,omitempty"`
}
