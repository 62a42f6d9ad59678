package seal

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
)

// Flags and value tags of the key-and-headers piece.
const (
	khKey  = 1 // a key follows
	khNull = 2 // the record's value is null

	valueNull   = 0
	valueBytes  = 1
	valueSHA256 = 2 // "sha256=" and 64 lower-case hex digits, packed

	sha256Prefix = "sha256="
	sha256Len    = len(sha256Prefix) + 64
)

// ErrKeyHeaders is returned for bytes that are not the one encoding of a key
// and headers.
var ErrKeyHeaders = errors.New("not a key-and-headers piece")

// EncodeKeyHeaders gives the one encoding of the record's key and headers and
// of whether its value is null. It tells nil from empty.
func EncodeKeyHeaders(r *record.Record) []byte {
	n := 12 + len(r.Key)
	for i := range r.Headers {
		n += 12 + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return AppendKeyHeaders(make([]byte, 0, n), r)
}

// AppendKeyHeaders appends what EncodeKeyHeaders gives.
func AppendKeyHeaders(b []byte, r *record.Record) []byte {
	var flags byte
	if r.Key != nil {
		flags |= khKey
	}
	if r.Value == nil {
		flags |= khNull
	}
	b = append(b, flags)
	if r.Key != nil {
		b = appendBytes(b, r.Key)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Headers)))
	for i := range r.Headers {
		b = appendHeader(b, &r.Headers[i])
	}
	return b
}

func appendHeader(b []byte, h *record.Header) []byte {
	b = binary.AppendUvarint(b, uint64(len(h.Key)))
	b = append(b, h.Key...)
	switch {
	case h.Value == nil:
		return append(b, valueNull)
	case packable(h.Value):
		n := len(b) + 1
		b = append(b, valueSHA256)
		b, _ = hex.AppendDecode(b[:n], h.Value[len(sha256Prefix):])
		return b
	default:
		return appendBytes(append(b, valueBytes), h.Value)
	}
}

func packable(v []byte) bool {
	if len(v) != sha256Len || string(v[:len(sha256Prefix)]) != sha256Prefix {
		return false
	}
	for _, c := range v[len(sha256Prefix):] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// DecodeKeyHeaders reads what EncodeKeyHeaders writes and nothing else: into
// r.Key and r.Headers, which alias b where they can. null says that the value is
// null. It allocates at most 48 bytes for each byte of b.
func DecodeKeyHeaders(b []byte, r *record.Record) (null bool, err error) {
	d := khDecoder{b}
	flags, ok := d.byte()
	if !ok || flags&^(khKey|khNull) != 0 {
		return false, fmt.Errorf("flags: %w", ErrKeyHeaders)
	}
	r.Key, r.Headers = nil, nil
	if flags&khKey != 0 {
		if r.Key, ok = d.bytes(); !ok {
			return false, fmt.Errorf("key: %w", ErrKeyHeaders)
		}
	}
	n, ok := d.uvarint()
	if !ok || n > uint64(len(d.b))/2 {
		return false, fmt.Errorf("header count: %w", ErrKeyHeaders)
	}
	if n > 0 {
		r.Headers = make([]record.Header, n)
	}
	for i := range r.Headers {
		if !d.header(&r.Headers[i]) {
			return false, fmt.Errorf("header %d: %w", i, ErrKeyHeaders)
		}
	}
	if len(d.b) != 0 {
		return false, fmt.Errorf("%d bytes behind the last header: %w", len(d.b), ErrKeyHeaders)
	}
	return flags&khNull != 0, nil
}

type khDecoder struct{ b []byte }

func (d *khDecoder) byte() (byte, bool) {
	if len(d.b) == 0 {
		return 0, false
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c, true
}

func (d *khDecoder) uvarint() (uint64, bool) {
	v, n := Uvarint(d.b)
	if n <= 0 {
		return 0, false
	}
	d.b = d.b[n:]
	return v, true
}

func (d *khDecoder) take(n uint64) ([]byte, bool) {
	if n > uint64(len(d.b)) {
		return nil, false
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v, true
}

func (d *khDecoder) bytes() ([]byte, bool) {
	n, ok := d.uvarint()
	if !ok {
		return nil, false
	}
	return d.take(n)
}

func (d *khDecoder) header(h *record.Header) bool {
	name, ok := d.bytes()
	if !ok {
		return false
	}
	h.Key = string(name)
	tag, ok := d.byte()
	if !ok {
		return false
	}
	switch tag {
	case valueNull:
		h.Value = nil
		return true
	case valueBytes:
		h.Value, ok = d.bytes()
		return ok && !packable(h.Value)
	case valueSHA256:
		packed, ok := d.take(32)
		if !ok {
			return false
		}
		h.Value = hex.AppendEncode(append(make([]byte, 0, sha256Len), sha256Prefix...), packed)
		return true
	}
	return false
}

// Uvarint reads a uvarint in its shortest form. n is the number of bytes read;
// 0 and below mean that there is none.
func Uvarint(b []byte) (v uint64, n int) {
	v, n = binary.Uvarint(b)
	if n > 1 && b[n-1] == 0 {
		return 0, 0
	}
	return v, n
}
