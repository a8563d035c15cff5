package bolt

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// Follow reads the change log, from its beginning and then on as it grows. The log has one entry for each record, the
// latest, so that it is both the snapshot and the changes, and a follower that is slow just finds fewer entries: nobody
// waits for it, and nothing is kept for it. Entries of removed records stay until the store is opened again.
func (s *Store) Follow(ctx context.Context, kinds ...storage.Kind) iter.Seq2[storage.Change, error] {
	return func(yield func(storage.Change, error) bool) {
		f := follower{store: s, kinds: kinds}
		err := f.run(ctx, func(c storage.Change) bool { return yield(c, nil) })
		if err != nil && !errors.Is(err, errEnough) {
			yield(storage.Change{}, err)
		}
	}
}

var errEnough = errors.New("the consumer has enough")

// followStep bounds the entries one read transaction looks at.
const followStep = 512

type follower struct {
	store  *Store
	kinds  []storage.Kind
	last   uint64 // revision of the last entry looked at
	began  uint64 // revision of the store when Follow began
	caught bool
	chunk  []storage.Change
}

func (f *follower) run(ctx context.Context, yield func(storage.Change) bool) error {
	var err error
	if f.began, err = f.store.revision(ctx); err != nil {
		return err
	}
	for {
		news := f.store.changes.listen() // before the read: a change after it is not missed
		end, err := f.read(ctx)
		if err != nil {
			return err
		}
		for i, c := range f.chunk {
			f.chunk[i] = storage.Change{}
			if !yield(c) {
				return errEnough
			}
		}
		if !end {
			continue
		}
		if !f.caught {
			f.caught = true
			if !yield(storage.Change{CaughtUp: true}) {
				return errEnough
			}
		}
		select {
		case <-news:
		case <-ctx.Done():
		case <-f.store.closed:
		}
	}
}

// read takes the next entries of the log; end says that there are no more for now.
func (f *follower) read(ctx context.Context) (end bool, err error) {
	f.chunk, end = f.chunk[:0], true
	err = f.store.view(ctx, func(tx *bbolt.Tx) (err error) {
		records, seen := tx.Bucket([]byte(inRecords.String())), 0
		ascend(tx.Bucket([]byte(inChanges.String())), nil, appendNumber(nil, f.last+1), func(k, v []byte) bool {
			if seen == followStep {
				end = false
				return false
			}
			seen++
			err = f.take(records, k, v)
			return err == nil
		})
		return err
	})
	return end, err
}

func (f *follower) take(records *bbolt.Bucket, k, v []byte) error {
	p, ok := unseal(k, v)
	change, fits := changeRow{}, false
	if ok && len(k) == 8 {
		change, fits = parseChange(p)
	}
	if !fits {
		return damaged("an entry of the change log")
	}
	f.last = number(k)
	switch {
	case !slices.Contains(f.kinds, change.kind):
	case change.removed:
		if f.last > f.began {
			f.chunk = append(f.chunk, storage.Change{Removed: true, Record: storage.Record{
				Kind: change.kind, Account: change.account, ID: change.id, Revision: f.last,
			}})
		}
	default:
		r, err := getRecord(records, change.kind, change.account, change.id)
		if err != nil {
			return err
		}
		f.chunk = append(f.chunk, storage.Change{Record: r})
	}
	return nil
}

// revision is that of the last change.
func (s *Store) revision(ctx context.Context) (n uint64, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) (err error) {
		n, err = readNumber(tx.Bucket([]byte(inMeta.String())), metaRevision)
		return err
	})
	return n, err
}

// bell tells any number of listeners that something happened.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *bell) reset() { b.ch = make(chan struct{}) }

// listen returns what is closed at the next ring.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}
