package bolt

import (
	"container/heap"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// lease is a delivery in somebody's hands. Leases live in memory only: there is one process, and when it starts again
// nobody holds anything.
type lease struct {
	lane  *lane
	spot  spot
	token uint64
	until int64 // monotonic nanoseconds since the store was opened
	// pinned is set while an outcome of its holder is being committed: meanwhile it does not run out.
	pinned bool
	index  int // its place in the heap
}

func (h *lease) ref() storage.Ref {
	return storage.Ref{Account: h.lane.id.Account, Webhook: h.lane.id.Webhook, Seq: h.spot.seq}
}

// leaseHeap are the leases, the first to run out first.
type leaseHeap []*lease

func (h leaseHeap) Len() int           { return len(h) }
func (h leaseHeap) Less(i, j int) bool { return h[i].until < h[j].until }
func (h leaseHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *leaseHeap) Push(x any) {
	l := x.(*lease)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop is for container/heap.
func (h *leaseHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}

// grant leases a delivery of a lane. The board is locked.
func (b *board) grant(l *lane, s spot, now instant, hold time.Duration) *lease {
	b.token++
	h := &lease{lane: l, spot: s, token: b.token, until: after(now.mono, hold)}
	if l.held == nil {
		l.held = make(map[uint64]*lease)
	}
	l.held[s.seq] = h
	heap.Push(&b.leases, h)
	return h
}

// revoke ends a lease. The board is locked.
func (b *board) revoke(h *lease) {
	delete(h.lane.held, h.spot.seq)
	h.lane.order.stir(h.spot.seq)
	heap.Remove(&b.leases, h.index)
}

// expire ends the leases that ran out, so that what they held is due again. The board is locked.
func (b *board) expire(now instant) {
	for len(b.leases) > 0 && b.leases[0].until <= now.mono {
		h := b.leases[0]
		if h.pinned {
			h.until = now.mono + int64(time.Second)
			heap.Fix(&b.leases, 0)
			continue
		}
		b.revoke(h)
		h.lane.note(h.spot, 0)
		b.settleIn(h.lane, now)
	}
}
