package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"testing"
)

// testActs has one act of each type.
func testActs(t testing.TB) []*Act {
	t.Helper()
	at := "2026-01-02T03:04:05.678Z"
	h := Sum([]byte("x"))
	old, next := testSigner(t, 1), testSigner(t, 2)
	rotate := &Rotate{Reason: Planned, Last: []Head{{"control", 7, h}, {"0", 9, h}}}
	if err := rotate.Sign(testArchive, old.key, next.key); err != nil {
		t.Fatal(err)
	}
	return []*Act{
		{Type: ActGenesis, Genesis: &Genesis{
			Archive: testArchive, Mode: Evaluation, Created: at, Keys: PublicKeys{Ed25519: old.Public(), MLDSA44: make([]byte, mldsa44Key)},
			Recipients: Recipients{Firm: []string{"age1firm"}, Escrow: []string{"age1escrow"}, Audit: []string{"age1audit"}, Indexer: []string{"age1indexer"}},
			Sealed:     Sealed{Subject: []byte("s"), Token: []byte("t"), State: []byte("k")},
		}},
		{Type: ActStart, Start: &Start{Binary: "v0.1.0", Config: h, Policy: "p1", Recipients: h, Clock: at, StoreClock: at, Instance: "i-1"}},
		{Type: ActHeads, Heads: &Heads{[]Head{{"0", 3, h}, {"3~2", 1 << 60, h}}}},
		{Type: ActRotate, Rotate: rotate},
		{Type: ActErase, Erase: &Erase{[]ErasedBox{{"0", 3, "box-0", Object{"box-0.4", h, 10}, []Hash{h}}}}},
		{Type: ActEraseReceipt, EraseReceipt: &EraseReceipt{ActRef{4, 1}}},
		{Type: ActLook, Look: &Look{"search", 17}, Body: &Body{1, h, "seg-0", 2}},
		{Type: ActRefusal, Refusal: &Refusal{"cat", "denied"}},
		{Type: ActPolicy, Policy: &Policy{"p2", h}},
		{Type: ActAlarm, Alarm: &Alarm{Code: "lost_records", Lane: "0", Topic: "wa.webhooks", First: 3, Next: 9}},
		{Type: ActEra, Era: &Era{"wa.webhooks", 0, 1, 2, "rewound"}},
		{Type: ActCloseLane, CloseLane: &CloseLane{Head{"3", 5, h}, h, "3~2"}},
		{Type: ActTokenEpoch, TokenEpoch: &TokenEpoch{2, []byte("k")}},
		{Type: ActSelfTest, SelfTest: &SelfTest{"locked", true, []string{"delete", "shorten"}}},
	}
}

func TestActsRoundTrip(t *testing.T) {
	for _, a := range testActs(t) {
		a.V, a.Time, a.Actor = ActVersion, "2026-01-02T03:04:05.678Z", "person:4711"
		b, err := a.Encode()
		if err != nil {
			t.Errorf("%s: %v", a.Type, err)
			continue
		}
		got, err := DecodeAct(b)
		if err != nil {
			t.Errorf("%s: %v", a.Type, err)
			continue
		}
		if !reflect.DeepEqual(got, a) {
			t.Errorf("%s came back as another:\n%s", a.Type, b)
		}
		for _, bad := range [][]byte{append(bytes.Clone(b), '\n'), bytes.Replace(b, []byte(`"v":1`), []byte(`"v":1,"v":1`), 1), bytes.Replace(b, []byte(`"v":1`), []byte(`"v":1,"w":1`), 1), bytes.Replace(b, []byte(`"v":1`), []byte(`"v":2`), 1), bytes.Replace(b, []byte(`:{`), []byte(`: {`), 1)} {
			if _, err := DecodeAct(bad); !errors.Is(err, ErrAct) {
				t.Errorf("%s: %v for\n%s", a.Type, err, bad)
			}
		}
		two := *a
		two.Look, two.Policy = &Look{Kind: "x"}, &Policy{Revision: "x"}
		if _, err := two.Encode(); !errors.Is(err, ErrAct) {
			t.Errorf("%s with more content: %v", a.Type, err)
		}
	}
}

func TestRotateCheck(t *testing.T) {
	old, next := testSigner(t, 1), testSigner(t, 2)
	fresh := func() *Rotate {
		r := &Rotate{Reason: Compromise, Last: []Head{{Lane: "control", Size: 3}}}
		if err := r.Sign(testArchive, old.key, next.key); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := fresh().Check(testArchive, old.Public()); err != nil {
		t.Error(err)
	}
	if err := fresh().Check("another", old.Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("another archive: %v", err)
	}
	if err := fresh().Check(testArchive, next.Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("another old key: %v", err)
	}
	for name, change := range map[string]func(*Rotate){
		"size":   func(r *Rotate) { r.Last[0].Size++ },
		"reason": func(r *Rotate) { r.Reason = Planned },
		"by old": func(r *Rotate) { r.ByOld[0] ^= 1 },
		"by new": func(r *Rotate) { r.ByNew[0] ^= 1 },
		"new":    func(r *Rotate) { r.New.Ed25519 = old.Public() },
	} {
		r := fresh()
		change(r)
		if err := r.Check(testArchive, old.Public()); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestApprovals(t *testing.T) {
	a := &Act{V: 1, Type: ActCloseLane, Time: "2026-01-02T03:04:05.678Z", Actor: "a", CloseLane: &CloseLane{Head: Head{Lane: "3", Size: 5}, Next: "3~2"}}
	text, err := a.ApprovalText()
	if err != nil {
		t.Fatal(err)
	}
	approve := func(actor string, s *Signer) {
		a.Approvals = append(a.Approvals, Approval{Actor: actor, Key: s.Public(), Sig: ed25519.Sign(s.key, text)})
	}
	approve("p1", testSigner(t, 3))
	approve("p1", testSigner(t, 4))
	if err := a.CheckApprovals(2); !errors.Is(err, ErrAct) {
		t.Errorf("one person twice: %v", err)
	}
	a.Approvals = a.Approvals[:1]
	approve("p2", testSigner(t, 3))
	if err := a.CheckApprovals(2); !errors.Is(err, ErrAct) {
		t.Errorf("one key twice: %v", err)
	}
	a.Approvals = a.Approvals[:1]
	approve("p2", testSigner(t, 4))
	if err := a.CheckApprovals(2); err != nil {
		t.Error(err)
	}
	a.CloseLane.Size++
	if err := a.CheckApprovals(2); !errors.Is(err, ErrAct) {
		t.Errorf("another act: %v", err)
	}
}
