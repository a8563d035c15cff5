package bolt

import (
	"cmp"
	"encoding/binary"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// draft is one commit to the journal in the making: the frame, what the ledger has to learn once the disk has that, and
// what the board has to. Accepts and settles are written this way; all else goes to the file at once (txn.go).
type draft struct {
	overlay
	store   *Store
	now     instant
	frame   []byte // the journal's; rows of the overlay are parts of it
	effects []effect
	pinned  []*lease

	// What was there when the draft began, the newer first: the ledger's growing part, and the one that is on its way into
	// the file, which may get there meanwhile. The file is asked last.
	active, frozen *overlay
	tx             *bbolt.Tx // reads the file; nil until it is asked
	calendar       *calendar
	key            []byte
}

// reset prepares for another commit, whose payload has about so many bytes.
func (d *draft) reset(s *Store, size int) {
	clear(d.effects)
	clear(d.pinned)
	if d.store == nil {
		d.overlay = *newOverlay()
	}
	d.overlay.clear()
	*d = draft{
		overlay: d.overlay, store: s, now: s.now(), calendar: s.calendar.Load(),
		effects: d.effects[:0], pinned: d.pinned[:0], key: d.key[:0],
		frame: make([]byte, frameHead, frameHead+8+size),
	}
	d.active, d.frozen = s.ledger.parts()
	d.numbers, d.began = s.numbers, d.now.mono
	d.frame = binary.BigEndian.AppendUint64(d.frame, uint64(d.now.wall))
}

// file is the file as it is. It has at least what is in no overlay.
func (d *draft) file() (*bbolt.Tx, error) {
	if d.tx == nil {
		tx, err := d.store.db.Begin(false)
		if err != nil {
			return nil, err
		}
		d.tx, d.calendar = tx, d.store.calendar.Load()
	}
	return d.tx, nil
}

// done lets go of the file.
func (d *draft) done() {
	if d.tx != nil {
		_ = d.tx.Rollback() // of a read: it can't fail
		d.tx = nil
	}
}

// findRepeat looks for an event of that id: in what the file does not have yet, and in the spans of the file that were
// open when the caller looked (repeat.go).
func (d *draft) findRepeat(it *arrival) (publicIDRow, bool, error) {
	id := publicID{it.account, it.id}
	for _, o := range [...]*overlay{&d.overlay, d.active, d.frozen} {
		if row, found := o.ids[id]; found {
			return row, d.now.wall-row.accepted < int64(it.window), nil
		}
	}
	tx, err := d.file()
	if err != nil {
		return publicIDRow{}, false, err
	}
	for i := len(d.calendar.spans) - 1; i >= 0 && d.calendar.spans[i].begun >= it.looked; i-- {
		d.key = publicIDKey(d.key[:0], it.account, it.id)
		row, found, err := getRepeat(tx.Bucket(d.calendar.spans[i].bucketName(nil)), d.key, it, d.now.wall)
		if found || err != nil {
			return row, found, err
		}
	}
	return publicIDRow{}, false, nil
}

// entry is a copy of a delivery's entry to be changed, whatever the file says of it; ErrAbsent, or an error that names the
// damaged row.
func (d *draft) entry(ref storage.Ref) (entry, error) {
	if e := d.entries[ref]; e != nil {
		return *e, nil
	}
	if e := d.active.entries[ref]; e != nil {
		return *e, nil // the draft's will take its place
	}
	if e := d.frozen.entries[ref]; e != nil {
		return entry{now: e.now, was: e.now}, nil
	}
	tx, err := d.file()
	if err != nil {
		return entry{}, err
	}
	d.key = deliveryKey(d.key[:0], ref)
	now, err := getDelivery(partitionBucket(tx, d.calendar.partition(ref.Seq), ofDeliveries), d.key, ref)
	return entry{now: now, was: now}, err
}

// tally is a lane's counters in this commit. Damaged ones begin again at zero: they must not keep the lane's deliveries
// from being settled.
func (d *draft) tally(l storage.Lane) (*schemas.Tally, error) {
	if t := d.tallies[l]; t != nil {
		return t, nil
	}
	t := &schemas.Tally{}
	if before := cmp.Or(d.active.tallies[l], d.frozen.tallies[l]); before != nil {
		*t = *before
	} else {
		tx, err := d.file()
		if err != nil {
			return nil, err
		}
		d.key = laneKey(d.key[:0], l)
		*t, err = decodeTally(d.key, tx.Bucket([]byte(inTallies.String())).Get(d.key), l)
		d.store.harm.note(err)
	}
	d.tallies[l] = t
	return t, nil
}

// enter takes an event in: its number, its deliveries, and its line in the frame. Deliveries of targets with a Hold are
// born leased; held, one for each of these, gets what there is to know. It may be nil.
func (d *draft) enter(id publicID, row []byte, to []storage.Target, held []storage.Held) (seq uint64) {
	d.numbers.seq++
	seq = d.numbers.seq
	binary.BigEndian.PutUint64(row[sumLen:], uint64(d.now.wall))
	kept := d.writeArrival(id, seq, row, to)
	known := publicIDRow{seq, d.now.wall, uint32(len(to))}
	d.events = append(d.events, arrived{id, known, kept})
	d.ids[id] = known
	d.bytes += len(kept) + len(id.id) + 128*(1+len(to))
	for _, target := range to {
		ref := storage.Ref{Account: id.account, Webhook: target.Webhook, Seq: seq}
		row := deliveryRow{state: statePending, flight: target.Hold > 0, due: d.now.wall, updated: d.now.wall}
		d.set(ref, &entry{now: row, born: true})
		d.numbers.open++
		e := effect{what: effectDue, ref: ref, spot: spot{row.due, seq, row.flight}}
		if row.flight && held != nil {
			held[0].Seq, held[0].Accepted = seq, instantTime(d.now.wall)
			e.what, e.hold, e.held = effectHeld, target.Hold, &held[0]
			held = held[1:]
		}
		d.effects = append(d.effects, e)
	}
	return seq
}

// conclude changes a delivery that is open by an outcome, and writes that into the frame. was is the lease whose holder
// gave it back.
func (d *draft) conclude(e *ending, was entry, lease *lease) (schemas.Tally, error) {
	tally, err := d.tally(e.ref.Lane())
	if err != nil {
		return schemas.Tally{}, err
	}
	row := d.writeEnding(e)
	next := was
	if e.tried {
		next.now.attempts++
		next.attempts = append(was.attempts[:len(was.attempts):len(was.attempts)], attemptRow{next.now.attempts, row})
		e.count(tally, d.now.wall)
	}
	next.now.updated = d.now.wall
	next.now.flight = false
	next.now.due = 0
	changed := effect{what: effectClosed, ref: e.ref}
	switch e.next {
	case storage.Done:
		next.now.state = stateDelivered
	case storage.Dead:
		tally.Dropped++
		next.now.state = stateDead
	case storage.Discard:
		next.now.state = stateDiscarded
	case storage.Retry, storage.Release:
		next.now.state, next.now.due = next.now.owed(), after(d.now.wall, e.in)
		changed = effect{what: effectDue, ref: e.ref, spot: spot{due: next.now.due, seq: e.ref.Seq}, was: lease}
	}
	if !next.now.open() {
		d.numbers.open--
	}
	d.set(e.ref, &next)
	d.bytes += len(row) + 128
	d.effects = append(d.effects, changed)
	return *tally, nil
}
