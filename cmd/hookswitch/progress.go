package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"
)

// progress draws how far a long piece of work has come, on one line of a terminal; elsewhere it draws nothing. Safe for
// concurrent use.
type progress struct {
	w     io.Writer // nil: nobody looks
	label string
	unit  func(int64) string

	mu    sync.Mutex
	begun time.Time // guarded by mu
	drawn time.Time // guarded by mu
}

func newProgress(c *cli.Command, label string, unit func(int64) string) *progress {
	p := &progress{label: label, unit: unit, begun: time.Now()}
	if isTerminal(c.Root().ErrWriter) && !c.Bool("json") {
		p.w = c.Root().ErrWriter
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
	rate := float64(done) / max(now.Sub(p.begun).Seconds(), 0.001)
	if total <= 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s  %s  %s/s", p.label, p.unit(done), p.unit(int64(rate)))
		return
	}
	const width = 30
	done = min(done, total)
	filled := int(done * width / total)
	fmt.Fprintf(p.w, "\r\x1b[K%s [%s%s] %3d %%  %s of %s", p.label, strings.Repeat("=", filled), strings.Repeat(" ", width-filled),
		done*100/total, p.unit(done), p.unit(total))
}

// end clears the line.
func (p *progress) end() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.w, "\r\x1b[K")
}

// Write counts what passes by, so that a progress can stand beside a copy.
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
