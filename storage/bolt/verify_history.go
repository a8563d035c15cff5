package bolt

import (
	"encoding/binary"
	"encoding/json"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// looksAtHistory looks at the rows of a partition. A partition may have lost buckets, when the process ended while it was
// being dropped: always the later ones of partitionBuckets are left, and rows are held only against what is there.
func (v *verifier) looksAtHistory(p *partition, letter byte) func(key, payload []byte) {
	part := openPartition{
		lines: partitionBucket(v.tx, p, ofLines), deliveries: partitionBucket(v.tx, p, ofDeliveries),
		events: partitionBucket(v.tx, p, ofEvents),
	}
	switch letter {
	case ofEvents:
		return func(key, payload []byte) { v.event(p, &part, key, payload) }
	case ofDeliveries:
		return func(key, payload []byte) { v.delivery(&part, key, payload) }
	case ofLines:
		return func(key, _ []byte) { v.line(&part, key) }
	case ofAttempts:
		return func(key, payload []byte) { v.attempt(&part, key, payload) }
	}
	return nil
}

func (v *verifier) event(p *partition, part *openPartition, key, payload []byte) {
	v.found.Events++
	row, ok := parseEvent(payload)
	if !ok || len(key) != 16 {
		v.found.wrong("event under key %x is not of the form of one", key)
		return
	}
	a, seq := schemas.AccountID(number(key)), number(key[8:])
	if seq > v.numbers.seq {
		v.found.wrong("event %d of account %d is beyond the last number given out, %d", seq, a, v.numbers.seq)
	}
	if at := v.calendar.partition(seq); at == nil || at.first != p.first {
		v.found.wrong("event %d of account %d stands in a partition where nobody would look for it", seq, a)
	}
	for _, w := range row.targets() {
		ref := storage.Ref{Account: a, Webhook: w, Seq: seq}
		if part.deliveries != nil && part.deliveries.Get(deliveryKey(nil, ref)) == nil {
			v.found.wrong("event %d of account %d is owed to webhook %d, and has no delivery to it", seq, a, w)
		}
	}
}

func (v *verifier) delivery(part *openPartition, key, payload []byte) {
	v.found.Deliveries++
	ref, okKey := parseDeliveryKey(key)
	row, okRow := parseDelivery(payload)
	if !okKey || !okRow {
		v.found.wrong("delivery under key %x is not of the form of one", key)
		return
	}
	// The event need not name the webhook: it may have been replayed to it later.
	if _, err := getEvent(part.events, ref.Account, ref.Seq); err != nil {
		v.found.wrong("%s is of an event that is not there", title(ref))
	}
	if part.lines != nil && part.lines.Get(lineKey(nil, ref.Lane(), ref.Seq)) == nil {
		v.found.wrong("%s is missing from its webhook's line", title(ref))
	}
	if !row.open() {
		return
	}
	v.found.Open++
	due, flight := v.has(inDue, dueKey(nil, ref.Lane(), spot{due: row.due, seq: ref.Seq})), v.has(inFlights, key)
	if due == row.flight || flight != row.flight {
		v.found.wrong("%s is open and has to stand in exactly one index: among the due ones %v, among the flights %v", title(ref), due, flight)
	}
}

func (v *verifier) has(p place, key []byte) bool {
	b := v.tx.Bucket([]byte(p.String()))
	return b != nil && b.Get(key) != nil
}

func (v *verifier) line(part *openPartition, key []byte) {
	lane, ok := parseLaneKey(key)
	if !ok || len(key) != 24 {
		v.found.wrong("a place in a line under key %x is not of the form of one", key)
		return
	}
	ref := storage.Ref{Account: lane.Account, Webhook: lane.Webhook, Seq: number(key[16:])}
	if !stands(part.deliveries, ref) {
		v.found.wrong("%s is not there, though it stands in its webhook's line", title(ref))
	}
}

func stands(deliveries *bbolt.Bucket, ref storage.Ref) bool {
	return deliveries != nil && deliveries.Get(deliveryKey(nil, ref)) != nil
}

func (v *verifier) attempt(part *openPartition, key, payload []byte) {
	v.found.Attempts++
	if len(key) != 28 || !json.Valid(payload) {
		v.found.wrong("attempt under key %x is not of the form of one", key)
		return
	}
	ref, _ := parseDeliveryKey(key[:24])
	if part.deliveries == nil {
		return
	}
	row, err := getDelivery(part.deliveries, key[:24], ref)
	if n := binary.BigEndian.Uint32(key[24:]); err != nil || n == 0 || n > row.attempts {
		v.found.wrong("attempt %d of %s is one that the delivery does not know of", n, title(ref))
	}
}

// due and flight hold the indexes against the deliveries: none may stand for one that is not owed, or owed otherwise.
func (v *verifier) due(key, _ []byte) {
	lane, _ := parseLaneKey(key)
	at, ok := parseDueKey(key)
	if !ok {
		v.found.wrong("a row of the due index under key %x is not of the form of one", key)
		return
	}
	ref := storage.Ref{Account: lane.Account, Webhook: lane.Webhook, Seq: at.seq}
	if row, ok := v.owed(ref); !ok || row.flight || row.due != at.due {
		v.found.wrong("%s stands in the due index, and is not owed like that", title(ref))
	}
}

func (v *verifier) flight(key, _ []byte) {
	ref, ok := parseDeliveryKey(key)
	if !ok {
		v.found.wrong("a row of the flights under key %x is not of the form of one", key)
		return
	}
	if row, ok := v.owed(ref); !ok || !row.flight {
		v.found.wrong("%s stands among the flights, and is not owed like that", title(ref))
	}
}

func (v *verifier) owed(ref storage.Ref) (deliveryRow, bool) {
	b := partitionBucket(v.tx, v.calendar.partition(ref.Seq), ofDeliveries)
	if b == nil {
		return deliveryRow{}, false
	}
	row, err := getDelivery(b, deliveryKey(nil, ref), ref)
	return row, err == nil && row.open()
}

func (v *verifier) publicID(key, payload []byte) {
	row, ok := parsePublicID(payload)
	if !ok || len(key) <= 8 {
		v.found.wrong("a public id under key %x is not of the form of one", key)
		return
	}
	if row.seq == 0 || row.seq > v.numbers.seq {
		v.found.wrong("a public id of account %d means event %d, a number that was never given out", number(key), row.seq)
	}
}
