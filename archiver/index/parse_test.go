package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// show writes a parsed query in one form.
func show(n *node) string {
	switch n.op {
	case opLeaf:
		var parts []string
		for _, seq := range n.seqs {
			var words []string
			for _, u := range seq {
				words = append(words, u.text)
			}
			parts = append(parts, strings.Join(words, "+"))
		}
		s := strings.Join(parts, ",")
		if n.near >= 0 {
			s += fmt.Sprint("~", n.near)
		}
		return s
	case opNot:
		return "!" + show(n.kids[0])
	}
	var parts []string
	for _, kid := range n.kids {
		parts = append(parts, show(kid))
	}
	return "(" + strings.Join(parts, map[op]string{opAnd: " & ", opOr: " | "}[n.op]) + ")"
}

func TestParseWords(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"fee", "fee"},
		{"  late   FEE ", "(late & fee)"},
		{"late AND fee", "(late & fee)"},
		{"late OR fee due", "(late | (fee & due))"},
		{"late -fee", "(late & !fee)"},
		{"NOT fee", "!fee"},
		{"NOT NOT fee", "!!fee"},
		{"late AND NOT (fee OR due)", "(late & !(fee | due))"},
		{"-(a b)c", "(!(a & b) & c)"},
		{`"late fee" due`, "(late+fee & due)"},
		{"“late fee” „a b”", "(late+fee & a+b)"},
		{`"late fee"~3`, "late,fee~3"},
		{`"well-known fee"~0`, "well+known,fee~0"},
		{"well-known o'brien", "(well+known & o+brien)"},
		{"mon - fri", "(mon & fri)"},
		{"late - ", "late"},
		{"or and not", "(or & and & not)"},
		{"東京都 駅", "(東+京+都 & 駅)"},
		{"café(x)", "(cafe & x)"},
		{"((((a))))", "a"},
	} {
		q, err := ParseWords(c.query)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		if got := show(q.root); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.query, got, c.want)
		}
	}
}

func TestParseWordsErrors(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"", "a word is missing at the end"},
		{"   ", "a word is missing at the end"},
		{"secretword AND", "a word is missing at the end"},
		{"secretword OR OR b", "character 15: a word is missing before this"},
		{"(secretword", "a parenthesis is not closed"},
		{"secretword)", "character 11: closing parenthesis"},
		{"()", "a word is missing before this"},
		{`"secretword`, "a quotation is not closed"},
		{`"secretword b"~`, "~ takes a number"},
		{`"secretword b"~99999999999999999999`, "~ takes a number"},
		{"secretword*", "no wildcards"},
		{"👍", "punctuation and emoji"},
		{`"…"`, "punctuation and emoji"},
		{"の", "one character alone"},
		{"é secretword の", "character 14: one character alone"},
		{strings.Repeat("(", 200) + "a", "nested too deeply"},
		{strings.Repeat("-", 200) + "a", "nested too deeply"},
		{strings.Repeat("(b OR ", 23) + "a" + strings.Repeat(")", 23), "nested too deeply"},
		{strings.Repeat("a", 5000), "longer than"},
		{"a\xff", "not UTF-8"},
	} {
		_, err := ParseWords(c.query)
		if !errors.Is(err, ErrWords) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %q", c.query, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secretword") {
			t.Errorf("%.40q: the error repeats a word: %v", c.query, err)
		}
	}
}

func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		query string
		texts []string
		want  bool
	}{
		{"fee", []string{"The FEE is due"}, true},
		{"fee", []string{"fees"}, false},
		{"late fee", []string{"late", "a fee"}, true}, // each word may stand in another text of the item
		{`"late fee"`, []string{"late", "fee"}, false},
		{`"late fee"`, []string{"a late, fee!"}, true},
		{`"late fee"`, []string{"late big fee"}, false},
		{`"late fee"~1`, []string{"late big fee"}, true},
		{`"late fee"~1`, []string{"fee is late"}, true},
		{`"late fee"~1`, []string{"fee is very late"}, false},
		{`"a b c"~0`, []string{"x c a b x"}, true},
		{`"a b c"~0`, []string{"c x a b"}, false},
		{`"a b"~0`, []string{"a a x b b a"}, true},
		{"NOT fee", []string{"fee"}, false},
		{"NOT fee", nil, true},
		{`late -"big fee"`, []string{"late, a big fee"}, false},
		{`late -"big fee"`, []string{"late, a fee so big"}, true},
		{"a OR b", []string{"b"}, true},
		{"o'brien", []string{"O’Brien called"}, true},
		{"o'brien", []string{"obrien"}, false},
		{"東京", []string{"私は東京に"}, true},
		{"東京", []string{"東 京"}, false},
		{`"東 京"`, []string{"東 京"}, true},
		{"京都", []string{"東京都"}, true},
		{"の東", []string{"家の東"}, true},
		{strings.Repeat("x", 70), []string{strings.Repeat("x", 71)}, false}, // the same token
		{strings.Repeat("x", 70), []string{strings.Repeat("X", 70)}, true},
	} {
		q, err := ParseWords(c.query)
		if err != nil {
			t.Fatalf("%q: %v", c.query, err)
		}
		if got := q.Confirm(c.texts); got != c.want {
			t.Errorf("%q in %q: %v", c.query, c.texts, got)
		}
	}
}

func TestExprNothingToNarrow(t *testing.T) {
	k := testKeys()
	for _, c := range []struct {
		query string
		nilEx bool
		exact bool
	}{
		{"fee", false, true},
		{"-fee", false, true},
		{"a -b OR (c d)", false, true},
		{"家", false, true},
		{`"late fee"`, false, false},
		{`-"late fee"`, true, false},
		{`a OR -"late fee"`, true, false},
		{`a -"late fee"`, false, false},
		{`-(a "late fee")`, true, false},
		{`-(a OR "late fee")`, false, false}, // without a, at least
		{strings.Repeat("x", 70), false, false},
	} {
		q, err := ParseWords(c.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Expr(k); (got == nil) != c.nilEx || q.Exact() != c.exact {
			t.Errorf("%q: expression %+v, exact %v", c.query, got, q.Exact())
		}
	}
}

// holds says whether an expression holds for tokens; nil holds for all.
func holds(e *Expr, tokens []Token) bool {
	switch {
	case e == nil:
		return true
	case e.And != nil:
		return !slices.ContainsFunc(e.And, func(p *Expr) bool { return !holds(p, tokens) })
	case e.Or != nil:
		return slices.ContainsFunc(e.Or, func(p *Expr) bool { return holds(p, tokens) })
	case e.Not != nil:
		return !holds(e.Not, tokens)
	}
	return slices.ContainsFunc(e.Any, func(t Token) bool { return slices.Contains(tokens, t) })
}

func depth(e *Expr) int {
	if e == nil {
		return 0
	}
	d := depth(e.Not)
	for _, p := range append(slices.Clone(e.And), e.Or...) {
		d = max(d, depth(p))
	}
	return d + 1
}

// check holds a query and texts to the promise of WordQuery: what Confirm
// accepts the tokens find, and where the query is exact nothing else.
func check(t *testing.T, k *Keys, query string, q *WordQuery, texts []string) {
	t.Helper()
	tokens, err := k.Tokens(2, texts)
	if err != nil {
		t.Fatal(err)
	}
	e := q.Expr(k)
	found, accepted := holds(e, tokens), q.Confirm(texts)
	if accepted && !found || q.Exact() && found != accepted {
		t.Fatalf("%q in %q: tokens find it %v, the text holds it %v, exact %v", query, texts, found, accepted, q.Exact())
	}
	if depth(e) > MaxExprDepth {
		t.Fatalf("%q: an expression %d deep", query, depth(e))
	}
}

func TestTokensNarrow(t *testing.T) {
	k := testKeys()
	r := rand.New(rand.NewPCG(1, 2))
	vocabulary := []string{"late", "fee", "due", "well-known", "東京", "京都", "家", "の東", strings.Repeat("x", 70), strings.Repeat("x", 71)}
	pick := func() string { return vocabulary[r.IntN(len(vocabulary))] }
	var random func(depth int) string
	random = func(depth int) string {
		switch n := r.IntN(8); {
		case depth == 0 || n < 2:
			return pick()
		case n == 2:
			return `"` + pick() + " " + pick() + `"`
		case n == 3:
			return fmt.Sprintf(`"%s %s"~%d`, pick(), pick(), r.IntN(3))
		case n == 4:
			return "-" + random(depth-1)
		case n == 5:
			return "(" + random(depth-1) + " OR " + random(depth-1) + ")"
		default:
			return "(" + random(depth-1) + " " + random(depth-1) + ")"
		}
	}
	accepted := 0
	const rounds = 20000
	for range rounds {
		query := random(4)
		q, err := ParseWords(query)
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		var texts []string
		for range r.IntN(3) {
			text := ""
			for range r.IntN(6) {
				text += pick() + []string{" ", "", ", "}[r.IntN(3)]
			}
			texts = append(texts, text)
		}
		check(t, k, query, q, texts)
		if q.Confirm(texts) {
			accepted++
		}
	}
	if accepted < rounds/10 || accepted > rounds*9/10 {
		t.Errorf("%d of %d accepted: the queries tell nothing", accepted, rounds)
	}
}

func FuzzParseWords(f *testing.F) {
	for _, q := range []string{`late -fee`, `"a b"~2 OR (c AND NOT d)`, `-(-(a))`, "東京 の東", `“x` + "”~1", "a*", "((", "👍 x"} {
		f.Add(q, "a late fee 東京")
	}
	k := testKeys()
	f.Fuzz(func(t *testing.T, query, text string) {
		q, err := ParseWords(query)
		if err != nil {
			if !errors.Is(err, ErrWords) {
				t.Fatal(err)
			}
			return
		}
		check(t, k, query, q, []string{text})
		check(t, k, query, q, []string{query, text})
	})
}
