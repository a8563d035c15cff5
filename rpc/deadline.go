package rpc

import (
	"context"
	"sync"
	"time"
)

// deadline is the context of the handlers of one text: its parent's, ended at a time. It does what context.WithDeadline
// does but starts no timer and takes part in no tree before somebody asks for Done, which the quick methods never do.
type deadline struct {
	parent context.Context
	at     time.Time

	mu     sync.Mutex
	inner  context.Context // nil until it is needed
	cancel context.CancelFunc
	over   bool
}

var _ context.Context = (*deadline)(nil)

func (d *deadline) start(parent context.Context, timeout time.Duration) {
	d.parent, d.at = parent, time.Now().Add(timeout)
}

// finish ends the context.
func (d *deadline) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.cancel != nil {
		d.cancel()
	}
}

// real returns the context that does the work, made if need be.
func (d *deadline) real() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.cancel = context.WithDeadline(d.parent, d.at)
		if d.over {
			d.cancel()
		}
	}
	return d.inner
}

func (d *deadline) Deadline() (time.Time, bool) {
	if at, ok := d.parent.Deadline(); ok && at.Before(d.at) {
		return at, true
	}
	return d.at, true
}

func (d *deadline) Done() <-chan struct{} { return d.real().Done() }

func (d *deadline) Err() error {
	d.mu.Lock()
	idle := d.inner == nil && !d.over
	d.mu.Unlock()
	if idle && d.parent.Err() == nil && time.Now().Before(d.at) {
		return nil
	}
	return d.real().Err() // and from now on context.Cause agrees with it
}

// Value goes to the inner context once there is one: the context package looks its parents up by Value, and only then
// links them without a goroutine.
func (d *deadline) Value(key any) any {
	d.mu.Lock()
	inner := d.inner
	d.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return d.parent.Value(key)
}
