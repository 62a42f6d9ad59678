package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// bar draws how far long work has come, on one line that it draws over.
type bar struct {
	w     io.Writer
	width int
	now   func() time.Time
	every time.Duration // shortest time between two drawings

	mu    sync.Mutex
	last  time.Time
	drawn bool
}

// newBar gives a bar for a terminal; on anything else it gives nil, which draws nothing.
func newBar(s streams) *bar {
	if !s.terminal {
		return nil
	}
	return &bar{w: s.err, width: s.width, now: time.Now, every: 100 * time.Millisecond}
}

// update is a Progress.
func (b *bar) update(what string, done, total int64) {
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

// clear removes the line before something else is written.
func (b *bar) clear() {
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
		return cut(fmt.Sprintf("%s  %d", what, done), width)
	}
	done = min(max(done, 0), total)
	numbers := fmt.Sprintf("%3d%%  %d/%d", int(float64(done)/float64(total)*100), done, total)
	room := min(width-len(what)-len(numbers)-6, 40)
	if room < 4 {
		return cut(what+"  "+numbers, width)
	}
	full := int(float64(done) / float64(total) * float64(room))
	return fmt.Sprintf("%s  [%s%s]  %s", what, strings.Repeat("#", full), strings.Repeat(".", room-full), numbers)
}
