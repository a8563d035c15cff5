package delivery

import (
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// A webhook that is pulled can be meant for as long as its taker lives: one with an IdleTimeout is removed when nobody has
// taken or acknowledged for so long, whatever became of who made it. When that was is in memory only: a new start of the
// server gives each the whole time anew.

// use is how a webhook with an IdleTimeout is used.
type use struct {
	timeout time.Duration
	calls   int       // under way
	last    time.Time // when the latest of them ended, or the webhook was changed
}

// uses are those of all webhooks with an IdleTimeout. Safe for concurrent use.
type uses struct {
	set chan struct{} // receives when one was noted
	mu  sync.Mutex
	of  map[storage.Lane]*use // guarded by mu
}

func newUses() *uses { return &uses{set: make(chan struct{}, 1), of: map[storage.Lane]*use{}} }

// note takes the time that a webhook which was just registered or changed may be idle, 0 for any.
func (u *uses) note(l storage.Lane, timeout time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if timeout == 0 {
		delete(u.of, l)
		return
	}
	one := u.of[l]
	if one == nil {
		one = &use{}
		u.of[l] = one
	}
	one.timeout, one.last = timeout, time.Now()
	select {
	case u.set <- struct{}{}:
	default:
	}
}

// begin notes a call for a webhook, and end is to be called when it is over.
func (u *uses) begin(l storage.Lane) (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.of[l]
	if one == nil {
		return func() {}
	}
	one.calls++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		one.calls--
		one.last = time.Now()
	}
}

// idle lists the webhooks that nobody has used for as long as they may be idle, each again only when as much time has passed.
// next is how long until there may be another; negative: never.
func (u *uses) idle(now time.Time) (list []storage.Lane, next time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	next = -1
	for l, one := range u.of {
		left := one.timeout
		if one.calls == 0 {
			left -= now.Sub(one.last)
		}
		if left <= 0 {
			list = append(list, l)
			one.last, left = now, one.timeout
		}
		if next < 0 || left < next {
			next = left
		}
	}
	return list, next
}

// idleLoop removes idle webhooks. One that is not active stays: nobody can use it, and its owner wanted that.
func (e *Engine) idleLoop() {
	for {
		idle, next := e.index.uses.idle(time.Now())
		for _, l := range idle {
			if e.index.pullable(l) && e.begin(l) && !e.task(func() { e.removeIdle(l) }) {
				e.end(l)
			}
		}
		var due <-chan time.Time
		if next >= 0 {
			due = time.After(next)
		}
		select {
		case <-due:
		case <-e.index.uses.set:
		case <-e.life.Done():
			return
		}
	}
}

// removeIdle removes a webhook whose right to have a measure taken against it is claimed.
func (e *Engine) removeIdle(l storage.Lane) {
	defer e.end(l)
	if w, err := e.webhook(l); err == nil { // else it is listed again
		e.take(l, w, &measure{"", EventWebhookRemoved, "nobody took its events for as long as its idleTimeout"})
	}
}

// idleTimeout is how long a webhook may be idle, 0 for any time: it is no matter of those that are sent to.
func idleTimeout(w *schemas.Webhook) time.Duration {
	if !Pulled(w.Endpoint) {
		return 0
	}
	return w.IdleTimeout
}
