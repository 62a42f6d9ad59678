package format

import (
	"mime"
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"hello\n\tyou":   "hello\n\tyou",
		"a\u202eb":       "a[U+202E]b",
		"\u202e":         "[U+202E]",
		"x\x00":          "x[U+0000]",
		"\xff":           "\uFFFD",
		"a\xffb\u200bc":  "a\uFFFDb[U+200B]c",
		"\uFFFD":         "\uFFFD",
		"👩‍👩‍👧":          "👩‍👩‍👧",
		"می\u200cخواهم":  "می\u200cخواهم",
		"a\u200fb\u200e": "a\u200fb\u200e",
		"🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F": "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F",
		"x\U000E0041":                         "x[U+E0041]",
		"🏴" + strings.Repeat("\U000E0041", 9): "🏴" + strings.Repeat("\U000E0041", 8) + "[U+E0041]",
		"🏴\U000E0067\U000E007F\U000E0067":     "🏴\U000E0067\U000E007F[U+E0067]",
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) is %q, not %q", in, got, want)
		}
	}
}

// TestHeader encodes, folds and reads back.
func TestHeader(t *testing.T) {
	for _, s := range append([]string{"Ana Example", "=?utf-8?b?AAAA?=", strings.Repeat("many words ", 90), strings.Repeat("日本語 ", 90)}, nasty...) {
		folded := header(s)
		for i, line := range strings.Split(folded, "\r\n") {
			if len(line) > 78 || i > 0 && !strings.HasPrefix(line, " ") || strings.ContainsAny(line, "\r\n") {
				t.Errorf("header(%q): line %q", s, line)
			}
			for _, c := range []byte(line) {
				if c < ' ' || c > '~' {
					t.Errorf("header(%q): byte %#x", s, c)
				}
			}
		}
		got, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(folded, "\r\n ", " "))
		if want := strings.Join(strings.Fields(plain(s)), " "); err != nil || got != want {
			t.Errorf("header(%q) reads %q, %v", s, got, err)
		}
	}
}

func TestMediaPath(t *testing.T) {
	for stated, ext := range map[string]string{
		"image/jpeg": ".jpg", "audio/ogg; codecs=opus": ".ogg", "IMAGE/PNG": ".png", "image/svg+xml": ".bin", "text/html": ".bin", "application/xhtml+xml": ".bin",
		"": ".bin", ";;;": ".bin", "../../x": ".bin", "application/pdf": ".pdf",
	} {
		if got := MediaPath("ab", stated); got != "data/media/ab"+ext {
			t.Errorf("MediaPath of %q is %s", stated, got)
		}
	}
	for _, ext := range extensions {
		switch ext {
		case ".html", ".htm", ".svg", ".xml", ".xhtml", ".js", ".mjs", ".shtml", ".mht", ".swf":
			t.Errorf("%s can carry a script", ext)
		}
	}
}

func TestSafeFile(t *testing.T) {
	for in, want := range map[string]string{
		"plan.pdf": "plan.pdf", "../../etc/passwd": "passwd", `C:\a\b.doc`: "b.doc", "": "file", "...": "file", "日本.png": "file.png", "a b.tar.gz": "a_b_tar.gz",
		strings.Repeat("x", 99) + ".jpeg": strings.Repeat("x", 55) + ".jpeg", "x." + strings.Repeat("e", 20): "x_" + strings.Repeat("e", 20),
	} {
		if got := safeFile(in); got != want || !flat.MatchString(got) || len(got) > 60 {
			t.Errorf("safeFile(%q) is %q, not %q", in, got, want)
		}
	}
}
