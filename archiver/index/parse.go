package index

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrWords is returned for a word query that cannot be understood. The message
// gives the place, never the words: they are as personal as what they find.
var ErrWords = errors.New("word query")

// Bounds of a word query.
const (
	maxQuery = 4096         // bytes
	maxDepth = MaxExprDepth // parentheses and NOTs within each other
)

// ParseWords reads a word query:
//
//	word word      both, in any order      word AND word    the same
//	"some words"   next to each other      "some words"~3   any order, at most 3 other words between
//	word OR word   either                  NOT word, -word  without
//	( … )          first                   OR binds least, then AND, then NOT
//
// Operators are in capitals. A term that falls into several words (well-known,
// o'brien, example.com, 東京都) is a phrase.
func ParseWords(s string) (*WordQuery, error) {
	if len(s) > maxQuery {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrWords, maxQuery)
	}
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrWords)
	}
	p := parser{s: s}
	p.next()
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.fail("closing parenthesis without an opening one")
	}
	if n.height() > MaxExprDepth {
		return nil, fmt.Errorf("%w: nested too deeply", ErrWords)
	}
	return &WordQuery{n}, nil
}

type tokKind byte

const (
	tokEnd tokKind = iota
	tokTerm
	tokPhrase
	tokOr
	tokAnd
	tokNot
	tokOpen
	tokClose
	tokBad
)

// token is one token of a query. Near is -1 for a phrase without ~.
type token struct {
	kind tokKind
	text string
	near int
	at   int
}

type parser struct {
	s   string
	pos int
	tok token
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: at character %d: %s", ErrWords, utf8.RuneCountInString(p.s[:p.tok.at])+1, what)
}

// or = and { "OR" and }
func (p *parser) or(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, p.fail("nested too deeply")
	}
	return p.list(opOr, func() bool {
		if p.tok.kind != tokOr {
			return false
		}
		p.next()
		return true
	}, func() (*node, error) { return p.and(depth) })
}

// and = not { [ "AND" ] not }
func (p *parser) and(depth int) (*node, error) {
	return p.list(opAnd, func() bool {
		switch p.tok.kind {
		case tokAnd:
			p.next()
			return true
		case tokTerm, tokPhrase, tokNot, tokOpen, tokBad:
			return true
		}
		return false
	}, func() (*node, error) { return p.not(depth) })
}

// list reads one or more of elem, as long as more says that another follows.
func (p *parser) list(op op, more func() bool, elem func() (*node, error)) (*node, error) {
	var kids []*node
	for {
		n, err := elem()
		if err != nil {
			return nil, err
		}
		kids = append(kids, n)
		if !more() {
			break
		}
	}
	if len(kids) == 1 {
		return kids[0], nil
	}
	return &node{op: op, kids: kids}, nil
}

// not = "NOT" not | "(" or ")" | phrase | term
func (p *parser) not(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, p.fail("nested too deeply")
	}
	tok := p.tok
	switch tok.kind {
	case tokNot:
		p.next()
		n, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		return &node{op: opNot, kids: []*node{n}}, nil
	case tokOpen:
		p.next()
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.tok.kind != tokClose {
			return nil, p.fail("a parenthesis is not closed")
		}
		p.next()
		return n, nil
	case tokTerm, tokPhrase:
		n, err := leaf(tok)
		if err != nil {
			return nil, p.fail(err.Error())
		}
		p.next()
		return n, nil
	case tokBad:
		return nil, p.fail(tok.text)
	case tokEnd:
		return nil, p.fail("a word is missing at the end")
	}
	return nil, p.fail("a word is missing before this")
}

// next reads the next token into p.tok.
func (p *parser) next() {
	p.space()
	p.tok = token{kind: tokEnd, near: -1, at: p.pos}
	if p.pos == len(p.s) {
		return
	}
	r, n := utf8.DecodeRuneInString(p.s[p.pos:])
	switch {
	case r == '(':
		p.tok.kind = tokOpen
	case r == ')':
		p.tok.kind = tokClose
	case r == '-':
		p.tok.kind = tokNot
	case isQuote(r):
		p.phrase(n)
		return
	default:
		p.term()
		return
	}
	p.pos += n
}

// space skips white space and dashes that stand alone.
func (p *parser) space() {
	for {
		rest := strings.TrimLeftFunc(p.s[p.pos:], unicode.IsSpace)
		p.pos = len(p.s) - len(rest)
		after, dash := strings.CutPrefix(rest, "-")
		if r, _ := utf8.DecodeRuneInString(after); !dash || after != "" && !unicode.IsSpace(r) {
			return
		}
		p.pos++
	}
}

func isQuote(r rune) bool { return strings.ContainsRune("\"“”„«»", r) }

// phrase reads from the opening quote, which has n bytes.
func (p *parser) phrase(n int) {
	rest := p.s[p.pos+n:]
	end := strings.IndexFunc(rest, isQuote)
	if end < 0 {
		p.tok.kind, p.tok.text = tokBad, "a quotation is not closed"
		return
	}
	p.tok.kind, p.tok.text = tokPhrase, rest[:end]
	_, q := utf8.DecodeRuneInString(rest[end:])
	p.pos += n + end + q
	if !strings.HasPrefix(p.s[p.pos:], "~") {
		return
	}
	digits := p.s[p.pos+1:]
	digits = digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]
	near, err := strconv.Atoi(digits)
	if err != nil || near > 1000 {
		p.tok.kind, p.tok.text = tokBad, `~ takes a number of words up to 1000, as in "late fee"~3`
		return
	}
	p.tok.near = near
	p.pos += 1 + len(digits)
}

// term reads up to a space, a parenthesis or a quotation.
func (p *parser) term() {
	rest := p.s[p.pos:]
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || isQuote(r) })
	if end < 0 {
		end = len(rest)
	}
	p.tok.kind, p.tok.text = tokTerm, rest[:end]
	p.pos += end
	switch p.tok.text {
	case "OR":
		p.tok.kind = tokOr
	case "AND":
		p.tok.kind = tokAnd
	case "NOT":
		p.tok.kind = tokNot
	}
}

// leaf makes the node of a term or phrase.
func leaf(tok token) (*node, error) {
	if tok.kind == tokTerm && strings.Contains(tok.text, "*") {
		return nil, errors.New("no wildcards: words are kept as keyed hashes, so only whole words can be found")
	}
	n := &node{op: opLeaf, near: tok.near}
	parts := []string{tok.text}
	if tok.near >= 0 {
		parts = strings.Fields(tok.text)
	}
	for _, part := range parts {
		if seq := sequence(part); len(seq) > 0 {
			n.seqs = append(n.seqs, seq)
		}
	}
	if len(n.seqs) == 0 {
		return nil, errors.New("no word here: punctuation and emoji are not indexed")
	}
	if len(n.terms()) == 0 {
		return nil, errors.New("one character alone is not indexed in this script: give two that stand together")
	}
	return n, nil
}

// sequence gives the units of s, kept.
func sequence(s string) []glyphOrWord {
	var seq []glyphOrWord
	units(s, func(u unit) {
		seq = append(seq, glyphOrWord{string(u.text), u.kind, u.joined})
	})
	return seq
}
