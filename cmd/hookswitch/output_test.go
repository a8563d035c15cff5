package main

import (
	"bytes"
	"strings"
	"sync"
)

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
