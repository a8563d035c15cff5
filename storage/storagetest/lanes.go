package storagetest

import (
	"fmt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func laneCases() []testCase {
	return []testCase{
		{"postpone keeps claim away for a while", postponeWaits},
		{"postpone by 0 lifts it", postponeLifted},
		{"drop discards every open delivery of the lane and no other", dropDiscards},
		{"drop takes a long lane in steps", dropSteps},
		{"backlog counts up to its limit and knows the oldest", backlogCounts},
		{"what was held while its lane was dropped is absent", dropHeld},
	}
}

func postponeWaits(s *suite) {
	s.accept(event(1, "e", 1, 2))
	s.is("Postpone", s.store.Postpone(s.Context(), storage.Lane{Account: 1, Webhook: 1}, 5*s.unit), nil)
	s.equal("webhook", s.claimOne().Webhook, schemas.WebhookID(2))
	held, next := s.claim(s.ask())
	if len(held) != 0 || next <= 0 || next > 10*s.unit {
		s.Fatalf("%d deliveries, next %v", len(held), next)
	}
	s.accept(event(1, "f", 1)) // what comes later waits too
	s.equal("deliveries", len(s.claimAll()), 0)
	s.wait(6 * s.unit)
	s.equal("deliveries when the wait is over", len(s.claimAll()), 2)
}

func postponeLifted(s *suite) {
	lane := storage.Lane{Account: 1, Webhook: 1}
	s.accept(event(1, "e", 1))
	s.is("Postpone", s.store.Postpone(s.Context(), lane, 1000*s.unit), nil)
	s.equal("deliveries", len(s.claimAll()), 0)
	s.is("Postpone", s.store.Postpone(s.Context(), lane, 0), nil)
	s.claimOne()
}

func dropDiscards(s *suite) {
	h := s.held(1, "held", 1)
	later := s.held(1, "later", 1)
	s.settle(storage.Outcome{Held: later, Next: storage.Retry, In: 5 * s.unit, Attempt: failed("")})
	done := s.held(1, "done", 1)
	s.settle(storage.Outcome{Held: done, Next: storage.Done, Attempt: ok()})
	s.accept(event(1, "due", 1, 2))
	lane := storage.Lane{Account: 1, Webhook: 1}
	s.dropAll(lane)
	for _, r := range []storage.Ref{h.Ref, later.Ref} {
		s.equal("state", s.delivery(r).State, schemas.DeliveryDiscarded)
	}
	s.equal("state of what was delivered", s.delivery(done.Ref).State, schemas.DeliveryDelivered)
	open, _, err := s.store.Backlog(s.Context(), 10, lane)
	s.is("Backlog", err, nil)
	s.equal("backlog", open, 0)
	s.wait(20 * s.unit)
	s.equal("the other lane's", s.claimOne().Webhook, schemas.WebhookID(2))
}

func (s *suite) dropAll(l storage.Lane) (calls int) {
	s.Helper()
	for more := true; more; calls++ {
		var err error
		more, err = s.store.Drop(s.Context(), l)
		s.is("Drop", err, nil)
		if calls > 1000 {
			s.Fatal("Drop never ends")
		}
	}
	return calls
}

func dropSteps(s *suite) {
	var batch []storage.NewEvent
	for i := range 2500 {
		e := event(1, fmt.Sprint("e", i), 1)
		if i%2 == 0 {
			e = hold(e, 1000*s.unit)
		}
		batch = append(batch, e)
	}
	for _, a := range s.store.Accept(s.Context(), batch) {
		s.is("Accept", a.Err, nil)
	}
	lane := storage.Lane{Account: 1, Webhook: 1}
	s.dropAll(lane)
	open, _, err := s.store.Backlog(s.Context(), 10, lane)
	s.is("Backlog", err, nil)
	s.equal("backlog", open, 0)
	health, err := s.store.Check(s.Context())
	s.is("Check", err, nil)
	s.equal("open deliveries", health.Open, 0)
}

func backlogCounts(s *suite) {
	lane := storage.Lane{Account: 1, Webhook: 1}
	open, oldest, err := s.store.Backlog(s.Context(), 10, lane)
	s.is("Backlog", err, nil)
	if open != 0 || oldest != 0 {
		s.Fatalf("backlog of an empty lane: %d, %v", open, oldest)
	}
	h := s.held(1, "first", 1)
	s.wait(3 * s.unit)
	for i := range 5 {
		s.accept(event(1, fmt.Sprint("e", i), 1, 2))
	}
	open, oldest, err = s.store.Backlog(s.Context(), 10, lane)
	s.is("Backlog", err, nil)
	s.equal("open", open, 6)
	if oldest < 3*s.unit || oldest > 9*s.unit {
		s.Fatalf("oldest %v, want some %v", oldest, 3*s.unit)
	}
	open, _, err = s.store.Backlog(s.Context(), 4, lane)
	s.is("Backlog", err, nil)
	s.equal("open up to 4", open, 4)
	other := storage.Lane{Account: 1, Webhook: 2}
	open, oldest, err = s.store.Backlog(s.Context(), 100, other, lane, storage.Lane{Account: 2, Webhook: 1})
	s.is("Backlog", err, nil)
	s.equal("open in all lanes", open, 11)
	if oldest < 3*s.unit {
		s.Fatalf("oldest of all lanes %v, want at least %v", oldest, 3*s.unit)
	}
	open, _, err = s.store.Backlog(s.Context(), 7, lane, other)
	s.is("Backlog", err, nil)
	s.equal("open in all lanes up to 7", open, 7)
	s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	open, oldest, err = s.store.Backlog(s.Context(), 10, lane)
	s.is("Backlog", err, nil)
	s.equal("open", open, 5)
	if oldest >= 3*s.unit {
		s.Fatalf("oldest %v after the oldest was delivered", oldest)
	}
}

func dropHeld(s *suite) {
	h := s.held(1, "e", 1)
	s.dropAll(h.Lane())
	for _, next := range []storage.Next{storage.Done, storage.Retry} {
		err := s.settleErr(storage.Outcome{Held: h, Next: next, Attempt: ok()})
		s.is("outcome after the drop", err, storage.ErrAbsent)
	}
	s.equal("state", s.delivery(h.Ref).State, schemas.DeliveryDiscarded)
}
