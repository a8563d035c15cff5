package bolt

import (
	"context"
	"errors"
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

// Expire deletes whole partitions of history that are older, and in those where something is open everything else. It
// is late by up to the length of a partition, six hours. A retention of 0 keeps everything.
func (s *Store) Expire(ctx context.Context, keep storage.Retention, budget time.Duration) (more bool, err error) {
	if err := s.usable(ctx); err != nil {
		return false, err
	}
	if keep.Events <= 0 {
		return false, nil
	}
	if err := s.catchUp(ctx); err != nil {
		return false, err
	}
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	deadline := time.Now().Add(budget)
	horizon := s.now().wall - int64(keep.Events)
	for {
		if s.retire == nil {
			if s.retire = s.nextRetirement(horizon); s.retire == nil {
				return false, nil
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
			return s.retire != nil || s.nextRetirement(horizon) != nil, nil
		}
	}
}

func (s *Store) abandonRetirement() {
	if p := s.retire.partition; p != nil {
		p.doomed.Store(false)
	}
	s.retire = nil
}

// nextRetirement finds what is older than the horizon and has something to delete.
func (s *Store) nextRetirement(horizon int64) *retirement {
	c, length := s.calendar.Load(), int64(s.tuning.span)
	for i, p := range c.partitions {
		if c.end(i, length) > horizon {
			break
		}
		if closed := p.closed.Load(); p.swept.Load() != closed+1 {
			return &retirement{partition: p, closed: closed, open: make(map[uint64]struct{})}
		}
	}
	for _, sp := range c.spans {
		if sp.begun+length > horizon {
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
