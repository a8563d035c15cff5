package bolt

import (
	"bytes"
	"fmt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func title(ref storage.Ref) string {
	return fmt.Sprintf("the delivery of event %d to webhook %d of account %d", ref.Seq, ref.Webhook, ref.Account)
}

func (v *verifier) tally(key, payload []byte) {
	if _, ok := parseTally(payload); !ok || len(key) != 16 {
		v.found.wrong("the counters of a webhook under key %x are not of the form of them", key)
	}
}

// parseRecordKey reads the key of a record.
func parseRecordKey(key []byte) (k storage.Kind, a schemas.AccountID, id int64, ok bool) {
	if len(key) != 17 {
		return 0, 0, 0, false
	}
	return storage.Kind(key[8]), schemas.AccountID(number(key)), int64(number(key[9:])), true
}

func (v *verifier) record(key, payload []byte) {
	v.found.Records++
	k, a, id, ok := parseRecordKey(key)
	if !ok {
		v.found.wrong("a record under key %x is not of the form of one", key)
		return
	}
	r, ok := parseRecord(payload, k, a, id)
	if !ok {
		v.found.wrong("record %d of kind %d of account %d is not of the form of one", id, k, a)
		return
	}
	if last := v.counterAt(inCounters, kindKey(nil, k, a)); uint64(id) > last {
		v.found.wrong("record %d of kind %d of account %d is beyond the last number given out, %d", id, k, a, last)
	}
	if r.Fingerprint != "" && v.counterAt(inPrints, fingerprintKey(nil, k, a, r.Fingerprint)) != uint64(id) {
		v.found.wrong("record %d of kind %d of account %d can't be found by its fingerprint", id, k, a)
	}
	change, ok := v.changeAt(r.Revision)
	if !ok || change != (changeRow{kind: k, account: a, id: id}) {
		v.found.wrong("record %d of kind %d of account %d is missing from the change log", id, k, a)
	}
}

// counterAt reads a row that holds one number; 0 for one that is not there or damaged, which is told elsewhere.
func (v *verifier) counterAt(p place, key []byte) uint64 {
	b := v.tx.Bucket([]byte(p.String()))
	if b == nil {
		return 0
	}
	n, err := getCounter(b, key)
	if err != nil {
		return 0
	}
	return n
}

func (v *verifier) changeAt(revision uint64) (changeRow, bool) {
	b := v.tx.Bucket([]byte(inChanges.String()))
	if b == nil {
		return changeRow{}, false
	}
	key := appendNumber(nil, revision)
	payload, ok := unseal(key, b.Get(key))
	if !ok {
		return changeRow{}, false
	}
	return parseChange(payload)
}

func (v *verifier) print(key, payload []byte) {
	if len(key) != 9+32 || len(payload) != 8 {
		v.found.wrong("a fingerprint under key %x is not of the form of one", key)
		return
	}
	k, a, id := storage.Kind(key[8]), schemas.AccountID(number(key)), int64(number(payload))
	r, err := getRecord(v.tx.Bucket([]byte(inRecords.String())), k, a, id)
	if err != nil || !bytes.Equal(fingerprintKey(nil, k, a, r.Fingerprint), key) {
		v.found.wrong("a fingerprint leads to record %d of kind %d of account %d, which has another or is not there", id, k, a)
	}
}

func (v *verifier) counter(key, payload []byte) {
	if len(key) != 9 || len(payload) != 8 {
		v.found.wrong("a counter of records under key %x is not of the form of one", key)
	}
}

func (v *verifier) change(key, payload []byte) {
	c, ok := parseChange(payload)
	if !ok || len(key) != 8 {
		v.found.wrong("an entry of the change log under key %x is not of the form of one", key)
		return
	}
	revision := number(key)
	if revision > v.numbers.revision {
		v.found.wrong("revision %d of the change log is beyond the last one given out, %d", revision, v.numbers.revision)
	}
	r, err := getRecord(v.tx.Bucket([]byte(inRecords.String())), c.kind, c.account, c.id)
	if gone := err != nil; gone != c.removed || !gone && r.Revision != revision {
		v.found.wrong("the change log at %d does not fit record %d of kind %d of account %d", revision, c.id, c.kind, c.account)
	}
}
