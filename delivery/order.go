package delivery

// An ordered lane begins a delivery only when the one before is settled: delivered or dead, and the store has it. The
// store keeps the order (storage.Ask.InOrder): what it hands out is a stretch of the lane from its first open delivery
// on, and nothing more until all of that is closed or given back. So nothing is leased at birth, and after a failure
// the rest of the stretch goes back, to come again behind the retry.

// settled reports whether nothing of a lane is under way, being settled, given back or on its way here.
func (l *lane) settled() bool { return l.held == len(l.queue) }

// surplus takes out of a lane's queue what did not come in order when that is wanted, and what goes beyond its rate. It
// is to be given back to the store.
func (l *lane) surplus() (list []*item) {
	if l.ordered {
		kept := make([]*item, 0, len(l.queue))
		for _, it := range l.queue {
			if it.inOrder {
				kept = append(kept, it)
			} else {
				list = append(list, it)
			}
		}
		l.queue = kept
	}
	if l.rate.limited() {
		n := min(l.rate.stock(), len(l.queue))
		list = append(list, l.queue[n:]...)
		l.queue = l.queue[:n:n]
	}
	return list
}

// stray reports whether a delivery must not be carried out, because its lane is ordered and it did not come in order.
func (it *item) stray() bool { return it.lane.phase == phaseOpen && it.lane.ordered && !it.inOrder }

// doubt is told that another may have a delivery of ours. In an ordered lane what is queued behind it goes back.
func (d *dispatcher) doubt(it *item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.retreat(it.lane)
}

// retreat gives the queue of an ordered lane back. The lock is held.
func (d *dispatcher) retreat(l *lane) {
	if l != nil && l.ordered && len(l.queue) > 0 {
		d.spill(l.queue)
		l.queue = nil
	}
}
