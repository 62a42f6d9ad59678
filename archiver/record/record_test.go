package record

import (
	"errors"
	"testing"
)

func TestNames(t *testing.T) {
	for text, want := range map[string]Coordinates{
		"wa.webhooks/0/17":     {Topic: "wa.webhooks", Era: 1, Partition: 0, Offset: 17},
		"wa.webhooks~2/31/0":   {Topic: "wa.webhooks", Era: 2, Partition: 31, Offset: 0},
		"a_b-c/2147483647/1":   {Topic: "a_b-c", Era: 1, Partition: 1<<31 - 1, Offset: 1},
		"t/0/9223372036854775": {Topic: "t", Era: 1, Offset: 9223372036854775},
	} {
		got, err := ParseCoordinates(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		id, err := ParseItemID(text + "#3")
		if err != nil || id != (ItemID{want, 3}) || id.String() != text+"#3" {
			t.Errorf("%s#3: %+v, %v", text, id, err)
		}
	}
	for _, text := range []string{
		"", "t", "t/0", "t/0/1/2", "/0/1", "t/-1/1", "t/0/-1", "t/00/1", "t/0/01", "t/0/+1", "t~1/0/1", "t~02/0/1", "t~x/0/1", "~2/0/1", "t/0/1 ", "t/2147483648/0",
	} {
		if c, err := ParseCoordinates(text); !errors.Is(err, ErrName) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	for _, text := range []string{"t/0/1", "t/0/1#", "t/0/1#-1", "t/0/1#01", "t/0/1#x", "t/0#1"} {
		if id, err := ParseItemID(text); !errors.Is(err, ErrName) {
			t.Errorf("%q: %+v, %v", text, id, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"wa.webhooks/0/17#0", "wa.webhooks~2/31/0#12", "t~1/0/1#0", "t/0/01#0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseItemID(s); err == nil && id.String() != s {
			t.Errorf("%q reads as %s", s, id)
		}
	})
}

func TestHeader(t *testing.T) {
	r := Record{Headers: []Header{{"A", []byte("1")}, {"b", nil}, {"a", []byte("2")}}, Key: []byte("k"), Value: []byte("vv")}
	if v, ok := r.Header("A"); !ok || string(v) != "2" {
		t.Errorf("A is %q, %v", v, ok)
	}
	if v, ok := r.Header("B"); !ok || v != nil {
		t.Errorf("B is %q, %v", v, ok)
	}
	if _, ok := r.Header("c"); ok {
		t.Error("found a header that is not there")
	}
	if r.Size() != 8 {
		t.Errorf("size is %d", r.Size())
	}
}

func TestSpan(t *testing.T) {
	s := Span{1, 3}
	if s.Len() != 2 || string(s.Of([]byte("abcd"))) != "bc" {
		t.Errorf("%d bytes, %q", s.Len(), s.Of([]byte("abcd")))
	}
}
