package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLineKeepsATerminalSafe(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\tc":          "a b c",
		"\x1b[2Jx":         "\ufffd[2Jx",
		"pay \u202eevil":   "pay \ufffdevil",
		"日本 é 👍":           "日本 é 👍",
		"\u009b31m \x00 x": "\ufffd31m \ufffd x",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_951: "1.0 MB", 1 << 62: "4.6 EB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestBar(t *testing.T) {
	at := time.Unix(0, 0)
	var b bytes.Buffer
	p := &Bar{w: &b, width: 60, every: 100 * time.Millisecond, now: func() time.Time { return at }}
	for i := range int64(1000) { // 1 ms each
		at = at.Add(time.Millisecond)
		p.Update("verify", i+1, 1000)
	}
	p.Clear()
	if n := strings.Count(b.String(), "verify"); n != 10 {
		t.Errorf("drawn %d times in a second, want 10", n)
	}
	for _, line := range strings.Split(b.String(), "\r\x1b[K") {
		if len([]rune(line)) >= 60 {
			t.Errorf("%d columns on a terminal of 60: %q", len(line), line)
		}
	}
	if got, want := render("verify", 1, 4, 79), "verify  [##########..............................]   25%  1/4"; got != want {
		t.Errorf("bar is %q, want %q", got, want)
	}
	if got := render("feed", 12, 0, 79); got != "feed  12" {
		t.Errorf("bar without a total is %q", got)
	}
	var none *Bar
	none.Update("x", 1, 2)
	none.Clear()
}
