package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Event finds an event by its public id; of several, the newest.
func (s *Store) Event(ctx context.Context, a schemas.AccountID, id string) (got storage.EventRecord, err error) {
	if id == "" || len(id) > maxPublicID {
		return got, storage.ErrAbsent
	}
	err = s.look(ctx, func(tx *bbolt.Tx) error {
		c, key := s.calendar.Load(), publicIDKey(nil, a, id)
		for _, sp := range slices.Backward(c.spans) {
			row, err := getPublicID(tx.Bucket(sp.bucketName(nil)), key, a)
			if errors.Is(err, storage.ErrAbsent) {
				continue
			}
			if err != nil {
				return err
			}
			got, err = readEvent(partitionBucket(tx, c.partition(row.seq), ofEvents), a, row.seq)
			return err
		}
		return storage.ErrAbsent
	})
	return got, err
}

// EventBySeq finds an event by its number. An event does not change, so one that the file has needs no look at what the
// file has not yet: a list of deliveries asks for many.
func (s *Store) EventBySeq(ctx context.Context, a schemas.AccountID, seq uint64) (got storage.EventRecord, err error) {
	find := func(tx *bbolt.Tx) (err error) {
		got, err = readEvent(partitionBucket(tx, s.calendar.Load().partition(seq), ofEvents), a, seq)
		return err
	}
	if err = s.view(ctx, find); errors.Is(err, storage.ErrAbsent) {
		err = s.look(ctx, find)
	}
	return got, err
}

// getEvent reads an event's row; what it returns points into the file.
func getEvent(b *bbolt.Bucket, a schemas.AccountID, seq uint64) (eventRow, error) {
	if b == nil {
		return eventRow{}, storage.ErrAbsent
	}
	key := eventKey(nil, a, seq)
	v := b.Get(key)
	if v == nil {
		return eventRow{}, storage.ErrAbsent
	}
	return decodeEvent(key, v, a, seq)
}

func decodeEvent(key, v []byte, a schemas.AccountID, seq uint64) (eventRow, error) {
	if p, ok := unseal(key, v); ok {
		if row, ok := parseEvent(p); ok {
			return row, nil
		}
	}
	return eventRow{}, damaged("event %d of account %d", seq, a)
}

func readEvent(b *bbolt.Bucket, a schemas.AccountID, seq uint64) (storage.EventRecord, error) {
	row, err := getEvent(b, a, seq)
	if err != nil {
		return storage.EventRecord{}, err
	}
	return row.record(seq), nil
}

// record copies.
func (r eventRow) record(seq uint64) storage.EventRecord {
	return storage.EventRecord{
		Seq: seq, Accepted: instantTime(r.accepted), Type: string(r.kind), Body: bytes.Clone(r.body), To: r.targets(),
	}
}

// Events lists an account's events, newest first.
func (s *Store) Events(
	ctx context.Context, a schemas.AccountID, q storage.EventQuery,
) (got []storage.EventRecord, cursor string, err error) {
	page, err := newPager(q.Page, q.Range)
	if err != nil {
		return nil, "", err
	}
	prefix := accountKey(nil, a)
	err = s.look(ctx, func(tx *bbolt.Tx) (err error) {
		for p := range s.calendar.Load().older(page.last.seq) {
			if !page.step() {
				return nil
			}
			below := eventKey(nil, a, page.last.seq)
			descend(partitionBucket(tx, p, ofEvents), prefix, below, func(k, v []byte) bool {
				if len(k) != 16 || page.ended(number(k[8:])) || !page.step() {
					return false
				}
				page.last.seq = number(k[8:])
				var row eventRow
				if row, err = decodeEvent(k, v, a, page.last.seq); err != nil {
					return false
				}
				if ofTypes(q.Types, row) {
					got = append(got, row.record(page.last.seq))
					page.took(len(row.body))
				}
				return true
			})
			if err != nil || page.full || page.ended(p.first) {
				return err
			}
			page.last = mark{seq: p.first}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return got, page.cursor(), nil
}

// ofTypes reports whether an event is of one of the types that are asked for; none asks for all.
func ofTypes(types []string, row eventRow) bool {
	return len(types) == 0 || slices.ContainsFunc(types, func(pattern string) bool {
		return schemas.MatchEventType(pattern, string(row.kind))
	})
}

// Attempts returns the newest attempts of a delivery, oldest first.
func (s *Store) Attempts(ctx context.Context, r storage.Ref, most int) (got []schemas.Attempt, err error) {
	err = s.look(ctx, func(tx *bbolt.Tx) error {
		p, prefix := s.calendar.Load().partition(r.Seq), deliveryKey(nil, r)
		if _, err := getDelivery(partitionBucket(tx, p, ofDeliveries), prefix, r); err != nil {
			return err
		}
		var bad error
		descend(partitionBucket(tx, p, ofAttempts), prefix, successor(prefix), func(k, v []byte) bool {
			a, ok := decodeAttempt(k, v)
			if !ok {
				bad = damaged("an attempt of event %d to webhook %d of account %d", r.Seq, r.Webhook, r.Account)
				return false
			}
			got = append(got, a)
			return len(got) < most
		})
		return bad
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(got)
	return got, nil
}

// decodeAttempt reads an attempt; its number is the one the store counted.
func decodeAttempt(k, v []byte) (a schemas.Attempt, ok bool) {
	p, ok := unseal(k, v)
	if !ok || len(k) != 28 || json.Unmarshal(p, &a) != nil {
		return a, false
	}
	a.Number = int(binary.BigEndian.Uint32(k[24:]))
	return a, true
}
