package bolt

import (
	"context"
	"sort"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// EventsAfter reads an account's events from a number on, oldest first. The file gets events in the order of their
// numbers, so what a reader sees has no gap that fills later.
func (s *Store) EventsAfter(
	ctx context.Context, a schemas.AccountID, after uint64, n int,
) (got []storage.EventRecord, next uint64, err error) {
	page := &pager{last: mark{seq: after}, room: min(max(n, 1), pageLimit), steps: pageSteps, bytes: pageBytes}
	prefix := accountKey(nil, a)
	err = s.look(ctx, func(tx *bbolt.Tx) (err error) {
		for _, p := range s.calendar.Load().from(after + 1) {
			if !page.step() {
				return nil
			}
			b := partitionBucket(tx, p, ofEvents)
			if b == nil {
				continue // it is gone; or it began after the transaction, as may have events of the one before it
			}
			page.last.seq = max(page.last.seq, p.first-1) // what is older was looked at, or is gone
			ascend(b, prefix, eventKey(nil, a, page.last.seq+1), func(k, v []byte) bool {
				if len(k) != 16 || !page.step() {
					return false
				}
				page.last.seq = number(k[8:])
				var row eventRow
				if row, err = decodeEvent(k, v, a, page.last.seq); err != nil {
					return false
				}
				got = append(got, row.record(page.last.seq))
				page.took(len(row.body))
				return true
			})
			if err != nil || page.full {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, after, err
	}
	return got, page.last.seq, nil
}

// SeqBefore finds the place of a time among an account's events: the partition by its beginning, and the place in it by
// halving, a look at some thirty rows.
func (s *Store) SeqBefore(ctx context.Context, a schemas.AccountID, t time.Time) (seq uint64, err error) {
	err = s.look(ctx, func(tx *bbolt.Tx) (err error) {
		partitions, at := s.calendar.Load().partitions, boundedInstant(t)
		i := sort.Search(len(partitions), func(i int) bool { return partitions[i].begun >= at }) - 1
		if i < 0 {
			return nil
		}
		p := partitions[i]
		seq = p.first - 1
		b := partitionBucket(tx, p, ofEvents)
		descend(b, accountKey(nil, a), eventKey(nil, a, ^uint64(0)), func(k, v []byte) bool {
			if len(k) == 16 {
				seq, err = placeOf(b.Cursor(), a, p.first, number(k[8:]), at)
			}
			return false
		})
		return err
	})
	return seq, err
}

// placeOf is the greatest number from first-1 to last after which an account's events were accepted at that time or
// later. last is the number of its last event.
func placeOf(c *bbolt.Cursor, a schemas.AccountID, first, last uint64, at int64) (seq uint64, err error) {
	n := sort.Search(int(last-first+1), func(i int) bool {
		k, v := c.Seek(eventKey(nil, a, first+uint64(i)))
		row, bad := decodeEvent(k, v, a, first+uint64(i))
		if bad != nil {
			err = bad
			return true
		}
		return row.accepted >= at
	})
	return first + uint64(n) - 1, err
}

// boundedInstant is timeInstant for times that a caller may have put anywhere: beyond what nanoseconds can tell, the
// first or the last that they can.
func boundedInstant(t time.Time) int64 {
	switch seconds := t.Unix(); {
	case seconds < 0:
		return 0
	case seconds >= never/int64(time.Second):
		return never
	}
	return t.UnixNano()
}
