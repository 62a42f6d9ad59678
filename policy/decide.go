package policy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Answer is a decision ready to be sealed. It is shared between callers: read only.
type Answer struct {
	Decision Decision
	Duty     int64    // Unix seconds, 0 no duty
	Retain   int64    // Unix seconds
	Rules    []string // names of the findings, sorted, each once
	Severity string   // the highest of the findings, "" without any
	JSON     []byte   // {"in":…,"out":…}, compact, fields in the order of the types: the rule as it is sealed
	Hash     [32]byte // SHA-256 of JSON
}

// rule is the form of Answer.JSON.
type rule struct {
	In  Input    `json:"in"`
	Out Decision `json:"out"`
}

// Decide answers for one item. The Answer is never nil: when the policy fails,
// takes too long, gives nothing or nonsense, it is the provisional one, and the
// error says why, without a value of the input. A canceled ctx also gives that
// pair (errors.Is context.Canceled): a caller that is stopping seals nothing with it.
func (e *Engine) Decide(ctx context.Context, in *Input) (*Answer, error) {
	if a, err := e.cache.get(in); a != nil {
		return a, err
	}
	owned := in.clone()
	d, err := e.evaluate(ctx, &owned)
	if err != nil {
		d = e.provisional(&owned)
	}
	a, encodeErr := answer(&owned, d)
	if encodeErr != nil { // strings and numbers always encode
		return a, errors.Join(err, encodeErr)
	}
	if ctx.Err() != nil {
		return a, err
	}
	return e.cache.put(&owned, a, err)
}

// Replay decides a sealed rule again and gives the answer; ErrReplay where it is
// another than the sealed one, with the bundle of the rule's own revision.
func (e *Engine) Replay(ctx context.Context, sealed []byte) (*Answer, error) {
	var r rule
	d := json.NewDecoder(bytes.NewReader(sealed))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("read sealed rule: %w", err)
	}
	if r.Out.Revision != e.revision {
		return nil, fmt.Errorf("rule of revision %.12s, bundle %.12s: %w", r.Out.Revision, e.revision, ErrReplay)
	}
	a, err := e.Decide(ctx, &r.In)
	if err != nil && !r.Out.Provisional {
		return nil, fmt.Errorf("replay: %w", err)
	}
	if !bytes.Equal(a.JSON, sealed) {
		return a, ErrReplay
	}
	return a, nil
}

// evaluate runs the policy, without the memory.
func (e *Engine) evaluate(ctx context.Context, in *Input) (Decision, error) {
	if _, err := time.Parse(date, in.Day); err != nil {
		return Decision{}, fmt.Errorf("day: %w", ErrInput)
	}
	input, err := in.value()
	if err != nil {
		return Decision{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	result, err := e.eval(ctx, rego.EvalParsedInput(input))
	if err != nil {
		return Decision{}, err
	}
	if len(result) == 0 || len(result[0].Expressions) == 0 {
		return Decision{}, ErrUndefined
	}
	return e.validate(in.Day, result[0].Expressions[0].Value)
}

// eval is OPA under a time limit. A panic inside OPA is a policy error like any
// other: no record is lost over a rule.
func (e *Engine) eval(ctx context.Context, opt rego.EvalOption) (rs rego.ResultSet, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("evaluate policy: panic: %w", ErrInvalid)
		}
	}()
	limited, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	rs, err = e.query.Eval(limited, opt)
	switch {
	case err == nil:
		return rs, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("evaluate policy: %w", ctx.Err())
	case limited.Err() != nil || topdown.IsCancel(err):
		return nil, fmt.Errorf("evaluate policy: more than %s: %w", e.timeout, ErrTimeout)
	}
	var te *topdown.Error
	if errors.As(err, &te) { // its message may quote the input; code and place do not
		return nil, fmt.Errorf("evaluate policy: %s at %v: %w", te.Code, te.Location, ErrInvalid)
	}
	return nil, fmt.Errorf("evaluate policy: %T: %w", err, ErrInvalid)
}

// answer seals nothing yet, but fixes the bytes that will be.
func answer(in *Input, d Decision) (*Answer, error) {
	a := &Answer{Decision: d, Duty: unix(d.Duty), Retain: unix(d.Retain)}
	a.Rules, a.Severity = summary(d.Findings)
	b, err := compact(rule{*in, d})
	if err != nil {
		return a, fmt.Errorf("encode decision: %w", err)
	}
	a.JSON, a.Hash = b, sha256.Sum256(b)
	return a, nil
}

func unix(day string) int64 {
	t, err := time.Parse(date, day)
	if err != nil { // "" is no duty; the others have been validated
		return 0
	}
	return t.Unix()
}
