package bolt

import (
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// txn is one transaction on the file: the open buckets, the counters as they will be, and what memory has to learn
// once the disk has it. The first error of a write sticks in err and undoes the commit. There is one at a time: of the
// committer, or of the goroutine that brings an overlay into the file.
type txn struct {
	store *Store
	tx    *bbolt.Tx
	now   instant
	err   error

	places [placeCount]*bbolt.Bucket
	parts  map[*partition]*openPartition
	spans  map[*span]*bbolt.Bucket

	numbers  numbers
	serial   uint64 // of the last frame of the journal that the file has
	calendar *calendar
	volume   int
	effects  []effect
	changed  bool // a record of the configuration

	key   []byte // scratch: bbolt copies keys
	arena []byte // rows: bbolt keeps them until the commit ends
}

// openPartition are a partition's buckets as far as this transaction has opened them.
type openPartition struct{ lines, attempts, deliveries, events *bbolt.Bucket }

// reset prepares the transaction for another commit.
func (t *txn) reset(s *Store) {
	clear(t.effects)
	*t = txn{
		store: s, now: s.now(),
		parts: t.parts, spans: t.spans,
		effects: t.effects[:0], key: t.key[:0], arena: t.arena[:0],
		numbers: s.written.numbers, serial: s.written.serial, volume: s.volume, calendar: s.calendar.Load(),
	}
}

func (t *txn) begin(tx *bbolt.Tx) {
	t.tx = tx
	if t.parts == nil {
		t.parts, t.spans = make(map[*partition]*openPartition), make(map[*span]*bbolt.Bucket)
	}
	clear(t.parts)
	clear(t.spans)
}

// finish writes what a commit writes once.
func (t *txn) finish() error {
	if t.err != nil {
		return t.err
	}
	before, meta := t.store.written, t.place(inMeta)
	for _, n := range [...]struct {
		key         string
		before, now uint64
	}{
		{metaSeq, before.seq, t.numbers.seq},
		{metaRevision, before.revision, t.numbers.revision},
		{metaOpen, before.open, t.numbers.open},
		{metaSerial, before.serial, t.serial},
	} {
		if n.before == n.now {
			continue
		}
		if err := writeNumber(meta, n.key, n.now); err != nil {
			return err
		}
	}
	return nil
}

// put seals and writes a row; row must not change until the commit ends.
func (t *txn) put(b *bbolt.Bucket, key, row []byte) {
	if t.err == nil {
		seal(key, row)
		t.err = b.Put(key, row)
	}
}

func (t *txn) delete(b *bbolt.Bucket, key []byte) {
	if t.err == nil {
		t.err = b.Delete(key)
	}
}

// row is room for a row of n bytes.
func (t *txn) row(n int) []byte {
	const chunk = 64 << 10
	if cap(t.arena)-len(t.arena) < n {
		t.arena = make([]byte, 0, max(n, chunk, min(2*cap(t.arena), 16*chunk)))
	}
	t.arena = t.arena[:len(t.arena)+n]
	return t.arena[len(t.arena)-n : len(t.arena) : len(t.arena)]
}

func (t *txn) place(p place) *bbolt.Bucket {
	if t.places[p] == nil {
		t.places[p] = t.tx.Bucket([]byte(p.String()))
		t.places[p].FillPercent = fillPercent
	}
	return t.places[p]
}

// Most rows come at the end of an account's or a lane's, so that a page which is left half empty stays so.
const fillPercent = 0.9

// part opens a bucket of a partition; nil if there is none.
func (t *txn) part(p *partition, letter byte) *bbolt.Bucket {
	if p == nil {
		return nil
	}
	open := t.parts[p]
	if open == nil {
		open = &openPartition{}
		t.parts[p] = open
	}
	b := &open.events
	switch letter {
	case ofLines:
		b = &open.lines
	case ofAttempts:
		b = &open.attempts
	case ofDeliveries:
		b = &open.deliveries
	}
	if *b == nil {
		if *b = partitionBucket(t.tx, p, letter); *b != nil {
			(*b).FillPercent = fillPercent
		}
	}
	return *b
}

// current is the partition that an event goes to. A new one begins when the latest is full or old.
func (t *txn) current(seq uint64, accepted int64) *partition {
	tune := &t.store.tuning
	latest := t.calendar.latest()
	if latest != nil && !latest.doomed.Load() && t.volume < tune.partition && accepted-latest.begun < int64(tune.span) {
		return latest
	}
	next := &partition{first: seq, begun: accepted}
	if latest != nil {
		next.begun = max(next.begun, latest.begun) // the clock may have been set back
	}
	for _, letter := range partitionBuckets {
		if t.err == nil {
			_, t.err = t.tx.CreateBucket(next.bucketName(nil, letter))
		}
	}
	t.calendar, t.volume = t.calendar.with(next, nil), 0
	return next
}

// currentSpan is the span that the public id of an event goes to.
func (t *txn) currentSpan(accepted int64) *span {
	length := int64(t.store.tuning.span)
	latest := t.calendar.latestSpan()
	begun := accepted - accepted%length
	if latest != nil && latest.begun >= begun {
		return latest
	}
	next := &span{begun: begun}
	if t.err == nil {
		_, t.err = t.tx.CreateBucket(next.bucketName(nil))
	}
	t.calendar = t.calendar.with(nil, next)
	return next
}

func (t *txn) spanBucket(s *span) *bbolt.Bucket {
	b := t.spans[s]
	if b == nil {
		b = t.tx.Bucket(s.bucketName(t.key[:0]))
		t.spans[s] = b
	}
	return b
}

// delivery reads a delivery's row: ErrAbsent, or an error that names the damaged row.
func (t *txn) delivery(r storage.Ref) (deliveryRow, *partition, error) {
	p := t.calendar.partition(r.Seq)
	t.key = deliveryKey(t.key[:0], r)
	row, err := getDelivery(t.part(p, ofDeliveries), t.key, r)
	return row, p, err
}

func getDelivery(b *bbolt.Bucket, key []byte, r storage.Ref) (deliveryRow, error) {
	if b == nil {
		return deliveryRow{}, storage.ErrAbsent
	}
	v := b.Get(key)
	if v == nil {
		return deliveryRow{}, storage.ErrAbsent
	}
	return decodeDelivery(key, v, r)
}

func decodeDelivery(key, v []byte, r storage.Ref) (deliveryRow, error) {
	p, ok := unseal(key, v)
	if ok {
		if row, ok := parseDelivery(p); ok {
			return row, nil
		}
	}
	return deliveryRow{}, damaged("delivery of event %d to webhook %d of account %d", r.Seq, r.Webhook, r.Account)
}

func (t *txn) putDelivery(r storage.Ref, d deliveryRow) {
	row := t.row(deliveryRowLen)
	d.write(row)
	t.key = deliveryKey(t.key[:0], r)
	t.put(t.part(t.calendar.partition(r.Seq), ofDeliveries), t.key, row)
}

// index puts an open delivery where it is found when it is due; unindex takes it away.
func (t *txn) index(r storage.Ref, d deliveryRow) {
	if d.flight {
		t.key = deliveryKey(t.key[:0], r)
		t.put(t.place(inFlights), t.key, t.row(sumLen))
		return
	}
	t.key = dueKey(t.key[:0], r.Lane(), spot{due: d.due, seq: r.Seq})
	t.put(t.place(inDue), t.key, t.row(sumLen))
}

func (t *txn) unindex(r storage.Ref, d deliveryRow) {
	if d.flight {
		t.delete(t.place(inFlights), deliveryKey(t.key[:0], r))
		return
	}
	t.delete(t.place(inDue), dueKey(t.key[:0], r.Lane(), spot{due: d.due, seq: r.Seq}))
}

// close writes that a delivery is no longer owed.
func (t *txn) close(r storage.Ref, d deliveryRow, state byte) {
	t.unindex(r, d)
	d.state, d.flight, d.due, d.updated = state, false, 0, t.now.wall
	t.putDelivery(r, d)
	t.calendar.partition(r.Seq).closed.Add(1)
	t.numbers.open--
	t.effects = append(t.effects, effect{what: effectClosed, ref: r})
}

// plan writes that a delivery is owed and when it is due.
func (t *txn) plan(r storage.Ref, d deliveryRow, due int64) deliveryRow {
	d.state, d.flight, d.due, d.updated = d.owed(), false, due, t.now.wall
	t.index(r, d)
	t.putDelivery(r, d)
	return d
}

// after is the instant a while from now, as far as numbers go.
func after(now int64, in time.Duration) int64 {
	const limit = 100 * 365 * 24 * time.Hour
	return now + int64(min(max(in, 0), limit))
}
