package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// object is a JSON object with its members in order: name, value, name, value, …
type object []any

// list is a JSON array.
type list []any

// with gives the object with further members.
func (o object) with(members ...any) object { return append(o[:len(o):len(o)], members...) }

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i < len(o); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(plain(o[i]))
		b.WriteByte(':')
		b.Write(plain(o[i+1]))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain is JSON in UTF-8, as middleware writes it.
func plain(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("demo: %v", err)) // the values are our own
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// meta is JSON as the platform writes it: ASCII, with slashes escaped.
func meta(v any) []byte {
	text := plain(v)
	out := make([]byte, 0, len(text)+len(text)/4)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '/':
			out = append(out, '\\', '/')
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
		text = text[n:]
	}
	return out
}
