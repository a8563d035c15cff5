package bolt

import (
	"errors"
	"slices"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// maxClosed is how many closed deliveries of a lane in order are walked over before the due index is asked for the first
// open one.
const maxClosed = 512

// shelf is what Claim reads from, in one transaction.
type shelf struct {
	tx       *bbolt.Tx
	due      *bbolt.Bucket
	calendar *calendar
	harm     *harm
	ledger   glance // what it may not have yet
	applied  uint64 // serial of the last frame of the journal that it has, or less
	again    bool   // the claim has waited for it
}

// inOrder is what memory knows of a lane that is handed out in the order of its events. The due index does not have that
// order: a retry goes to the end of it. The lines in history do, and the lane walks along them.
type inOrder struct {
	known bool
	low   uint64 // when known: no open delivery has a lesser number
	// While until is not 0, Claim has nothing to look for before then: the first open delivery, head, is due only then, or
	// is in somebody's hands (never). What happens to head, or before it, ends that.
	head  uint64
	until int64
}

// stir takes in that something happened to a delivery. It reports whether the lane may have become due by that.
func (o *inOrder) stir(seq uint64) bool {
	if o.known {
		o.low = min(o.low, seq)
	}
	if o.until == 0 || seq > o.head {
		return false
	}
	o.until = 0
	return true
}

// serveInOrder leases up to n deliveries of a lane in the order of their numbers, as long as each is due and nobody's. The
// board is locked.
func (b *board) serveInOrder(l *lane, from shelf, ask storage.Ask, now instant, n int, picked []*lease) []*lease {
	if l.order.until > now.wall {
		return picked
	}
	if !from.again && max(l.unread.serial, l.stocked) > from.applied {
		b.wait(l) // the line goes on in the ledger
		return picked
	}
	l.order.until = 0
	if !l.order.known {
		l.order.low, l.order.known = l.lowest(from.due), true
	}
	leap := true
	for at := l.order.low; ; {
		w := lineWalk{board: b, lane: l, from: from, ask: ask, now: now, room: n, picked: picked, mayLeap: leap, next: at}
		w.run(at)
		picked, l.order.low = w.picked, w.low(at)
		if !w.leaps {
			if w.ended && w.first == 0 {
				b.ended(l, from)
			}
			return picked
		}
		leap, at = false, max(w.next, l.lowest(from.due))
	}
}

// ended is told that a lane's line has nothing open: what memory has was settled long since, but for what the file does
// not have yet.
func (b *board) ended(l *lane, from shelf) {
	l.next = never
	l.ready = slices.DeleteFunc(l.ready, func(s spot) bool {
		ref := storage.Ref{Account: l.id.Account, Webhook: l.id.Webhook, Seq: s.seq}
		row, unwritten := from.ledger.delivery(ref)
		return !unwritten || !row.open()
	})
	if l.unread.serial > from.applied || len(l.ready) > 0 {
		b.wait(l)
	}
}

// lowest is the least number among a lane's open deliveries, by the due index and by memory. It reads the lane's whole part
// of the index, which is done once for a lane, when it is first handed out in order after the store was opened.
func (l *lane) lowest(due *bbolt.Bucket) uint64 {
	low := min(l.unread.seq, l.later.seq)
	prefix := laneKey(make([]byte, 0, 32), l.id)
	ascend(due, prefix, prefix, func(k, _ []byte) bool {
		if at, ok := parseDueKey(k); ok {
			low = min(low, at.seq)
		}
		return true
	})
	for seq := range l.held {
		low = min(low, seq)
	}
	for _, s := range l.ready {
		low = min(low, s.seq)
	}
	return low
}

// lineWalk goes along a lane's line and leases what it may.
type lineWalk struct {
	board   *board
	lane    *lane
	from    shelf
	ask     storage.Ask
	now     instant
	room    int
	picked  []*lease
	mayLeap bool

	first  uint64 // the first open delivery, 0 without one
	next   uint64 // all before it has been looked at
	closed int
	leaps  bool // too many were closed: go on at the first open one
	ended  bool // it came to the line's end
}

// low is the number before which nothing is open.
func (w *lineWalk) low(began uint64) uint64 {
	if w.first > 0 {
		return w.first
	}
	return max(began, w.next)
}

func (w *lineWalk) run(at uint64) {
	prefix := laneKey(nil, w.lane.id)
	for _, p := range w.from.calendar.from(at) {
		going := true
		deliveries := partitionBucket(w.from.tx, p, ofDeliveries)
		ascend(partitionBucket(w.from.tx, p, ofLines), prefix, lineKey(nil, w.lane.id, at), func(k, _ []byte) bool {
			if len(k) == 24 {
				going = w.visit(deliveries, number(k[16:]))
			}
			return going
		})
		if !going {
			return
		}
	}
	w.ended = true
}

// visit looks at one delivery and says whether to go on.
func (w *lineWalk) visit(deliveries *bbolt.Bucket, seq uint64) bool {
	l := w.lane
	ref := storage.Ref{Account: l.id.Account, Webhook: l.id.Webhook, Seq: seq}
	row, unwritten := w.from.ledger.delivery(ref)
	var err error
	if !unwritten {
		row, err = getDelivery(deliveries, deliveryKey(nil, ref), ref)
	}
	switch {
	case err != nil && !errors.Is(err, storage.ErrAbsent):
		w.from.harm.note(err) // nobody can use it, so nobody waits for it
		fallthrough
	case err != nil, !row.open():
		w.closed++
		w.leaps = w.mayLeap && w.closed > maxClosed && w.first == 0
		w.next = seq + 1
		return !w.leaps
	}
	h := l.held[seq]
	if h != nil && h.until == never { // set aside for its damage, see correct
		w.next = seq + 1
		return true
	}
	if w.first == 0 {
		w.first = seq
	}
	switch {
	case h != nil, row.flight && !l.waitsAsFlight(seq):
		l.order.head, l.order.until = seq, never
		return false
	case row.due > w.now.wall:
		l.order.head, l.order.until = seq, row.due
		return false
	case w.room == 0:
		return false
	}
	w.picked = append(w.picked, w.board.grant(l, spot{row.due, seq, row.flight}, w.now, w.ask.Hold))
	w.lane.taken++
	w.room--
	return true
}

// waitsAsFlight reports whether a delivery among the flights is nobody's. One that memory does not know was born a moment
// ago, and its lease is about to be told.
func (l *lane) waitsAsFlight(seq uint64) bool {
	for _, s := range l.ready {
		if s.flight && s.seq == seq {
			return true
		}
	}
	return false
}
