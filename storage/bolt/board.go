package bolt

import (
	"container/heap"
	"sync"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// board is what memory knows of open deliveries: which lanes have something due, which wait, and the leases. Its size
// follows the number of lanes with open deliveries and of leases, not of deliveries.
//
// Its lock is never held over a write. Claim takes it before it begins to read the due index, and keeps it while it does:
// so what a commit adds is in what Claim reads, or told to the board afterwards, or both, but never neither. Nobody may
// take the lock inside a read transaction: with the committer waiting to map the file anew that would be a deadlock.
type board struct {
	mu      sync.Mutex
	opened  time.Time
	lanes   map[storage.Lane]*lane
	prune   int // number of lanes at which idle ones are forgotten
	waiting laneHeap
	tenants map[schemas.AccountID]*tenant
	turns   queue[*tenant]
	leases  leaseHeap
	token   uint64
	claims  uint64
	fresh   bool    // a lane got its turns since the dispatcher last knew
	behind  []*lane // lanes that wait for what is in the ledger to be in the file

	wake  chan struct{}
	alarm *time.Timer
	rings int64 // when the alarm is set to, monotonic; never: it is not set
}

// tenant is an account's lanes that have something due. Accounts take turns, and so do the lanes of each.
type tenant struct {
	lanes queue[*lane]
	lined bool // it stands in board.turns
}

// effect is something the board learns after a commit.
type effect struct {
	what effectKind
	ref  storage.Ref
	spot spot          // effectDue, effectHeld
	hold time.Duration // effectHeld
	held *storage.Held // effectHeld: gets the token
	was  *lease        // effectDue: the lease whose holder gave it back
}

type effectKind uint8

const (
	effectDue      effectKind = iota // it is open, at spot, and nobody's
	effectHeld                       // it was born leased
	effectClosed                     // it is not owed any more
	effectReopened                   // it is owed again, at spot; a lease of it can only be a mistake that Claim is correcting
)

func (b *board) start(token uint64, opened time.Time) {
	b.opened, b.token, b.rings, b.prune = opened, token, never, 4096
	b.lanes, b.tenants = make(map[storage.Lane]*lane), make(map[schemas.AccountID]*tenant)
	b.wake = make(chan struct{}, 1)
}

// load finds the lanes with open deliveries, jumping from the head of each to the next lane.
func (b *board) load(tx *bbolt.Tx, now instant) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := tx.Bucket([]byte(inDue.String())).Cursor()
	for k, _ := c.First(); k != nil; {
		id, _ := parseLaneKey(k)
		at, ok := parseDueKey(k)
		if !ok {
			k, _ = c.Next()
			continue
		}
		l := b.lane(id)
		l.next = at.due
		b.settleIn(l, now)
		k, _ = c.Seek(successor(laneKey(nil, id)))
	}
	return nil
}

// lane finds or makes a lane. The board is locked.
func (b *board) lane(id storage.Lane) *lane {
	if l := b.lanes[id]; l != nil {
		return l
	}
	if len(b.lanes) >= b.prune {
		b.forget(time.Now().UnixNano())
	}
	t := b.tenants[id.Account]
	if t == nil {
		t = &tenant{}
		b.tenants[id.Account] = t
	}
	l := &lane{id: id, tenant: t, next: never, unread: nothing, later: nothing}
	b.lanes[id] = l
	return l
}

// forget drops lanes that hold nothing. It runs when their number has doubled, which makes its cost small.
func (b *board) forget(now int64) {
	for id, l := range b.lanes {
		if l.forgotten(now) {
			delete(b.lanes, id)
		}
	}
	for id, t := range b.tenants {
		if t.lanes.len() == 0 && !t.lined {
			delete(b.tenants, id)
		}
	}
	for id, l := range b.lanes { // lanes that stay keep their tenants
		b.tenants[id.Account] = l.tenant
	}
	b.prune = max(4096, 2*len(b.lanes))
}

// settleIn puts a lane into the line it belongs to now. The board is locked.
func (b *board) settleIn(l *lane, now instant) {
	if l.where == turning || l.where == parked {
		return // its turn, or the end of the running Claim, will show
	}
	at := l.due()
	if l.where == waiting {
		if at == l.at && at > now.wall {
			return
		}
		heap.Remove(&b.waiting, l.index)
	}
	switch {
	case at == never:
		l.where = idle
	case at > now.wall:
		l.where, l.at = waiting, at
		heap.Push(&b.waiting, l)
	default:
		b.line(l)
		b.fresh = true
	}
}

// line gives a lane its turns.
func (b *board) line(l *lane) {
	l.where = turning
	l.tenant.lanes.push(l)
	if !l.tenant.lined {
		l.tenant.lined = true
		b.turns.push(l.tenant)
	}
}

// ripen gives their turns to lanes that have become due.
func (b *board) ripen(now instant) {
	for len(b.waiting) > 0 && b.waiting[0].at <= now.wall {
		l := heap.Pop(&b.waiting).(*lane)
		l.where = idle
		b.settleIn(l, now)
	}
}

// apply tells the board what a commit did. serial is that of its frame in the journal, 0 when the file has it.
func (b *board) apply(effects []effect, now instant, serial uint64) {
	if len(effects) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range effects {
		e := &effects[i]
		l := b.lane(e.ref.Lane())
		stirred := l.order.stir(e.ref.Seq)
		h := l.held[e.ref.Seq]
		switch e.what {
		case effectHeld:
			e.held.Token = b.grant(l, e.spot, now, e.hold).token
		case effectClosed:
			if h != nil {
				b.revoke(h)
			}
		case effectDue, effectReopened:
			if h != nil && (h == e.was || e.what == effectReopened) {
				b.revoke(h)
			}
			if serial == 0 || !l.stock(e.spot, serial, maxStock/len(b.lanes)) {
				l.note(e.spot, serial)
			}
			stirred = true
		}
		if stirred {
			b.settleIn(l, now)
		}
	}
	b.rouse(now)
}

// wait has a lane looked at again when the file has what it does not have of it now. The board is locked.
func (b *board) wait(l *lane) {
	if !l.behind {
		l.behind = true
		b.behind = append(b.behind, l)
	}
}

// reached is told up to where the file has the journal. It reports whether lanes still wait.
func (b *board) reached(applied uint64, now instant) (more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	still := b.behind[:0]
	for _, l := range b.behind {
		if l.unread.serial > applied {
			still = append(still, l)
			continue
		}
		l.behind = false
		l.next = min(l.next, l.unread.due, l.later.due)
		l.order.until = 0
		l.unread, l.later = l.later, nothing
		b.settleIn(l, now)
	}
	clear(b.behind[len(still):])
	b.behind = still
	b.rouse(now)
	return len(still) > 0
}

// pin keeps a holder's lease from running out until the commit ends. It fails when the token is not the lease's, or
// the commit has an outcome of it already.
func (b *board) pin(r storage.Ref, token uint64) (*lease, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.leaseOf(r)
	if h == nil || h.token != token || h.pinned {
		return nil, false
	}
	h.pinned = true
	return h, true
}

func (b *board) unpin(pinned []*lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range pinned {
		h.pinned = false
	}
}

func (b *board) leaseOf(r storage.Ref) *lease {
	if l := b.lanes[r.Lane()]; l != nil {
		return l.held[r.Seq]
	}
	return nil
}

// rouse wakes the dispatcher when something is due, and else sets the alarm. The board is locked.
func (b *board) rouse(now instant) {
	if b.fresh {
		b.fresh = false
		b.notify()
	}
	in := int64(never)
	if len(b.waiting) > 0 {
		in = min(in, max(0, b.waiting[0].at-now.wall))
	}
	if len(b.leases) > 0 {
		in = min(in, max(0, b.leases[0].until-now.mono))
	}
	if in == never || after(now.mono, time.Duration(in)) >= b.rings {
		return
	}
	b.rings = after(now.mono, time.Duration(in))
	if b.alarm == nil {
		b.alarm = time.AfterFunc(time.Duration(in), b.ring)
		return
	}
	b.alarm.Reset(time.Duration(in))
}

// ring is the alarm: what it was set for may have been settled long since.
func (b *board) ring() {
	now := time.Now()
	at := instant{now.UnixNano(), int64(now.Sub(b.opened))}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings = never
	b.expire(at)
	b.ripen(at)
	b.rouse(at)
}

func (b *board) notify() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alarm != nil {
		b.alarm.Stop()
	}
	b.rings = 0 // nothing is sooner
}
