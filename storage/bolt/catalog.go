package bolt

import (
	"context"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func getCounter(b *bbolt.Bucket, key []byte) (uint64, error) {
	v := b.Get(key)
	if v == nil {
		return 0, nil
	}
	p, ok := unseal(key, v)
	if !ok || len(p) != 8 {
		return 0, ErrDamaged
	}
	return number(p), nil
}

func getRecord(b *bbolt.Bucket, k storage.Kind, a schemas.AccountID, id int64) (storage.Record, error) {
	key := recordKey(nil, k, a, id)
	v := b.Get(key)
	if v == nil {
		return storage.Record{}, storage.ErrAbsent
	}
	return decodeRecord(key, v, k, a, id)
}

func decodeRecord(key, v []byte, k storage.Kind, a schemas.AccountID, id int64) (storage.Record, error) {
	if p, ok := unseal(key, v); ok {
		if r, ok := parseRecord(p, k, a, id); ok {
			return r, nil
		}
	}
	return storage.Record{}, damaged("record %d of kind %d of account %d", id, k, a)
}

// Get reads a record.
func (s *Store) Get(ctx context.Context, k storage.Kind, a schemas.AccountID, id int64) (r storage.Record, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		r, err = getRecord(tx.Bucket([]byte(inRecords.String())), k, a, id)
		return err
	})
	return r, err
}

// List reads records by increasing number.
func (s *Store) List(
	ctx context.Context, k storage.Kind, a schemas.AccountID, after int64, n int,
) (got []storage.Record, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		from := recordKey(nil, k, a, max(after, 0)+1)
		ascend(tx.Bucket([]byte(inRecords.String())), kindKey(nil, k, a), from, func(key, v []byte) bool {
			if len(got) >= n || len(key) != 17 {
				return false
			}
			var r storage.Record
			if r, err = decodeRecord(key, v, k, a, int64(number(key[9:]))); err == nil {
				got = append(got, r)
			}
			return err == nil
		})
		return err
	})
	return got, err
}
