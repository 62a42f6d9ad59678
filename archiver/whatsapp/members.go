package whatsapp

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// The functions here read one member each. Node 0 is an absent member, null is
// the same; a member of a wrong type is noted under its name and read as absent.

func (p *Parser) bad(name string) {
	if p.wrong == "" {
		p.wrong = name
	}
}

// str is a string.
func (p *Parser) str(n int, name string) string {
	if n == 0 {
		return ""
	}
	switch p.t.Kind(n) {
	case tape.String:
		return p.t.Str(n)
	case tape.Null:
	default:
		p.bad(name)
	}
	return ""
}

// id is a string or number, as it stands: ids are both, and too long for a float.
func (p *Parser) id(n int, name string) string {
	if n == 0 {
		return ""
	}
	switch p.t.Kind(n) {
	case tape.String:
		return p.t.Str(n)
	case tape.Number:
		return p.t.Raw(n)
	case tape.Null:
	default:
		p.bad(name)
	}
	return ""
}

// phone is an id's digits.
func (p *Parser) phone(n int, name string) string { return digits(p.id(n, name)) }

// code is an id that may stand in an index: see ident.
func (p *Parser) code(n int, name string) string { return ident(p.id(n, name), 64) }

// word is an enumerated word of the platform: see word.
func (p *Parser) word(n int, name string) string { return word(p.id(n, name)) }

// object is the node if it is an object with something in it, else 0.
func (p *Parser) object(n int, name string) int { return p.container(n, name, tape.Object) }

// array is the node if it is an array with something in it, else 0.
func (p *Parser) array(n int, name string) int { return p.container(n, name, tape.Array) }

func (p *Parser) container(n int, name string, kind tape.Kind) int {
	if n == 0 {
		return 0
	}
	switch p.t.Kind(n) {
	case kind:
		if p.t.Empty(n) {
			return 0
		}
		return n
	case tape.Null:
	default:
		p.bad(name)
	}
	return 0
}

// get is a member of object n, 0 also where n is 0.
func (p *Parser) get(n int, name string) int {
	if n == 0 {
		return 0
	}
	return p.t.Get(n, name)
}

func (p *Parser) bool(n int, name string) bool {
	if n == 0 {
		return false
	}
	switch p.t.Kind(n) {
	case tape.True:
		return true
	case tape.False, tape.Null:
	default:
		p.bad(name)
	}
	return false
}

// time is Unix seconds, from an integer, a string of digits or RFC 3339. What
// is larger than the year 5138 is taken for milliseconds.
func (p *Parser) time(n int, name string) int64 {
	s := p.id(n, name)
	if v, ok := integer(s); ok {
		if v > 99_999_999_999 {
			v /= 1000
		}
		return v
	}
	if len(s) >= 10 && s[4] == '-' {
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			return at.Unix()
		}
		if at, err := time.Parse(time.DateOnly, s); err == nil {
			return at.Unix()
		}
	}
	return 0
}

// number is a small integer, also written as a string.
func (p *Parser) number(n int, name string) int {
	v, _ := integer(p.id(n, name))
	return int(min(v, 1<<31-1))
}

// add is a text a person reads.
func (p *Parser) add(n int, name string) { p.say(p.str(n, name)) }

func (p *Parser) say(s string) {
	if s != "" {
		p.texts = append(p.texts, s)
	}
}

// gather adds each string in the node that stands under one of the names, in order.
func (p *Parser) gather(n int, names func(string) bool) {
	if n == 0 {
		return
	}
	for i, end := n, p.t.Next(n); i < end; i++ {
		if p.t.Kind(i) == tape.Key && p.t.Kind(i+1) == tape.String && names(p.t.Name(i)) {
			p.say(p.t.Str(i + 1))
		}
	}
}

// errorCodes adds the codes of an errors array.
func (p *Parser) errorCodes(n int) {
	n = p.array(n, "errors")
	if n == 0 {
		return
	}
	for e, end := n+1, p.t.Next(n); e < end; e = p.t.Next(e) {
		if code := p.number(p.get(p.object(e, "errors[]"), "code"), "errors[].code"); code != 0 {
			p.codes = append(p.codes, code)
		}
	}
}

func integer(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var v int64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int64(d)
	}
	return v, true
}

// digits is s without all that is no digit; "" for what has more than 32.
func digits(s string) string {
	plain := true
	for i := range len(s) {
		if s[i]-'0' > 9 {
			plain = false
			break
		}
	}
	if !plain {
		s = strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, s)
	}
	if len(s) > 32 {
		return ""
	}
	return s
}

// word gives s if it looks like a word of the platform's vocabulary, and
// "other" for what does not, as it goes into an index that must hold no phone
// number and no message text.
func word(s string) string {
	run := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c == '_', c == '-', c == '.', c == ':':
			run = 0
		case c >= '0' && c <= '9':
			if run++; run > 4 {
				return "other"
			}
		default:
			return "other"
		}
	}
	if len(s) > 64 {
		return "other"
	}
	return s
}

// ident gives s if it can be an account's, a number's or a template's id or
// name, else "".
func ident(s string, most int) string {
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '_', c == '-', c == '.', c == ':':
		default:
			return ""
		}
	}
	if len(s) > most {
		return ""
	}
	return s
}

// language is a language code as APIs write it: en_US. Meta's webhooks write en-US.
func language(s string) string {
	s = ident(s, 32)
	if strings.IndexByte(s, '-') < 0 {
		return s
	}
	return strings.ReplaceAll(s, "-", "_")
}

// sum reads a SHA-256 in either of the spellings Meta uses: 64 hexadecimal
// digits, or base64.
func sum(s string) (out [32]byte, ok bool) {
	var buf [48]byte
	switch len(s) {
	case 64:
		n, err := hex.Decode(buf[:32], []byte(s))
		ok = err == nil && n == 32
	case 44:
		n, err := base64.StdEncoding.Decode(buf[:], []byte(s))
		ok = err == nil && n == 32
	case 43:
		n, err := base64.RawStdEncoding.Decode(buf[:], []byte(s))
		ok = err == nil && n == 32
	}
	if ok {
		copy(out[:], buf[:32])
	}
	return out, ok
}
