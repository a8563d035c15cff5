package bolt

import (
	"bytes"
	"context"
	"sort"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Numbering is the number of the newest event, and the epoch of the numbers.
func (s *Store) Numbering() (newest, epoch uint64) { return s.newest.Load(), s.epoch }

// EventsAfter reads an account's events from a number on, oldest first. The file gets events in the order of their
// numbers, and what it does not have yet is in the ledger in that order too: so what a reader sees has no gap that fills
// later. Whoever follows what is new reads the ledger alone and costs the writers nothing.
func (s *Store) EventsAfter(
	ctx context.Context, a schemas.AccountID, after uint64, n int,
) (got []storage.EventRecord, next uint64, err error) {
	if err := s.usable(ctx); err != nil {
		return nil, after, err
	}
	read := archive{account: a, harm: &s.harm, page: &pager{
		last: mark{seq: after}, room: min(max(n, 1), pageLimit), steps: pageSteps, bytes: pageBytes,
	}}
	recent := s.ledger.glance().after(after) // before the file is read: what is not in the one is in the other
	if !follows(after, recent) {
		err = s.view(ctx, func(tx *bbolt.Tx) error {
			read.file(tx, s.calendar.Load())
			return nil
		})
		if err != nil {
			return nil, after, err
		}
	}
	for _, list := range recent {
		read.ledger(list)
	}
	return read.got, read.page.last.seq, nil
}

// follows reports whether the ledger has all that comes after a number.
func follows(after uint64, recent [2][]arrived) bool {
	for _, list := range recent {
		if len(list) > 0 {
			return list[0].seq == after+1
		}
	}
	return false
}

// archive is a part of an account's events being read, oldest first. A damaged one is passed over and noted: it would keep a
// reader from all that comes after it.
type archive struct {
	account schemas.AccountID
	harm    *harm
	page    *pager
	got     []storage.EventRecord
}

// file reads on in the file.
func (r *archive) file(tx *bbolt.Tx, c *calendar) {
	prefix := accountKey(nil, r.account)
	for _, p := range c.from(r.page.last.seq + 1) {
		if !r.page.step() {
			return
		}
		b := partitionBucket(tx, p, ofEvents)
		if b == nil {
			continue // it is gone; or it began after the transaction, as may have events of the one before it
		}
		r.page.last.seq = max(r.page.last.seq, p.first-1) // what is older was looked at, or is gone
		ascend(b, prefix, eventKey(nil, r.account, r.page.last.seq+1), func(k, v []byte) bool {
			if len(k) != 16 || !r.page.step() {
				return false
			}
			seq := number(k[8:])
			row, err := decodeEvent(k, v, r.account, seq)
			r.add(seq, row, err)
			return true
		})
		if r.page.full {
			return
		}
	}
}

// ledger reads on in what the ledger had, of which the file may have some by now.
func (r *archive) ledger(recent []arrived) {
	for i := range recent {
		e := &recent[i]
		if e.seq <= r.page.last.seq {
			continue
		}
		if !r.page.step() {
			return
		}
		if r.page.last.seq = e.seq; e.account != r.account {
			continue
		}
		row, ok := parseEvent(e.row[sumLen:])
		var err error
		if !ok {
			err = damaged("event %d of account %d", e.seq, e.account)
		}
		r.add(e.seq, row, err)
	}
}

// add takes an event in, unless reading it gave an error.
func (r *archive) add(seq uint64, row eventRow, err error) {
	r.page.last.seq = seq
	if err != nil {
		r.harm.note(err)
		return
	}
	r.got = append(r.got, row.record(seq))
	r.page.took(len(row.body))
}

// SeqBefore finds the place of a time among an account's events: the partition by its beginning, and the place in it by
// halving, a look at some thirty rows.
func (s *Store) SeqBefore(ctx context.Context, a schemas.AccountID, t time.Time) (seq uint64, err error) {
	err = s.look(ctx, func(tx *bbolt.Tx) error {
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
				seq = s.placeOf(b.Cursor(), a, p.first, number(k[8:]), at)
			}
			return false
		})
		return nil
	})
	return seq, err
}

// placeOf is the greatest number from first-1 to last after which an account's events were accepted at that time or
// later. last is the number of its last event. A damaged one counts as the next that can be read.
func (s *Store) placeOf(c *bbolt.Cursor, a schemas.AccountID, first, last uint64, at int64) uint64 {
	prefix := accountKey(nil, a)
	n := sort.Search(int(last-first+1), func(i int) bool {
		for k, v := c.Seek(eventKey(nil, a, first+uint64(i))); len(k) == 16 && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			row, err := decodeEvent(k, v, a, number(k[8:]))
			if err == nil {
				return row.accepted >= at
			}
			s.harm.note(err)
		}
		return true
	})
	return first + uint64(n) - 1
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
