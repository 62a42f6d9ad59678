package ledger

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// The lengths of raw keys in acts.
const mldsa44Key = 1312

// check holds an act to what its fields may say by themselves.
func (a *Act) check() error {
	if a.V != ActVersion {
		return fmt.Errorf("version %d", a.V)
	}
	if err := checkTime(TimeFormat, a.Time); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	if a.Actor == "" || !validWord(a.Actor, 100) {
		return errors.New("actor")
	}
	if err := a.checkPayload(); err != nil {
		return err
	}
	if a.Body != nil && a.Body.Segment == "" {
		return errors.New("body")
	}
	for _, p := range a.Approvals {
		if p.Actor == "" || !validWord(p.Actor, 100) || len(p.Key) != ed25519.PublicKeySize || len(p.Sig) != ed25519.SignatureSize {
			return errors.New("approval")
		}
	}
	return nil
}

// payload is what one type of act carries.
type payload interface{ check() error }

// checkPayload wants exactly one payload, the one of the type.
func (a *Act) checkPayload() error {
	set := map[ActType]payload{}
	add(set, ActGenesis, a.Genesis)
	add(set, ActStart, a.Start)
	add(set, ActHeads, a.Heads)
	add(set, ActRotate, a.Rotate)
	add(set, ActErase, a.Erase)
	add(set, ActEraseReceipt, a.EraseReceipt)
	add(set, ActLook, a.Look)
	add(set, ActRefusal, a.Refusal)
	add(set, ActPolicy, a.Policy)
	add(set, ActAlarm, a.Alarm)
	add(set, ActEra, a.Era)
	add(set, ActCloseLane, a.CloseLane)
	add(set, ActTokenEpoch, a.TokenEpoch)
	add(set, ActSelfTest, a.SelfTest)
	p, ok := set[a.Type]
	if !ok || len(set) != 1 {
		return errors.New("type and content differ")
	}
	if err := p.check(); err != nil {
		return fmt.Errorf("%s: %w", a.Type, err)
	}
	return nil
}

func add[P interface {
	*T
	payload
}, T any](set map[ActType]payload, t ActType, p P) {
	if p != nil {
		set[t] = p
	}
}

func (g *Genesis) check() error {
	if !ValidArchive(g.Archive) || (g.Mode != Production && g.Mode != Evaluation) {
		return errors.New("archive or mode")
	}
	if err := checkTime(TimeFormat, g.Created); err != nil {
		return fmt.Errorf("created: %w", err)
	}
	if len(g.Recipients.Firm) == 0 {
		return errors.New("no recipient of the firm")
	}
	return g.Keys.check()
}

func (k *PublicKeys) check() error {
	if len(k.Ed25519) != ed25519.PublicKeySize || (len(k.MLDSA44) != 0 && len(k.MLDSA44) != mldsa44Key) {
		return errors.New("length of a public key")
	}
	return nil
}

func (s *Start) check() error {
	if s.Binary == "" || len(s.Binary) > 200 || !validWord(s.Instance, 64) {
		return errors.New("binary or instance")
	}
	if s.StoreClock != "" {
		if err := checkTime(TimeFormat, s.StoreClock); err != nil {
			return fmt.Errorf("store clock: %w", err)
		}
	}
	return checkTime(TimeFormat, s.Clock)
}

func (h *Heads) check() error { return checkHeads(h.Heads) }

func checkHeads(heads []Head) error {
	seen := map[string]bool{}
	for _, h := range heads {
		if !ValidLane(h.Lane) || seen[string(h.Lane)] {
			return errors.New("lane name, or a lane twice")
		}
		seen[string(h.Lane)] = true
	}
	return nil
}

func (r *Rotate) check() error {
	if r.Reason != Planned && r.Reason != Compromise {
		return errors.New("reason")
	}
	if len(r.Old) != ed25519.PublicKeySize || len(r.ByOld) != ed25519.SignatureSize || len(r.ByNew) != ed25519.SignatureSize {
		return errors.New("length of a key or signature")
	}
	if err := r.New.check(); err != nil {
		return err
	}
	return checkHeads(r.Last)
}

func (e *Erase) check() error {
	if len(e.Boxes) == 0 {
		return errors.New("no box")
	}
	for _, b := range e.Boxes {
		if !ValidLane(b.Lane) || b.Old == "" || b.Old == b.New.Key || len(b.Removed) == 0 {
			return errors.New("box")
		}
		if err := b.New.check(); err != nil {
			return err
		}
	}
	return nil
}

func (*EraseReceipt) check() error { return nil }

func (l *Look) check() error {
	if l.Kind == "" || !validWord(l.Kind, 40) {
		return errors.New("kind")
	}
	return nil
}

func (r *Refusal) check() error {
	if r.Kind == "" || !validWord(r.Kind, 40) || r.Reason == "" || !validWord(r.Reason, 100) {
		return errors.New("kind or reason")
	}
	return nil
}

func (p *Policy) check() error {
	if p.Revision == "" {
		return errors.New("revision")
	}
	return nil
}

func (a *Alarm) check() error {
	if a.Code == "" || !validWord(a.Code, 40) || !validWord(a.Detail, 100) || (a.Lane != "" && !ValidLane(a.Lane)) {
		return errors.New("code, lane or detail")
	}
	return nil
}

func (e *Era) check() error {
	if e.Topic == "" || e.Partition < 0 || e.From < 1 || e.To != e.From+1 || e.Reason == "" || !validWord(e.Reason, 40) {
		return errors.New("topic, partition, eras or reason")
	}
	return nil
}

func (c *CloseLane) check() error {
	if !ValidLane(c.Lane) || !ValidLane(c.Next) || nextLife(c.Lane) != c.Next {
		return errors.New("lanes")
	}
	return nil
}

func (t *TokenEpoch) check() error {
	if t.Epoch < 2 || len(t.Sealed) == 0 {
		return errors.New("epoch or key")
	}
	return nil
}

func (s *SelfTest) check() error {
	if s.Store == "" || !validWord(s.Store, 40) {
		return errors.New("store")
	}
	for _, c := range s.Checks {
		if c == "" || !validWord(c, 100) {
			return errors.New("check")
		}
	}
	return nil
}
