package tape

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// few is up to how many members an object's names are compared one by one
// while it is read; a larger object is checked with a map when it ends.
const few = 32

// fail notes the first thing wrong and gives the position that ends all reading.
func (t *Tape) fail(err error) int {
	if t.err == nil {
		t.err = err
	}
	return -1
}

// space is the position of the first byte from i on that is no white space.
func (t *Tape) space(i int) int {
	for i < len(t.src) {
		switch t.src[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads the value that starts at i inside depth arrays and objects and
// gives the position behind it, or -1.
func (t *Tape) value(i, depth int) int {
	if i >= len(t.src) {
		return t.fail(ErrSyntax)
	}
	switch c := t.src[i]; c {
	case '{':
		return t.object(i, depth)
	case '[':
		return t.array(i, depth)
	case '"':
		return t.str(i, String)
	case 't':
		return t.word(i, "true", True)
	case 'f':
		return t.word(i, "false", False)
	case 'n':
		return t.word(i, "null", Null)
	default:
		return t.number(i)
	}
}

func (t *Tape) leaf(start, end int, kind Kind, escaped bool) int {
	t.Nodes = append(t.Nodes, Node{
		Start: uint32(start), End: uint32(end),
		Next: uint32(len(t.Nodes) + 1), Kind: kind, Escaped: escaped,
	})
	return end
}

func (t *Tape) open(i int, kind Kind) int {
	t.Nodes = append(t.Nodes, Node{Start: uint32(i), Kind: kind})
	return len(t.Nodes) - 1
}

func (t *Tape) close(n, end int) int {
	t.Nodes[n].End = uint32(end)
	t.Nodes[n].Next = uint32(len(t.Nodes))
	return end
}

func (t *Tape) array(i, depth int) int {
	if depth == t.max {
		return t.fail(ErrDepth)
	}
	n := t.open(i, Array)
	i = t.space(i + 1)
	if i < len(t.src) && t.src[i] == ']' {
		return t.close(n, i+1)
	}
	for {
		if i = t.value(i, depth+1); i < 0 {
			return i
		}
		i = t.space(i)
		if i >= len(t.src) {
			return t.fail(ErrSyntax)
		}
		switch t.src[i] {
		case ',':
			i = t.space(i + 1)
		case ']':
			return t.close(n, i+1)
		default:
			return t.fail(ErrSyntax)
		}
	}
}

func (t *Tape) object(i, depth int) int {
	if depth == t.max {
		return t.fail(ErrDepth)
	}
	n := t.open(i, Object)
	i = t.space(i + 1)
	if i < len(t.src) && t.src[i] == '}' {
		return t.close(n, i+1)
	}
	var seen uint64 // one bit a name: a clear bit proves that the name is new
	for count := 1; ; count++ {
		if i >= len(t.src) || t.src[i] != '"' {
			return t.fail(ErrSyntax)
		}
		k := len(t.Nodes)
		if i = t.str(i, Key); i < 0 {
			return i
		}
		if count <= few {
			bit := t.bit(k)
			if seen&bit != 0 && t.repeats(n, k) {
				return t.fail(ErrDuplicate)
			}
			seen |= bit
		}
		if i = t.space(i); i >= len(t.src) || t.src[i] != ':' {
			return t.fail(ErrSyntax)
		}
		if i = t.value(t.space(i+1), depth+1); i < 0 {
			return i
		}
		if i = t.space(i); i >= len(t.src) {
			return t.fail(ErrSyntax)
		}
		switch t.src[i] {
		case ',':
			i = t.space(i + 1)
		case '}':
			t.close(n, i+1)
			if count > few && t.repeatsAny(n, count) {
				return t.fail(ErrDuplicate)
			}
			return i + 1
		default:
			return t.fail(ErrSyntax)
		}
	}
}

// bit hashes a key to one of 64 bits. Names of equal value share it, also when
// one of them is written with escapes.
func (t *Tape) bit(k int) uint64 {
	s := t.Name(k)
	if s == "" {
		return 1
	}
	return 1 << ((uint(len(s))*5 + uint(s[0])*3 + uint(s[len(s)-1])*7 + uint(s[len(s)/2])) & 63)
}

// repeats says whether key k of the unfinished object n stands before k too.
func (t *Tape) repeats(n, k int) bool {
	name := t.Name(k)
	for o := n + 1; o < k; o = t.Next(o + 1) {
		if t.Name(o) == name {
			return true
		}
	}
	return false
}

func (t *Tape) repeatsAny(n, count int) bool {
	names := make(map[string]struct{}, count)
	for k, end := n+1, t.Next(n); k < end; k = t.Next(k + 1) {
		names[t.Name(k)] = struct{}{}
	}
	return len(names) != count
}

func (t *Tape) word(i int, w string, kind Kind) int {
	if len(t.src)-i < len(w) || string(t.src[i:i+len(w)]) != w {
		return t.fail(ErrSyntax)
	}
	return t.leaf(i, i+len(w), kind, false)
}

func (t *Tape) number(i int) int {
	start, src := i, t.src
	if src[i] == '-' {
		i++
	}
	switch {
	case i < len(src) && src[i] == '0':
		i++
	case i < len(src) && src[i] >= '1' && src[i] <= '9':
		i = digits(src, i)
	default:
		return t.fail(ErrSyntax)
	}
	if i < len(src) && src[i] == '.' {
		from := i + 1
		if i = digits(src, from); i == from {
			return t.fail(ErrSyntax)
		}
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		from := i
		if i = digits(src, from); i == from {
			return t.fail(ErrSyntax)
		}
	}
	return t.leaf(start, i, Number, false)
}

func digits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' < 10 {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks in w, eight bytes of a string, with the high bit of each byte:
// a quote, a backslash, a control character, or a byte beyond ASCII. Bits above
// the lowest one set may be wrong, which is why only the lowest is used.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w | w) & highs
}

// str reads the string whose opening quote is at i.
func (t *Tape) str(i int, kind Kind) int {
	src, start := t.src, i
	escaped, wide := false, false
	for i++; ; {
		for i+8 <= len(src) {
			m := special(binary.LittleEndian.Uint64(src[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(src) {
			return t.fail(ErrSyntax)
		}
		switch c := src[i]; {
		case c == '"':
			if wide && !utf8.Valid(src[start:i]) {
				return t.fail(ErrUTF8)
			}
			return t.leaf(start, i+1, kind, escaped)
		case c == '\\':
			escaped = true
			if i = escape(src, i); i < 0 {
				return t.fail(ErrSyntax)
			}
		case c < 0x20:
			return t.fail(ErrSyntax)
		case c >= 0x80:
			wide = true
			for i < len(src) && src[i] >= 0x80 {
				i++
			}
		default: // plain, in the last seven bytes of the text
			i++
		}
	}
}

// escape gives the position behind the escape whose backslash is at i, or -1.
func escape(src []byte, i int) int {
	if i+1 >= len(src) {
		return -1
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 > len(src) {
			return -1
		}
		for _, c := range src[i+2 : i+6] {
			if hexDigit[c] > 15 {
				return -1
			}
		}
		return i + 6
	}
	return -1
}

// hexDigit is the value of a hexadecimal digit, 255 for every other byte.
var hexDigit = func() (v [256]byte) {
	for i := range v {
		switch c := byte(i); {
		case c >= '0' && c <= '9':
			v[i] = c - '0'
		case c >= 'a' && c <= 'f':
			v[i] = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			v[i] = c - 'A' + 10
		default:
			v[i] = 255
		}
	}
	return v
}()
