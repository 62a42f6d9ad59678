package tape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

const depth = 128

func TestRefusals(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return "{" + b.String() + last + ":0}"
	}
	for text, want := range map[string]error{
		``:                               ErrSyntax,
		`{`:                              ErrSyntax,
		`[1,]`:                           ErrSyntax,
		`{"a":1,}`:                       ErrSyntax,
		`{"a" 1}`:                        ErrSyntax,
		`01`:                             ErrSyntax,
		`1.`:                             ErrSyntax,
		`-`:                              ErrSyntax,
		`1e`:                             ErrSyntax,
		`nul`:                            ErrSyntax,
		`"a`:                             ErrSyntax,
		"\"a\nb\"":                       ErrSyntax,
		`"\x"`:                           ErrSyntax,
		`"\u12G4"`:                       ErrSyntax,
		`{} {}`:                          ErrSyntax,
		"\"\xff\"":                       ErrUTF8,
		"{\"\xc3(\":1}":                  ErrUTF8,
		`{"a":1,"a":2}`:                  ErrDuplicate,
		`{"id":1,"\u0069d":2}`:           ErrDuplicate,
		`{"":1,"":2}`:                    ErrDuplicate,
		`[{"x":{"b":1,"c":2,"b":3}}]`:    ErrDuplicate,
		many(`"k3"`):                     ErrDuplicate,
		many(`"\u006b39"`):               ErrDuplicate,
		many(`"other"`):                  nil,
		strings.Repeat("[", depth+1):     ErrDepth,
		strings.Repeat(`{"a":`, depth+1): ErrDepth,
		strings.Repeat("[", depth) + strings.Repeat("]", depth): nil,
		`{"a":{"a":1},"b":[{"a":2}]}`:                           nil,
		" \t\r\n[1, -0.5e+3 ,true,false,null,\"\"] ":            nil,
	} {
		var tp Tape
		if err := tp.Index([]byte(text), 0, depth); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

func TestPositionsAndStrings(t *testing.T) {
	src := []byte("\x00\x00\x00\x00\x07" + `{"name":"pl\u00e4in","n":[1,{"x":"plain"}],"z":"\ud83d\ude00\ud83d\/"}`)
	var tp Tape
	if err := tp.Index(src, 5, depth); err != nil {
		t.Fatal(err)
	}
	if got := tp.Str(tp.Get(0, "name")); got != "pläin" {
		t.Errorf("name is %q", got)
	}
	if got := tp.Str(tp.Get(0, "z")); got != "😀\uFFFD/" {
		t.Errorf("z is %q", got)
	}
	n := tp.Get(0, "n")
	start, end := tp.Span(n)
	if got := string(src[start:end]); got != `[1,{"x":"plain"}]` || tp.Len(n) != 2 {
		t.Errorf("n is %s with %d elements", got, tp.Len(n))
	}
	if tp.Get(0, "absent") != 0 || tp.Get(n, "x") != 0 {
		t.Error("found what is not there")
	}
}

// check compares the tape of src with what encoding/json says of it.
func check(t *testing.T, src []byte) {
	var tp Tape
	err := tp.Index(src, 0, depth)
	if err == nil {
		if !json.Valid(src) || !utf8.Valid(src) {
			t.Fatalf("indexed what is not JSON: %q", src)
		}
		if got := rebuild(t, &tp, src, 0, 0); got != len(tp.Nodes) {
			t.Fatalf("walked %d nodes of %d", got, len(tp.Nodes))
		}
		return
	}
	switch {
	case errors.Is(err, ErrSyntax), errors.Is(err, ErrUTF8):
		if json.Valid(src) && utf8.Valid(src) {
			t.Fatalf("%v, but encoding/json takes it: %q", err, src)
		}
	case errors.Is(err, ErrDepth):
		if n := bytes.Count(src, []byte("[")) + bytes.Count(src, []byte("{")); n <= depth {
			t.Fatalf("%v with %d brackets", err, n)
		}
	case errors.Is(err, ErrDuplicate):
		if bytes.Count(src, []byte(`"`)) < 4 {
			t.Fatalf("%v without two names: %q", err, src)
		}
	default:
		t.Fatalf("unexpected error %v", err)
	}
}

// rebuild walks node n, checks that children lie in their parent in order and
// that each string equals what encoding/json reads, and gives the next node.
func rebuild(t *testing.T, tp *Tape, src []byte, n, floor int) int {
	start, end := tp.Span(n)
	if start < floor || end <= start || end > len(src) || !json.Valid(src[start:end]) {
		t.Fatalf("node %d is [%d,%d)", n, start, end)
	}
	switch tp.Kind(n) {
	case String, Key:
		var want string
		if err := json.Unmarshal(src[start:end], &want); err != nil || tp.Str(n) != want {
			t.Fatalf("string %q read as %q", want, tp.Str(n))
		}
	case Array, Object:
		at, names := start+1, map[string]bool{}
		c, isName := n+1, true
		for ; c < tp.Next(n); isName = !isName {
			if tp.Kind(n) == Object && isName {
				if tp.Kind(c) != Key || names[tp.Str(c)] {
					t.Fatalf("node %d is no new name", c)
				}
				names[tp.Str(c)] = true
			}
			next := rebuild(t, tp, src, c, at)
			_, at = tp.Span(c)
			c = next
		}
		if at > end-1 {
			t.Fatalf("child ends at %d outside [%d,%d)", at, start, end)
		}
		return c
	}
	return n + 1
}

func FuzzIndex(f *testing.F) {
	for _, s := range []string{
		`{"object":"x","entry":[{"id":"1","changes":[]}]}`, `[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00"]`,
		`{"a":1,"a":2}`, `"é"`, "\"\xff\"", `{"a":{"b":[{}]}}`, `{"\u0061":1,"a":1}`, `[[[[]]]]`, `"\ud800"`, ` 0 `, `"12345678"`, `"1234567\"89"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { check(t, src) })
}

func BenchmarkIndex(b *testing.B) {
	src := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"100000000000001","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"200000000000001"},"contacts":[{"profile":{"name":"Ada Example"},"wa_id":"15550100001","user_id":"US.1349120865530274"}],"messages":[{"from":"15550100001","from_user_id":"US.1349120865530274","id":"wamid.HBgLMTU1NTAxMDAwMDEVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=","timestamp":"1767225600","text":{"body":"Good morning, could you send me the offer we talked about yesterday? Thank you and best regards"},"type":"text"}]},"field":"messages"}]}]}`)
	var tp Tape
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if err := tp.Index(src, 0, depth); err != nil {
			b.Fatal(err)
		}
	}
}
