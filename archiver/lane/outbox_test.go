package lane

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// TestOutboxBytes holds the format to its page.
func TestOutboxBytes(t *testing.T) {
	got := Outbox{State: []byte("state"), Rows: []byte("rows")}.Encode()
	if want := "5741584f55540001" + "00000005" + hex.EncodeToString([]byte("state")) + hex.EncodeToString([]byte("rows")); hex.EncodeToString(got) != want {
		t.Errorf("%x, want %s", got, want)
	}
}

func TestOutbox(t *testing.T) {
	for _, o := range []Outbox{{}, {State: []byte{1}}, {Rows: []byte{2}}, {State: bytes.Repeat([]byte{3}, 300), Rows: []byte{4, 5}}} {
		raw := o.Encode()
		got, err := DecodeOutbox(raw)
		if err != nil || !bytes.Equal(got.State, o.State) || !bytes.Equal(got.Rows, o.Rows) {
			t.Errorf("%+v reads back as %+v, %v", o, got, err)
		}
		for n := range len(raw) - len(o.Rows) { // cut off before the rows
			if _, err := DecodeOutbox(raw[:n]); !errors.Is(err, ErrOutbox) {
				t.Errorf("%d of %d bytes: %v", n, len(raw), err)
			}
		}
	}
	for at := range 8 { // another magic or version
		raw := Outbox{State: []byte{1}}.Encode()
		raw[at] ^= 1
		if _, err := DecodeOutbox(raw); !errors.Is(err, ErrOutbox) {
			t.Errorf("byte %d changed: %v", at, err)
		}
	}
}

func FuzzOutbox(f *testing.F) {
	f.Add(Outbox{State: []byte("s"), Rows: []byte("r")}.Encode())
	f.Add([]byte("WAXOUT\x00\x01\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := DecodeOutbox(raw)
		if err == nil && !bytes.Equal(o.Encode(), raw) {
			t.Error("decodes, and encodes otherwise")
		}
	})
}
