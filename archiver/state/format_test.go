package state

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// lived is a state that has met everything, and the deltas that make it.
func lived(seed uint64, items int) (*State, [][]byte) {
	r := rand.New(rand.NewPCG(seed, 9))
	f := &feed{State: New(testKey)}
	var deltas [][]byte
	for i := range items {
		it, p := randomItem(r)
		f.apply(it, p, int64(1+r.IntN(1<<22)))
		if i%20 == 19 {
			deltas = append(deltas, f.Delta())
		}
	}
	return f.State, append(deltas, f.Delta())
}

// FuzzLoad: a hostile snapshot never panics, and what is accepted is exactly what
// Snapshot writes.
func FuzzLoad(f *testing.F) {
	for _, n := range []int{0, 1, 40, 400} {
		s, _ := lived(uint64(n), n)
		b, err := s.Snapshot()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Load(testKey, b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) || s != nil {
				t.Fatalf("%v", err)
			}
			return
		}
		if again := mustSnapshot(t, s); !bytes.Equal(again, b) {
			t.Fatal("a snapshot has two forms")
		}
		checkTables(t, s)
		exercise(t, s)
	})
}

// FuzzDelta: a hostile delta on a state that knows something never panics, and
// what it leaves is a state like any other.
func FuzzDelta(f *testing.F) {
	base, deltas := lived(7, 200)
	snapshot, err := base.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	empty, err := New(testKey).Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range deltas {
		f.Add(d)
		at := bytes.Clone(d)
		at[1] = byte(base.seq) // the number that follows
		f.Add(at)
	}
	f.Fuzz(func(t *testing.T, d []byte) {
		for _, from := range [][]byte{snapshot, empty} {
			s := mustLoad(t, from)
			if err := s.ApplyDelta(d); err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				}
				continue
			}
			b := mustSnapshot(t, s)
			if again := mustSnapshot(t, mustLoad(t, b)); !bytes.Equal(again, b) {
				t.Fatal("a state reached by a delta does not load")
			}
			checkTables(t, s)
			exercise(t, s)
		}
	})
}

// exercise asks and feeds a state that came from hostile bytes.
func exercise(t *testing.T, s *State) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	f := &feed{State: s}
	for range 50 {
		it, p := randomItem(r)
		at := int64(r.IntN(1 << 21))
		s.Facts(&it, p, at)
		f.apply(it, p, at)
	}
	s.Delta()
}

// TestDamage flips each bit of a snapshot and of a delta in turn. The bytes may
// still make a state (encryption guards them); they never panic, and a snapshot
// that loads is in its one form.
func TestDamage(t *testing.T) {
	s, deltas := lived(3, 50)
	b := mustSnapshot(t, s)
	refused := 0
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		got, err := Load(testKey, c)
		if err != nil {
			refused++
			continue
		}
		if !bytes.Equal(mustSnapshot(t, got), c) {
			t.Fatalf("bit %d: two forms", i)
		}
	}
	if refused < len(b) {
		t.Errorf("of %d damages only %d are refused", len(b)*8, refused)
	}
	for i := range len(b) {
		if _, err := Load(testKey, b[:i]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	for _, d := range deltas[:1] {
		for i := range len(d) {
			if err := New(testKey).ApplyDelta(d[:i]); !errors.Is(err, ErrDamaged) {
				t.Fatalf("delta cut at %d: %v", i, err)
			}
		}
	}
	if _, err := Load(Key{9}, b); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Load(testKey, append(bytes.Clone(b), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte behind the end: %v", err)
	}
}

// TestAllocation: a short input that promises much allocates little.
func TestAllocation(t *testing.T) {
	b := mustSnapshot(t, New(testKey))
	head := b[:len(b)-6] // six empty lists
	for i := range 6 {
		hostile := append(append(bytes.Clone(head), make([]byte, i)...), 0xff, 0xff, 0xff, 0x7f)
		if n := testing.AllocsPerRun(1, func() { _, _ = Load(testKey, hostile) }); n > 100 {
			t.Errorf("list %d: %v allocations", i, n)
		}
		if _, err := Load(testKey, hostile); !errors.Is(err, ErrDamaged) {
			t.Errorf("list %d: %v", i, err)
		}
	}
}

// TestCanaries: of what people write and who they are nothing stands in a
// snapshot, a delta or an error, plain, in hex or in base64.
func TestCanaries(t *testing.T) {
	const text, wamid = "canary text", "wamid.HBgLMTU1NTAxMDAwMDEVAgARGBI="
	person := whatsapp.Person{WaID: "15550100001", UserID: "US.1234567890canary", ParentID: "US.ENT.1canary", Username: "canary_name", Name: "Canary Name"}
	secrets := []string{text, wamid, person.WaID, person.UserID, person.ParentID, person.Username, person.Name,
		"15550100099", "106540352242922", "102290129340398", "my own purpose", "canary_template", "shown canary"}
	f := &feed{State: New(testKey)}
	for _, kind := range []record.Kind{record.Text, record.Consent, record.Preference, record.Template, record.TemplateShot,
		record.TemplateStatus, record.Status, record.Edit, record.Call, record.System, record.ContactSync, record.Directory} {
		it := whatsapp.Item{
			Kind: kind, Sub: text, Number: "106540352242922", WABA: "102290129340398", Display: "15550100099", ID: wamid, Target: wamid, ReplyTo: wamid,
			Reason: text, Text: []string{text}, Direction: record.Inbound, Field: text, Group: "",
			Template: whatsapp.Template{ID: "15550100001", Name: "canary_template", Language: "en", Category: "15550100001", Event: person.WaID, Hash: wamid},
			Consent:  whatsapp.Consent{Purpose: "my own purpose", Given: true, Business: text, Method: text, Evidence: "shown canary"},
			Dir:      whatsapp.DirectoryEntry{Employee: "employee-7", Role: "adviser", Department: "loans", From: 5},
			Actor:    whatsapp.Actor{Kind: "human", ID: text},
		}
		it.PrefCategory = text
		f.apply(it, &person, 1000)
		it.Sub, it.PrefValue = "given", "stop"
		f.apply(it, &person, 1001)
	}
	delta := f.Delta()
	snapshot := mustSnapshot(t, f.State)
	if !bytes.Contains(snapshot, []byte("employee-7")) {
		t.Error("the search finds nothing: not even the directory's employee")
	}
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			if bytes.Contains(delta, []byte(form)) || bytes.Contains(snapshot, []byte(form)) {
				t.Errorf("%q stands in the state as %q", secret, form)
			}
		}
	}
	for _, b := range [][]byte{delta[:len(delta)-3], snapshot[:len(snapshot)-3]} {
		_, err := Load(testKey, b)
		if derr := New(testKey).ApplyDelta(b); strings.Contains(fmt.Sprint(err, derr), "employee-7") {
			t.Errorf("an error quotes the state: %v %v", err, derr)
		}
	}
}

// forms are the ways a text may hide: as it is, in hex, in base64 at each offset.
func forms(s string) []string {
	out := []string{s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
	for shift := range 3 {
		padded := append(make([]byte, shift), s...)
		e := base64.RawStdEncoding.EncodeToString(padded)
		if len(e) > 8 {
			out = append(out, e[4:len(e)-3])
		}
	}
	return out
}

func TestSealer(t *testing.T) {
	e, err := NewSealer(testKey, "waxseal.example/archive")
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("a delta")
	sealed := e.Seal("3", 17, KindDelta, plain)
	got, err := e.Open("3", 17, KindDelta, sealed)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%v", err)
	}
	if bytes.Equal(sealed, e.Seal("3", 17, KindDelta, plain)) {
		t.Error("two seals are equal: the nonce is not random")
	}
	if empty, err := e.Open("3", 17, KindDelta, e.Seal("3", 17, KindDelta, nil)); err != nil || len(empty) != 0 {
		t.Errorf("nothing, sealed: %v", err)
	}
	other, err := NewSealer(testKey, "waxseal.example/other")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := NewSealer(Key{9}, "waxseal.example/archive")
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"other lane":   func() ([]byte, error) { return e.Open("4", 17, KindDelta, sealed) },
		"other block":  func() ([]byte, error) { return e.Open("3", 18, KindDelta, sealed) },
		"other kind":   func() ([]byte, error) { return e.Open("3", 17, KindSnapshot, sealed) },
		"other origin": func() ([]byte, error) { return other.Open("3", 17, KindDelta, sealed) },
		"other key":    func() ([]byte, error) { return foreign.Open("3", 17, KindDelta, sealed) },
		"nothing":      func() ([]byte, error) { return e.Open("3", 17, KindDelta, nil) },
	} {
		if _, err := open(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range len(sealed) * 8 {
		c := bytes.Clone(sealed)
		c[i/8] ^= 1 << (i % 8)
		if _, err := e.Open("3", 17, KindDelta, c); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
}

// TestSealedVector holds the sealed format to a fixed example, so that later
// releases keep reading it.
func TestSealedVector(t *testing.T) {
	e, err := NewSealer(testKey, "waxseal.example/archive")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "016b2e88d14e75ed83a762a750cbf5dd314bd1e1b4894e33ed1b7db9e3cc1172f50671e1"
	sealed, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := e.Open("3", 17, KindDelta, sealed)
	if err != nil || string(plain) != "a delta" {
		t.Fatalf("%q %v (a new one: %x)", plain, err, e.Seal("3", 17, KindDelta, []byte("a delta")))
	}
}

// TestTableFull: what does not fit makes the state incomplete, never wrong.
func TestTableFull(t *testing.T) {
	f := &feed{State: New(testKey)}
	f.sources.limit = 0
	long := record.ItemID{Coordinates: record.Coordinates{Topic: strings.Repeat("x", maxWord+1), Era: 1}}
	it := consent("100", "marketing", false)
	f.Apply(long, &it, phone(1), 1000)
	if f.Complete() {
		t.Fatal("a lost consent leaves the state complete")
	}
	f.Delta()
	again := mustLoad(t, mustSnapshot(t, f.State))
	if facts, _ := again.Facts(outbound("100", ""), phone(1), 2000); facts.Marketing != "unknown" || again.Complete() {
		t.Errorf("%+v", facts)
	}
}
