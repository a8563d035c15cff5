package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// Check reports whether the store can serve: not when the disk had no room for a commit in the last 15 seconds. Each call also
// verifies the checksums of some thousand rows, going on where the last one stopped; the error is then, and after any other
// meeting with a damaged record, one with [ErrDamaged], beside a whole Health: the store goes on serving what is sound.
func (s *Store) Check(ctx context.Context) (storage.Health, error) {
	if err := s.usable(ctx); err != nil {
		return storage.Health{}, err
	}
	h := storage.Health{Open: int64(s.open.Load())}
	if info, err := os.Stat(s.db.Path()); err == nil {
		h.FileBytes = info.Size()
	}
	for _, name := range JournalNames {
		if info, err := os.Stat(filepath.Join(filepath.Dir(s.db.Path()), name)); err == nil {
			h.JournalBytes += info.Size()
		}
	}
	used, err := s.used(ctx)
	if err != nil {
		return storage.Health{}, err
	}
	h.UsedBytes = used
	h.Oldest = s.board.overdue(s.now())
	if err := s.scrub.step(ctx, s); err != nil && !errors.Is(err, ErrDamaged) {
		return storage.Health{}, err
	}
	if err := s.room(); err != nil {
		return h, err
	}
	return h, s.harm.err()
}

// used is how much of the file is not free. bbolt counts the free pages at each commit; the file itself never shrinks.
func (s *Store) used(ctx context.Context) (bytes int64, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		bytes = tx.Size()
		return nil
	})
	stats := s.db.Stats()
	return bytes - int64(stats.FreePageN+stats.PendingPageN)*int64(s.db.Info().PageSize), err
}

// overdue is how long the delivery has been due that waits longest, as far as memory knows.
func (b *board) overdue(now instant) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	oldest := now.wall
	for _, l := range b.lanes {
		if max(l.ripe(), l.postponed) > now.wall {
			continue // nothing is due, or it is kept back
		}
		oldest = min(oldest, l.next)
		if len(l.ready) > 0 {
			oldest = min(oldest, l.ready[0].due)
		}
	}
	return time.Duration(now.wall - oldest)
}

// Backup writes a copy of the file as it is at one moment, and a seal by which [Restore] knows that it is whole. Writes go on meanwhile, but the space of what they replace or delete cannot be used again before the backup
// ends, so the file grows by about what is written during it: give it a writer as fast as a disk, not a slow network.
// It ends early when ctx does, and when the store closes.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if err := s.catchUp(ctx); err != nil { // a backup without the latest would not be one
		return fmt.Errorf("back up: %w", err)
	}
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		sealed := newSealWriter(&patientWriter{ctx: ctx, store: s, w: w})
		if _, err := tx.WriteTo(sealed); err != nil {
			return err
		}
		return sealed.finish()
	})
	if stopped := s.usable(ctx); err != nil && stopped != nil {
		return stopped
	}
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

// patientWriter stops writing when nobody waits for it any more.
type patientWriter struct {
	ctx   context.Context
	store *Store
	w     io.Writer
}

func (p *patientWriter) Write(b []byte) (int, error) {
	if err := p.store.usable(p.ctx); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

// harm remembers the first damaged record that was met since the store was opened, and how many there were.
type harm struct {
	mu    sync.Mutex
	first error
	count int
}

// note takes any error and keeps those of damage.
func (h *harm) note(err error) {
	if !errors.Is(err, ErrDamaged) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count++; h.first == nil {
		h.first = err
	}
}

func (h *harm) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil {
		return nil
	}
	return fmt.Errorf("damaged records were met %d times since the store was opened, the first: %w", h.count, h.first)
}

// scrubber goes through all rows, some at each step, and begins again at the end.
type scrubber struct {
	mu     sync.Mutex
	bucket []byte // where to go on
	key    []byte
}

const scrubStep = 4096

func (c *scrubber) step(ctx context.Context, s *Store) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return s.view(ctx, func(tx *bbolt.Tx) error {
		left := scrubStep
		root := tx.Cursor()
		name, _ := root.Seek(c.bucket)
		if string(name) != string(c.bucket) {
			c.key = nil
		}
		var bad error
		for ; name != nil && left > 0; name, _ = root.Next() {
			c.bucket = append(c.bucket[:0], name...)
			ascend(tx.Bucket(name), nil, c.key, func(k, v []byte) bool {
				if _, ok := unseal(k, v); !ok && bad == nil {
					bad = damaged("a row of %q under key %x", bucketTitle(name), k)
				}
				c.key = append(c.key[:0], k...)
				left--
				return left > 0
			})
			if left > 0 {
				c.key = nil
			}
		}
		if left > 0 { // the end: from the beginning next time
			c.bucket, c.key = nil, nil
		}
		return bad
	})
}

// bucketTitle names a bucket of the root in words.
func bucketTitle(name []byte) string {
	if p, ok := parsePartition(name); ok {
		title := map[byte]string{
			ofLines: "lines", ofAttempts: "attempts", ofDeliveries: "deliveries", ofEvents: "events",
		}[name[len(name)-1]]
		return fmt.Sprintf("%s from number %d on", title, p.first)
	}
	if _, ok := parseSpan(name); ok {
		return "public ids"
	}
	return string(name)
}
