package bolt

import (
	"context"
	"errors"
	"math"
	"time"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/hookswitch/hookswitch/storage"
)

// retirement is the end of one partition or span, taken in steps, over several calls of Expire if need be.
//
//	partition: count ─▶ nothing is open: drop bucket after bucket
//	                └─▶ something is: sweep the events without an open delivery, row by row
//	span of public ids: no partition of its time is left: drop
//	                └─▶ one is: sweep the ids whose event is gone
type retirement struct {
	partition *partition
	span      *span
	stage     stage
	after     []byte              // the key where the stage goes on
	open      map[uint64]struct{} // count: events with an open delivery; bounded by the size of a partition
	closed    uint64              // partition.closed when count began
	gone      uint64              // calendar.dropped when the span's sweep began
	letter    int                 // drop: index into partitionBuckets
}

type stage uint8

const (
	counting stage = iota
	dropping
	sweeping
	finished
)

// expireStep bounds the rows of one transaction.
const expireStep = 2000

// Expire deletes whole partitions of history that are older, or stand in the way of what is newer, and in those where
// something is open everything else. It is late by up to the length of a partition, six hours or 64 MiB. Without a bound in
// time or bytes it keeps everything.
func (s *Store) Expire(ctx context.Context, keep storage.Retention, budget time.Duration) (more bool, err error) {
	if err := s.usable(ctx); err != nil {
		return false, err
	}
	if keep.Events <= 0 && keep.Bytes <= 0 {
		return false, nil
	}
	if err := s.catchUp(ctx); err != nil {
		return false, err
	}
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	deadline := time.Now().Add(budget)
	for {
		if s.retire == nil {
			if s.retire, err = s.nextRetirement(ctx, keep); s.retire == nil {
				return false, err
			}
		}
		if err := s.retireStep(ctx, s.retire); err != nil {
			s.abandonRetirement()
			return false, err
		}
		if s.retire.stage == finished {
			s.retire = nil
		}
		if !time.Now().Before(deadline) {
			if s.retire == nil {
				s.retire, err = s.nextRetirement(ctx, keep)
			}
			return s.retire != nil, err
		}
	}
}

func (s *Store) abandonRetirement() {
	if p := s.retire.partition; p != nil {
		p.doomed.Store(false)
	}
	s.retire = nil
}

// nextRetirement finds what is to go next and has something to delete; nil: nothing.
func (s *Store) nextRetirement(ctx context.Context, keep storage.Retention) (*retirement, error) {
	c, now := s.calendar.Load(), s.now().wall
	aged, cramped := int64(math.MinInt64), false
	if keep.Events > 0 {
		aged = now - int64(keep.Events)
	}
	if keep.Bytes > 0 {
		used, err := s.used(ctx)
		if err != nil {
			return nil, err
		}
		cramped = used > keep.Bytes
	}
	if p := s.nextPartition(c, aged, cramped); p != nil {
		return &retirement{partition: p, closed: p.closed.Load(), open: make(map[uint64]struct{})}, nil
	}
	if keep.Bytes > 0 {
		aged = max(aged, min(now-int64(keep.IDs), c.unswept(now)))
	}
	return s.nextSpan(c, aged), nil
}

// nextPartition is the oldest that has something to delete: of those that are over before a time and, when the file is
// cramped, of all but the latest.
func (s *Store) nextPartition(c *calendar, aged int64, cramped bool) *partition {
	for i, p := range c.partitions {
		if c.end(i, int64(s.tuning.span)) > aged && (!cramped || i == len(c.partitions)-1) {
			break
		}
		if p.swept.Load() != p.closed.Load()+1 {
			return p
		}
	}
	return nil
}

// nextSpan finds public ids that are over before a time and whose events may be gone.
func (s *Store) nextSpan(c *calendar, aged int64) *retirement {
	length := int64(s.tuning.span)
	for _, sp := range c.spans {
		if sp.begun+length > aged {
			break
		}
		r := &retirement{span: sp, gone: c.dropped, stage: dropping}
		for i, p := range c.partitions {
			if p.begun < sp.begun+length && c.end(i, length) > sp.begun {
				r.stage = sweeping
			}
		}
		if r.stage == dropping || sp.swept.Load() != c.dropped+1 {
			return r
		}
	}
	return nil
}

func (s *Store) retireStep(ctx context.Context, r *retirement) error {
	switch {
	case r.span != nil && r.stage == dropping:
		r.stage = finished
		return s.upkeepDo(ctx, func(t *txn) {
			t.dropBucket(r.span.bucketName(nil))
			t.calendar = t.calendar.without(nil, r.span)
		})
	case r.span != nil:
		return s.sweepSpan(ctx, r)
	case r.stage == counting:
		return s.countOpen(ctx, r)
	case r.stage == dropping:
		return s.dropPartition(ctx, r)
	default:
		return s.sweepPartition(ctx, r)
	}
}

// countOpen finds the events of a partition that have an open delivery. Meanwhile none is opened again.
func (s *Store) countOpen(ctx context.Context, r *retirement) error {
	if r.after == nil {
		r.partition.doomed.Store(true)
		// A Reopen that did not see the mark may be in the commit under way.
		if err := s.upkeepDo(ctx, func(*txn) {}); err != nil {
			return err
		}
	}
	n := 0
	err := s.view(ctx, func(tx *bbolt.Tx) (err error) {
		ascend(partitionBucket(tx, r.partition, ofDeliveries), nil, r.after, func(k, v []byte) bool {
			ref, ok := parseDeliveryKey(k)
			if !ok {
				return true
			}
			row, bad := decodeDelivery(k, v, ref)
			s.harm.note(bad)
			if bad == nil && row.open() {
				r.open[ref.Seq] = struct{}{}
			}
			n++
			r.after = append(r.after[:0], k...)
			return n < expireStep
		})
		return nil
	})
	if err != nil || n == expireStep {
		return err
	}
	r.after, r.stage = nil, dropping
	if len(r.open) > 0 {
		r.stage = sweeping
		r.partition.doomed.Store(false) // each step of the sweep looks again
	}
	return nil
}

// dropPartition deletes one of the partition's buckets; readers see none of them from the first on.
func (s *Store) dropPartition(ctx context.Context, r *retirement) error {
	letter := partitionBuckets[r.letter]
	r.letter++
	if r.letter == len(partitionBuckets) {
		r.stage = finished
	}
	return s.upkeepDo(ctx, func(t *txn) {
		t.dropBucket(r.partition.bucketName(nil, letter))
		t.calendar = t.calendar.without(r.partition, nil)
	})
}

func (t *txn) dropBucket(name []byte) {
	if t.err != nil {
		return
	}
	if err := t.tx.DeleteBucket(name); !errors.Is(err, berrors.ErrBucketNotFound) {
		t.err = err
	}
}

// upkeepJob is work of the store's own.
type upkeepJob struct {
	work func(t *txn)
	err  error
}

func (s *Store) upkeepDo(ctx context.Context, work func(t *txn)) error {
	job := &upkeepJob{work: work}
	if err := s.do(ctx, job, expireStep, 0); err != nil {
		return err
	}
	return job.err
}

func (j *upkeepJob) run(t *txn) error {
	j.work(t)
	return t.err
}

func (j *upkeepJob) fail(err error) { j.err = err }
