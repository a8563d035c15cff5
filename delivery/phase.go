package delivery

import "github.com/hookswitch/hookswitch/storage"

// open lets a lane deliver with a record that was read for it. A record older than a known change is refused; the lane
// then stays as it is, and the worker reads again or shuts it. next is the lane's first exchange, if it may begin: the
// reading was its turn, and it need not wait for another.
func (d *dispatcher) open(x *exchange) (next *exchange, opened bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := x.lane
	if l.phase == phaseLoading {
		if x.hook.Revision < l.revision {
			return nil, false
		}
		if l.revision < x.hook.Revision {
			l.failures = 0
		}
		l.phase, l.revision = phaseOpen, x.hook.Revision
		l.hook, l.endpoint, l.format, l.policy = x.hook, x.endpoint, x.format, x.policy
		l.patience = patience(x.policy, x.hook.Retry)
		d.lead(l, x.endpoint)
		l.limit = max(min(l.limit, d.ceiling(l)), 1)
		l.ordered = x.hook.Ordered
		l.rate.limit(x.hook.RateLimit)
		if surplus := l.surplus(); len(surplus) > 0 {
			d.spill(surplus)
		}
	}
	d.leave(x)
	if l.phase == phaseOpen && l.startable(d.laneShare()) && (!l.trailing || d.mayTrail()) && !d.closing {
		next = d.begin(l)
	}
	d.offer(l)
	d.rest(l)
	return next, true
}

// shut ends a load that found nothing to deliver to. Its deliveries are returned, the lane is halted until resume.
func (d *dispatcher) shut(x *exchange) []*item {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leave(x)
	return d.haltLocked(x.lane)
}

// halt stops a lane and returns its queue.
func (d *dispatcher) halt(key storage.Lane) []*item {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.lanes[key]; l != nil {
		return d.haltLocked(l)
	}
	return nil
}

func (d *dispatcher) haltLocked(l *lane) []*item {
	queue := l.queue
	l.phase, l.queue, l.hook = phaseHalted, nil, nil
	return queue
}

// resume lets a halted lane begin anew, by reading its record.
func (d *dispatcher) resume(key storage.Lane) {
	d.mu.Lock()
	if l := d.lanes[key]; l != nil && l.phase == phaseHalted {
		l.phase = phaseCold
		d.recall(l)
		d.offer(l)
		d.rest(l)
	}
	d.mu.Unlock()
	d.wakeClaim()
}

// changed makes a lane read its record again if it is older than revision. Exchanges under way go on as they began.
func (d *dispatcher) changed(key storage.Lane, revision uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[key]
	if l == nil || l.revision >= revision {
		return
	}
	l.revision, l.failures = revision, 0
	d.lead(l, nil) // it may lead elsewhere now
	d.recall(l)    // and have another rate
	if l.phase == phaseOpen {
		l.phase, l.hook = phaseCold, nil
		d.offer(l)
	}
	d.rest(l)
}

// streak is how many exchanges of a lane have failed in a row since its webhook was last changed.
func (d *dispatcher) streak(l *lane) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return l.failures
}
