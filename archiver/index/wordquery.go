package index

import "slices"

// WordQuery is a parsed word query. It answers two things: Expr, what the index
// is to look for, which finds every row that matches and perhaps others; and
// Confirm, which decides on the decrypted texts of a candidate.
type WordQuery struct{ root *node }

type op byte

const (
	opLeaf op = iota
	opAnd
	opOr
	opNot
)

// node is one node of a query. A leaf is sequences of units: one, a word or
// phrase; or with near >= 0 several, in any order, at most near units between.
type node struct {
	op   op
	kids []*node
	seqs [][]glyphOrWord
	near int
}

// glyphOrWord is a unit that is kept.
type glyphOrWord struct {
	text   string
	kind   unitKind
	joined bool
}

// Expr gives the tokens that narrow the query, nil where nothing narrows it
// (NOT "a phrase"): then every row is a candidate.
func (q *WordQuery) Expr(k *Keys) *Expr { return q.root.expr(k, true) }

// Exact says that the index alone decides: whatever Expr finds, Confirm accepts.
func (q *WordQuery) Exact() bool { return q.root.exact() }

// Confirm decides whether an item matches, texts being its Item.Text.
func (q *WordQuery) Confirm(texts []string) bool {
	seqs := make([][]glyphOrWord, len(texts))
	for i, t := range texts {
		seqs[i] = sequence(t)
	}
	return q.root.match(seqs)
}

// exact: every leaf is one term that stands for its whole self.
func (n *node) exact() bool {
	if n.op == opLeaf {
		if len(n.seqs) != 1 || len(n.seqs[0]) != 1 {
			return false
		}
		u := n.seqs[0][0]
		return u.kind == unitIdeo || u.kind == unitWord && len(u.text) <= maxTerm
	}
	for _, kid := range n.kids {
		if !kid.exact() {
			return false
		}
	}
	return true
}

// height is how deep the node's Expr is at most.
func (n *node) height() int {
	if n.op == opLeaf {
		return 2
	}
	h := 0
	for _, kid := range n.kids {
		h = max(h, kid.height())
	}
	return h + 1
}

// terms gives the terms that every text holding the leaf has.
func (n *node) terms() []string {
	var out []string
	for _, seq := range n.seqs {
		for i, u := range seq {
			switch {
			case u.kind == unitWord:
				out = append(out, string(cut([]byte(u.text))))
			case u.joined:
				out = append(out, seq[i-1].text+u.text)
			case u.kind == unitIdeo && (i+1 == len(seq) || !seq[i+1].joined):
				out = append(out, u.text)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// expr gives an expression that holds for every row the node holds for (upper),
// or one that holds for no other row (lower). A nil upper is everything, a nil
// lower nothing; NOT turns one into the other.
func (n *node) expr(k *Keys, upper bool) *Expr {
	switch n.op {
	case opLeaf:
		return n.leafExpr(k, upper)
	case opNot:
		inner := n.kids[0].expr(k, !upper)
		if inner == nil {
			return nil
		}
		return &Expr{Not: inner}
	}
	// A part that says nothing is left out where the others still bound the
	// whole, and makes the whole say nothing where they do not.
	skip := (n.op == opAnd) == upper
	var parts []*Expr
	for _, kid := range n.kids {
		switch e := kid.expr(k, upper); {
		case e != nil:
			parts = append(parts, e)
		case !skip:
			return nil
		}
	}
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1:
		return parts[0]
	case n.op == opAnd:
		return &Expr{And: parts}
	}
	return &Expr{Or: parts}
}

func (n *node) leafExpr(k *Keys, upper bool) *Expr {
	if !upper && !n.exact() {
		return nil
	}
	var parts []*Expr
	for _, t := range n.terms() {
		parts = append(parts, &Expr{Any: k.term(t)})
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &Expr{And: parts}
}

func (n *node) match(texts [][]glyphOrWord) bool {
	switch n.op {
	case opAnd:
		for _, kid := range n.kids {
			if !kid.match(texts) {
				return false
			}
		}
		return true
	case opOr:
		for _, kid := range n.kids {
			if kid.match(texts) {
				return true
			}
		}
		return false
	case opNot:
		return !n.kids[0].match(texts)
	}
	for _, t := range texts {
		if n.within(t) {
			return true
		}
	}
	return false
}

// within says whether one text holds the leaf.
func (n *node) within(text []glyphOrWord) bool {
	if len(n.seqs) == 1 {
		return len(occurrences(text, n.seqs[0])) > 0
	}
	return n.close(text)
}

// occurrences gives where seq stands in text. Glyphs that touch in seq must
// touch in text, as their token says that they do.
func occurrences(text, seq []glyphOrWord) []int {
	var at []int
	for i := 0; i+len(seq) <= len(text); i++ {
		found := true
		for j, u := range seq {
			t := text[i+j]
			if t.text != u.text || u.joined && !t.joined {
				found = false
				break
			}
		}
		if found {
			at = append(at, i)
		}
	}
	return at
}

// hit is one occurrence of one of a leaf's sequences.
type hit struct{ start, end, seq int }

// close says whether the leaf's sequences stand in one stretch of text, in any
// order, that is at most near units longer than they are. Two sequences may
// share units; a sequence given twice is one sequence.
func (n *node) close(text []glyphOrWord) bool {
	var hits []hit
	room := n.near
	for s, seq := range n.seqs {
		room += len(seq)
		at := occurrences(text, seq)
		if len(at) == 0 {
			return false
		}
		for _, i := range at {
			hits = append(hits, hit{i, i + len(seq), s})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return a.start - b.start })
	for i := range hits {
		if n.fits(hits[i:], room) {
			return true
		}
	}
	return false
}

// fits says whether each sequence occurs in a stretch of room units that begins
// at the first hit.
func (n *node) fits(hits []hit, room int) bool {
	seen := make([]bool, len(n.seqs))
	left := len(n.seqs)
	for _, h := range hits {
		if h.start-hits[0].start > room {
			break
		}
		if h.end-hits[0].start <= room && !seen[h.seq] {
			seen[h.seq] = true
			left--
		}
	}
	return left == 0
}
