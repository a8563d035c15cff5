package bolt

import (
	"context"
	"errors"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// A publisher's id is looked for in three places: in closed spans beside the committer (lookBack), in the spans that are
// open by the committer, and in what the file does not have yet (draft.go).

func getRepeat(b *bbolt.Bucket, key []byte, it *arrival, now int64) (publicIDRow, bool, error) {
	row, err := getPublicID(b, key, it.account)
	switch {
	case errors.Is(err, storage.ErrAbsent):
		return row, false, nil
	case err != nil:
		return row, false, err
	}
	return row, now-row.accepted < int64(it.window), nil
}

func getPublicID(b *bbolt.Bucket, key []byte, a schemas.AccountID) (publicIDRow, error) {
	if b == nil {
		return publicIDRow{}, storage.ErrAbsent
	}
	v := b.Get(key)
	if v == nil {
		return publicIDRow{}, storage.ErrAbsent
	}
	if p, ok := unseal(key, v); ok {
		if row, ok := parsePublicID(p); ok {
			return row, nil
		}
	}
	return publicIDRow{}, damaged("public id of an event of account %d", a)
}

// lookBack looks for repeats in the spans that are closed: nothing is written to them any more, so the committer need
// not look there. The latest span is left to it.
func (s *Store) lookBack(ctx context.Context, job *acceptJob) error {
	c := s.calendar.Load()
	if len(c.spans) == 0 {
		return nil
	}
	now, wanted := s.now().wall, false
	last := len(c.spans) - 1
	for i := range job.items {
		it := &job.items[i]
		if it.done || it.window <= 0 {
			continue
		}
		it.looked = c.spans[last].begun
		wanted = wanted || last > 0 && now-int64(it.window) < c.spans[last].begun
	}
	if !wanted {
		return nil
	}
	return s.view(ctx, func(tx *bbolt.Tx) error {
		var key []byte
		for i := last - 1; i >= 0; i-- {
			b, end := tx.Bucket(c.spans[i].bucketName(nil)), c.spans[i+1].begun
			for n := range job.items {
				it := &job.items[n]
				if it.done || it.window <= 0 || now-int64(it.window) >= end {
					continue
				}
				key = publicIDKey(key[:0], it.account, it.id)
				first, found, err := getRepeat(b, key, it, now)
				if err != nil {
					job.out[n], it.done = storage.Accepted{Err: err}, true
				} else if found {
					job.out[n] = storage.Accepted{Seq: first.seq, Repeat: true, Matched: int(first.matched)}
					it.done = true
				}
			}
		}
		return nil
	})
}
