package index

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const tatweel = 'ـ' // stretches an Arabic word for looks

// appendFolded appends a letter without case and, in Latin, Greek, Arabic,
// Hebrew and Syriac, without its marks. strip says whether marks that follow are
// to be dropped too.
func appendFolded(dst []byte, r rune) (_ []byte, strip bool) {
	r = unicode.ToLower(r)
	if r >= 0x1c80 && r <= 0x1c88 { // Cyrillic letters in older shapes
		r = unicode.ToLower(unicode.ToUpper(r))
	}
	if !stripsMarks(r) {
		return appendBase(dst, r), false
	}
	var enc [utf8.UTFMax]byte
	d := norm.NFD.Properties(enc[:utf8.EncodeRune(enc[:], r)]).Decomposition()
	if d == nil {
		return appendBase(dst, r), true
	}
	for len(d) > 0 {
		c, n := utf8.DecodeRune(d)
		if d = d[n:]; !unicode.IsMark(c) {
			dst = appendBase(dst, c)
		}
	}
	return dst, true
}

// stripsMarks says whether marks on letters of r's script are left out.
// Elsewhere they tell words apart (й from и) or are vowels.
func stripsMarks(r rune) bool {
	return r < 0x250 || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Arabic, unicode.Hebrew, unicode.Syriac)
}

// appendBase appends one letter, spelled the plain way where it has one.
func appendBase(dst []byte, r rune) []byte {
	switch r {
	case 'ß':
		return append(dst, "ss"...)
	case 'æ':
		return append(dst, "ae"...)
	case 'œ':
		return append(dst, "oe"...)
	case 'þ':
		return append(dst, "th"...)
	case 'ø':
		return append(dst, 'o')
	case 'đ', 'ð':
		return append(dst, 'd')
	case 'ħ':
		return append(dst, 'h')
	case 'ı':
		return append(dst, 'i')
	case 'ł':
		return append(dst, 'l')
	case 'ŧ':
		return append(dst, 't')
	case 'ς':
		r = 'σ'
	case 'ё':
		r = 'е'
	case 'և':
		return append(dst, "եւ"...)
	case 'ٱ':
		r = 'ا'
	case 'ى', 'ی':
		r = 'ي'
	case 'ک':
		r = 'ك'
	case 'ة':
		r = 'ه'
	}
	return utf8.AppendRune(dst, r)
}

// digit is the value of a decimal digit of any script. Unicode lays a script's
// ten digits out in one run that begins at xxx0 or xxx6; the mathematical digits,
// which do not, NFKC has replaced before.
func digit(r rune) byte {
	zero := r &^ 0xf
	if !unicode.Is(unicode.Nd, zero) {
		zero += 6
	}
	return byte(r - zero)
}

// glyphKind says whether r belongs to a script without spaces between words.
func glyphKind(r rune) unitKind {
	switch {
	case r < 0xe00:
		return unitNone
	case r == 'ー': // lengthens kana, but belongs to no script
		return unitGlyph
	case unicode.In(r, unicode.Han, unicode.Hangul):
		return unitIdeo
	case unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return unitGlyph
	}
	return unitNone
}
