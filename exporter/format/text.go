package format

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// harm says whether a character could make text look like another text, or
// like nothing: control characters, overrides and isolates of the writing
// direction, invisible fillers, tags outside a flag. Joiners and direction marks
// that writing needs are none.
func harm(r rune) bool {
	switch {
	case r < 0x20:
		return r != '\n' && r != '\t'
	case r >= 0x7F && r <= 0x9F, // DEL and C1
		r == 0xAD,                  // soft hyphen
		r == 0x115F || r == 0x1160, // Hangul fillers
		r == 0x17B4 || r == 0x17B5, // Khmer inherent vowels, invisible
		r == 0x180E,
		r == 0x200B,                // zero width space
		r >= 0x2028 && r <= 0x202E, // line and paragraph separators, embeddings and overrides
		r >= 0x2060 && r <= 0x206F, // word joiner, invisible operators, isolates, deprecated
		r == 0x3164, r == 0xFEFF, r == 0xFFA0,
		r >= 0xFFF0 && r <= 0xFFFB,
		r >= 0xE0000 && r <= 0xE0FFF: // tags and their like
		return true
	}
	return false
}

const (
	blackFlag = 0x1F3F4 // begins the flags that are written with tags
	tagFirst  = 0xE0020
	tagEnd    = 0xE007F
	tagMost   = 8 // tags in a flag; more would hide something
)

// pieces calls text for each harmless stretch and mark for each harmful
// character. Bytes that are not UTF-8 are U+FFFD.
func pieces(s string, text func(string), mark func(rune)) {
	start, tags := 0, 0 // tags: how many may still follow a flag
	for i, r := range s {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				text(s[start:i] + "\uFFFD")
				start = i + 1
				continue
			}
		}
		if r == blackFlag {
			tags = tagMost
			continue
		}
		if tags > 0 && r >= tagFirst && r <= tagEnd {
			if tags--; r == tagEnd {
				tags = 0
			}
			continue
		}
		tags = 0
		if !harm(r) {
			continue
		}
		if start < i {
			text(s[start:i])
		}
		mark(r)
		start = i + size
	}
	if start < len(s) {
		text(s[start:])
	}
}

// plain is text for a plain file: harmful characters stand there by their
// number, as [U+202E].
func plain(s string) string {
	var b strings.Builder
	pieces(s, func(t string) { b.WriteString(t) }, func(r rune) { fmt.Fprintf(&b, "[U+%04X]", r) })
	return b.String()
}

// indent puts continuation lines behind a margin, so that no message can look
// like a line of the transcript itself.
func indent(s, margin string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.ReplaceAll(plain(s), "\n", "\n"+margin)
}
