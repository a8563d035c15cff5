package bolt

import (
	"cmp"
	"math"
	"slices"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// spot is a place in a lane: oldest due first, then by number of the event.
type spot struct {
	due    int64 // unix nanoseconds
	seq    uint64
	flight bool // its index row stands among the flights
}

func (a spot) compare(b spot) int {
	return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.seq, b.seq))
}

const never = math.MaxInt64

// lane is what memory knows of a webhook's open deliveries. It does not hold them: the due index on disk does, and the
// lane reads on from its frontier when it needs more. Two rules keep it right:
//
//   - Every delivery that is open, not leased, and stands in the index up to the frontier, is in ready.
//   - Every delivery that is open, not leased, and stands among the flights, is in ready.
//
// The index is behind by what is in the ledger. A lane that has come to its end, and has something there that is due, waits
// until the file has it (board.wait).
//
// The reverse need not hold: ready may name what is leased or settled by now. Claim looks before it hands out.
type lane struct {
	id       storage.Lane
	tenant   *tenant
	held     map[uint64]*lease
	ready    []spot // a heap
	roomy    int    // the length of ready at which the frontier is drawn back, at least maxReady
	frontier spot
	next     int64 // nothing beyond the frontier is due before
	// postponed keeps Claim away until then, and so does left, by what the last Claim that met the lane was told.
	postponed, left int64

	where standing
	at    int64 // when it is due, as it was put into the heap
	index int   // its place in the heap
	turn  uint64
	taken int // by the Claim whose number is turn
	share int // the most that it takes
	order inOrder

	unread  unread
	stocked uint64 // serial of the last frame with any that was stocked
	behind  bool   // it waits until the file has what unread has
	later   unread // what came since then
}

// unread is what of a lane will stand in the due index and may not do so yet, because it is in the ledger.
type unread struct {
	serial uint64 // of the last frame with any
	due    int64  // the earliest
	seq    uint64 // the least
}

var nothing = unread{due: never, seq: never}

func (u *unread) add(s spot, serial uint64) {
	u.serial, u.due, u.seq = max(u.serial, serial), min(u.due, s.due), min(u.seq, s.seq)
}

// whole is the time before which the due index has everything of the lane, in a file that has the journal up to a frame.
// The frontier must not go beyond: what comes into the index behind it would not be found.
func (l *lane) whole(applied uint64) int64 {
	if l.unread.serial <= applied && !l.behind {
		l.unread = nothing
	}
	return min(l.unread.due, l.later.due)
}

// unreadPart is where to add what comes.
func (l *lane) unreadPart() *unread {
	if l.behind {
		return &l.later
	}
	return &l.unread
}

// standing says which line of the board a lane stands in.
type standing uint8

const (
	idle    standing = iota // nothing is known to be waiting
	waiting                 // in the heap, until it is due
	turning                 // among its tenant's lanes that have their turns
	parked                  // out of the running Claim
)

// maxReady bounds what a lane keeps in memory; beyond it the frontier is drawn back.
const maxReady = 8192

// due is the time at which the lane may have something for Claim.
func (l *lane) due() int64 {
	ripe := l.ripe()
	if ripe == never {
		return never
	}
	return max(ripe, l.postponed, l.left)
}

// ripe is due for a Claim that is not kept away.
func (l *lane) ripe() int64 {
	ripe := l.next
	if len(l.ready) > 0 {
		ripe = min(ripe, l.ready[0].due)
	}
	if ripe == never {
		return never
	}
	return max(ripe, l.order.until)
}

// maxStock bounds what all lanes together take in without a look into the index.
const maxStock = 64 << 10

// stock takes in a delivery that will stand in the index behind all others, and moves the frontier there: so what is claimed
// soon need not be read, nor be in the file. It fails when there is something beyond the frontier, or too much already.
func (l *lane) stock(s spot, serial uint64, limit int) bool {
	if s.flight || l.next != never || l.behind || l.unread != nothing || s.compare(l.frontier) <= 0 || len(l.ready) >= min(limit, maxReady) {
		return false
	}
	l.order.stir(s.seq)
	l.frontier, l.stocked = s, serial
	l.push(s)
	return true
}

// note takes in a delivery that is open and not leased. serial is that of its frame in the journal, 0 when the file has it.
func (l *lane) note(s spot, serial uint64) {
	l.order.stir(s.seq)
	if !s.flight && s.compare(l.frontier) > 0 {
		l.next = min(l.next, s.due)
		if serial > 0 {
			l.unreadPart().add(s, serial)
		}
		return
	}
	l.push(s)
	if len(l.ready) > max(maxReady, l.roomy) {
		l.rewind()
	}
}

// rewind draws the frontier back to the middle of ready and forgets what the index has, or will have, beyond it. Only leases that ran
// out by the thousand, or a clock that was set back, bring it about.
func (l *lane) rewind() {
	slices.SortFunc(l.ready, spot.compare) // a sorted slice is a heap
	if middle := l.ready[len(l.ready)/2]; middle.compare(l.frontier) < 0 {
		l.frontier = middle
	}
	kept := l.ready[:0]
	for _, s := range l.ready {
		if s.flight || s.compare(l.frontier) <= 0 {
			kept = append(kept, s)
		} else {
			l.next = min(l.next, s.due)
			l.unreadPart().add(s, l.stocked) // the index may not have it yet
		}
	}
	l.ready, l.roomy = kept, 2*len(kept)
}

// fill reads up to n deliveries that are due from the index into ready.
func (l *lane) fill(due *bbolt.Bucket, now int64, n int) {
	prefix := laneKey(make([]byte, 0, 32), l.id)
	from := l.frontier
	l.next = never
	ascend(due, prefix, dueKey(make([]byte, 0, 32), l.id, from), func(k, _ []byte) bool {
		at, ok := parseDueKey(k)
		if !ok || at.compare(from) == 0 && from.seq > 0 {
			return true
		}
		if at.due > now || n == 0 {
			l.next = at.due
			return false
		}
		n--
		l.frontier = at
		if l.held[at.seq] == nil {
			l.push(at)
		}
		return true
	})
}

func (l *lane) push(s spot) {
	l.ready = append(l.ready, s)
	for i := len(l.ready) - 1; i > 0; {
		up := (i - 1) / 2
		if l.ready[up].compare(l.ready[i]) <= 0 {
			break
		}
		l.ready[up], l.ready[i] = l.ready[i], l.ready[up]
		i = up
	}
}

func (l *lane) pop() spot {
	first, last := l.ready[0], len(l.ready)-1
	l.ready[0] = l.ready[last]
	l.ready = l.ready[:last]
	for i := 0; ; {
		least := i
		for _, down := range [...]int{2*i + 1, 2*i + 2} {
			if down < last && l.ready[down].compare(l.ready[least]) < 0 {
				least = down
			}
		}
		if least == i {
			break
		}
		l.ready[i], l.ready[least] = l.ready[least], l.ready[i]
		i = least
	}
	if last == 0 && cap(l.ready) > 256 {
		l.ready = nil
	}
	return first
}

// forgotten reports whether the lane holds nothing that the disk does not tell.
func (l *lane) forgotten(now int64) bool {
	return l.where == idle && len(l.held) == 0 && len(l.ready) == 0 && l.next == never && max(l.postponed, l.left) <= now && !l.behind
}

// laneHeap are the waiting lanes, soonest first.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop is for container/heap.
func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}
