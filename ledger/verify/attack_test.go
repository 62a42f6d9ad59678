package verify

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// has says whether the report has a finding of that class and code, naming the
// object if one is given.
func (r *Report) has(class Class, code Code, object string) bool {
	for _, f := range r.Findings {
		if f.Class == class && f.Code == code && (object == "" || f.Object == object) {
			return true
		}
	}
	return false
}

// expect wants exactly the findings named, by class, code and object, and OK
// where none is a failure.
func (r *Report) expect(t *testing.T, want ...Finding) {
	t.Helper()
	ok, bad := true, false
	for _, w := range want {
		if !r.has(w.Class, w.Code, w.Object) {
			bad = true
			t.Errorf("no %s %s of %q", w.Class, w.Code, w.Object)
		}
		ok = ok && w.Class != Failure
	}
	for _, f := range r.Findings {
		known := false
		for _, w := range want {
			known = known || (f.Class == w.Class && f.Code == w.Code)
		}
		if !known {
			bad = true
			t.Errorf("beside what is expected: %s %s", f.Class, f.Code)
		}
	}
	if r.OK != ok {
		bad = true
		t.Errorf("OK is %v", r.OK)
	}
	if bad {
		r.dump(t)
	}
}

func TestTruncation(t *testing.T) {
	a := small(t)
	for cut := 1; cut <= 4; cut++ {
		a.locked.Remove(ledger.BlockKey("0", uint64(4-cut)))
		r := a.verify(nil)
		if !r.has(Failure, CodeTruncated, ledger.BlockKey("0", uint64(4-cut))) {
			r.dump(t)
			t.Errorf("%d blocks cut off unsaid", cut)
		}
	}
	// The whole lane is gone, with all that was its own.
	for where := range stores {
		for p := range a.keys(where, "lanes/0/", "log/0/") {
			a.store(where).Remove(p)
		}
	}
	if r := a.verify(nil); !r.has(Failure, CodeTruncated, ledger.BlockKey("0", 0)) {
		r.dump(t)
		t.Error("a lane removed as a whole, unsaid")
	}
}

// keys lists what a store holds under the prefixes.
func (a *archive) keys(where int, prefixes ...string) map[string]bool {
	out := map[string]bool{}
	for _, prefix := range prefixes {
		err := a.store(where).List(a.t.Context(), prefix, "", func(v worm.Version) error {
			out[v.Key] = true
			return nil
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
	return out
}

// The holder of the key writes another history of a lane, from block 2 on.
func TestFork(t *testing.T) {
	a := small(t)
	b := a.clone()
	b.next = map[record.Lane]int64{}
	b.chains, b.entries, b.heads, b.published = map[record.Lane]*ledger.Chain{}, map[record.Lane][][]byte{}, map[record.Lane][]byte{}, map[record.Lane]uint64{}
	for where := range stores {
		for key := range b.keys(where, "lanes/0/", "log/0/") {
			b.store(where).Remove(key)
		}
	}
	b.step("0", nil)
	b.step("0", nil)
	b.step("0", func(e *ledger.Entry) { e.Policy = "another" })
	b.step("0", nil)
	b.heads[record.Control] = a.heads[record.Control]
	if r := b.verify(nil); r.OK || !r.has(Failure, CodeFork, ledger.BlockKey("0", 3)) {
		r.dump(t)
		t.Error("a rewritten lane contradicts its sealed head, unsaid")
	}
	// One block of the other history within the true one.
	c := a.clone()
	forked, _, err := b.locked.Get(t.Context(), ledger.BlockKey("0", 3))
	if err != nil {
		t.Fatal(err)
	}
	c.locked.Tamper(ledger.BlockKey("0", 3), forked)
	if r := c.verify(nil); !r.has(Failure, CodeFork, ledger.BlockKey("0", 3)) {
		r.dump(t)
		t.Error("a block of another history, unsaid")
	}
}

// Control is rewritten as a whole, by the holder of the key: only what is known
// from elsewhere tells.
func TestTrustedCheckpoint(t *testing.T) {
	a, b := small(t), newArchive(t)
	b.step("0", nil)
	b.seal("0")
	if r := b.verify(nil); !r.OK {
		r.dump(t)
		t.Fatal("the other history is not sound by itself")
	}
	for name, trusted := range map[string][]byte{"control": a.heads[record.Control], "lane 0": a.heads["0"], "lane 1": a.heads["1"]} {
		r := b.verify(func(c *Config) { c.Trusted = [][]byte{trusted} })
		if r.OK || !(r.has(Failure, CodeTruncated, "") || r.has(Failure, CodeFork, "")) {
			r.dump(t)
			t.Errorf("%s contradicts a trusted checkpoint, unsaid", name)
		}
		if r := a.verify(func(c *Config) { c.Trusted = [][]byte{trusted} }); !r.OK {
			r.dump(t)
			t.Errorf("%s: the true archive is refused", name)
		}
	}
	bad := bytes.Clone(a.heads["0"])
	bad[len(bad)-10] ^= 1
	a.verify(func(c *Config) { c.Trusted = [][]byte{bad} }).expect(t, Finding{Class: Failure, Code: CodeSignature})
}

func TestFingerprint(t *testing.T) {
	a := small(t)
	other := ledger.Sum([]byte("another"))
	a.verify(func(c *Config) { c.Fingerprint = &other }).expect(t, Finding{Class: Failure, Code: CodeGenesis, Object: ledger.BlockKey(record.Control, 0)})
	if r := a.verify(func(c *Config) { c.Fingerprint = nil }); !r.OK || !r.IntegrityOnly {
		t.Error("without a fingerprint it is integrity only, and says so")
	}
}

func TestForeignObjects(t *testing.T) {
	for key, class := range map[place]Class{
		{locked, "lanes/0/blocks/foo"}:              Failure,
		{locked, "lanes/0/blocks/000000000001.old"}: Failure,
		{locked, "lanes/0/data/1/seg-0"}:            Failure,
		{locked, "lanes/0/other/000000000001"}:      Failure,
		{locked, "lanes/zero/blocks/000000000000"}:  Failure,
		{locked, "stray"}:                           Failure,
		{meta, "lanes/0/blocks/000000000001"}:       Warning,
		{meta, "log/0/tile/0/1000"}:                 Warning,
		{meta, "log/zero/checkpoint"}:               Warning,
		{meta, "stray"}:                             Warning,
		{spare, "stray"}:                            Warning,
		{spare, "log/0/checkpoint"}:                 Warning,
	} {
		a := small(t)
		a.store(key.where).AddVersion(key.key, []byte("x"), worm.Lock{})
		a.verify(nil).expect(t, Finding{Class: class, Code: CodeForeign, Object: key.key})
	}
	a := small(t)
	a.locked.AddVersion("selftest/1", []byte("x"), worm.Lock{})
	a.verify(nil).expect(t)
}

func TestWasteAndInFlight(t *testing.T) {
	a := small(t)
	waste := []place{
		{locked, "lanes/0/data/000000000001/seg-9"}, {meta, "lanes/0/data/000000000003/outbox.x"}, {spare, "lanes/1/data/000000000000/box-9"},
		{locked, "lanes/control/data/000000000002/w2-seg-0"}, {meta, "lanes/0/data/000000000001/box-1.77"}, {meta, "lanes/0/data/000000000001/snapshot"},
	}
	flight := []place{{locked, "lanes/0/data/000000000004/seg-0"}, {meta, "lanes/0/data/000000000009/outbox"}, {locked, "lanes/77/data/000000000000/seg-0"}}
	var want []Finding
	for _, p := range waste {
		a.store(p.where).AddVersion(p.key, []byte("x"), worm.Lock{})
		want = append(want, Finding{Class: Waste, Code: CodeUnnamed, Object: p.key})
	}
	for _, p := range flight {
		a.store(p.where).AddVersion(p.key, []byte("x"), worm.Lock{})
		want = append(want, Finding{Class: InFlight, Code: CodeUnnamed, Object: p.key})
	}
	r := a.verify(nil)
	r.expect(t, want...)
	if r.Waste.Objects != uint64(len(waste)) || r.InFlight.Objects != uint64(len(flight)) {
		t.Errorf("waste %+v, in flight %+v", r.Waste, r.InFlight)
	}
}

func TestVersionsAndMarkers(t *testing.T) {
	for p := range small(t).protected(t) {
		a := small(t)
		a.store(p.where).AddMarker(p.key)
		a.verify(nil).expect(t, Finding{Class: Warning, Code: CodeMarker, Object: p.key})
		a.store(p.where).AddVersion(p.key, []byte("x"), worm.Lock{})
		a.verify(nil).expect(t, Finding{Class: Warning, Code: CodeMarker, Object: p.key}, Finding{Class: Warning, Code: CodeVersion, Object: p.key})
		a.store(p.where).Remove(p.key)
		a.store(p.where).AddMarker(p.key)
		if r := a.verify(nil); r.OK || !r.names(p) {
			r.dump(t)
			t.Errorf("%s: nothing but a delete marker, unsaid", p.key)
		}
	}
}

// What an entry says wrongly, signed all the same.
func TestWrongEntries(t *testing.T) {
	key := ledger.BlockKey("0", 2)
	source := func(fn func(*ledger.Source)) func(*ledger.Entry) {
		return func(e *ledger.Entry) { fn(&e.Source[0]) }
	}
	gap := func(first, next int64) ledger.Gap {
		return ledger.Gap{First: first, Next: next, Cause: record.GapExpired}
	}
	for name, tc := range map[string]struct {
		change func(*ledger.Entry)
		want   []Finding
	}{
		"hole":            {source(func(s *ledger.Source) { s.First, s.Next = 5, 7 }), []Finding{{Class: Failure, Code: CodeCoverage, Object: key}}},
		"overlap":         {source(func(s *ledger.Source) { s.First, s.Next = 3, 5 }), []Finding{{Class: Failure, Code: CodeCoverage, Object: key}}},
		"fewer records":   {source(func(s *ledger.Source) { s.Next = 7 }), []Finding{{Class: Failure, Code: CodeCoverage, Object: key}}},
		"stated gap":      {source(func(s *ledger.Source) { s.Next, s.Gaps = 8, []ledger.Gap{gap(5, 7)} }), nil},
		"gap outside":     {source(func(s *ledger.Source) { s.Next, s.Gaps = 8, []ledger.Gap{gap(7, 9)} }), []Finding{{Class: Failure, Code: CodeCoverage}}},
		"gaps overlap":    {source(func(s *ledger.Source) { s.Next, s.Gaps = 8, []ledger.Gap{gap(4, 5), gap(4, 5)} }), []Finding{{Class: Failure, Code: CodeCoverage}}},
		"era skipped":     {source(func(s *ledger.Source) { s.Era = 3 }), []Finding{{Class: Failure, Code: CodeCoverage}}},
		"new era":         {source(func(s *ledger.Source) { s.Era, s.First, s.Next = 2, 0, 2 }), nil},
		"other partition": {source(func(s *ledger.Source) { s.Partition = 1 }), []Finding{{Class: Failure, Code: CodeCoverage}}},
		"topic left out":  {func(e *ledger.Entry) { e.Source[0].Topic = "wa.sends" }, []Finding{{Class: Failure, Code: CodeCoverage}}},
		"topic twice":     {func(e *ledger.Entry) { e.Source = append(e.Source, e.Source[0]) }, []Finding{{Class: Failure, Code: CodeCoverage}}},
		"new topic": {func(e *ledger.Entry) {
			e.Source = append(e.Source, ledger.Source{Topic: "wa.sends", Era: 1, First: 9, Next: 9, Epoch: -1})
		}, []Finding{}},
		"rows_from sinks": {func(e *ledger.Entry) { e.RowsFrom = 0 }, []Finding{{Class: Failure, Code: CodeRowsFrom}}},
		"rows_from ahead": {func(e *ledger.Entry) { e.RowsFrom = 3 }, []Finding{{Class: Failure, Code: CodeRowsFrom}}},
		"takeover":        {func(e *ledger.Entry) { e.Takeover = true }, []Finding{{Class: Failure, Code: CodeTakeover}}},
		"foreign key":     {func(e *ledger.Entry) { e.Segments[0].Key = ledger.DataKey("0", 1, "seg-0") }, []Finding{{Class: Failure, Code: CodeMisplaced, Object: key}, {Class: Failure, Code: CodeChanged}, {Class: Waste, Code: CodeUnnamed}}},
		"rows root":       {func(e *ledger.Entry) { e.Boxes[0].RowsRoot = ledger.Sum(nil) }, []Finding{{Class: Failure, Code: CodeRows, Object: ledger.DataKey("0", 2, "box-0")}}},
		"row count":       {func(e *ledger.Entry) { e.Boxes[1].Rows = 3 }, []Finding{{Class: Failure, Code: CodeRows, Object: ledger.DataKey("0", 2, "box-1")}}},
		"media size":      {func(e *ledger.Entry) { e.Media[0].Bytes++ }, []Finding{{Class: Failure, Code: CodeChanged, Object: ledger.DataKey("0", 2, "media-0")}}},
		"media elsewhere": {func(e *ledger.Entry) { e.Media[0].Key = ledger.DataKey("0", 1, "media-0") }, []Finding{{Class: Failure, Code: CodeMisplaced, Object: key}, {Class: Failure, Code: CodeChanged}, {Class: Waste, Code: CodeUnnamed}}},
		"media unnamed":   {func(e *ledger.Entry) { e.Media = nil }, []Finding{{Class: Waste, Code: CodeUnnamed, Object: ledger.DataKey("0", 2, "media-0")}}},
		"media longer":    {func(e *ledger.Entry) { e.Media[0].RetainUntil = retain.AddDate(0, 0, 1).Format(ledger.DateFormat) }, []Finding{{Class: Failure, Code: CodeLock, Object: ledger.DataKey("0", 2, "media-0")}, {Class: Failure, Code: CodeLock, Object: key}}},
		"size":            {func(e *ledger.Entry) { e.Segments[0].Bytes++ }, []Finding{{Class: Failure, Code: CodeChanged, Object: ledger.DataKey("0", 2, "seg-0")}}},
		"snapshot ahead": {func(e *ledger.Entry) {
			e.Snapshot = &ledger.Snapshot{Object: ledger.Object{Key: ledger.DataKey("0", 1, "snapshot")}, At: 2}
		}, []Finding{{Class: Failure, Code: CodeMisplaced}}},
		"retention longer": {func(e *ledger.Entry) { e.Segments[0].RetainUntil = retain.AddDate(0, 0, 1).Format(ledger.DateFormat) }, []Finding{{Class: Failure, Code: CodeLock, Object: ledger.DataKey("0", 2, "seg-0")}, {Class: Failure, Code: CodeLock, Object: key}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			a.step("0", nil)
			a.step("0", nil)
			a.step("0", tc.change)
			a.verify(nil).expect(t, tc.want...)
		})
	}
}

func TestWriters(t *testing.T) {
	a := newArchive(t)
	a.step("0", nil)
	start := a.start("2")
	a.writer = ledger.Sum(start)
	a.step("0", nil)
	a.verify(nil).expect(t,
		Finding{Class: Failure, Code: CodeWriter, Object: ledger.BlockKey("0", 1)}, Finding{Class: Warning, Code: CodeWriter, Object: ledger.BlockKey("0", 1)})

	a = newArchive(t)
	a.step("0", nil)
	start = a.start("2")
	a.writer = ledger.Sum(start)
	a.commit(record.Control, &ledger.Entry{}, nil, start)
	a.takeover("0")
	a.verify(nil).expect(t)
	a.time = a.time.Add(-1e10)
	a.takeover("0")
	a.verify(nil).expect(t, Finding{Class: Warning, Code: CodeClock, Object: ledger.BlockKey("0", 2)})
}

func TestHeads(t *testing.T) {
	a := newArchive(t)
	a.step("0", nil)
	root := a.chain("0").Root()
	a.step("0", nil)
	a.seal("0")
	a.control(&ledger.Act{Type: ledger.ActHeads, Heads: &ledger.Heads{Heads: []ledger.Head{{Lane: "0", Size: 1, Root: root}}}})
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeHead, Object: ledger.BlockKey(record.Control, 3)})

	a = newArchive(t)
	a.step("0", nil)
	a.control(&ledger.Act{Type: ledger.ActHeads, Heads: &ledger.Heads{Heads: []ledger.Head{{Lane: "0", Size: 1, Root: ledger.Sum(nil)}}}})
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeFork, Object: ledger.BlockKey("0", 0)})

	a = newArchive(t)
	a.control(&ledger.Act{Type: ledger.ActHeads, Heads: &ledger.Heads{Heads: []ledger.Head{{Lane: record.Control, Size: 2, Root: ledger.Sum(nil)}}}})
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeHead, Object: ledger.BlockKey(record.Control, 2)})
}

func TestActsThatDoNotHold(t *testing.T) {
	key := ledger.BlockKey(record.Control, 2)
	for name, commit := range map[string]func(a *archive){
		"no act":         func(a *archive) { a.commit(record.Control, &ledger.Entry{}, nil, []byte("{}")) },
		"second genesis": func(a *archive) { a.commit(record.Control, &ledger.Entry{}, nil, genesisOf(a)) },
		"leaf of nothing": func(a *archive) {
			a.commit(record.Control, &ledger.Entry{}, []ledger.Hash{ledger.Sum(nil)}, a.act(&ledger.Act{Type: ledger.ActPolicy, Policy: &ledger.Policy{Revision: "2"}}))
		},
		"body without leaf": func(a *archive) {
			a.commit(record.Control, &ledger.Entry{}, nil, a.act(&ledger.Act{Type: ledger.ActLook, Look: &ledger.Look{Kind: "cat"}, Body: &ledger.Body{Segment: "x"}}))
		},
		"body of another leaf": func(a *archive) {
			a.commit(record.Control, &ledger.Entry{}, []ledger.Hash{ledger.Sum(nil)}, a.act(&ledger.Act{Type: ledger.ActLook, Look: &ledger.Look{Kind: "cat"}, Body: &ledger.Body{Segment: "x"}}))
		},
		"body in no segment": func(a *archive) {
			leaf := ledger.BodyLeaf(2, 0, a.time.UnixMilli(), ledger.Hash{})
			a.commit(record.Control, &ledger.Entry{}, []ledger.Hash{leaf.Hash()}, a.act(&ledger.Act{Type: ledger.ActLook, Look: &ledger.Look{Kind: "cat"}, Body: &ledger.Body{Segment: "x"}}))
		},
		"lane closed by one": func(a *archive) {
			a.control(approved(a, &ledger.Act{Type: ledger.ActCloseLane, CloseLane: &ledger.CloseLane{Head: ledger.Head{Lane: "0"}, Next: "0~2"}}, 5, 5))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			commit(a)
			a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeAct, Object: key})
		})
	}
	a := newArchive(t)
	a.commit("0", &ledger.Entry{}, nil, a.act(&ledger.Act{Type: ledger.ActHeads, Heads: &ledger.Heads{}}))
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeAct, Object: ledger.BlockKey("0", 0)})
}

func genesisOf(a *archive) []byte {
	body, _, err := a.locked.Get(a.t.Context(), ledger.BlockKey(record.Control, 0))
	if err != nil {
		a.t.Fatal(err)
	}
	b, err := ledger.DecodeBlock(body)
	if err != nil {
		a.t.Fatal(err)
	}
	return b.Events[0]
}

// approved signs the act as it will be encoded, by people with these keys.
func approved(a *archive, act *ledger.Act, keys ...byte) *ledger.Act {
	act.V, act.Actor, act.Time = ledger.ActVersion, "test", a.time.Format(ledger.TimeFormat)
	text, err := act.ApprovalText()
	if err != nil {
		a.t.Fatal(err)
	}
	for i, k := range keys {
		key := privateKey(k)
		act.Approvals = append(act.Approvals, ledger.Approval{
			Actor: fmt.Sprintf("p%d", i), Key: key.Public().(ed25519.PublicKey), Sig: ed25519.Sign(key, text)})
	}
	return act
}

// The signing key changes: each lane is signed by the old key up to the size
// that the act names.
func TestRotation(t *testing.T) {
	rotate := func(a *archive, reason ledger.RotateReason, lane0 uint64) *archive {
		old, next := privateKey(1), privateKey(2)
		r := &ledger.Rotate{Reason: reason, Last: []ledger.Head{{Lane: record.Control, Size: a.size(record.Control), Root: a.chain(record.Control).Root()}}}
		if lane0 > 0 {
			b, _, err := a.locked.Get(t.Context(), ledger.BlockKey("0", lane0-1))
			if err != nil {
				t.Fatal(err)
			}
			c, _, err := ledger.ResumeChain("0", nil, a.signer.Verifier(), b)
			if err != nil {
				t.Fatal(err)
			}
			r.Last = append(r.Last, ledger.Head{Lane: "0", Size: lane0, Root: c.Root()})
		}
		if err := r.Sign(archiveName, old, next); err != nil {
			t.Fatal(err)
		}
		a.rekey(signer(t, 2), record.Control)
		a.control(&ledger.Act{Type: ledger.ActRotate, Rotate: r})
		return a
	}
	base := func() *archive {
		a := newArchive(t)
		a.step("0", nil)
		a.step("0", nil)
		a.heads = map[record.Lane][]byte{record.Control: a.heads[record.Control], "0": a.heads["0"]}
		return a
	}
	a := rotate(base(), ledger.Planned, 2)
	a.step("0", nil) // still by the old key
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeSignature, Object: ledger.BlockKey("0", 2)})

	a = rotate(base(), ledger.Planned, 2)
	a.rekey(signer(t, 2), "0")
	a.step("0", nil)
	a.step("1", nil) // a lane that the act does not name begins with the new key
	a.publish("0")
	a.verify(nil).expect(t)

	a = rotate(base(), ledger.Compromise, 1)
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeSignature, Object: ledger.BlockKey("0", 1)})

	a = base()
	r := &ledger.Rotate{Reason: ledger.Planned, Last: []ledger.Head{{Lane: record.Control, Size: 9}}}
	if err := r.Sign(archiveName, privateKey(1), privateKey(2)); err != nil {
		t.Fatal(err)
	}
	a.control(&ledger.Act{Type: ledger.ActRotate, Rotate: r})
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeRotation, Object: ledger.BlockKey(record.Control, 2)}, Finding{Class: Failure, Code: CodeHead})

	a = base()
	r = &ledger.Rotate{Reason: ledger.Planned, Last: []ledger.Head{{Lane: record.Control, Size: 2, Root: a.chain(record.Control).Root()}}}
	if err := r.Sign(archiveName, privateKey(3), privateKey(2)); err != nil {
		t.Fatal(err)
	}
	a.control(&ledger.Act{Type: ledger.ActRotate, Rotate: r})
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeRotation, Object: ledger.BlockKey(record.Control, 2)})
}

// rekey has a lane go on with another key.
func (a *archive) rekey(s *ledger.Signer, lane record.Lane) {
	a.t.Helper()
	body, _, err := a.locked.Get(a.t.Context(), ledger.BlockKey(lane, a.size(lane)-1))
	if err != nil {
		a.t.Fatal(err)
	}
	both, err := ledger.NewVerifier(archiveName, signer(a.t, 2).Public(), signer(a.t, 1).Public())
	if err != nil {
		a.t.Fatal(err)
	}
	c, _, err := ledger.ResumeChain(lane, s, both, body)
	if err != nil {
		a.t.Fatal(err)
	}
	a.chains[lane], a.signer = c, s
}

// Somebody else's block stands under a lane's next number. Two people close the
// lane, and it goes on as its second life.
func TestClosedLane(t *testing.T) {
	build := func(last func(*ledger.CloseLane)) *archive {
		a := newArchive(t)
		a.step("0", nil)
		a.step("0", nil)
		a.putLocked(ledger.BlockKey("0", 2), []byte("not ours"))
		c := &ledger.CloseLane{Head: ledger.Head{Lane: "0", Size: 2, Root: a.chain("0").Root()}, Entry: a.chain("0").Prev(), Next: "0~2"}
		if last != nil {
			last(c)
		}
		a.control(approved(a, &ledger.Act{Type: ledger.ActCloseLane, CloseLane: c}, 5, 6))
		a.chains["0~2"] = ledger.NewLife("0~2", a.signer, a.chain("0").Prev())
		a.commit("0~2", &ledger.Entry{Takeover: true, Source: []ledger.Source{{Topic: "wa.webhooks", Era: 1, First: 4, Next: 4, Epoch: -1}}}, nil)
		return a
	}
	build(nil).verify(nil).expect(t, Finding{Class: Warning, Code: CodeClosed, Object: ledger.BlockKey("0", 2)})
	build(func(c *ledger.CloseLane) { c.Entry = ledger.Sum(nil) }).verify(nil).expect(t,
		Finding{Class: Failure, Code: CodeClosed, Object: ledger.BlockKey("0", 1)}, Finding{Class: Failure, Code: CodeChain, Object: ledger.BlockKey("0~2", 0)},
		Finding{Class: Warning, Code: CodeClosed})
	build(func(c *ledger.CloseLane) { c.Size = 3 }).verify(nil).expect(t,
		Finding{Class: Failure, Code: CodeDamaged, Object: ledger.BlockKey("0", 2)})

	a := newArchive(t)
	a.chains["0~2"] = ledger.NewLife("0~2", a.signer, ledger.Sum(nil))
	a.commit("0~2", &ledger.Entry{Takeover: true}, nil)
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeClosed}, Finding{Class: Failure, Code: CodeChain})
}

// Each step of an erasure leaves an archive that verifies, or one in which what
// is left undone is said.
func TestErasureSteps(t *testing.T) {
	for steps := 1; steps <= 5; steps++ {
		a := newArchive(t)
		a.step("0", nil)
		a.step("0", nil)
		a.erase("0", 0, steps)
		want := []Finding(nil)
		if steps == 1 {
			want = []Finding{{Class: Waste, Code: CodeUnnamed}} // decided by nobody
		}
		r := a.verify(nil)
		r.expect(t, want...)
		if (r.Erased > 0) != (steps > 1) {
			t.Errorf("step %d: %d rows erased", steps, r.Erased)
		}
	}
}

func TestErasuresThatDoNotHold(t *testing.T) {
	old, key := ledger.DataKey("0", 0, "box-1"), ledger.DataKey("0", 0, "box-1.2")
	box := makeBox(rows("0", 0, 1, 2))
	both := func(a *archive, key string, body []byte) {
		for _, s := range []worm.Store{a.meta, a.spare} {
			a.put(s, key, body, worm.Lock{})
		}
	}
	for name, tc := range map[string]struct {
		change func(a *archive)
		want   []Finding
	}{
		"old box kept after the receipt":  {func(a *archive) { both(a, old, box) }, []Finding{{Class: Failure, Code: CodeErasure, Object: old}}},
		"new box gone in one copy":        {func(a *archive) { a.spare.Remove(key) }, []Finding{{Class: Failure, Code: CodeMissing, Object: key}}},
		"new box with the row":            {func(a *archive) { a.meta.Tamper(key, box) }, []Finding{{Class: Failure, Code: CodeChanged, Object: key}}},
		"new box lacks another row":       {func(a *archive) { a.meta.Tamper(key, makeBox(rows("0", 0, 1, 2), 0, 1)) }, []Finding{{Class: Failure, Code: CodeChanged, Object: key}}},
		"a row gone from a box elsewhere": {func(a *archive) { a.meta.Tamper(ledger.DataKey("0", 1, "box-1"), makeBox(rows("0", 1, 1, 2), 0)) }, []Finding{{Class: Failure, Code: CodeChanged, Object: ledger.DataKey("0", 1, "box-1")}}},
		"a box gone without an act":       {func(a *archive) { a.meta.Remove(ledger.DataKey("0", 1, "box-1")) }, []Finding{{Class: Failure, Code: CodeMissing, Object: ledger.DataKey("0", 1, "box-1")}}},
		"a receipt of nothing": {func(a *archive) {
			a.control(&ledger.Act{Type: ledger.ActEraseReceipt, EraseReceipt: &ledger.EraseReceipt{Act: ledger.ActRef{Block: 1}}})
		}, []Finding{{Class: Failure, Code: CodeErasure}}},
		"a box of nobody": {func(a *archive) { a.control(eraseAct("0", 0, ledger.DataKey("0", 0, "box-7"), 7, nil)) }, []Finding{{Class: Failure, Code: CodeErasure, Object: ledger.DataKey("0", 0, "box-7")}}},
		"under duty":      {func(a *archive) { a.control(eraseAct("0", 0, ledger.DataKey("0", 0, "box-0"), 7, nil)) }, []Finding{{Class: Failure, Code: CodeErasure, Object: ledger.DataKey("0", 0, "box-0")}}},
		"still in use":    {func(a *archive) { a.erase("0", 1, 5) }, []Finding{{Class: Failure, Code: CodeErasure}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			a.step("0", nil)
			a.step("0", nil)
			a.erase("0", 0, 5)
			tc.change(a)
			a.verify(nil).expect(t, tc.want...)
		})
	}
}

func eraseAct(lane record.Lane, n uint64, old string, i int, body []byte) *ledger.Act {
	return &ledger.Act{Type: ledger.ActErase, Erase: &ledger.Erase{Boxes: []ledger.ErasedBox{{
		Lane: lane, Block: n, Old: old, New: ledger.Object{Key: fmt.Sprintf("%s.%d", old, i), SHA256: ledger.Sum(body)}, Removed: []ledger.Hash{ledger.Sum(nil)}}}}}
}

// A box is erased from twice.
func TestErasedTwice(t *testing.T) {
	a := newArchive(t)
	a.step("0", nil)
	a.step("0", nil)
	a.erase("0", 0, 5)
	free := rows("0", 0, 1, 2)
	first, second := ledger.DataKey("0", 0, "box-1.2"), ledger.DataKey("0", 0, "box-1.4")
	body := makeBox(free, 0, 1)
	o := a.put(a.meta, second, body, worm.Lock{})
	a.put(a.spare, second, body, worm.Lock{})
	act := func(old string) *ledger.Act {
		return &ledger.Act{Type: ledger.ActErase, Erase: &ledger.Erase{Boxes: []ledger.ErasedBox{{Lane: "0", Block: 0, Old: old, New: o, Removed: free[1:]}}}}
	}
	ref := ledger.ActRef{Block: a.size(record.Control), Event: 1}
	a.control(act(first))
	a.verify(nil).expect(t)
	a.meta.Remove(first)
	a.verify(nil).expect(t)
	a.spare.Remove(first)
	a.verify(nil).expect(t)
	a.control(&ledger.Act{Type: ledger.ActEraseReceipt, EraseReceipt: &ledger.EraseReceipt{Act: ref}})
	a.verify(nil).expect(t)

	// A further act replaces the entry's box once more, as if the others were not.
	a.control(act(ledger.DataKey("0", 0, "box-1")))
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeErasure, Object: second})
}

// Without locks, keys or a readable genesis it still says what it can.
func TestNoGenesis(t *testing.T) {
	a := small(t)
	a.locked.Remove(ledger.BlockKey(record.Control, 0))
	r := a.verify(nil)
	if r.OK || !r.has(Failure, CodeGenesis, ledger.BlockKey(record.Control, 0)) || !r.has(Failure, CodeMissing, ledger.BlockKey(record.Control, 0)) {
		r.dump(t)
		t.Error("a missing genesis, unsaid")
	}
	if r.Blocks != 10 {
		t.Errorf("%d blocks read, want 10: it stops at the first finding", r.Blocks)
	}
}
