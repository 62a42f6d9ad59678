package index

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/runenames"
)

func termsOf(s string) []string {
	var out []string
	terms(s, func(t []byte) { out = append(out, string(t)) })
	return out
}

func TestTerms(t *testing.T) {
	long := strings.Repeat("é", 50) + "xyz"
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"Hello, World!", "hello world"},
		{"don't o'brien l’homme", "don t o brien l homme"},
		{"well-known e.g. example.com a_b", "well known e g example com a b"},
		{"covid19 A4 500€ 1,000.50", "covid19 a4 500 1 000 50"},
		{"Straße STRASSE Ærø Łódź Đorđe İstanbul ısı ŒUVRE", "strasse strasse aero lodz dorde istanbul isi oeuvre"},
		{"Café cafe\u0301 CAFÉ", "cafe cafe cafe"},
		{"ﬁne ＡＢＣ①", "fine abc1"},
		{"Ἀθῆναι ΟΔΥΣΣΕΎΣ", "αθηναι οδυσσευσ"},
		{"Ёлка йод", "елка йод"},
		{"أهلاً وسهلاً مدرسة علىٰ كـتـاب ۱۲۳", "اهلا وسهلا مدرسه علي كتاب 123"},
		{"שָׁלוֹם", "שלום"},
		{"नमस्ते दुनिया १२", "नमस्ते दुनिया 12"},
		{"😀 👍🏽 ❤️ 👨‍👩‍👧", ""},
		{"ok👍ok", "ok ok"},
		{"co\u00adoperate in\u200bsider", "cooperate insider"},
		{"東京都", "東 京 東京 都 京都"},
		{"東 京", "東 京"},
		{"iPhoneを買う", "iphone 買 を買 買う"},
		{"カタカナー", "カタ タカ カナ ナー"},
		{"ｶﾞｷﾞ", "ガギ"},
		{"の", ""},
		{"집에서", "집 에 집에 서 에서"},
		{"สวัสดี", "สวั วัส สดี"},
		{"ที่นี่", "ที่นี่"},
		{"a\x00b\xffc", "a b c"},
		{long, strings.Repeat("e", 50) + "xyz"},
		{strings.Repeat("ж", 60), strings.Repeat("ж", 32)},
	} {
		if got := strings.Join(termsOf(c.text), " "); got != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

// TestFold: whatever differs by case alone, as Unicode has it, gives the same
// terms. The Greek iota subscript is left out: it goes with the other marks.
func TestFold(t *testing.T) {
	fold := cases.Fold()
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) || strings.ContainsRune(norm.NFD.String(string(r)), '\u0345') {
			continue
		}
		plain, folded := "x"+string(r)+"x", "x"+fold.String(string(r))+"x"
		if a, b := termsOf(plain), termsOf(folded); !slices.Equal(a, b) {
			t.Errorf("%U %s: %q, folded %q", r, runenames.Name(r), a, b)
		}
	}
}

// TestDigits: a decimal digit of any script is the ASCII digit of its name.
func TestDigits(t *testing.T) {
	names := []string{"ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"}
	seen := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		words := strings.Fields(runenames.Name(r))
		want := slices.Index(names, words[len(words)-1])
		if want < 0 {
			continue // younger than the names
		}
		seen++
		if got := termsOf(string(r)); len(got) != 1 || got[0] != string(rune('0'+want)) {
			t.Errorf("%U: %q, want %d", r, got, want)
		}
	}
	if seen < 600 {
		t.Errorf("only %d digits tried", seen)
	}
}

// TestTermsTwice: terms of terms are the same terms, so that a word copied from
// one place is found in another.
func TestTermsTwice(t *testing.T) {
	for _, s := range []string{"Straße Łódź Ἀθῆναι Ёлка أهلاً शब्द DŽ ǆ ﬃ", "Ｆｕｌｌ ｗｉｄｔｈ"} {
		once := termsOf(s)
		if twice := termsOf(strings.Join(once, " ")); !slices.Equal(once, twice) {
			t.Errorf("%q: %q, then %q", s, once, twice)
		}
	}
}

func FuzzTerms(f *testing.F) {
	for _, s := range []string{"Hello", "東京ー", "สวัสดี", "é\u0301\u0301", "\xff\xfe", "İǰ", "가나ᄀ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var n int
		units(s, func(u unit) {
			if n++; len(u.text) == 0 || u.kind == unitNone || u.joined && !u.kind.glyph() {
				t.Fatalf("unit %+v", u)
			}
		})
		for _, term := range termsOf(s) {
			if len(term) == 0 || len(term) > 2*maxTerm {
				t.Fatalf("term of %d bytes", len(term))
			}
			if strings.ContainsFunc(term, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsUpper(r) && unicode.ToLower(r) != r }) {
				t.Fatalf("term %q", term)
			}
		}
	})
}
