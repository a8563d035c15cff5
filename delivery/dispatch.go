package delivery

import (
	"container/list"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// idleLanes is how many lanes without deliveries are kept, so that a quiet webhook's record need not be read again.
const idleLanes = 2048

// dispatcher holds the deliveries in this node's hands and decides which exchange begins next. It never waits and never
// calls the store.
//
// Lanes with something to start stand in one of two rings, those in good standing and those trailing, and are taken in
// turn. places.go bounds the exchanges, window.go the memory.
type dispatcher struct {
	start   func()                           // runs a worker, which takes exchanges until there are none
	spill   func(items []*item)              // gives deliveries back to the store; called under the lock
	abandon func(x *exchange, items []*item) // gives deliveries up unsent, as if x had failed; called under the lock
	jitter  func() float64
	hungry  chan struct{}
	calls   chan struct{} // calls a lingering worker; closed when they are to end

	usualLimit              int           // exchanges at once with one webhook that names no number
	window, windowBytes     int           // deliveries held, in number and by size
	probeWait, maxProbeWait time.Duration // the back-off of an origin that does not answer

	mu      sync.Mutex
	lanes   map[storage.Lane]*lane
	idle    *list.List // of *lane, the one idle longest first
	items   map[*item]struct{}
	good    ring
	trail   ring
	turn    bool // whose turn it is when both rings have a lane
	closing bool

	maxWorkers   int                       // places of the pool
	workers      int                       // taken places of the pool
	trailWorkers int                       // of these, those of trailing lanes
	lingering    int                       // workers that wait in linger and have no place
	slow         int                       // exchanges that have left their place of the pool
	fresh        *list.List                // of *exchange, those in a place of the pool in the order they began; no loads
	handed       time.Time                 // when the last round began in which places are handed over
	hands        int                       // how many more may be in it
	watching     bool                      // a timer will call age
	busy         map[schemas.AccountID]int // exchanges by account, of every kind
	held         int                       // places of the window taken
	heldBytes    int
	trailHeld    int // of held, those of trailing lanes
	trailBytes   int
	claimTrail   int // the most that the claim under way may bring for trailing lanes
	claimed      uint64
	recalled     []storage.Lane // for the next claim
	starved      bool           // a claim was cut short by the window
	typicalClaim int            // bytes of a claimed event, on average
	behind       map[*lane]struct{}
	origins      map[originKey]*origin
	passed       []*origin // see origin.passed, of the claim under way
}

func newDispatcher(o Options) *dispatcher {
	return &dispatcher{
		hungry:     make(chan struct{}, 1),
		calls:      make(chan struct{}, maxLingering),
		maxWorkers: o.MaxInFlight, usualLimit: o.LaneInFlight, window: o.Window, windowBytes: o.WindowBytes,
		lanes: map[storage.Lane]*lane{}, idle: list.New(), items: map[*item]struct{}{}, behind: map[*lane]struct{}{},
		origins: map[originKey]*origin{}, probeWait: o.ProbeWait, maxProbeWait: o.MaxProbeWait, jitter: o.Jitter,
		good: newRing(), trail: newRing(), fresh: list.New(), busy: map[schemas.AccountID]int{}, typicalClaim: 1 << 10,
	}
}

// exchange is one piece of work for a worker: deliveries to carry, or a webhook's record to read when load is set.
type exchange struct {
	lane     *lane
	load     bool
	trailing bool // the lane's standing when it began
	began    time.Time
	seat     *list.Element // in dispatcher.fresh; nil for a load
	late     bool          // has lasted longer than slowExchange
	slow     bool          // has left its place of the pool: its worker takes no other exchange

	hook     *schemas.Webhook
	endpoint *url.URL
	format   Format
	policy   Policy
	origin   *origin
	items    []*item
	span     Span // nil: it is not traced

	// The end of it.
	ok       bool
	status   int
	fault    schemas.AttemptError // why there is no answer
	duration time.Duration
	unsent   bool // it says nothing about the receiver
	opened   bool // it opened its origin's breaker
	closed   bool // it closed it
}

// laneOf finds or makes a lane. The lock is held.
func (d *dispatcher) laneOf(key storage.Lane) *lane {
	l := d.lanes[key]
	if l == nil {
		l = &lane{key: key, limit: 1} // one, until it is known how it answers
		d.lanes[key] = l
	}
	if l.idle != nil {
		d.idle.Remove(l.idle)
		l.idle = nil
	}
	return l
}

// reserve promises room for a delivery that is about to be accepted; size is its event's. Without room, or when older
// ones of the lane wait in the store, the delivery must be left to Claim.
func (d *dispatcher) reserve(key storage.Lane, size int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return false
	}
	l := d.laneOf(key)
	if d.full(l, size) || l.behind || l.phase == phaseHalted || l.blocked() {
		d.fallBehind(l)
		d.rest(l)
		return false
	}
	d.hold(l, 1, size)
	return true
}

// missed notes that a delivery was left to the store, once it is there.
func (d *dispatcher) missed(key storage.Lane) {
	d.mu.Lock()
	l := d.laneOf(key)
	d.fallBehind(l)
	d.rest(l)
	claimable := !l.blocked() || l.origin.admits()
	d.mu.Unlock()
	if claimable {
		d.wakeClaim()
	}
}

func (d *dispatcher) fallBehind(l *lane) {
	l.behind, l.marked = true, d.claimed
	d.behind[l] = struct{}{}
}

// hold counts n more places of the window for a lane.
func (d *dispatcher) hold(l *lane, n, size int) {
	l.held += n
	l.bytes += size
	d.held += n
	d.heldBytes += size
	if l.trailing {
		d.trailHeld += n
		d.trailBytes += size
	}
}

// free gives a place of the window back, which the lane may want for more from the store.
func (d *dispatcher) free(l *lane, size int) {
	d.hold(l, -1, -size)
	if l.skipped && d.roomy(l) {
		d.recall(l)
	}
}

// unreserve gives a promise back that came to nothing.
func (d *dispatcher) unreserve(key storage.Lane, size int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.laneOf(key)
	d.free(l, size)
	d.rest(l)
	d.feed()
}

// admit takes deliveries in whose room is reserved. It returns those that cannot be carried out now and must be given
// back to the store.
func (d *dispatcher) admit(items []*item) (refused []*item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, it := range items {
		l := d.laneOf(it.held.Lane())
		it.lane = l
		d.items[it] = struct{}{}
		if d.closing || l.phase == phaseHalted || it.stray() {
			refused = append(refused, it)
			continue
		}
		l.queue = append(l.queue, it)
		d.offer(l)
	}
	return refused
}

// offer puts a lane into its ring when it has something to start, and sees to a worker.
func (d *dispatcher) offer(l *lane) {
	if d.closing || l.ready {
		return
	}
	if !l.startable(d.laneShare()) {
		if len(l.queue) > 0 && l.shut() {
			d.standBack(l)
		} else if len(l.queue) > 0 && !l.rate.open() {
			d.nap(l)
		}
		return
	}
	if l.trailing {
		d.trail.push(l)
	} else {
		d.good.push(l)
	}
	d.hire()
}

// hire calls or starts a worker when there is a lane for it.
func (d *dispatcher) hire() {
	can := len(d.good.lines) > 0 || len(d.trail.lines) > 0 && d.mayTrail()
	if can && d.workers < d.maxWorkers && !d.closing {
		d.workers++
		if d.lingering > 0 {
			d.lingering--
			d.calls <- struct{}{}
		} else {
			d.start()
		}
	}
}

// maxLingering is how many workers stay when there is nothing to do. One that is called again costs less than a new one,
// whose stack has to grow first.
const maxLingering = 64

// linger lets a worker wait until there is something to take again; false ends it.
func (d *dispatcher) linger() bool {
	d.mu.Lock()
	stays := d.lingering < maxLingering && !d.closing
	if stays {
		d.lingering++
	}
	d.mu.Unlock()
	if !stays {
		return false
	}
	_, called := <-d.calls
	return called
}

// take gives a worker its next exchange; nil: there is none, and the worker's place is another's.
func (d *dispatcher) take() *exchange {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.closing && d.workers <= d.maxWorkers {
		l := d.next()
		if l == nil {
			break
		}
		if !l.startable(d.laneShare()) {
			d.offer(l) // for its nap, or to stand back
			continue
		}
		if l.trailing && !d.mayTrail() { // fell behind since it was offered
			d.trail.push(l)
			continue
		}
		x := d.begin(l)
		d.offer(l)
		return x
	}
	d.workers--
	return nil
}

// next pops a lane, the rings in turn.
func (d *dispatcher) next() *lane {
	d.turn = !d.turn
	mayTrail := d.mayTrail()
	if d.turn && mayTrail {
		if l := d.trail.pop(d.sated); l != nil {
			return l
		}
	}
	if l := d.good.pop(d.sated); l != nil || !mayTrail {
		return l
	}
	return d.trail.pop(d.sated)
}

// begin takes a lane's next exchange out of its queue.
func (d *dispatcher) begin(l *lane) *exchange {
	x := &exchange{lane: l, trailing: l.trailing}
	d.enter(x)
	if l.phase == phaseCold {
		l.phase, x.load = phaseLoading, true
		return x
	}
	n := min(l.batch(), len(l.queue))
	x.items = slices.Clone(l.queue[:n])
	l.queue = slices.Delete(l.queue, 0, n)
	x.hook, x.endpoint, x.format, x.policy, x.origin = l.hook, l.endpoint, l.format, l.policy, l.origin
	if l.blocked() {
		l.origin.probe = x
	}
	l.running++
	l.rate.draw(n)
	d.seat(x)
	return x
}

// finish ends an exchange; halt closes the lane because its webhook is about to be stopped. It returns deliveries to give
// back: those of a lane that fell behind the others when such lanes hold too much, that is halted, or that is ordered and failed.
func (d *dispatcher) finish(x *exchange, halt bool) (spilled []*item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := x.lane
	d.leave(x)
	l.running--
	d.learn(x)
	d.rank(l, l.adapt(x, d.ceiling(l)))
	if halt {
		l.phase = phaseHalted
	}
	if l.phase == phaseHalted || l.trailing && d.crowded() || l.ordered && !x.ok {
		spilled, l.queue = l.queue, nil
	}
	d.offer(l)
	d.hire()
	return spilled
}
