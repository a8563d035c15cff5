package rpc

import (
	"context"
	"sync"

	"github.com/sourcegraph/jsonrpc2"
)

// flow counts the texts being answered, over all transports.
type flow struct {
	mu      sync.Mutex
	limit   int
	running int
	closing bool
	idle    chan struct{} // closed when closing and nothing runs; made by whoever waits
}

func (f *flow) bound(limit int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = limit
}

// enter counts one text. An error means that the calls of the text are to be answered with it and not run; the text
// is counted all the same.
func (f *flow) enter() *jsonrpc2.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running++
	switch {
	case f.closing:
		return errShuttingDown()
	case f.running > f.limit:
		return errOverloaded()
	}
	return nil
}

func (f *flow) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	if f.running == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

// stop lets no more texts run.
func (f *flow) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing = true
}

func (f *flow) stopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closing
}

// wait returns when nothing runs or ctx has ended.
func (f *flow) wait(ctx context.Context) error {
	f.mu.Lock()
	if f.running == 0 {
		f.mu.Unlock()
		return nil
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
