package seal_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
)

const hex64 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

var keyHeaders = []record.Record{
	{},
	{Key: []byte{}, Value: []byte{}},
	{Key: []byte("k"), Value: []byte("v"), Headers: []record.Header{}},
	{Value: []byte{}, Headers: []record.Header{{Key: "", Value: nil}, {Key: "", Value: []byte{}}, {Key: "\xff", Value: []byte("x")}}},
	{Value: []byte{}, Headers: []record.Header{
		{Key: "X-Hub-Signature-256", Value: []byte("sha256=" + hex64)},
		{Key: "a", Value: []byte("sha256=" + strings.ToUpper(hex64))},
		{Key: "b", Value: []byte("sha256=" + hex64[1:])},
		{Key: "c", Value: []byte("SHA256=" + hex64)},
	}},
}

func TestKeyHeaders(t *testing.T) {
	for i := range keyHeaders {
		want := keyHeaders[i]
		b := seal.EncodeKeyHeaders(&want)
		var got record.Record
		null, err := seal.DecodeKeyHeaders(b, &got)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if null != (want.Value == nil) {
			t.Errorf("%d: null is %v", i, null)
		}
		if len(want.Headers) == 0 {
			want.Headers = nil
		}
		want.Value = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if n := len(seal.EncodeKeyHeaders(&keyHeaders[4])); n > 300 {
		t.Errorf("%d bytes: the signature is not packed", n)
	}
}

func TestKeyHeadersRefused(t *testing.T) {
	for name, b := range map[string]string{
		"empty":              "",
		"unknown flag":       "\x04\x00",
		"key cut short":      "\x01\x02k",
		"count missing":      "\x00",
		"count beyond bytes": "\x00\xff\xff\xff\xff\x0f",
		"count not shortest": "\x00\x80\x00",
		"value tag":          "\x00\x01\x01a\x03",
		"value cut short":    "\x00\x01\x01a\x01\x05b",
		"hash cut short":     "\x00\x01\x01a\x02bbbb",
		"not packed":         "\x00\x01\x01a\x01\x47sha256=" + hex64,
		"trailing":           "\x00\x00\x00",
	} {
		if _, err := seal.DecodeKeyHeaders([]byte(b), &record.Record{}); !errors.Is(err, seal.ErrKeyHeaders) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzKeyHeaders: what decodes is the one encoding of what it decodes to.
func FuzzKeyHeaders(f *testing.F) {
	for i := range keyHeaders {
		f.Add(seal.EncodeKeyHeaders(&keyHeaders[i]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r record.Record
		null, err := seal.DecodeKeyHeaders(b, &r)
		if err != nil {
			return
		}
		if !null {
			r.Value = []byte{}
		}
		if again := seal.EncodeKeyHeaders(&r); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes as %x", b, again)
		}
	})
}
