package delivery

import (
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// slowExchange is how long an exchange may last before its lane is trailing and another may have its place of the pool.
const slowExchange = time.Second

// slowPlaces is how many slow exchanges there may be for each place of the pool. One that waits for an answer costs a
// goroutine and a connection, no work.
const slowPlaces = 8

func (d *dispatcher) slowLimit() int { return slowPlaces * d.maxWorkers }

// laneShare is the most places of the pool that one lane takes: a quarter, if that is not less than what every lane may.
func (d *dispatcher) laneShare() int { return max(d.usualLimit, d.maxWorkers/4) }

// ceiling is the most exchanges at once of a lane, slow ones included: what its webhook says, up to a quarter of all.
func (d *dispatcher) ceiling(l *lane) int {
	if l.hook != nil && l.hook.MaxInFlight > 0 {
		return min(l.hook.MaxInFlight, max(d.usualLimit, (d.maxWorkers+d.slowLimit())/4))
	}
	return d.usualLimit
}

// mayTrail reports whether trailing lanes may begin another exchange: they get half of the pool, and nothing once half of
// the slow places are taken, which leaves the others to lanes not yet known to be slow.
func (d *dispatcher) mayTrail() bool {
	return d.trailWorkers < max(d.maxWorkers/2, 1) && d.slow+d.trailWorkers < d.slowLimit()/2
}

// sated reports whether an account has so many exchanges under way that it begins none for now: three quarters of all
// places, so that by itself it never fills the slow ones, and has some left for its lanes that do not trail.
func (d *dispatcher) sated(a schemas.AccountID) bool {
	return d.busy[a] >= (d.maxWorkers+d.slowLimit())*3/4
}

// enter counts an exchange, or the reading of a record, that begins. leave ends it.
func (d *dispatcher) enter(x *exchange) {
	d.busy[x.lane.key.Account]++
	if x.trailing {
		d.trailWorkers++
	}
}

// seat has an exchange watched for its age.
func (d *dispatcher) seat(x *exchange) {
	x.began = time.Now()
	x.seat = d.fresh.PushBack(x)
	x.lane.fresh++
	if !d.watching {
		d.watch(slowExchange)
	}
}

// watch calls age after a while. One timer is enough for all: what began first is slow first.
func (d *dispatcher) watch(in time.Duration) {
	d.watching = true
	time.AfterFunc(in, d.age)
}

// handOver is the least time between two rounds in which places of the pool go from slow exchanges of trailing lanes to the
// next ones. There are as many of those in a round as makes it the whole pool in the time that an exchange needs to become
// slow, so nothing waits longer for it. But what began together does not for ever after end, and begin, together: a hundred
// new connections in one moment, every second, would be felt by the others.
const handOver = 4 * time.Millisecond

// age finds the exchanges that have become slow: their lanes trail from now on, not only when they end, and the pool has
// their places again.
func (d *dispatcher) age() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watching = false
	now := time.Now()
	if now.Sub(d.handed) >= handOver {
		d.handed, d.hands = now, max(1, int(int64(d.maxWorkers)*int64(handOver)/int64(slowExchange)))
	}
	kept := false
	for e := d.fresh.Front(); e != nil; {
		x := e.Value.(*exchange)
		if young := slowExchange - now.Sub(x.began); young > 0 {
			if kept {
				young = min(young, handOver)
			}
			d.watch(young)
			return
		}
		e = e.Next()
		if !x.late {
			x.late = true
			x.lane.late++
			d.fallBack(x.lane)
		}
		switch {
		case d.slow >= d.slowLimit(): // the end of another will give it a place
		case x.trailing && d.hands == 0:
			kept = true
		case x.trailing:
			d.hands--
			fallthrough
		default:
			d.slowDown(x)
		}
	}
	if kept {
		d.watch(handOver)
	}
}

// fallBack makes a lane trail. Its queue goes back to the store when trailing lanes hold too much.
func (d *dispatcher) fallBack(l *lane) {
	d.rank(l, true)
	if d.crowded() && len(l.queue) > 0 {
		d.spill(l.queue)
		l.queue = nil
	}
}

// slowDown moves an exchange from the pool to the slow ones.
func (d *dispatcher) slowDown(x *exchange) {
	d.rise(x)
	x.slow = true
	d.slow++
	d.workers--
	d.offer(x.lane)
	d.hire()
}

// rise takes an exchange out of the pool.
func (d *dispatcher) rise(x *exchange) {
	if x.trailing {
		d.trailWorkers--
	}
	if x.seat != nil {
		d.fresh.Remove(x.seat)
		x.lane.fresh--
	}
}

// leave ends what enter began. A slow place goes to the exchange that has wanted one longest.
func (d *dispatcher) leave(x *exchange) {
	a := x.lane.key.Account
	if d.busy[a]--; d.busy[a] == 0 {
		delete(d.busy, a)
	}
	if x.late {
		x.lane.late--
	}
	if !x.slow {
		d.rise(x)
		return
	}
	full := d.slow >= d.slowLimit()
	if d.slow--; full {
		d.giveSlowPlaces()
	}
}

// giveSlowPlaces moves exchanges that have wanted a slow place longest to those that are free.
func (d *dispatcher) giveSlowPlaces() {
	for e := d.fresh.Front(); e != nil && e.Value.(*exchange).late && d.slow < d.slowLimit(); e = d.fresh.Front() {
		d.slowDown(e.Value.(*exchange))
	}
}

// resize changes the number of places of the pool, and that of the slow ones with it. Of what is beyond a smaller one
// nothing is broken off; its places are gone when it ends.
func (d *dispatcher) resize(places int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.maxWorkers = places
	d.giveSlowPlaces()
	for range places - d.workers {
		d.hire()
	}
}
