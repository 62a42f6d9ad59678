package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	provisionalClass         = "provisional"
	provisionalPeriod Period = "90d"

	maxFindings = 64
	maxLabels   = 64
	maxLabel    = 128  // bytes
	maxReason   = 1024 // bytes
)

// Severities from the least on.
var severities = []string{"info", "low", "medium", "high"}

// output is what a policy may answer. Unlike a Decision it says nothing of
// revision or provisional: those are the engine's word.
type output struct {
	Class    string    `json:"class"`
	Duty     string    `json:"duty"`
	Retain   string    `json:"retain"`
	Scope    string    `json:"scope"`
	Labels   []string  `json:"labels"`
	Findings []Finding `json:"findings"`
}

// provisional is the answer where the policy has none: it locks, and counts as
// under duty, for 90 days, so that nothing of the item is lost before a sweep or
// a person decides.
func (e *Engine) provisional(in *Input) Decision {
	day, err := time.Parse(date, in.Day)
	if err != nil {
		day = midnight(e.now())
	}
	until := day.AddDate(0, 0, 91).Format(date) // 90 days from the end of the day
	return Decision{Class: provisionalClass, Duty: until, Retain: until, Scope: "business", Revision: e.revision, Provisional: true}
}

// validate turns a policy's value into a decision, or says which field is wrong.
// It never quotes the value.
func (e *Engine) validate(day string, value any) (Decision, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return Decision{}, fmt.Errorf("%w: not JSON", ErrInvalid)
	}
	var o output
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return Decision{}, fmt.Errorf("%w: not the object of schema/archive.output.json", ErrInvalid)
	}
	if err := o.check(); err != nil {
		return Decision{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := e.dates(day, &o); err != nil {
		return Decision{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	slices.Sort(o.Labels)
	slices.SortFunc(o.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Reason, b.Reason))
	})
	return Decision{
		Class: o.Class, Duty: o.Duty, Retain: o.Retain, Scope: o.Scope, Revision: e.revision,
		Labels: distinct(o.Labels), Findings: distinct(o.Findings),
	}, nil
}

// distinct drops repeats from a sorted list; an empty one is nil.
func distinct[T comparable](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Compact(list)
}

// check looks at everything but class and dates.
func (o *output) check() error {
	if o.Scope != "business" && o.Scope != "personal" {
		return fmt.Errorf("scope is neither business nor personal")
	}
	if len(o.Labels) > maxLabels || len(o.Findings) > maxFindings {
		return fmt.Errorf("more than %d labels or %d findings", maxLabels, maxFindings)
	}
	for i, l := range o.Labels {
		if l == "" || len(l) > maxLabel {
			return fmt.Errorf("labels[%d] is empty or longer than %d bytes", i, maxLabel)
		}
	}
	for i, f := range o.Findings {
		if !nameForm.MatchString(f.Rule) {
			return fmt.Errorf("findings[%d].rule is no name", i)
		}
		if !slices.Contains(severities, f.Severity) {
			return fmt.Errorf("findings[%d].severity is none of %v", i, severities)
		}
		if f.Reason == "" || len(f.Reason) > maxReason {
			return fmt.Errorf("findings[%d].reason is empty or longer than %d bytes", i, maxReason)
		}
	}
	return nil
}

// dates checks class, duty and retain, and clamps what passes the class's
// maximum: a wrong rule must not lock for ever.
func (e *Engine) dates(day string, o *output) error {
	class, ok := e.config.Classes[o.Class]
	if !ok {
		return fmt.Errorf("class is not in data.waxseal.classes")
	}
	from, err := time.Parse(date, day)
	if err != nil {
		return fmt.Errorf("day is no date")
	}
	retain, err := time.Parse(date, o.Retain)
	if err != nil || !retain.After(from) {
		return fmt.Errorf("retain is no date behind the item's day")
	}
	duty, err := time.Parse(date, o.Duty)
	if o.Duty != "" && (err != nil || duty.After(retain)) {
		return fmt.Errorf("duty is no date up to retain")
	}
	limit := class.Max.until(from)
	if !retain.After(limit) {
		return nil
	}
	o.Retain = limit.Format(date)
	if o.Duty != "" && duty.After(limit) {
		o.Duty = o.Retain
	}
	o.Findings = append(o.Findings, Finding{
		Rule: "retention-clamped", Severity: "medium",
		Reason: "the policy asked for a longer lock than the class's maximum of " + string(class.Max),
	})
	return nil
}

// summary gives the rules' names, sorted and each once, and the highest severity.
func summary(findings []Finding) (rules []string, severity string) {
	top := -1
	for _, f := range findings {
		rules = append(rules, f.Rule)
		top = max(top, slices.Index(severities, f.Severity))
	}
	if top >= 0 {
		severity = severities[top]
	}
	slices.Sort(rules)
	return slices.Compact(rules), severity
}
