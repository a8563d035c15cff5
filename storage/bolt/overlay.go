package bolt

import (
	"cmp"
	"slices"
	"sync"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// overlay is what the journal has and the file does not have yet: events, and deliveries as they are now, whatever they
// went through meanwhile. What was born and delivered within one overlay never costs the file a pending row.
type overlay struct {
	serial  uint64 // of its last frame
	began   int64  // monotonic time of its first
	bytes   int
	numbers numbers // as they are after it
	events  []arrived
	ids     map[publicID]publicIDRow
	entries map[storage.Ref]*entry
	touched []storage.Ref // the keys of entries, in the order in which they came
	tallies map[storage.Lane]*schemas.Tally
}

// publicID is an event's public id, which is unique in its account.
type publicID struct {
	account schemas.AccountID
	id      string
}

// arrived is an event that was accepted.
type arrived struct {
	publicID
	publicIDRow
	row []byte
}

// entry is a delivery that changed. It does not change once it is in an overlay: another takes its place.
type entry struct {
	now      deliveryRow
	was      deliveryRow // what the file has, or will have when the overlay before is in it
	born     bool        // there is nothing before
	attempts []attemptRow
}

// attemptRow is an attempt with its number.
type attemptRow struct {
	n   uint32
	row []byte
}

func newOverlay() *overlay {
	return &overlay{
		ids: map[publicID]publicIDRow{}, entries: map[storage.Ref]*entry{}, tallies: map[storage.Lane]*schemas.Tally{},
	}
}

func (o *overlay) empty() bool { return len(o.events) == 0 && len(o.touched) == 0 }
func (o *overlay) items() int  { return len(o.events) + len(o.touched) }

// set puts an entry in.
func (o *overlay) set(ref storage.Ref, e *entry) {
	if o.entries[ref] == nil {
		o.touched = append(o.touched, ref)
	}
	o.entries[ref] = e
}

// take adds what a commit has.
func (o *overlay) take(d *overlay) {
	o.serial, o.numbers = d.serial, d.numbers
	if o.empty() {
		o.began = d.began
	}
	o.bytes += d.bytes
	o.events = append(o.events, d.events...)
	for i := range d.events {
		o.ids[d.events[i].publicID] = d.events[i].publicIDRow
	}
	for _, ref := range d.touched {
		o.set(ref, d.entries[ref])
	}
	for lane, tally := range d.tallies {
		o.tallies[lane] = tally
	}
}

// clear forgets everything.
func (o *overlay) clear() {
	clear(o.events)
	clear(o.ids)
	clear(o.entries)
	clear(o.tallies)
	*o = overlay{ids: o.ids, entries: o.entries, tallies: o.tallies, events: o.events[:0], touched: o.touched[:0]}
}

// ledger is what is not in the file: the overlay that grows, and the one that is being brought into the file. The
// committer alone adds to it.
type ledger struct {
	mu             sync.RWMutex // guards the two, and the growing one's maps against those who are not the committer
	active, frozen *overlay     // frozen is empty while nothing is on its way
}

func (l *ledger) start() { l.active, l.frozen = newOverlay(), newOverlay() }

// take adds what a commit has.
func (l *ledger) take(d *overlay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active.take(d)
}

// freeze begins another overlay; the former one does not change any more.
func (l *ledger) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen, l.active = l.active, newOverlay()
}

// thaw forgets what is in the file now.
func (l *ledger) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.frozen.empty() {
		l.frozen = newOverlay()
	}
}

// parts are the two overlays. The growing one is for the committer only.
func (l *ledger) parts() (active, frozen *overlay) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.active, l.frozen
}

// glance is the ledger as it was at one moment. Whoever asks both it and the file takes it first: what it has is then in
// one of the two.
type glance struct {
	mu             *sync.RWMutex
	active, frozen *overlay
}

func (l *ledger) glance() glance {
	active, frozen := l.parts()
	return glance{&l.mu, active, frozen}
}

// delivery is a delivery as it is, if the file may not have it so.
func (g glance) delivery(ref storage.Ref) (deliveryRow, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, o := range [...]*overlay{g.active, g.frozen} {
		if e := o.entries[ref]; e != nil {
			return e.now, true
		}
	}
	return deliveryRow{}, false
}

// event is an event by its number, if the file may not have it.
func (g glance) event(seq uint64) (eventRow, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, o := range [...]*overlay{g.active, g.frozen} {
		i, found := slices.BinarySearchFunc(o.events, seq, func(a arrived, seq uint64) int { return cmp.Compare(a.seq, seq) })
		if found {
			return parseEvent(o.events[i].row[sumLen:])
		}
	}
	return eventRow{}, false
}

// after are the events with greater numbers, in two lists, by number. They do not change.
func (g glance) after(seq uint64) (lists [2][]arrived) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for n, o := range [...]*overlay{g.frozen, g.active} {
		i, _ := slices.BinarySearchFunc(o.events, seq+1, func(a arrived, seq uint64) int { return cmp.Compare(a.seq, seq) })
		lists[n] = o.events[i:]
	}
	return lists
}

// tally is a lane's counters, if the file may not have them yet.
func (l *ledger) tally(lane storage.Lane) (schemas.Tally, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, o := range [...]*overlay{l.active, l.frozen} {
		if t := o.tallies[lane]; t != nil {
			return *t, true
		}
	}
	return schemas.Tally{}, false
}
