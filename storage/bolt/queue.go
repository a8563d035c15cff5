package bolt

import (
	"container/heap"
	"context"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// Wake receives when something may have become due that the last Claim did not know of.
func (s *Store) Wake() <-chan struct{} { return s.board.wake }

// pick leases what is due: accounts in turn, the lanes of each in turn, a share to each lane until ask is filled.
// The board is locked.
func (b *board) pick(from shelf, ask storage.Ask, now instant) ([]*lease, time.Duration) {
	b.expire(now)
	for _, id := range ask.Again {
		if l := b.lanes[id]; l != nil {
			l.left = 0
			b.settleIn(l, now)
		}
	}
	b.ripen(now)
	if ask.Lane != nil {
		return b.pickOne(from, ask, now)
	}
	var picked []*lease
	var out []*lane
	lines := 0
	for i := b.turns.head; i < len(b.turns.items); i++ {
		lines += b.turns.items[i].lanes.len()
	}
	share := max(1, ask.Max/max(1, lines))
	for len(picked) < ask.Max && b.turns.len() > 0 {
		t := b.turns.pop()
		l := t.lanes.pop()
		l.where = parked
		before := len(picked)
		if !l.leave(ask, now) {
			picked = b.serve(l, from, ask, now, min(share, ask.Max-len(picked)), picked)
		}
		switch {
		case len(picked) > before && l.taken < l.share && l.due() <= now.wall:
			l.where = turning
			t.lanes.push(l)
		default:
			out = append(out, l)
		}
		if t.lined = t.lanes.len() > 0; t.lined {
			b.turns.push(t)
		}
	}
	next := int64(never)
	if b.turns.len() > 0 {
		next = 0 // ask was filled before every lane had its turn
	}
	for _, l := range out {
		l.where = idle
		if b.settleIn(l, now); l.where == turning {
			next = 0
		}
	}
	b.fresh = false
	b.rouse(now)
	if next == never {
		next = b.nextDue(now)
	}
	return picked, hint(next)
}

// pickOne leases what is due in the one lane that is asked for, whoever has his turn. The board is locked.
func (b *board) pickOne(from shelf, ask storage.Ask, now instant) ([]*lease, time.Duration) {
	l := b.lanes[*ask.Lane]
	if l == nil {
		return nil, hint(never)
	}
	then := now
	then.wall -= int64(ask.Waited)
	picked := b.serve(l, from, ask, then, ask.Max, nil)
	b.settleIn(l, now)
	b.rouse(now)
	next := l.ripe()
	if next != never {
		next = max(0, next-then.wall)
	}
	for _, h := range l.held {
		next = min(next, max(0, h.until-now.mono))
	}
	return picked, hint(next)
}

// serve leases up to n deliveries of a lane that has its turn.
func (b *board) serve(l *lane, from shelf, ask storage.Ask, now instant, n int, picked []*lease) []*lease {
	if l.turn != b.claims {
		l.turn, l.taken, l.share = b.claims, 0, ask.PerLane
		if ask.Share != nil {
			l.share = max(1, min(l.share, ask.Share(l.id)))
		}
	}
	if l.postponed != 0 && ask.Lane == nil {
		if l.postponed > now.wall {
			return picked
		}
		l.postponed = 0
	}
	n = min(n, l.share-l.taken)
	if n > 0 && ask.InOrder != nil && ask.InOrder(l.id) {
		return b.serveInOrder(l, from, ask, now, n, picked)
	}
	l.order = inOrder{}
	for reads := 0; n > 0; {
		if len(l.ready) == 0 || l.ready[0].due > now.wall {
			// Enough for several turns at once. What others hold is passed over, which the number of reads bounds.
			if l.next > now.wall || reads == 4 {
				break
			}
			limit := l.whole(from.applied)
			l.fill(from.due, min(now.wall, limit-1), max(16, n, min(ask.Max, 256)))
			if l.next = min(l.next, limit); l.next == limit && limit <= now.wall {
				l.next = never
				b.wait(l)
			}
			reads++
			continue
		}
		s := l.pop()
		if l.held[s.seq] != nil {
			continue
		}
		picked = append(picked, b.grant(l, s, now, ask.Hold))
		l.taken++
		n--
	}
	return picked
}

// leave asks whether to leave a lane alone that has its turn.
func (l *lane) leave(ask storage.Ask, now instant) bool {
	if ask.Skip == nil {
		return false
	}
	l.left = 0
	if d := ask.Skip(l.id); d > 0 {
		l.left = after(now.wall, d)
	}
	return l.left != 0
}

// nextDue is how long until a lane, or a lease, runs ripe; never when nothing waits.
func (b *board) nextDue(now instant) int64 {
	next := int64(never)
	if len(b.waiting) > 0 {
		next = max(0, b.waiting[0].at-now.wall)
	}
	if len(b.leases) > 0 {
		next = min(next, max(0, b.leases[0].until-now.mono))
	}
	return next
}

func hint(next int64) time.Duration {
	if next == never {
		return -1
	}
	return time.Duration(next)
}

// Extend lengthens leases. A token that is not the lease's, whatever the reason, is ErrStale.
func (s *Store) Extend(ctx context.Context, held []storage.Held, hold time.Duration) []error {
	errs := make([]error, len(held))
	if err := s.usable(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	now := s.now()
	b := &s.board
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range held {
		h := b.leaseOf(held[i].Ref)
		if h == nil || h.token != held[i].Token || h.until <= now.mono {
			errs[i] = storage.ErrStale
			continue
		}
		h.until = after(now.mono, hold)
		heap.Fix(&b.leases, h.index)
	}
	b.rouse(now)
	return errs
}
