package storagetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func queueCases() []testCase {
	return []testCase{
		{"claim hands out what is due, with its event", claimDue},
		{"claim of nothing returns at once", claimNothing},
		{"claim hands out at most Max and PerLane", claimLimits},
		{"one long lane does not starve the others", claimFair},
		{"lanes have their turns over several claims", claimTurns},
		{"within a lane the oldest due comes first", claimOldestFirst},
		{"skipped lanes are left alone", claimSkip},
		{"a postponement ends that a lane is left alone", claimSkippedUntilPostpone},
		{"a lane gets no more than its share", claimShare},
		{"a lane in order waits for its first open delivery", inOrderWaits},
		{"a lane in order is handed out by number, however it came there", inOrderByNumber},
		{"a lane that is no longer in order is lifted by postpone", inOrderLifted},
		{"one lane alone can be claimed", claimOneLane},
		{"a lane that is postponed can be claimed alone", claimPostponedLane},
		{"one lane alone can be claimed in order", claimLaneInOrder},
		{"what has been due for long can be claimed alone", claimWaited},
		{"next says when something becomes due", claimNext},
		{"next does not count skipped lanes", claimNextSkipped},
		{"nothing is handed out twice", claimOnce},
		{"wake tells of new work", wakeTells},
		{"wake tells when a wait is over", wakeLater},
	}
}

func claimDue(s *suite) {
	a := s.accept(event(3, "a", 7))
	h := s.claimOne()
	s.equal("delivery", h.Ref, storage.Ref{Account: 3, Webhook: 7, Seq: a.Seq})
	s.equal("event", string(h.Event), "body of a")
	s.equal("attempts", h.Attempts, 0)
	if h.Token == 0 {
		s.Fatal("the lease has no token")
	}
	e, err := s.store.EventBySeq(s.Context(), 3, a.Seq)
	s.is("EventBySeq", err, nil)
	if !h.Accepted.Equal(e.Accepted) || h.Accepted.IsZero() {
		s.Fatalf("accepted %v, the event says %v", h.Accepted, e.Accepted)
	}
}

func claimNothing(s *suite) {
	held, next := s.claim(s.ask())
	if len(held) != 0 || next >= 0 {
		s.Fatalf("claim of an empty store: %d deliveries, next %v", len(held), next)
	}
}

func claimLimits(s *suite) {
	for i := range 30 {
		s.accept(event(1, fmt.Sprint("e", i), 1, 2, 3))
	}
	held, next := s.claim(storage.Ask{Max: 100, PerLane: 4, Hold: 10 * s.unit})
	s.equal("deliveries with 4 a lane", len(held), 12)
	per := map[schemas.WebhookID]int{}
	for _, h := range held {
		per[h.Webhook]++
	}
	s.equal("of each lane", per, map[schemas.WebhookID]int{1: 4, 2: 4, 3: 4})
	s.equal("next while more is due", next, time.Duration(0))
	held, _ = s.claim(storage.Ask{Max: 5, PerLane: 100, Hold: 10 * s.unit})
	s.equal("deliveries with Max 5", len(held), 5)
	s.equal("the rest", len(s.claimAll()), 90-12-5)
}

func claimFair(s *suite) {
	var batch []storage.NewEvent
	for i := range 500 {
		batch = append(batch, event(1, fmt.Sprint("long", i), 1))
	}
	for w := range 9 {
		batch = append(batch, event(schemas.AccountID(w%3+1), fmt.Sprint("short", w), schemas.WebhookID(w+2)))
	}
	for _, a := range s.store.Accept(s.Context(), batch) {
		s.is("Accept", a.Err, nil)
	}
	held, _ := s.claim(storage.Ask{Max: 20, PerLane: 20, Hold: 10 * s.unit})
	lanes := map[storage.Lane]int{}
	for _, h := range held {
		lanes[h.Lane()]++
	}
	s.equal("lanes served by one claim of 20", len(lanes), 10)
	s.equal("deliveries", len(held), 20)
}

func claimTurns(s *suite) {
	const lanes = 8
	for i := range 4 {
		for w := range lanes {
			s.accept(event(1, fmt.Sprint("e", i, "-", w), schemas.WebhookID(w+1)))
		}
	}
	seen := map[schemas.WebhookID]int{}
	for range lanes {
		held, _ := s.claim(storage.Ask{Max: 2, PerLane: 2, Hold: 10 * s.unit})
		for _, h := range held {
			seen[h.Webhook]++
		}
	}
	s.equal("lanes served by 8 claims of 2", len(seen), lanes)
}

func claimOldestFirst(s *suite) {
	var want []uint64
	for i := range 40 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1)).Seq)
	}
	s.equal("numbers", seqs(s.claimAll()), want)
}

func claimSkip(s *suite) {
	for i := range 10 {
		s.accept(event(1, fmt.Sprint("e", i), 1, 2))
	}
	ask := s.ask()
	first := storage.Lane{Account: 1, Webhook: 1}
	asked := 0
	ask.Skip = func(l storage.Lane) time.Duration {
		if l != first {
			return 0
		}
		asked++
		return 5 * s.unit
	}
	held, next := s.claim(ask)
	s.equal("deliveries", len(held), 10)
	for _, h := range held {
		s.equal("webhook", h.Webhook, schemas.WebhookID(2))
	}
	if next <= 0 || next > 5*s.unit {
		s.Fatalf("next is %v, want when the lane is not to be left alone any more", next)
	}
	s.accept(event(1, "more", 1))
	s.equal("deliveries of the lane that is left alone", len(s.claimAll()), 0)
	held, _ = s.claim(ask)
	s.equal("to one who would leave it alone", len(held), 0)
	s.equal("times it was asked for the lane", asked, 1)
	s.wait(5 * s.unit)
	held, _ = s.claim(ask)
	s.equal("when the time is over, left alone again", len(held), 0)
	s.equal("times it was asked for the lane", asked, 2)
	ask.Skip, ask.Again = nil, []storage.Lane{first, {Account: 7, Webhook: 7}}
	held, _ = s.claim(ask)
	s.equal("deliveries of the lane when it is named", len(held), 11)
}

func claimSkippedUntilPostpone(s *suite) {
	s.accept(event(1, "e", 1))
	ask := s.ask()
	ask.Skip = func(storage.Lane) time.Duration { return 1000 * s.unit }
	held, _ := s.claim(ask)
	s.equal("deliveries", len(held), 0)
	s.is("Postpone", s.store.Postpone(s.Context(), storage.Lane{Account: 1, Webhook: 1}, 0), nil)
	s.equal("deliveries once the lane is lifted", len(s.claimAll()), 1)
}

func claimNext(s *suite) {
	h := s.held(1, "e", 1)
	s.settle(storage.Outcome{Held: h, Next: storage.Retry, In: 4 * s.unit, Attempt: failed("")})
	held, next := s.claim(s.ask())
	if len(held) != 0 || next <= 2*s.unit || next > 4*s.unit {
		s.Fatalf("%d deliveries, next %v, want one in %v", len(held), next, 4*s.unit)
	}
	s.wait(next)
	s.claimOne()
}

func claimNextSkipped(s *suite) {
	s.accept(event(1, "a", 1))
	s.settle(storage.Outcome{Held: s.held(1, "b", 2), Next: storage.Retry, In: 6 * s.unit, Attempt: failed("")})
	ask := s.ask()
	ask.Skip = func(storage.Lane) time.Duration { return 1000 * s.unit }
	if held, next := s.claim(ask); len(held) != 0 || next <= 2*s.unit || next > 6*s.unit {
		s.Fatalf("%d deliveries, next %v, want that of the lane which is not left alone, %v", len(held), next, 6*s.unit)
	}
}

func claimOnce(s *suite) {
	for i := range 100 {
		s.accept(event(1, fmt.Sprint("e", i), schemas.WebhookID(i%3+1)))
	}
	seen := map[storage.Ref]bool{}
	for range 20 {
		held, _ := s.claim(storage.Ask{Max: 10, PerLane: 10, Hold: 10 * s.unit})
		for _, h := range held {
			if seen[h.Ref] {
				s.Fatalf("%+v was handed out twice", h.Ref)
			}
			seen[h.Ref] = true
		}
	}
	s.equal("deliveries", len(seen), 100)
}

// awake waits for Wake, or for the limit.
func (s *suite) awake(limit time.Duration) bool {
	select {
	case <-s.store.Wake():
		return true
	case <-time.After(limit):
		return false
	}
}

func (s *suite) drainWake() {
	for s.awake(s.unit / 10) {
	}
}

func wakeTells(s *suite) {
	s.claimAll()
	s.drainWake()
	s.accept(event(1, "e", 1))
	s.equal("woken", s.awake(5*s.unit), true)
	s.claimOne()
}

// wakeLater follows the pattern of every dispatcher: claim, then wait for Wake or for next.
func wakeLater(s *suite) {
	h := s.held(1, "e", 1)
	_, next := s.claim(s.ask())
	s.settle(storage.Outcome{Held: h, Next: storage.Retry, In: 2 * s.unit, Attempt: failed("")})
	var held []storage.Held
	for range 20 {
		if next < 0 {
			next = 5 * s.unit
		}
		s.awake(next)
		if held, next = s.claim(s.ask()); len(held) > 0 {
			break
		}
	}
	s.equal("deliveries", len(held), 1)
	if !slices.Equal(seqs(held), []uint64{h.Seq}) {
		s.Fatalf("claimed %v", seqs(held))
	}
}
