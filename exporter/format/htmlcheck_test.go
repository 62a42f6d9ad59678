package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elements are those a page may have, with the attributes that are not allowed
// everywhere. Nothing here runs, submits or fetches from elsewhere.
var elements = map[string][]string{
	"html": {"lang"}, "head": nil, "body": nil, "title": nil, "style": nil, "meta": {"charset", "http-equiv", "content", "name"},
	"header": nil, "main": nil, "footer": nil, "nav": nil, "section": nil, "article": nil, "figure": nil, "figcaption": nil,
	"h1": nil, "h2": nil, "p": nil, "div": nil, "span": nil, "b": nil, "small": nil, "br": nil, "ul": nil, "li": nil, "dl": nil, "dt": nil, "dd": nil,
	"code": nil, "pre": nil, "bdi": nil, "del": nil, "blockquote": nil, "details": nil, "summary": nil, "time": {"datetime"},
	"table": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"scope"}, "td": nil,
	"a": {"href", "rel", "download"}, "img": {"src", "alt", "loading"}, "audio": {"src", "controls", "preload"}, "video": {"src", "controls", "preload"},
}

var everywhere = []string{"class", "id", "dir", "role", "title", "aria-label", "aria-labelledby", "aria-hidden"}

const policy = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"

// htmlPage is a page taken apart.
type htmlPage struct {
	ids   map[string]bool
	links []string // as paths in the bag, with fragment
	text  string
}

// openHTML takes a page at a path of the bag apart and says what is against the
// rules: elements, attributes and links that are not on the lists, elements not
// closed, an id twice, no policy.
func openHTML(at string, data []byte) (*htmlPage, []string) {
	pg := &htmlPage{ids: map[string]bool{}}
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	d := xml.NewDecoder(bytes.NewReader(asXML(data)))
	var text strings.Builder
	var open []string
	policies := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			say("%v", err)
			break
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			open = append(open, name)
			allowed, ok := elements[name]
			if !ok {
				say("element %s", name)
			}
			for _, a := range tok.Attr {
				key := a.Name.Local
				if a.Name.Space != "" {
					key = a.Name.Space + ":" + key
				}
				if !slices.Contains(allowed, key) && !slices.Contains(everywhere, key) {
					say("attribute %s of %s", key, name)
				}
				switch key {
				case "href", "src":
					link, err := resolve(at, a.Value)
					if err != nil {
						say("%s of %s: %v", key, name, err)
					}
					pg.links = append(pg.links, link)
				case "id":
					if pg.ids[a.Value] {
						say("id %q twice", a.Value)
					}
					pg.ids[a.Value] = true
				case "content":
					if a.Value == policy {
						policies++
					}
				}
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != tok.Name.Local {
				say("%s closed within %v", tok.Name.Local, open)
				return pg, wrong
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1] != "style" {
				text.Write(tok)
			}
		case xml.Comment, xml.ProcInst:
			say("a comment or an instruction")
		}
	}
	if policies != 1 {
		say("%d policies", policies)
	}
	for _, r := range string(data) {
		if harm(r) && (r < 0xE0000) {
			say("character U+%04X", r)
			break
		}
	}
	pg.text = text.String()
	return pg, wrong
}

var (
	empty = regexp.MustCompile(`<(meta|img|br)([^>]*)>`)
	bare  = regexp.MustCompile(`(<(?:a|audio|video)\b[^>]*?) (controls|download)([ >])`)
)

// asXML closes the elements that HTML leaves open and gives bare attributes a
// value, so that a strict parser reads the page. No ">" stands in a value.
func asXML(page []byte) []byte {
	return bare.ReplaceAll(empty.ReplaceAll(page, []byte("<$1$2/>")), []byte(`$1 $2=""$3`))
}

// resolve is where a link leads in the bag; it must stay there.
func resolve(at, link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", err
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil || u.RawQuery != "" || strings.HasPrefix(link, "/") || strings.HasPrefix(link, `\`) {
		return "", fmt.Errorf("leads out: %q", link)
	}
	target := at
	if u.Path != "" {
		target = path.Join(path.Dir(at), u.Path)
	}
	if target == ".." || strings.HasPrefix(target, "../") {
		return "", fmt.Errorf("leads out: %q", link)
	}
	if u.Fragment != "" {
		target += "#" + u.Fragment
	}
	return target, nil
}

func mustHTML(t testing.TB, at string, data []byte) *htmlPage {
	t.Helper()
	pg, wrong := openHTML(at, data)
	for _, w := range wrong {
		t.Errorf("%s: %s", at, w)
	}
	if len(wrong) > 0 {
		t.FailNow()
	}
	return pg
}

// checkFiles holds all files of a production to their formats, and every link
// to its target. Proofs, raw bytes and what the bag adds are not here.
func checkFiles(t testing.TB, files map[string][]byte, media map[string]bool) {
	t.Helper()
	html := map[string]*htmlPage{}
	for at, data := range files {
		switch path.Ext(at) {
		case ".html":
			html[at] = mustHTML(t, at, data)
		case ".rsmf":
			mustRSMF(t, at, data)
		case ".jsonl", ".json":
			if strings.HasPrefix(at, "data/") {
				mustJSON(t, files, at)
			}
		}
	}
	for at, pg := range html {
		for _, link := range pg.links {
			target, anchor, _ := strings.Cut(link, "#")
			if _, ok := files[target]; !ok && !media[target] && !strings.HasPrefix(target, "proofs/") && !strings.HasPrefix(target, "data/raw/") && target != "VERIFY.md" {
				t.Errorf("%s: link to %s, which is not there", at, target)
			}
			if to := html[target]; anchor != "" && (to == nil || !to.ids[anchor]) {
				t.Errorf("%s: link to %s, which is no id", at, link)
			}
		}
	}
}

// mediaOf lists the media paths of conversations.
func mediaOf(convs []*Conversation) map[string]bool {
	out := map[string]bool{}
	for _, c := range convs {
		for _, d := range c.Days {
			for _, m := range d.Messages {
				if m.Media != nil && m.Media.Path != "" {
					out[m.Media.Path] = true
				}
			}
		}
	}
	return out
}
