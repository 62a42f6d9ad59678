package sqlite

import (
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/waxseal/waxseal/archiver/index"
)

// A term is a letter and what it says, in lower case and digits only, so that
// FTS5's ascii tokenizer takes it as it is:
//
//	w  word token        13 characters base32
//	p  person, g group, c conversation, i message id, t target:  16 characters base32
//	m  template name or id: number of the string
//	l  line, s shape: number
//
// A tag has 16 bytes and a term 10 of them: tags are keyed hashes, and 80 bits
// keep a thousand million of them apart.
const (
	termWord         = 'w'
	termPerson       = 'p'
	termGroup        = 'g'
	termConversation = 'c'
	termID           = 'i'
	termTarget       = 't'
	termTemplate     = 'm'
	termLine         = 'l'
	termShape        = 's'
)

// nothing is a term that no row has.
const nothing = "zero"

var letters = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

func appendToken(dst []byte, t index.Token) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(t))
	return letters.AppendEncode(append(dst, termWord), b[:])
}

func appendTag(dst []byte, kind byte, t index.Tag) []byte {
	return letters.AppendEncode(append(dst, kind), t[:10])
}

func appendNumber(dst []byte, kind byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, kind), n, 10)
}

// refs are the numbers a row's terms refer to.
type refs struct{ line, shape, template, templateID uint64 }

// appendTerms appends all terms of a row, a space behind each.
func appendTerms(dst []byte, r *index.Row, n refs) []byte {
	end := func(term []byte) []byte { return append(term, ' ') }
	dst = end(appendNumber(dst, termLine, n.line))
	dst = end(appendNumber(dst, termShape, n.shape))
	for _, t := range r.Aliases {
		dst = end(appendTag(dst, termPerson, t))
	}
	if r.Subject != (index.Tag{}) && !slices.Contains(r.Aliases, r.Subject) {
		dst = end(appendTag(dst, termPerson, r.Subject))
	}
	for _, t := range [...]struct {
		kind byte
		tag  index.Tag
	}{{termGroup, r.Group}, {termConversation, r.Conversation}, {termID, r.ID}, {termTarget, r.Target}} {
		if t.tag != (index.Tag{}) {
			dst = end(appendTag(dst, t.kind, t.tag))
		}
	}
	if r.Template != "" {
		dst = end(appendNumber(dst, termTemplate, n.template))
	}
	if r.TemplateID != "" {
		dst = end(appendNumber(dst, termTemplate, n.templateID))
	}
	for _, t := range r.Tokens {
		dst = end(appendToken(dst, t))
	}
	return dst
}
