// Package tape indexes a JSON text in one pass without decoding it: what stands
// where, by byte range. Items point into a record's bytes, and people's bytes
// are cut out of it, so positions matter more than values; and the archiver
// reads every record this way, so it must cost little.
//
// A text is indexed only when it is JSON beyond dispute: RFC 8259, UTF-8, no
// name twice in an object (two readers could understand two things), nesting
// below a bound. Everything else is refused as a whole, with the reason.
package tape

import (
	"errors"
	"unicode/utf8"
	"unsafe"
)

// Kind is the type of a node.
type Kind uint8

// The kinds of nodes. A Key is an object's member name; its value is the next node.
const (
	Null Kind = iota
	False
	True
	Number
	String
	Array
	Object
	Key
)

// Node is one JSON value or member name: the half-open byte range [Start, End)
// of the text (with quotes, for strings) and the index of the node behind it
// and all it contains.
type Node struct {
	Start, End uint32
	Next       uint32
	Kind       Kind
	Escaped    bool // a string or key with a backslash in it
}

// What makes a text unfit.
var (
	ErrSyntax    = errors.New("not JSON")
	ErrUTF8      = errors.New("invalid UTF-8")
	ErrDepth     = errors.New("nested too deep")
	ErrDuplicate = errors.New("duplicate key in an object")
	ErrSize      = errors.New("too large to index")
)

// Tape is the index of one text. Node 0 is the root; as no other node refers to
// it, 0 also stands for "no node". A Tape is used again for the next text and
// then forgets the last one; the strings it gave stay valid. Not safe for
// concurrent use.
type Tape struct {
	Nodes []Node

	src   []byte
	max   int
	err   error
	arena []byte // unescaped strings; never used again, so that strings stay valid
}

// keep bounds the memory a Tape holds on to between texts, in nodes (4 MiB).
const keep = 1 << 18

// Index reads src from the byte offset from to its end as one JSON text nested
// at most depth deep. Positions count from the start of src. It answers nil or
// one of this package's errors.
func (t *Tape) Index(src []byte, from, depth int) error {
	if cap(t.Nodes) > keep {
		t.Nodes = nil
	}
	t.Nodes, t.src, t.max, t.err, t.arena = t.Nodes[:0], src, depth, nil, nil
	if uint64(len(src)) >= 1<<32 {
		return ErrSize
	}
	i := t.value(t.space(from), 0)
	if i >= 0 {
		if i = t.space(i); i != len(src) {
			t.fail(ErrSyntax)
		}
	}
	if t.err != nil {
		t.Nodes = t.Nodes[:0]
	}
	return t.err
}

// Kind is the kind of node n; for 0 outside a text, Null.
func (t *Tape) Kind(n int) Kind { return t.Nodes[n].Kind }

// Next is the node behind n and all it contains: its next sibling, if it has one.
func (t *Tape) Next(n int) int { return int(t.Nodes[n].Next) }

// Span is the byte range of node n.
func (t *Tape) Span(n int) (start, end int) { return int(t.Nodes[n].Start), int(t.Nodes[n].End) }

// Empty says whether an array or object has nothing in it.
func (t *Tape) Empty(n int) bool { return int(t.Nodes[n].Next) == n+1 }

// Len is the number of elements of an array; it walks them.
func (t *Tape) Len(n int) int {
	count := 0
	for v, end := n+1, t.Next(n); v < end; v = t.Next(v) {
		count++
	}
	return count
}

// Get is the node of the member called name of object n, 0 where there is none.
func (t *Tape) Get(n int, name string) int {
	if t.Nodes[n].Kind != Object {
		return 0
	}
	for k, end := n+1, t.Next(n); k < end; k = t.Next(k + 1) {
		if t.Name(k) == name {
			return k + 1
		}
	}
	return 0
}

// Name is the unescaped name a Key node holds.
func (t *Tape) Name(k int) string {
	d := &t.Nodes[k]
	if d.Escaped {
		return t.Str(k)
	}
	return unsafe.String(&t.src[d.Start+1], d.End-d.Start-2)
}

// Raw is the text of node n as it stands, aliasing the source.
func (t *Tape) Raw(n int) string {
	d := t.Nodes[n]
	return alias(t.src[d.Start:d.End])
}

// Str is the value of a String or Key node: aliasing the source where it has no
// escape, else unescaped. A lone surrogate becomes U+FFFD, as encoding/json has it.
func (t *Tape) Str(n int) string {
	d := &t.Nodes[n]
	if !d.Escaped {
		return unsafe.String(&t.src[d.Start+1], d.End-d.Start-2)
	}
	in := t.src[d.Start+1 : d.End-1]
	if cap(t.arena)-len(t.arena) < len(in) {
		t.arena = make([]byte, 0, max(len(in), min(len(t.src), 4096)))
	}
	from := len(t.arena)
	t.arena = unescape(t.arena, in)
	return alias(t.arena[from:len(t.arena):len(t.arena)])
}

// alias makes a string of bytes that nobody writes to any more: the source is
// immutable by contract, and an arena's bytes are never written twice.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unescape appends the value of a valid JSON string's inside to out. It never
// appends more than len(in) bytes: each escape is longer than what it means.
func unescape(out, in []byte) []byte {
	for i := 0; i < len(in); {
		c := in[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		c = in[i+1]
		i += 2
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(in[i:])
			i += 4
			if r >= 0xD800 && r < 0xE000 {
				r, i = surrogate(r, in, i)
			}
			out = utf8.AppendRune(out, r)
		default: // " \ /
			out = append(out, c)
		}
	}
	return out
}

// surrogate joins r, just read, with the low half that may follow at in[i:].
func surrogate(r rune, in []byte, i int) (rune, int) {
	if r < 0xDC00 && i+6 <= len(in) && in[i] == '\\' && in[i+1] == 'u' {
		if low := hex4(in[i+2:]); low >= 0xDC00 && low < 0xE000 {
			return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), i + 6
		}
	}
	return utf8.RuneError, i
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		r = r<<4 | rune(hexDigit[c])
	}
	return r
}
