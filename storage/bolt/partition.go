package bolt

import (
	"bytes"
	"cmp"
	"slices"
	"sync/atomic"

	bbolt "go.etcd.io/bbolt"
)

// partition is a stretch of history: the events from its first number up to the next partition's, with all that belongs
// to them. It is dropped as a whole, and found by an event's number without a look at the disk.
type partition struct {
	first uint64 // number of its first event
	begun int64  // unix nanoseconds; its events were accepted at or after that

	// doomed is set while Expire makes sure that nothing in it is open; Reopen refuses meanwhile.
	doomed atomic.Bool
	// closed counts deliveries closed since the store was opened, so that Expire need not look again at a partition
	// which it left because of open deliveries.
	closed atomic.Uint64
	// swept is closed+1 as it was when Expire last went through it; 0: it did not.
	swept atomic.Uint64
}

// The buckets of a partition. The letters are stored; do not change them. Expire deletes them in this order: history
// without its events would be found by nobody.
const (
	ofLines      = 'w'
	ofAttempts   = 'a'
	ofDeliveries = 'd'
	ofEvents     = 'e'
)

var partitionBuckets = [...]byte{ofLines, ofAttempts, ofDeliveries, ofEvents}

// Names of the buckets that come and go. Buckets of a partition stand beside each other in the root.
const (
	partitionPrefix = 'p' // first number, begun, letter
	publicIDPrefix  = 'i' // begun
)

func (p *partition) bucketName(b []byte, letter byte) []byte {
	return append(appendNumber(appendNumber(append(b, partitionPrefix), p.first), uint64(p.begun)), letter)
}

func parsePartition(name []byte) (*partition, bool) {
	if len(name) != 18 || name[0] != partitionPrefix {
		return nil, false
	}
	return &partition{first: number(name[1:]), begun: int64(number(name[9:]))}, true
}

// span is a stretch of time whose public ids share a bucket.
type span struct {
	begun int64
	// swept is the number of partitions that were gone when Expire last went through it, +1.
	swept atomic.Uint64
}

func (s *span) bucketName(b []byte) []byte {
	return appendNumber(append(b, publicIDPrefix), uint64(s.begun))
}

func parseSpan(name []byte) (*span, bool) {
	if len(name) != 9 || name[0] != publicIDPrefix {
		return nil, false
	}
	return &span{begun: int64(number(name[1:]))}, true
}

// calendar is the list of partitions and spans, oldest first. It is replaced as a whole, by the committer only, so that
// readers take it without a lock.
type calendar struct {
	partitions []*partition
	spans      []*span
	dropped    uint64 // partitions dropped since the store was opened
}

// partition finds the partition of an event; nil if it is older than all.
func (c *calendar) partition(seq uint64) *partition {
	i, found := slices.BinarySearchFunc(c.partitions, seq, func(p *partition, seq uint64) int {
		switch {
		case p.first < seq:
			return -1
		case p.first > seq:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	return c.partitions[i]
}

// from lists the partitions of events from a number on.
func (c *calendar) from(seq uint64) []*partition {
	i, found := slices.BinarySearchFunc(c.partitions, seq, func(p *partition, seq uint64) int { return cmp.Compare(p.first, seq) })
	if !found {
		i = max(i-1, 0)
	}
	return c.partitions[i:]
}

// latest is the newest partition, nil without one.
func (c *calendar) latest() *partition {
	if len(c.partitions) == 0 {
		return nil
	}
	return c.partitions[len(c.partitions)-1]
}

func (c *calendar) latestSpan() *span {
	if len(c.spans) == 0 {
		return nil
	}
	return c.spans[len(c.spans)-1]
}

// end is the time before which the i-th partition's events were accepted; length is how long one takes at most.
func (c *calendar) end(i int, length int64) int64 {
	end := c.partitions[i].begun + length
	if i+1 < len(c.partitions) {
		return min(end, c.partitions[i+1].begun)
	}
	return end
}

// unswept is when the first partition began that Expire has not gone through, now without one.
func (c *calendar) unswept(now int64) int64 {
	for _, p := range c.partitions {
		if p.swept.Load() == 0 {
			return p.begun
		}
	}
	return now
}

// older yields the partitions that may hold events up to seq, newest first.
func (c *calendar) older(seq uint64) func(yield func(*partition) bool) {
	return func(yield func(*partition) bool) {
		for _, p := range slices.Backward(c.partitions) {
			if p.first <= seq && !yield(p) {
				return
			}
		}
	}
}

func (c *calendar) with(p *partition, s *span) *calendar {
	next := &calendar{partitions: c.partitions, spans: c.spans, dropped: c.dropped}
	if p != nil {
		next.partitions = append(slices.Clip(c.partitions), p)
	}
	if s != nil {
		next.spans = append(slices.Clip(c.spans), s)
	}
	return next
}

func (c *calendar) without(p *partition, s *span) *calendar {
	next := &calendar{partitions: c.partitions, spans: c.spans, dropped: c.dropped}
	if i := slices.Index(c.partitions, p); p != nil && i >= 0 {
		next.partitions = slices.Delete(slices.Clone(c.partitions), i, i+1)
		next.dropped++
	}
	if i := slices.Index(c.spans, s); s != nil && i >= 0 {
		next.spans = slices.Delete(slices.Clone(c.spans), i, i+1)
	}
	return next
}

// readCalendar lists what the root of the file holds.
func readCalendar(tx *bbolt.Tx) *calendar {
	c := &calendar{}
	cur := tx.Cursor()
	for k, _ := cur.Seek([]byte{publicIDPrefix}); k != nil && k[0] == publicIDPrefix; k, _ = cur.Next() {
		if s, ok := parseSpan(k); ok {
			c.spans = append(c.spans, s)
		}
	}
	var last []byte
	for k, _ := cur.Seek([]byte{partitionPrefix}); k != nil && k[0] == partitionPrefix; k, _ = cur.Next() {
		p, ok := parsePartition(k)
		if !ok || bytes.Equal(k[:len(k)-1], last) {
			continue
		}
		last = append(last[:0], k[:len(k)-1]...)
		c.partitions = append(c.partitions, p)
	}
	return c
}

// partitionBucket opens a bucket of a partition for reading; nil if it is gone.
func partitionBucket(tx *bbolt.Tx, p *partition, letter byte) *bbolt.Bucket {
	if p == nil {
		return nil
	}
	var name [18]byte
	return tx.Bucket(p.bucketName(name[:0], letter))
}

// descend calls visit for the rows with that prefix and a key less than below, greatest key first, until it says false.
func descend(b *bbolt.Bucket, prefix, below []byte, visit func(k, v []byte) bool) {
	if b == nil {
		return
	}
	c := b.Cursor()
	k, v := c.Seek(below)
	if k == nil {
		k, v = c.Last()
	}
	for k != nil && bytes.Compare(k, below) >= 0 {
		k, v = c.Prev()
	}
	for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		if !visit(k, v) {
			return
		}
	}
}

// ascend calls visit for the rows with that prefix from key from on, smallest key first, until it says false.
func ascend(b *bbolt.Bucket, prefix, from []byte, visit func(k, v []byte) bool) {
	if b == nil {
		return
	}
	c := b.Cursor()
	for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if !visit(k, v) {
			return
		}
	}
}
