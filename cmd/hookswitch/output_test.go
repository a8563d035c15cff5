package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// TestTheLastCellFitsTheTerminal cuts what a line has no room for, down to what still says something.
func TestTheLastCellFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]string{
		80: "one  the endpoint could not be connected to\n", 40: "one  the endpoint could not be connecte…\n", 10: "one  the endpoint could …\n",
	} {
		tab := table{head: []string{"ID", "LAST ERROR"}}
		tab.add("one", "the endpoint could not be connected to")
		tab.fit(columns)
		var out strings.Builder
		if err := tab.print(&out); err != nil || !strings.HasSuffix(out.String(), want) {
			t.Errorf("%d columns: %v, %q", columns, err, out.String())
		}
	}
}

// bufferWithSignal gathers the output of a process and says when a text has been in it.
type bufferWithSignal struct {
	wanted string
	found  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
	once sync.Once
}

func (b *bufferWithSignal) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	if strings.Contains(b.text.String(), b.wanted) {
		b.once.Do(func() { close(b.found) })
	}
	return len(p), nil
}

func (b *bufferWithSignal) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
