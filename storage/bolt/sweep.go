package bolt

import (
	"context"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// sweepPartition deletes the next events of a partition that have no open delivery.
func (s *Store) sweepPartition(ctx context.Context, r *retirement) error {
	var victims [][]byte
	n := 0
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		ascend(partitionBucket(tx, r.partition, ofEvents), nil, r.after, func(k, _ []byte) bool {
			if len(k) != 16 {
				return true
			}
			if _, open := r.open[number(k[8:])]; !open {
				victims = append(victims, append([]byte(nil), k...))
			}
			n++
			r.after = append(r.after[:0], k...)
			return n < expireStep
		})
		return nil
	})
	if err != nil {
		return err
	}
	if n < expireStep {
		r.stage = finished
	}
	return s.upkeepDo(ctx, func(t *txn) {
		for _, key := range victims {
			t.expireEvent(r.partition, key)
		}
		if r.stage == finished {
			r.partition.swept.Store(r.closed + 1)
		}
	})
}

// expireEvent deletes an event and what belongs to it, unless a delivery of it is open.
func (t *txn) expireEvent(p *partition, event []byte) {
	deliveries, attempts := t.part(p, ofDeliveries), t.part(p, ofAttempts)
	var refs []storage.Ref
	open := false
	ascend(deliveries, event, event, func(k, v []byte) bool {
		if ref, ok := parseDeliveryKey(k); ok {
			row, err := decodeDelivery(k, v, ref)
			open = open || err == nil && row.open()
			refs = append(refs, ref)
		}
		return true
	})
	if open {
		return
	}
	for _, ref := range refs {
		prefix := deliveryKey(nil, ref)
		var keys [][]byte
		ascend(attempts, prefix, prefix, func(k, _ []byte) bool {
			keys = append(keys, append([]byte(nil), k...))
			return true
		})
		for _, k := range keys {
			t.delete(attempts, k)
		}
		t.delete(deliveries, prefix)
		t.delete(t.part(p, ofLines), lineKey(nil, ref.Lane(), ref.Seq))
	}
	t.delete(t.part(p, ofEvents), event)
}

// sweepSpan deletes the next public ids whose event is gone.
func (s *Store) sweepSpan(ctx context.Context, r *retirement) error {
	var victims [][]byte
	n := 0
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		c := s.calendar.Load()
		ascend(tx.Bucket(r.span.bucketName(nil)), nil, r.after, func(k, v []byte) bool {
			n++
			r.after = append(r.after[:0], k...)
			p, ok := unseal(k, v)
			row, fits := publicIDRow{}, false
			if ok && len(k) > 8 {
				row, fits = parsePublicID(p)
			}
			if fits {
				b := partitionBucket(tx, c.partition(row.seq), ofEvents)
				if b != nil && b.Get(append(append([]byte(nil), k[:8]...), appendNumber(nil, row.seq)...)) != nil {
					return n < expireStep
				}
			}
			victims = append(victims, append([]byte(nil), k...))
			return n < expireStep
		})
		return nil
	})
	if err != nil {
		return err
	}
	if n < expireStep {
		r.stage = finished
		r.span.swept.Store(r.gone + 1)
	}
	return s.upkeepDo(ctx, func(t *txn) {
		for _, key := range victims {
			t.delete(t.spanBucket(r.span), key)
		}
	})
}
