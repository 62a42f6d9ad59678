package index

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Words, as indexed and as asked for (WORDS.md tells the rules). A text falls
// into units: a word of a script that puts spaces between words, or one glyph of
// a script that does not. Terms, which are what gets hashed, are made of units:
// each word; each two glyphs that touch; each glyph alone where one glyph can be
// a word by itself.

const (
	maxTerm    = 64 // bytes of a word that are hashed; a longer one is cut here
	maxCluster = 32 // bytes of a glyph with its marks; further marks are dropped
)

// unitKind says what a unit is.
type unitKind byte

const (
	unitNone  unitKind = iota
	unitWord           // letters, marks and digits between separators
	unitIdeo           // Han or Hangul: a word by itself, or part of one
	unitGlyph          // kana, Bopomofo, Thai, Lao, Khmer, Burmese: part of a word
)

func (k unitKind) glyph() bool { return k >= unitIdeo }

// unit is one unit of a text. Text is valid until the callback returns. Joined:
// a glyph that touches the glyph before it.
type unit struct {
	text   []byte
	kind   unitKind
	joined bool
}

// lexer cuts one text into units.
type lexer struct {
	emit   func(unit)
	cur    []byte
	kind   unitKind
	joined bool
	touch  bool // the last thing seen was a glyph
	strip  bool // marks after the last letter are dropped
}

// units calls emit for each unit of s in order.
func units(s string, emit func(unit)) {
	var room [maxTerm * 2]byte
	l := lexer{emit: emit, cur: room[:0]}
	if !isASCII(s) {
		if norm.NFKC.QuickSpanString(s) != len(s) {
			s = norm.NFKC.String(s)
		}
	}
	for _, r := range s {
		l.rune(r)
	}
	l.flush()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (l *lexer) flush() {
	if l.kind == unitNone {
		return
	}
	l.emit(unit{l.cur, l.kind, l.joined})
	l.touch = l.kind.glyph()
	l.cur, l.kind, l.joined = l.cur[:0], unitNone, false
}

// separate ends the unit, and what comes next does not touch it.
func (l *lexer) separate() {
	l.flush()
	l.touch = false
}

func (l *lexer) rune(r rune) {
	switch {
	case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
		l.letter()
		l.cur = append(l.cur, byte(r))
		l.strip = true
	case r >= 'A' && r <= 'Z':
		l.letter()
		l.cur = append(l.cur, byte(r)|0x20)
		l.strip = true
	case r < utf8.RuneSelf:
		l.separate()
	default:
		l.wide(r)
	}
}

// wide takes a rune beyond ASCII.
func (l *lexer) wide(r rune) {
	switch {
	case unicode.Is(unicode.Cf, r) || r == tatweel:
		// soft hyphens, joiners, direction marks, zero-width spaces: not there
	case unicode.IsMark(r):
		l.mark(r)
	case unicode.Is(unicode.Nd, r):
		l.letter()
		l.cur = append(l.cur, '0'+digit(r))
		l.strip = true
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		if kind := glyphKind(r); kind != unitNone {
			l.glyph(kind, r)
			return
		}
		l.letter()
		l.cur, l.strip = appendFolded(l.cur, r)
	default:
		l.separate()
	}
}

// letter makes sure that a word is open.
func (l *lexer) letter() {
	if l.kind != unitWord {
		l.separate()
		l.kind = unitWord
	}
}

func (l *lexer) glyph(kind unitKind, r rune) {
	l.flush()
	l.kind, l.joined = kind, l.touch
	l.cur = utf8.AppendRune(l.cur, r)
}

// mark takes a combining mark: part of the letter before it, or dropped.
func (l *lexer) mark(r rune) {
	switch {
	case l.kind == unitWord && !l.strip, l.kind == unitGlyph && len(l.cur) < maxCluster:
		l.cur = utf8.AppendRune(l.cur, r)
	}
}

// terms calls fn for each term of s. Term is valid until fn returns.
func terms(s string, fn func(term []byte)) {
	var room [2 * maxCluster]byte
	pair := room[:0] // the glyph before, then the pair
	units(s, func(u unit) {
		if u.kind == unitWord {
			fn(cut(u.text))
			return
		}
		if u.kind == unitIdeo {
			fn(u.text)
		}
		if u.joined {
			n := len(pair)
			pair = append(pair, u.text...)
			fn(pair)
			pair = append(pair[:0], pair[n:]...)
			return
		}
		pair = append(pair[:0], u.text...)
	})
}

// cut gives the part of a word that is hashed.
func cut(word []byte) []byte {
	if len(word) <= maxTerm {
		return word
	}
	n := maxTerm
	for n > 0 && !utf8.RuneStart(word[n]) {
		n--
	}
	return word[:n]
}
