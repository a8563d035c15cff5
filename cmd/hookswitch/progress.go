package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"
)

// progress draws how far a long piece of work has come, on one line of a terminal; elsewhere it draws nothing. Safe for
// concurrent use.
type progress struct {
	w     *os.File // nil: nobody looks
	label string
	unit  func(int64) string // nil: only the share is told

	mu    sync.Mutex
	begun time.Time // guarded by mu
	drawn time.Time // guarded by mu
}

func newProgress(c *cli.Command, label string, unit func(int64) string) *progress {
	p := &progress{label: label, unit: unit, begun: time.Now()}
	if f, ok := c.Root().ErrWriter.(*os.File); ok && isTerminal(f) && os.Getenv("TERM") != "dumb" && !c.Bool("json") {
		p.w = f
	}
	return p
}

// redraw is how often a line is drawn at most.
const redraw = 100 * time.Millisecond

// at says that done of total is done; total 0 means that nobody knows how much there is.
func (p *progress) at(done, total int64) {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.drawn) < redraw && (done < total || total == 0) {
		return
	}
	p.drawn = now
	width, _, err := term.GetSize(int(p.w.Fd())) // each time, as somebody may change it
	if err != nil || width <= 0 {
		width = 80
	}
	fmt.Fprint(p.w, clearLine, p.line(done, total, now.Sub(p.begun), width))
}

// clearLine goes to the beginning of a terminal's line and empties it.
const clearLine = "\r\x1b[K"

// Columns of a bar, without its ends. Where there is no room for the shorter one there is none.
const (
	maxBar = 30
	minBar = 5
)

// line is what is drawn on a terminal of that many columns. It leaves the last one free, and so never goes on to a next line.
func (p *progress) line(done, total int64, took time.Duration, width int) string {
	if total <= 0 {
		rate := float64(done) / max(took.Seconds(), 0.001)
		return cell(fmt.Sprintf("%s  %s  %s/s", p.label, p.unit(done), p.unit(int64(rate))), max(width-1, 1))
	}
	done = min(done, total)
	told := fmt.Sprintf("%3d %%", done*100/total)
	if p.unit != nil {
		told += fmt.Sprintf("  %s of %s", p.unit(done), p.unit(total))
	}
	room := min(width-1-len(p.label+" [] "+told), maxBar)
	if room < minBar {
		return cell(p.label+" "+told, max(width-1, 1))
	}
	filled := int(done * int64(room) / total)
	return fmt.Sprintf("%s [%s%s] %s", p.label, strings.Repeat("=", filled), strings.Repeat(" ", room-filled), told)
}

// end clears the line, also for something else to be written meanwhile.
func (p *progress) end() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.w, clearLine)
}

// passing counts what passes by, so that a progress can stand beside a copy.
type passing struct {
	*progress
	n int64
}

func (p *passing) Write(b []byte) (int, error) {
	p.n += int64(len(b))
	p.at(p.n, 0)
	return len(b), nil
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < 3 {
		value, prefix = value/unit, prefix+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[prefix])
}

// countText is a number of things for people.
func countText(n int64) string { return fmt.Sprint(n) }
