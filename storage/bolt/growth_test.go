package bolt

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Events come, are delivered and expire, for many times what is kept: the file must stay at the size of what is kept.
func TestTheFileDoesNotGrowWithWhatHasExpired(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		tune := defaultTuning()
		tune.span = time.Hour
		s := mustOpen(t, dir, tune)
		body := make([]byte, 2000)
		for hour := range 40 {
			batch := make([]storage.NewEvent, 500)
			for i := range batch {
				batch[i] = testEvent(fmt.Sprint("e", hour, "-", i), true, schemas.WebhookID(i%10+1))
				batch[i].Body = body
			}
			settleAll(t, s, acceptAll(t, s, batch))
			time.Sleep(time.Hour)
			for more := true; more; {
				var err error
				if more, err = s.Expire(t.Context(), storage.Retention{Events: 3 * time.Hour}, time.Second); err != nil {
					t.Fatal(err)
				}
			}
		}
		// 5 hours of 500 events of 2 kB are 5 MB; all 40 hours would be 40 MB and more. bbolt lets the file grow by 16 MB.
		if info, err := os.Stat(s.db.Path()); err != nil || info.Size() > 32<<20 {
			t.Errorf("the file has %d bytes, %v", info.Size(), err)
		}
		c := s.calendar.Load()
		if len(c.partitions) > 6 || len(c.spans) > 6 {
			t.Errorf("%d partitions and %d spans are left", len(c.partitions), len(c.spans))
		}
		checkBuckets(t, s, int(placeCount)+len(c.spans)+len(c.partitions)*len(partitionBuckets))
		mustClose(t, s)
	})
}

// Events come and are delivered faster than time passes: the file stays at the size that it may have, and what is not
// delivered stays in it.
func TestTheFileDoesNotGrowBeyondItsBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const limit = 8 << 20
		tune := defaultTuning()
		tune.partition = 256 << 10
		s := mustOpen(t, dir, tune)
		body := make([]byte, 2000)
		keep := storage.Retention{Events: 30 * 24 * time.Hour, Bytes: limit, IDs: 24 * time.Hour}
		for round := range 60 {
			batch := make([]storage.NewEvent, 500)
			for i := range batch {
				batch[i] = testEvent(fmt.Sprint("e", round, "-", i), true, schemas.WebhookID(i%10+1))
				batch[i].Body = body
			}
			held := acceptAll(t, s, batch)
			settleAll(t, s, held[1:]) // the first one stays owed
			time.Sleep(time.Minute)
			for more := true; more; {
				var err error
				if more, err = s.Expire(t.Context(), keep, 10*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			if health, err := s.Check(t.Context()); err != nil || health.UsedBytes > limit+limit/4 {
				t.Fatalf("round %d: %d bytes are in use, %v", round, health.UsedBytes, err)
			}
		}
		// All 60 rounds would be 60 MB and more. bbolt lets the file grow by 16 MB.
		if info, err := os.Stat(s.db.Path()); err != nil || info.Size() > 32<<20 {
			t.Errorf("the file has %d bytes, %v", info.Size(), err)
		}
		for id, want := range map[string]error{"e0-0": nil, "e0-1": storage.ErrAbsent, "e59-1": nil, "e40-0": nil} {
			if _, err := s.Event(t.Context(), 1, id); !errors.Is(err, want) {
				t.Errorf("event %s: %v, want %v", id, err, want)
			}
		}
		again := testEvent("e0-1", true, 1)
		again.Window = 24 * time.Hour
		if got := accept(t, s, again); !got.Repeat {
			t.Error("a repeat within its window is a new event")
		}
		mustClose(t, s)
	})
}

func checkBuckets(t *testing.T, s *Store, want int) {
	t.Helper()
	n := 0
	if err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, _ *bbolt.Bucket) error { n++; return nil })
	}); err != nil || n != want {
		t.Errorf("the file has %d buckets, want %d (%v)", n, want, err)
	}
}

// A partition that one open delivery keeps alive is looked at once, not at every Expire.
func TestExpireLeavesSweptPartitionsAloneUntilSomethingCloses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		batch := make([]storage.NewEvent, 3000) // more than Expire does in a step
		for i := range batch {
			batch[i] = testEvent(fmt.Sprint("e", i), true, 1)
		}
		held := acceptAll(t, s, batch)
		settleAll(t, s, slices.Delete(held, 1500, 1501))
		time.Sleep(100 * time.Hour)
		expire := func(wantMore bool, budget time.Duration) {
			more, err := s.Expire(t.Context(), storage.Retention{Events: time.Hour}, budget)
			if err != nil || more != wantMore {
				t.Fatalf("Expire: more %v, %v", more, err)
			}
		}
		for range 200 { // with no budget each call takes one step
			more, err := s.Expire(t.Context(), storage.Retention{Events: time.Hour}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
		}
		if next, err := s.nextRetirement(t.Context(), storage.Retention{Events: time.Hour}); next != nil || err != nil {
			t.Errorf("there is still something to expire: %v, %v", next, err)
		}
		if _, err := s.Event(t.Context(), 1, "e1500"); err != nil {
			t.Errorf("the event with an open delivery: %v", err)
		}
		held, _, err := s.Claim(t.Context(), everything)
		if err != nil || len(held) != 1 {
			t.Fatalf("claimed %d, %v", len(held), err)
		}
		settleAll(t, s, held)
		expire(false, time.Minute)
		checkBuckets(t, s, int(placeCount))
		mustClose(t, s)
	})
}

func TestExpireLeavesWhatIsReopenedMeanwhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		accept(t, s, testEvent("open", true, 1))
		reopened := accept(t, s, testEvent("reopened", true, 1)).Held[0]
		settle(t, s, reopened, storage.Dead)
		settle(t, s, accept(t, s, testEvent("dead", true, 1)).Held[0], storage.Dead)
		time.Sleep(100 * time.Hour)
		for step, more := 0, true; more; step++ {
			var err error
			if more, err = s.Expire(t.Context(), storage.Retention{Events: time.Hour}, 0); err != nil {
				t.Fatal(err)
			}
			if step == 0 { // what is open was counted, nothing was deleted yet
				if err := s.Reopen(t.Context(), reopened.Ref); err != nil {
					t.Fatal(err)
				}
			}
		}
		for id, want := range map[string]error{"open": nil, "reopened": nil, "dead": storage.ErrAbsent} {
			if _, err := s.Event(t.Context(), 1, id); !errors.Is(err, want) {
				t.Errorf("event %q: %v, want %v", id, err, want)
			}
		}
	})
}

func TestPublicIDsOfSweptEventsGoToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		accept(t, s, testEvent("open", false, 1))
		for i := range 50 {
			accept(t, s, testEvent(fmt.Sprint("e", i), false))
		}
		time.Sleep(100 * time.Hour)
		if more, err := s.Expire(t.Context(), storage.Retention{Events: time.Hour}, time.Minute); err != nil || more {
			t.Fatalf("Expire: more %v, %v", more, err)
		}
		if err := s.db.View(func(tx *bbolt.Tx) error {
			if n := tx.Bucket(s.calendar.Load().latestSpan().bucketName(nil)).Stats().KeyN; n != 1 {
				t.Errorf("%d public ids are left, want 1", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A backup that nobody reads on must not keep Close waiting.
func TestCloseBreaksOffABackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 500)
	s := mustOpen(t, dir, defaultTuning())
	reached, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- s.Backup(t.Context(), &slowWriter{reached: reached, release: release}) }()
	<-reached
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-s.closed
	close(release)
	if err := <-done; err == nil {
		t.Error("the backup ended well, though the store was closed under it")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// slowWriter stops at its first write.
type slowWriter struct {
	reached, release chan struct{}
	begun            bool
}

func (w *slowWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		close(w.reached)
		<-w.release
	}
	return len(b), nil
}
