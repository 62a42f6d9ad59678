package format

import (
	"bufio"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"
)

//go:embed html/*.tmpl html/style.css
var htmlFiles embed.FS

// pages are the templates. Nothing that a model says enters them but through
// html/template's escaping, show, when and where.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"show":  show,
	"plain": plain,
	"when":  when,
	"where": where,
	"style": style,
	"n":     count,
	"add":   func(a, b int) int { return a + b },
}).ParseFS(htmlFiles, "html/*.tmpl"))

// show is text as HTML: escaped, and each harmful character in a box with its
// number, so that it can do nothing and is seen.
func show(s string) template.HTML {
	if quiet(s) {
		return template.HTML(s) // it has nothing to escape
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	pieces(s, func(t string) { template.HTMLEscape(&b, []byte(t)) }, func(r rune) {
		fmt.Fprintf(&b, `<span class="ctl">U+%04X</span>`, r)
	})
	return template.HTML(b.String()) // every piece was escaped above
}

// quiet says that every byte of s is ASCII that HTML takes as it is. Most texts
// that a page shows are such.
func quiet(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			return false
		}
	}
	return true
}

// when is a time as an element, with the whole of it behind.
func when(t timeView) template.HTML {
	return template.HTML(`<time datetime="` + template.HTMLEscapeString(t.Machine) + `" title="` + template.HTMLEscapeString(t.Whole) + `">` + // escaped
		template.HTMLEscapeString(t.Short) + `</time>`)
}

// where is an item's name, its place in the ledger, and links to its bytes and
// proof.
func where(o originView) template.HTML {
	out := `<span class="item">` + show(o.Item) + `</span>`
	if o.Place != "" {
		out += ` <span>` + show(o.Place) + `</span>`
	}
	for _, link := range [2][2]string{{o.Raw, "bytes"}, {o.Proof, "proof"}} {
		if link[0] != "" {
			out += ` <a href="` + template.HTML(template.HTMLEscapeString((&url.URL{Path: link[0]}).EscapedPath())) + `">` + template.HTML(link[1]) + `</a>` // escaped
		}
	}
	return out
}

func style() (template.CSS, error) {
	css, err := htmlFiles.ReadFile("html/style.css")
	return template.CSS(css), err // our own file
}

// count is a number with its noun: 1 day, 2 days.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands is a number with its thousands apart.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func render(w io.Writer, name string, data any) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := pages.ExecuteTemplate(out, name, data); err != nil {
		return err
	}
	return out.Flush()
}

// anchor is the id of an item's element: each item name gives another.
func anchor(item string) string {
	return "m-" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '~':
			return r
		}
		return '-' // between topic, partition, offset and number; topics have no other character
	}, item)
}

// up leads from a page in data/transcript to a path in the bag.
func up(path string) string {
	if path == "" {
		return ""
	}
	return "../../" + path
}
