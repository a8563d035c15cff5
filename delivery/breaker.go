package delivery

import (
	"net/url"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// openAfter is how many exchanges in a row must have had no answer before an origin's breaker opens: one lost packet in
// a hundred must not hold up what the other ninety-nine show to work.
const openAfter = 3

// originKey names the server behind endpoints of one account.
type originKey struct {
	account      schemas.AccountID
	scheme, host string // with the port
}

func originOf(account schemas.AccountID, u *url.URL) originKey {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return originKey{account, u.Scheme, strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + port}
}

// origin is a circuit breaker: what is known of whether a server answers, shared by the lanes of one account that lead
// there. All fields are the dispatcher's, under its lock. See the package comment.
type origin struct {
	key   originKey
	lanes int // that lead there; without any it is forgotten

	failures int           // exchanges in a row without an answer, up to openAfter
	wait     time.Duration // from one probe to the next; 0: the breaker is closed
	until    time.Time     // no probe begins before
	probe    *exchange     // under way
	since    time.Time     // when the breaker opened
	tried    time.Time     // when the last failed probe began; zero: none since it opened
	fault    schemas.AttemptError

	// Which lane's turn it is to bring the next probe: each once in a round.
	round  uint64
	asked  uint64 // the claim that let a lane through for it
	passed uint64 // the claim that passed over a lane because it had its turn
	chosen *lane
}

func (o *origin) open() bool { return o.wait > 0 }

// admits reports whether an exchange may begin: any while the breaker is closed, else one when its time has come.
func (o *origin) admits() bool { return !o.open() || o.probe == nil && !time.Now().Before(o.until) }

// bars reports whether the breaker is open for a lane. A time-out may be the path's own, where others at the same server
// answer: it is open for lanes that have failed themselves, and the others may find out.
func (o *origin) bars(l *lane) bool {
	return o.open() && (o.fault != schemas.ErrorTimeout || l.failures > 0)
}

// blocked reports whether the server behind a lane is known not to answer: what comes for it stays in the store.
func (l *lane) blocked() bool {
	return l.origin != nil && l.origin.bars(l) && (l.phase == phaseOpen || l.phase == phaseCold)
}

// shut reports whether a lane whose record is known may begin nothing now because of its origin.
func (l *lane) shut() bool {
	return l.phase == phaseOpen && l.origin != nil && l.origin.bars(l) && !l.origin.admits()
}

// lead notes where a lane leads, nil for nowhere.
func (d *dispatcher) lead(l *lane, endpoint *url.URL) {
	var o *origin
	if endpoint != nil {
		key := originOf(l.key.Account, endpoint)
		if o = d.origins[key]; o == nil {
			o = &origin{key: key}
			d.origins[key] = o
		}
		o.lanes++
	}
	if old := l.origin; old != nil {
		if old.lanes--; old.lanes == 0 {
			delete(d.origins, old.key)
		}
	}
	l.origin = o
}

// learn takes in what the end of an exchange says about the server.
func (d *dispatcher) learn(x *exchange) {
	o := x.origin
	if o == nil {
		return
	}
	probe := o.probe == x
	if probe {
		o.probe = nil
	}
	switch {
	case x.unsent, x.fault == schemas.ErrorRefused, x.fault == schemas.ErrorAuthentication:
		// It says nothing of the server: mostly it never came that far.
		if probe && o.open() {
			o.backOff(o.fault, o.wait, d.jitter())
		}
	case !unanswered(x.fault):
		x.lane.runsOut = time.Time{}
		x.closed = d.heal(o)
	case !o.open():
		if o.failures++; o.failures >= openAfter {
			o.since, o.tried, x.opened = time.Now(), time.Time{}, true
			o.backOff(x.fault, d.probeWait, d.jitter())
		}
	case probe:
		o.tried = x.began
		o.backOff(x.fault, min(2*o.wait, d.maxProbeWait), d.jitter())
	}
}

// unanswered reports whether an exchange shows that the server cannot be reached. An answer of any status shows that it
// can, and so does one that makes no sense.
func unanswered(fault schemas.AttemptError) bool {
	switch fault {
	case schemas.ErrorConnect, schemas.ErrorDNS, schemas.ErrorTLS, schemas.ErrorTimeout:
		return true
	}
	return false
}

// backOff keeps the next probe away for a while, up to a fifth longer than wait.
func (o *origin) backOff(fault schemas.AttemptError, wait time.Duration, random float64) {
	o.fault, o.wait = fault, wait
	o.until = time.Now().Add(wait + time.Duration(float64(wait)*random/5))
}

// heal closes a breaker, if it is open, and has the store asked for what waited.
func (d *dispatcher) heal(o *origin) (was bool) {
	was = o.open()
	o.failures, o.wait, o.chosen = 0, 0, nil
	if was {
		for _, l := range d.lanes {
			if l.origin == o {
				d.recall(l)
			}
		}
		d.wakeClaim()
	}
	return was
}

// answered is told that a server answered outside of any lane.
func (d *dispatcher) answered(account schemas.AccountID, endpoint *url.URL) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.origins[originOf(account, endpoint)]; o != nil {
		d.heal(o)
	}
}

// reopen is told that a delivery of the past is about to be made due in a lane.
func (d *dispatcher) reopen(key storage.Lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.laneOf(key)
	l.reopened = time.Now()
	d.rest(l)
}

// skipProbe is how long claims pass over a lane while another at its origin is being probed.
const skipProbe = 250 * time.Millisecond

// passOver is how long claims leave a blocked lane alone. It is let through to bring the next probe when that is its turn,
// and to let go of deliveries whose time is over.
func (d *dispatcher) passOver(l *lane) time.Duration {
	o := l.origin
	switch {
	case !o.admits():
		switch {
		case l.spent(l.runsOut):
			return 0
		case o.probe != nil:
			return skipProbe
		}
		return max(time.Until(o.until), 1) // 0, a moment later, would let it through without a turn
	case o.asked == d.claimed:
		if o.chosen == l {
			return 0
		}
		return skipProbe
	case o.chosen != nil && len(o.chosen.queue) > 0:
		return skipProbe // it brought one that has not begun yet
	case l.probed == o.round+1:
		if o.passed != d.claimed {
			o.passed = d.claimed
			d.passed = append(d.passed, o)
		}
		return 1 // to be asked for in the round that may begin now
	}
	o.asked, o.chosen, l.probed = d.claimed, l, o.round+1
	return 0
}

// nextRound ends the rounds in which every lane that a claim met had its turn. The lock is held.
func (d *dispatcher) nextRound() {
	for _, o := range d.passed {
		if o.asked != o.passed {
			o.round++
			d.wakeClaim()
		}
	}
	d.passed = d.passed[:0]
}

// probeShare is how many deliveries a claim may bring for a blocked lane.
func (l *lane) probeShare() int {
	switch {
	case l.origin.admits():
		return min(l.batch(), perLane)
	case l.runsOut.IsZero():
		return 1 // to learn how old they are
	}
	return perLane
}

// standBack empties the queue of a lane that is shut. Deliveries whose time is over are given up, the others go back to
// the store. What the lane knows of its webhook is let go: it may be long before it is needed again.
func (d *dispatcher) standBack(l *lane) {
	var spent, kept []*item
	runsOut := time.Time{}
	for _, it := range l.queue {
		end := later(it.held.Accepted, l.reopened).Add(l.patience)
		if l.spent(end) {
			spent = append(spent, it)
			continue
		}
		kept = append(kept, it)
		if runsOut.IsZero() || end.Before(runsOut) {
			runsOut = end
		}
	}
	if len(spent) > 0 {
		d.abandon(&exchange{lane: l, origin: l.origin, hook: l.hook, policy: l.policy}, spent)
	}
	if len(kept) > 0 {
		l.runsOut = runsOut
		d.spill(kept)
	}
	l.queue, l.phase = nil, phaseCold
	l.hook, l.endpoint, l.format = nil, nil, nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// spent reports whether a delivery's schedule, which ended then, was over before the last probe began and failed. Without
// a schedule, what somebody reopened meanwhile waits for another.
func (l *lane) spent(end time.Time) bool {
	tried := l.origin.tried
	return !tried.IsZero() && !tried.Before(end) && tried.After(l.reopened)
}

// patience is how long after its event a delivery is tried for the last time.
func patience(p Policy, override []schemas.Seconds) (sum time.Duration) {
	for attempt := 1; ; attempt++ {
		wait, more := NextWait(p, override, attempt, Verdict{}, 1)
		if !more {
			return sum
		}
		sum += wait
	}
}
