package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Bar draws how far long work has come, on one line that it draws over.
type Bar struct {
	w     io.Writer
	width int
	now   func() time.Time
	every time.Duration // shortest time between two drawings

	mu    sync.Mutex
	last  time.Time
	drawn bool
}

// NewBar gives a bar on w, a terminal of so many columns. A nil Bar draws nothing.
func NewBar(w io.Writer, width int) *Bar {
	return &Bar{w: w, width: width, now: time.Now, every: 100 * time.Millisecond}
}

// Update says how far something has come; total 0 is unknown. Safe for concurrent
// use.
func (b *Bar) Update(what string, done, total int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Sub(b.last) < b.every {
		return
	}
	b.last, b.drawn = now, true
	fmt.Fprintf(b.w, "\r\x1b[K%s", render(what, done, total, b.width-1))
}

// Clear removes the line before something else is written.
func (b *Bar) Clear() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.drawn = false
	}
}

// render gives "verify  [#####.....]  50%  512/1024" in at most width columns.
func render(what string, done, total int64, width int) string {
	if total <= 0 {
		return Cut(fmt.Sprintf("%s  %d", what, done), width)
	}
	done = min(max(done, 0), total)
	numbers := fmt.Sprintf("%3d%%  %d/%d", int(float64(done)/float64(total)*100), done, total)
	room := min(width-len(what)-len(numbers)-6, 40)
	if room < 4 {
		return Cut(what+"  "+numbers, width)
	}
	full := int(float64(done) / float64(total) * float64(room))
	return fmt.Sprintf("%s  [%s%s]  %s", what, strings.Repeat("#", full), strings.Repeat(".", room-full), numbers)
}
