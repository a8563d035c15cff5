package delivery

import (
	"container/list"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// item is one delivery in this node's hands, from its lease until it is settled.
type item struct {
	held storage.Held
	lane *lane
	size int // bytes it counts for in the window
	// inOrder marks one that the store was asked for in the order of its lane.
	inOrder bool
	until   time.Time // when the lease ends, by our clock

	// Of the worker that carries it: the event, or its bytes until they are decoded.
	event *schemas.Event
	raw   []byte
}

// phase is what a lane's webhook is known to be.
type phase uint8

const (
	phaseCold    phase = iota // its record is to be read before the next exchange
	phaseLoading              // its record is being read
	phaseOpen                 // exchanges may begin
	phaseHalted               // none may: it is being stopped, or is not active
)

// Bounds of a lane's share of the window, in deliveries.
const (
	perLane     = 16 // claimed of one lane at a time, and the least a lane may hold
	perExchange = 8  // held for each exchange that may be under way: queued, sent, or on the way to the store
)

// lane is one webhook's line of deliveries on this node. All fields are the dispatcher's, under its lock.
type lane struct {
	key   storage.Lane
	phase phase

	// What phaseOpen delivers with.
	hook     *schemas.Webhook
	endpoint *url.URL
	format   Format
	policy   Policy
	patience time.Duration // from a delivery's event to its last attempt
	origin   *origin       // of endpoint; nil: not known, or there is none
	revision uint64        // the least that may be opened: a change made it known
	ordered  bool
	rate     bucket
	naps     time.Time // when a timer looks at it again, for its rate

	queue   []*item
	held    int  // in all: promised to a publish, queued, under way or being settled
	bytes   int  // of the window that held takes
	running int  // exchanges
	fresh   int  // of running, those in a place of the pool
	late    int  // of running, those that have lasted longer than slowExchange
	limit   int  // exchanges at once, for now: grows with every success, halves with every failure to answer
	ready   bool // stands in a ring

	// trailing marks a lane whose last exchange was slow or had no good answer, or that has a late one. Together such
	// lanes get half of everything, so that the others always have the other half.
	trailing bool
	failures int64 // exchanges in a row that failed, since the webhook was last changed

	behind  bool   // older deliveries wait in the store: what is new must queue up behind them
	marked  uint64 // the claim before which behind was last set
	skipped bool   // a claim passed over it

	// While its origin does not answer (breaker.go).
	runsOut  time.Time // when it may have deliveries whose time is over; zero: not known
	reopened time.Time // when somebody last made a delivery of the past due
	probed   uint64    // the round of its last turn to bring a probe, and one

	idle *list.Element // its place among the lanes that hold nothing
}

func (l *lane) batch() int { return max(l.policy.Batch, 1) }

// startable reports whether an exchange may begin, of which share may be fresh at once. While one is under way, a dialect
// that takes many deliveries at once waits until a whole batch has gathered.
func (l *lane) startable(share int) bool {
	switch {
	case len(l.queue) == 0:
		return false
	case l.phase == phaseCold:
		return true
	}
	return l.phase == phaseOpen && l.running < l.limit && l.fresh < share && (l.running == 0 || len(l.queue) >= l.batch()) &&
		(!l.ordered || l.settled()) && !l.shut() && l.rate.open()
}

// adapt learns from the end of an exchange. ceiling is the most the lane may have at once.
func (l *lane) adapt(x *exchange, ceiling int) (trailing bool) {
	switch {
	case x.unsent:
		return l.trailing
	case x.ok:
		l.limit = min(l.limit+1, ceiling)
	case x.status == 0, x.status == http.StatusTooManyRequests, x.status >= http.StatusInternalServerError:
		l.limit = max(l.limit/2, 1)
	}
	if l.revision <= x.hook.Revision {
		l.failures++
		if x.ok {
			l.failures = 0
		}
	}
	return !x.ok || x.duration > slowExchange || l.late > 0
}

// forget takes an item out of the queue, if it is there.
func (l *lane) forget(it *item) bool {
	i := slices.Index(l.queue, it)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}
