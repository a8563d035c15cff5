package bolt

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Keys are fixed-width big-endian numbers, so that byte order is number order. All but those of the change log and of
// the store's own counters begin with the account.

func appendNumber(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func number(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func accountKey(b []byte, a schemas.AccountID) []byte { return appendNumber(b, uint64(a)) }

func eventKey(b []byte, a schemas.AccountID, seq uint64) []byte {
	return appendNumber(appendNumber(b, uint64(a)), seq)
}

// deliveryKey stands in the order of events, not of webhooks: what is accepted together is settled together, so the
// rows share pages whatever webhooks they belong to. The flights have the same key.
func deliveryKey(b []byte, r storage.Ref) []byte {
	return appendNumber(eventKey(b, r.Account, r.Seq), uint64(r.Webhook))
}

func parseDeliveryKey(k []byte) (storage.Ref, bool) {
	if len(k) != 24 {
		return storage.Ref{}, false
	}
	return storage.Ref{
		Account: schemas.AccountID(number(k)),
		Seq:     number(k[8:]),
		Webhook: schemas.WebhookID(number(k[16:])),
	}, true
}

func laneKey(b []byte, l storage.Lane) []byte {
	return appendNumber(appendNumber(b, uint64(l.Account)), uint64(l.Webhook))
}

func parseLaneKey(k []byte) (storage.Lane, bool) {
	if len(k) < 16 {
		return storage.Lane{}, false
	}
	return storage.Lane{Account: schemas.AccountID(number(k)), Webhook: schemas.WebhookID(number(k[8:]))}, true
}

// lineKey is a delivery's place in its webhook's line.
func lineKey(b []byte, l storage.Lane, seq uint64) []byte { return appendNumber(laneKey(b, l), seq) }

func attemptKey(b []byte, r storage.Ref, n uint32) []byte {
	return binary.BigEndian.AppendUint32(deliveryKey(b, r), n)
}

// dueKey orders a lane's open deliveries by when they are due.
func dueKey(b []byte, l storage.Lane, at spot) []byte {
	return appendNumber(appendNumber(laneKey(b, l), uint64(at.due)), at.seq)
}

func parseDueKey(k []byte) (spot, bool) {
	if len(k) != 32 {
		return spot{}, false
	}
	return spot{due: int64(number(k[16:])), seq: number(k[24:])}, true
}

func publicIDKey(b []byte, a schemas.AccountID, id string) []byte {
	return append(accountKey(b, a), id...)
}

// kindKey is the counter of a kind of record, and the beginning of the keys of its records.
func kindKey(b []byte, k storage.Kind, a schemas.AccountID) []byte {
	return append(accountKey(b, a), byte(k))
}

func recordKey(b []byte, k storage.Kind, a schemas.AccountID, id int64) []byte {
	return appendNumber(kindKey(b, k, a), uint64(id))
}

func fingerprintKey(b []byte, k storage.Kind, a schemas.AccountID, fingerprint string) []byte {
	sum := sha256.Sum256([]byte(fingerprint))
	return append(kindKey(b, k, a), sum[:]...)
}

// successor is the smallest key greater than all keys that begin with prefix. Numbers in keys are never all ones.
func successor(prefix []byte) []byte {
	next := append([]byte(nil), prefix...)
	for i := len(next) - 1; i >= 0; i-- {
		next[i]++
		if next[i] != 0 {
			break
		}
	}
	return next
}
