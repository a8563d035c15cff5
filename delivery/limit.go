package delivery

import (
	"math"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// bucket is what is left of a lane's rate: a token bucket, on this node and for as long as the lane is in memory.
type bucket struct {
	rate   float64 // deliveries per second; 0: no limit
	tokens float64
	filled time.Time // when tokens was right; zero: the bucket is full
}

// limited reports whether a lane is known to have a rate. While its record is to be read it has none, so that a change of
// the rate is met: something must be claimed before the record is read.
func (l *lane) limited() bool { return l.phase == phaseOpen && l.rate.limited() }

// maxNap is the longest time until a limited lane is looked at again.
const maxNap = time.Hour

func (b *bucket) limited() bool { return b.rate > 0 }

// burst is the most that may begin at once.
func (b *bucket) burst() float64 { return max(1, b.rate) }

// limit sets the rate. What was in the bucket stays, up to the new burst.
func (b *bucket) limit(rate float64) {
	if b.fill(time.Now()); b.rate == 0 {
		b.filled = time.Time{}
	}
	b.rate = rate
}

// fill takes in what has come since.
func (b *bucket) fill(now time.Time) {
	if b.filled.IsZero() {
		b.tokens = b.burst()
	} else {
		b.tokens = min(b.tokens+b.rate*now.Sub(b.filled).Seconds(), b.burst())
	}
	b.filled = now
}

// nearly makes up for what is lost in sums of fractions.
const nearly = 1 - 1e-6

// open reports whether a delivery may begin now.
func (b *bucket) open() bool {
	if !b.limited() {
		return true
	}
	b.fill(time.Now())
	return b.tokens >= nearly
}

// draw takes n deliveries out. One exchange may carry more than there is: the rest is owed, and the next waits longer.
func (b *bucket) draw(n int) {
	if b.limited() {
		b.fill(time.Now())
		b.tokens -= float64(n)
	}
}

// opens is how long until the next delivery may begin.
func (b *bucket) opens() time.Duration {
	wait := math.Ceil((1 - b.tokens) / b.rate * float64(time.Second))
	return time.Duration(min(max(wait, 0), float64(maxNap)))
}

// stock is how many deliveries may begin within a second from now. A limited lane holds no more: what it cannot send for
// a while waits in the store, not in the window, where others want the room.
func (b *bucket) stock() int {
	b.fill(time.Now())
	return max(int(b.tokens+b.rate+1-nearly), 0)
}

// nap has a limited lane looked at again when its next delivery may begin. One timer a lane is enough. The lock is held.
func (d *dispatcher) nap(l *lane) {
	at := time.Now().Add(l.rate.opens())
	if d.closing || l.naps.After(time.Now()) && !at.Before(l.naps) {
		return
	}
	l.naps = at
	wake := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if l.naps.After(time.Now()) {
			return // a sooner one took its place, and has set another since
		}
		d.offer(l)
		if d.recall(l); l.behind {
			d.wakeClaim()
		}
	}
	time.AfterFunc(time.Until(at), wake)
}

// share is how many deliveries a claim may bring for a lane.
func (d *dispatcher) share(key storage.Lane) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[key]
	switch {
	case l == nil:
	case l.blocked():
		return l.probeShare()
	case l.limited():
		return min(d.room(l)-l.held, perLane)
	}
	return perLane
}

// roomy reports whether it is worth asking the store for more of a lane that a claim passed over.
func (d *dispatcher) roomy(l *lane) bool {
	if l.limited() {
		return l.held < d.room(l)
	}
	return l.held == 0 || l.held+perLane <= d.room(l)/2
}
