package bolt

import (
	"encoding/binary"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// This file holds the payloads of rows. Every parse function takes a payload whose checksum fitted and still refuses
// what is not of its form; what it returns may point into the payload.

// deliveryRow is how far a delivery has come.
type deliveryRow struct {
	state    byte
	flight   bool // its index row stands among the flights, not in the due index
	attempts uint32
	due      int64 // unix nanoseconds; 0 unless open
	updated  int64
}

// The states as they are stored; do not change them.
const (
	statePending   = 1
	stateRetrying  = 2
	stateDelivered = 3
	stateDead      = 4
	stateDiscarded = 5
)

const deliveryRowLen = sumLen + 1 + 1 + 4 + 8 + 8

func (r deliveryRow) open() bool { return r.state == statePending || r.state == stateRetrying }

// owed is the state of an open delivery: whether it was tried is what tells the two apart.
func (r deliveryRow) owed() byte {
	if r.attempts > 0 {
		return stateRetrying
	}
	return statePending
}

func (r deliveryRow) write(b []byte) {
	b[4], b[5] = r.state, 0
	if r.flight {
		b[5] = 1
	}
	binary.BigEndian.PutUint32(b[6:], r.attempts)
	binary.BigEndian.PutUint64(b[10:], uint64(r.due))
	binary.BigEndian.PutUint64(b[18:], uint64(r.updated))
}

func parseDelivery(p []byte) (r deliveryRow, ok bool) {
	if len(p) != deliveryRowLen-sumLen || p[0] < statePending || p[0] > stateDiscarded {
		return r, false
	}
	return deliveryRow{
		state:    p[0],
		flight:   p[1] != 0,
		attempts: binary.BigEndian.Uint32(p[2:]),
		due:      int64(number(p[6:])),
		updated:  int64(number(p[14:])),
	}, true
}

func stateName(state byte) schemas.DeliveryState {
	switch state {
	case statePending:
		return schemas.DeliveryPending
	case stateRetrying:
		return schemas.DeliveryRetrying
	case stateDelivered:
		return schemas.DeliveryDelivered
	case stateDead:
		return schemas.DeliveryDead
	default:
		return schemas.DeliveryDiscarded
	}
}

func (r deliveryRow) delivery(ref storage.Ref) schemas.Delivery {
	d := schemas.Delivery{
		Account: ref.Account, Webhook: ref.Webhook, Seq: ref.Seq,
		State: stateName(r.state), Attempts: int(r.attempts), Updated: instantTime(r.updated),
	}
	if r.open() {
		d.Next = instantTime(r.due)
	}
	return d
}

// eventRow is a stored event. Its body stands last and untouched.
type eventRow struct {
	accepted int64
	kind     []byte // the event's type
	to       []byte // uvarints
	body     []byte
}

// appendEventRow leaves checksum and time of acceptance empty: the committer knows them.
func appendEventRow(b []byte, e *storage.NewEvent) []byte {
	b = append(b, make([]byte, sumLen+8)...)
	b = binary.AppendUvarint(b, uint64(len(e.Type)))
	b = append(b, e.Type...)
	b = binary.AppendUvarint(b, uint64(len(e.To)))
	for _, t := range e.To {
		b = binary.AppendUvarint(b, uint64(t.Webhook))
	}
	return append(b, e.Body...)
}

func parseEvent(p []byte) (r eventRow, ok bool) {
	if len(p) < 8 {
		return r, false
	}
	r.accepted, p = int64(number(p)), p[8:]
	if r.kind, p, ok = cut(p); !ok {
		return r, false
	}
	n, w := binary.Uvarint(p)
	if w <= 0 {
		return r, false
	}
	p = p[w:]
	targets := p
	for range n {
		_, w := binary.Uvarint(p)
		if w <= 0 {
			return r, false
		}
		p = p[w:]
	}
	r.to, r.body = targets[:len(targets)-len(p)], p
	return r, true
}

func (r eventRow) targets() []schemas.WebhookID {
	var to []schemas.WebhookID
	for p := r.to; len(p) > 0; {
		n, w := binary.Uvarint(p)
		to, p = append(to, schemas.WebhookID(n)), p[w:]
	}
	return to
}

// cut takes a length and that many bytes from p.
func cut(p []byte) (field, rest []byte, ok bool) {
	n, w := binary.Uvarint(p)
	if w <= 0 || n > uint64(len(p)-w) {
		return nil, nil, false
	}
	return p[w : w+int(n)], p[w+int(n):], true
}

// publicIDRow says which event a public id means.
type publicIDRow struct {
	seq      uint64
	accepted int64
	matched  uint32
}

const publicIDRowLen = sumLen + 8 + 8 + 4

func (r publicIDRow) write(b []byte) {
	binary.BigEndian.PutUint64(b[4:], r.seq)
	binary.BigEndian.PutUint64(b[12:], uint64(r.accepted))
	binary.BigEndian.PutUint32(b[20:], r.matched)
}

func parsePublicID(p []byte) (publicIDRow, bool) {
	if len(p) != publicIDRowLen-sumLen {
		return publicIDRow{}, false
	}
	return publicIDRow{number(p), int64(number(p[8:])), binary.BigEndian.Uint32(p[16:])}, true
}

// appendRecordRow writes a record without what its key says.
func appendRecordRow(b []byte, r *storage.Record) []byte {
	b = append(b, make([]byte, sumLen)...)
	b = appendNumber(b, r.Revision)
	b = binary.AppendUvarint(b, uint64(len(r.Fingerprint)))
	b = append(b, r.Fingerprint...)
	return append(b, r.Body...)
}

// parseRecord copies what it returns.
func parseRecord(p []byte, k storage.Kind, a schemas.AccountID, id int64) (storage.Record, bool) {
	if len(p) < 8 {
		return storage.Record{}, false
	}
	revision := number(p)
	fingerprint, body, ok := cut(p[8:])
	if !ok {
		return storage.Record{}, false
	}
	return storage.Record{
		Kind: k, Account: a, ID: id, Revision: revision,
		Fingerprint: string(fingerprint), Body: append([]byte(nil), body...),
	}, true
}

// changeRow is an entry of the change log: which record got the revision that is its key.
type changeRow struct {
	removed bool
	kind    storage.Kind
	account schemas.AccountID
	id      int64
}

const changeRowLen = sumLen + 1 + 1 + 8 + 8

func (r changeRow) write(b []byte) {
	b[4], b[5] = 0, byte(r.kind)
	if r.removed {
		b[4] = 1
	}
	binary.BigEndian.PutUint64(b[6:], uint64(r.account))
	binary.BigEndian.PutUint64(b[14:], uint64(r.id))
}

func parseChange(p []byte) (changeRow, bool) {
	if len(p) != changeRowLen-sumLen {
		return changeRow{}, false
	}
	return changeRow{p[0] != 0, storage.Kind(p[1]), schemas.AccountID(number(p[2:])), int64(number(p[10:]))}, true
}

func appendTallyRow(b []byte, t *schemas.Tally) []byte {
	b = append(b, make([]byte, sumLen)...)
	for _, n := range [...]int64{t.Calls, t.Errors, t.Consecutive, t.Dropped,
		timeInstant(t.FailingSince), timeInstant(t.LastErrorAt), timeInstant(t.LastSuccess)} {
		b = binary.AppendVarint(b, n)
	}
	return append(b, t.LastError...)
}

func parseTally(p []byte) (t schemas.Tally, ok bool) {
	var n [7]int64
	for i := range n {
		v, w := binary.Varint(p)
		if w <= 0 {
			return t, false
		}
		n[i], p = v, p[w:]
	}
	return schemas.Tally{
		Calls: n[0], Errors: n[1], Consecutive: n[2], Dropped: n[3],
		FailingSince: instantTime(n[4]), LastErrorAt: instantTime(n[5]), LastSuccess: instantTime(n[6]),
		LastError: string(p),
	}, true
}

// instantTime is unix nanoseconds as a time; 0 is the zero time.
func instantTime(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

func timeInstant(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
