package delivery

import (
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// Bounds of one claim, in deliveries: the least that is worth asking for unless the window is smaller, and the most.
const (
	minClaim = 16
	maxClaim = 256
)

// room is how many deliveries a lane may hold, unless its batches ask for more never above a quarter of the window. It
// grows and shrinks with what the endpoint takes, so that a new or ailing one does not fill the window. A trailing lane has
// nothing in stock: what it holds is under way. A limited one holds what it can send soon (limit.go).
func (d *dispatcher) room(l *lane) int {
	if l.limited() {
		return min(d.usualRoom(l), l.running*l.batch()+l.rate.stock())
	}
	return d.usualRoom(l)
}

func (d *dispatcher) usualRoom(l *lane) int {
	if l.trailing {
		return max(perLane, l.batch(), min(l.limit, d.window/4))
	}
	return max(perLane, 2*l.batch(), min(perExchange*l.limit, d.window/4))
}

// spare is the end of the window that is kept for lanes that hold nothing yet: the first delivery of a quiet lane need not
// wait for what others have in stock.
func (d *dispatcher) spare() int { return d.window / 8 }

// full reports whether a lane may not hold one more delivery of that size.
func (d *dispatcher) full(l *lane, size int) bool {
	switch {
	case d.held >= d.window, d.heldBytes+size > d.windowBytes:
		return true
	case l.trailing && (d.trailHeld >= d.window/2 || d.trailBytes+size > d.windowBytes/2):
		return true
	case l.limited() && l.held >= d.room(l):
		return true
	}
	return l.held > 0 && (l.held >= d.room(l) || d.held >= d.window-d.spare() || l.bytes+size > d.windowBytes/4)
}

// rank sets a lane's standing.
func (d *dispatcher) rank(l *lane, trailing bool) {
	if l.trailing == trailing {
		return
	}
	l.trailing = trailing
	n, size := l.held, l.bytes
	if !trailing {
		n, size = -n, -size
	}
	d.trailHeld += n
	d.trailBytes += size
}

// crowded reports whether trailing lanes hold more of the window than they should.
func (d *dispatcher) crowded() bool {
	return d.trailHeld > d.window/2 || d.trailBytes > d.windowBytes/2
}

// settled lets go of deliveries that the store has taken back, or that another node has.
func (d *dispatcher) settled(items []*item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, it := range items {
		if _, ours := d.items[it]; !ours {
			continue
		}
		delete(d.items, it)
		l := it.lane
		d.free(l, it.size)
		if l.ordered {
			d.offer(l) // it may have waited for this
		}
		d.rest(l)
	}
	d.feed()
}

// feed wakes the claimer if it went away for want of room and there is some again. The lock is held.
func (d *dispatcher) feed() {
	if d.starved && d.claimable() > 0 {
		d.starved = false
		d.wakeClaim()
	}
}

// rest puts a lane that holds nothing among the idle ones, of which the oldest is let go.
func (d *dispatcher) rest(l *lane) {
	if l.held > 0 || l.idle != nil || l.phase == phaseHalted || l.phase == phaseLoading {
		return
	}
	if l.blocked() && (l.skipped || l.behind) {
		return // were it forgotten, a claim would bring what waits in the store, to no end
	}
	l.idle = d.idle.PushBack(l)
	if d.idle.Len() > idleLanes {
		oldest := d.idle.Remove(d.idle.Front()).(*lane)
		delete(d.lanes, oldest.key)
		delete(d.behind, oldest)
		d.lead(oldest, nil)
	}
}

// lose forgets a delivery whose lease another has taken, unless its exchange is under way: then it is settled all the
// same, because a "delivered" counts.
func (d *dispatcher) lose(it *item) {
	d.mu.Lock()
	queued := it.lane.forget(it)
	d.retreat(it.lane)
	d.mu.Unlock()
	if queued {
		d.settled([]*item{it})
	}
}

// expiring lists deliveries whose lease ends before then.
func (d *dispatcher) expiring(then time.Time) []*item {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*item
	for it := range d.items {
		if it.until.Before(then) {
			list = append(list, it)
		}
	}
	return list
}

// extended notes new ends of leases.
func (d *dispatcher) extended(items []*item, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, it := range items {
		it.until = until
	}
}

// claimable is how many deliveries the window has room for now, 0 when that is too few to ask.
func (d *dispatcher) claimable() int {
	n := min(maxClaim, d.window-d.spare()-d.held, (d.windowBytes-d.heldBytes)/max(d.typicalClaim, 1))
	switch {
	case d.held == 0:
		return max(n, 1) // whatever the sizes, something must go on
	case n < min(minClaim, d.window/2):
		return 0
	}
	return n
}

// claim begins a claim: it reserves room for as many as it returns. Lanes that were passed over and need not be any more come
// with it.
func (d *dispatcher) claim() (n int, number uint64, again []storage.Lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = d.claimable()
	if n == 0 || d.closing {
		d.starved = true
		return 0, d.claimed, nil
	}
	d.claimed++
	d.claimTrail = 0
	d.held += n
	again, d.recalled = d.recalled, nil
	return n, d.claimed, again
}

// claimedAll ends a claim that asked for n: the room becomes the lanes', what is left over is given back, and lanes that
// had nothing more in the store are no longer behind.
func (d *dispatcher) claimedAll(got []storage.Held, n int, number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held -= n
	d.nextRound()
	counts := map[storage.Lane]int{}
	for i := range got {
		size := itemSize(len(got[i].Event))
		counts[got[i].Lane()]++
		d.hold(d.laneOf(got[i].Lane()), 1, size)
		d.typicalClaim += (size - d.typicalClaim) / 8
	}
	if len(got) == n {
		return // cut short by the window: who has more is not known
	}
	for l := range d.behind {
		enough := perLane
		if l.limited() || l.blocked() {
			enough = 1 // its share was less
		}
		if l.marked < number && !l.skipped && counts[l.key] < enough {
			l.behind = false
			delete(d.behind, l)
		}
	}
}

// How long claims pass over a lane that nothing recalls.
const (
	skipFull    = time.Second            // what it holds has to be settled first
	skipCrowded = 100 * time.Millisecond // what lanes like it hold
)

// skip is how long claims must pass over a lane, 0 for not at all. The store calls it under its locks.
func (d *dispatcher) skip(key storage.Lane) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[key]
	if l == nil {
		return 0
	}
	wait := d.keep(l)
	if l.skipped = wait > 0; l.skipped {
		if l.idle != nil && l.blocked() {
			d.idle.Remove(l.idle)
			l.idle = nil
		}
	} else if l.trailing {
		d.claimTrail += perLane // what this claim may bring, before it is known
	}
	return wait
}

// keep is skip of a lane that is known.
func (d *dispatcher) keep(l *lane) time.Duration {
	need, full := perLane, skipFull
	if l.limited() {
		need = 1
		if !l.rate.open() {
			d.nap(l)
			full = max(full, l.rate.opens())
		}
	}
	trailing := d.trailHeld + d.claimTrail
	switch {
	case l.phase == phaseHalted, l.held+need > d.room(l), l.bytes > d.windowBytes/4:
		return full
	case l.trailing && trailing > 0 && (trailing+perLane > d.window/2 || d.trailBytes > d.windowBytes/2):
		return skipCrowded
	case l.blocked():
		return d.passOver(l)
	}
	return 0
}

// recall has the next claim look at a lane again that one passed over. The lock is held.
func (d *dispatcher) recall(l *lane) {
	if !l.skipped {
		return
	}
	l.skipped = false
	if l.behind {
		l.marked = d.claimed // the claim under way may have passed over it
	}
	d.recalled = append(d.recalled, l.key)
	d.wakeClaim()
}

// wakeClaim makes the claimer look again.
func (d *dispatcher) wakeClaim() {
	select {
	case d.hungry <- struct{}{}:
	default:
	}
}

// drain closes the dispatcher: no exchange begins any more. It returns what is queued.
func (d *dispatcher) drain() []*item {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closing = true
	close(d.calls)
	var queued []*item
	for _, l := range d.lanes {
		queued = append(queued, l.queue...)
		l.queue = nil
	}
	return queued
}

// itemOverhead is what a held delivery takes in memory beside its event's bytes, roughly.
const itemOverhead = 512

func itemSize(event int) int { return event + itemOverhead }
