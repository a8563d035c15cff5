package bolt

import (
	"context"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Postpone keeps Claim away from a lane. It is forgotten when the store is opened again.
func (s *Store) Postpone(ctx context.Context, l storage.Lane, d time.Duration) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	now := s.now()
	b := &s.board
	b.mu.Lock()
	defer b.mu.Unlock()
	line := b.lane(l)
	line.postponed, line.left, line.order = 0, 0, inOrder{}
	if d > 0 {
		line.postponed = after(now.wall, d)
	}
	b.settleIn(line, now)
	b.rouse(now)
	return nil
}

// Tally returns the webhook's counters.
func (s *Store) Tally(ctx context.Context, l storage.Lane) (_ schemas.Tally, err error) {
	tally, unwritten := s.ledger.tally(l)
	if err := s.usable(ctx); err != nil || unwritten {
		return tally, err
	}
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		key := laneKey(nil, l)
		tally, err = decodeTally(key, tx.Bucket([]byte(inTallies.String())).Get(key), l)
		return err
	})
	return tally, err
}

// Backlog counts open deliveries of lanes up to limit. The age is the time since the oldest of those counted was accepted.
func (s *Store) Backlog(ctx context.Context, limit int, lanes ...storage.Lane) (int, time.Duration, error) {
	flights := make([][]uint64, len(lanes))
	for i, l := range lanes {
		flights[i] = s.board.flights(l, limit)
	}
	open, accepted := 0, int64(never)
	err := s.look(ctx, func(tx *bbolt.Tx) error {
		for i, l := range lanes {
			n, oldest := s.backlog(tx, l, flights[i], limit-open)
			if n == 0 {
				continue
			}
			event, err := getEvent(partitionBucket(tx, s.calendar.Load().partition(oldest), ofEvents), l.Account, oldest)
			if err != nil {
				return err
			}
			if open, accepted = open+n, min(accepted, event.accepted); open >= limit {
				break
			}
		}
		return nil
	})
	if err != nil || open == 0 {
		return 0, 0, err
	}
	return open, time.Duration(max(0, s.now().wall-accepted)), nil
}

// backlog counts open deliveries of a lane up to limit, and finds the least number of their events.
func (s *Store) backlog(tx *bbolt.Tx, l storage.Lane, flights []uint64, limit int) (open int, oldest uint64) {
	oldest = never
	for _, seq := range flights {
		ref := storage.Ref{Account: l.Account, Webhook: l.Webhook, Seq: seq}
		bucket := partitionBucket(tx, s.calendar.Load().partition(seq), ofDeliveries)
		// Memory may name one that was settled meanwhile, or put into the index, where it is counted below.
		d, err := getDelivery(bucket, deliveryKey(nil, ref), ref)
		if err == nil && d.open() && d.flight && open < limit {
			open, oldest = open+1, min(oldest, seq)
		}
	}
	prefix := laneKey(nil, l)
	ascend(tx.Bucket([]byte(inDue.String())), prefix, prefix, func(k, _ []byte) bool {
		if at, ok := parseDueKey(k); ok && open < limit {
			open, oldest = open+1, min(oldest, at.seq)
		}
		return open < limit
	})
	return open, oldest
}

// flights are up to limit deliveries of a lane that stand among the flights; nothing on disk lists them by lane.
func (b *board) flights(id storage.Lane, limit int) []uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[id]
	if l == nil {
		return nil
	}
	var seqs []uint64
	for seq, h := range l.held {
		if h.spot.flight && len(seqs) < limit {
			seqs = append(seqs, seq)
		}
	}
	for _, s := range l.ready {
		if s.flight && len(seqs) < limit && l.held[s.seq] == nil {
			seqs = append(seqs, s.seq)
		}
	}
	return seqs
}
