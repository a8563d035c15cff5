package bolt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func TestReadyIsAHeap(t *testing.T) {
	t.Parallel()
	l := &lane{next: never}
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a repeatable test
	var want []spot
	for range 500 {
		s := spot{due: rng.Int64N(50), seq: rng.Uint64N(1000)}
		l.push(s)
		want = append(want, s)
		if rng.IntN(3) == 0 {
			slices.SortFunc(want, spot.compare)
			if got := l.pop(); got.compare(want[0]) != 0 {
				t.Fatalf("popped %+v, want %+v", got, want[0])
			}
			want = want[1:]
		}
	}
	slices.SortFunc(want, spot.compare)
	for _, s := range want {
		if got := l.pop(); got.compare(s) != 0 {
			t.Fatalf("popped %+v, want %+v", got, s)
		}
	}
}

// A lane whose frontier was drawn back loses nothing and hands out nothing twice.
func TestRewindLosesNothing(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	const count = 400
	batch := make([]storage.NewEvent, count)
	for i := range batch {
		batch[i] = testEvent(fmt.Sprint("e", i), i%4 == 0, 1)
	}
	s.Accept(t.Context(), batch)
	ask := everything
	ask.Max = 100
	seen := map[uint64]bool{}
	for round := 0; ; round++ {
		held, _, err := s.Claim(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if len(held) == 0 {
			break
		}
		for i, h := range held {
			if seen[h.Seq] {
				t.Fatalf("event %d was handed out twice", h.Seq)
			}
			if seen[h.Seq] = round > 20 || i%3 > 0; !seen[h.Seq] { // it is due again at once
				s.Settle(t.Context(), []storage.Outcome{{Held: h, Next: storage.Release}})
			}
		}
		s.board.mu.Lock()
		if l := s.board.lanes[storage.Lane{Account: 1, Webhook: 1}]; len(l.ready) > 2 {
			l.rewind()
			s.board.settleIn(l, s.now())
		}
		s.board.mu.Unlock()
	}
	handed := 0
	for _, kept := range seen {
		if kept {
			handed++
		}
	}
	if handed != count*3/4 {
		t.Errorf("%d deliveries handed out, want %d", handed, count*3/4)
	}
}

// Flights may stand far beyond what was read of the index: drawing the frontier back must not jump over the rest.
func TestRewindNeverGoesForward(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		for i := range 10 {
			accept(t, s, testEvent(fmt.Sprint("e", i), false, 1))
		}
		time.Sleep(time.Second)
		for i := range 40 {
			accept(t, s, testEvent(fmt.Sprint("flight", i), true, 1))
		}
		time.Sleep(2 * time.Hour) // the alarm makes the flights ready
		s.board.mu.Lock()
		s.board.lanes[storage.Lane{Account: 1, Webhook: 1}].rewind()
		s.board.mu.Unlock()
		if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 50 {
			t.Errorf("claimed %d of 50, %v", len(held), err)
		}
	})
}

// A claim may see what a commit wrote before the board is told of it.
func TestWhatTheBoardIsToldLateIsNotHandedOutTwice(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	accept(t, s, testEvent("e", false, 1))
	held, _, err := s.Claim(t.Context(), everything)
	if err != nil || len(held) != 1 {
		t.Fatalf("claimed %d, %v", len(held), err)
	}
	late := effect{what: effectDue, ref: held[0].Ref, spot: spot{due: 1, seq: held[0].Seq}}
	s.board.apply([]effect{late}, s.now(), 0)
	if again, _, err := s.Claim(t.Context(), everything); err != nil || len(again) != 0 {
		t.Errorf("claimed %d that have a holder, %v", len(again), err)
	}
	s.board.apply([]effect{late}, s.now(), 0)
	settle(t, s, held[0], storage.Done)
	if again, _, err := s.Claim(t.Context(), everything); err != nil || len(again) != 0 {
		t.Errorf("claimed %d that are delivered, %v", len(again), err)
	}
}

// What memory has an old place of is handed out when it is due, not before.
func TestAnOldPlaceIsCorrected(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		h := accept(t, s, testEvent("e", true, 1)).Held[0]
		out := []storage.Outcome{{Held: h, Next: storage.Retry, In: time.Hour}}
		if got := s.Settle(t.Context(), out); got[0].Err != nil {
			t.Fatal(got[0].Err)
		}
		late := effect{what: effectDue, ref: h.Ref, spot: spot{due: 1, seq: h.Seq, flight: true}}
		s.board.apply([]effect{late}, s.now(), 0)
		for range 3 {
			if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 0 {
				t.Fatalf("claimed %d too early, %v", len(held), err)
			}
		}
		time.Sleep(time.Hour)
		if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 1 {
			t.Errorf("claimed %d when it was due, %v", len(held), err)
		}
	})
}

// While an old place of a delivery is leased by mistake, a scan may pass its real place by.
func TestACorrectedPlaceIsNotPassedBy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		h := accept(t, s, testEvent("e", true, 1)).Held[0]
		s.Settle(t.Context(), []storage.Outcome{{Held: h, Next: storage.Retry, In: time.Minute}})
		due := time.Now().Add(time.Minute).UnixNano()
		s.board.apply([]effect{{what: effectDue, ref: h.Ref, spot: spot{due: 1, seq: h.Seq, flight: true}}}, s.now(), 0)
		mistaken, _, _, err := s.pick(t.Context(), everything, false)
		if err != nil || len(mistaken) != 1 {
			t.Fatalf("picked %d, %v", len(mistaken), err)
		}
		time.Sleep(2 * time.Minute)
		accept(t, s, testEvent("later", false, 1))
		if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 1 {
			t.Fatalf("claimed %d, %v", len(held), err)
		}
		s.board.correct([]miss{{lease: mistaken[0], why: early, spot: spot{due: due, seq: h.Seq}}}, s.now())
		if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 1 || held[0].Ref != h.Ref {
			t.Errorf("claimed %d, %v", len(held), err)
		}
	})
}

// A dispatcher that only listens for Wake hears of what becomes due by itself.
func TestTheAlarmWakes(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *Store){
		"when a lease runs out": func(t *testing.T, s *Store) {
			accept(t, s, testEvent("e", true, 1))
		},
		"when a retry is due": func(t *testing.T, s *Store) {
			h := accept(t, s, testEvent("e", true, 1)).Held[0]
			s.Settle(t.Context(), []storage.Outcome{{Held: h, Next: storage.Retry, In: time.Hour}})
		},
		"when a postponed lane may go on": func(t *testing.T, s *Store) {
			if err := s.Postpone(t.Context(), storage.Lane{Account: 1, Webhook: 1}, time.Hour); err != nil {
				t.Fatal(err)
			}
			accept(t, s, testEvent("e", false, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := mustOpen(t, dir, defaultTuning())
				defer mustClose(t, s)
				begin(t, s)
				start := time.Now()
				<-s.Wake()
				if waited := time.Since(start); waited != time.Hour {
					t.Errorf("woken after %v", waited)
				}
				if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 1 {
					t.Errorf("claimed %d, %v", len(held), err)
				}
			})
		})
	}
}

// A lane with very many leased deliveries at its head costs a claim no more than an empty one.
func TestHeldDeliveriesDoNotSlowClaimsDown(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	batch := make([]storage.NewEvent, 6000)
	for i := range batch {
		batch[i] = testEvent(fmt.Sprint("e", i), false, 1)
	}
	s.Accept(t.Context(), batch)
	ask := everything
	ask.Max, ask.PerLane = 5000, 5000
	if held, _, err := s.Claim(t.Context(), ask); err != nil || len(held) != 5000 {
		t.Fatalf("claimed %d, %v", len(held), err)
	}
	ask.Max = 1
	read := 0
	for range 100 {
		before := frontierOf(s)
		if held, _, err := s.Claim(t.Context(), ask); err != nil || len(held) != 1 {
			t.Fatalf("claimed %d, %v", len(held), err)
		}
		if frontierOf(s) != before {
			read++
		}
	}
	if read > 20 {
		t.Errorf("100 claims read on in the index %d times", read)
	}
}

func frontierOf(s *Store) spot {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return s.board.lanes[storage.Lane{Account: 1, Webhook: 1}].frontier
}

func TestOpenFindsLanesByJumpingNotByScanning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	batch := make([]storage.NewEvent, 6000)
	for i := range batch {
		batch[i] = testEvent(fmt.Sprint("e", i), false, schemas.WebhookID(i%3+1))
		batch[i].Account = schemas.AccountID(i%2 + 1)
	}
	s.Accept(t.Context(), batch)
	mustClose(t, s)
	s = mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	if len(s.board.lanes) != 6 {
		t.Errorf("%d lanes, want 6", len(s.board.lanes))
	}
	for id, l := range s.board.lanes {
		if len(l.ready) > 0 || l.frontier != (spot{}) {
			t.Errorf("lane %+v holds %d deliveries in memory after opening", id, len(l.ready))
		}
	}
	checkDue(t, s, len(batch))
}

// checkDue compares the due index with what is open.
func checkDue(t *testing.T, s *Store, want int) {
	t.Helper()
	if err := s.db.View(func(tx *bbolt.Tx) error {
		if n := tx.Bucket([]byte(inDue.String())).Stats().KeyN; n != want {
			t.Errorf("the due index has %d rows, want %d", n, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestIdleLanesAreForgotten(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	for round := range 10 {
		batch := make([]storage.NewEvent, 1000)
		for i := range batch {
			batch[i] = testEvent(fmt.Sprint("e", round, "-", i), true, schemas.WebhookID(round*len(batch)+i+1))
		}
		var out []storage.Outcome
		for _, got := range s.Accept(t.Context(), batch) {
			out = append(out, storage.Outcome{Held: got.Held[0], Next: storage.Done})
		}
		for _, got := range s.Settle(t.Context(), out) {
			if got.Err != nil {
				t.Fatal(got.Err)
			}
		}
	}
	if n := len(s.board.lanes); n > 5000 {
		t.Errorf("memory knows %d lanes, none of which has anything open", n)
	}
}
