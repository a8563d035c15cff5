package storagetest

import (
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func leaseCases() []testCase {
	return []testCase{
		{"a lease at birth keeps others away until it runs out", leaseAtBirth},
		{"leases at birth stand in the order of targets", leaseOrder},
		{"a lease that ran out is taken by another, with a greater token", leaseRunsOut},
		{"leases run out each at its time", leasesOfLengths},
		{"many leases that ran out are all handed out again", leasesRunOut},
		{"extend lengthens a lease from now", extendLengthens},
		{"extend of a lost lease says so", extendStale},
		{"a lease ends with a restart or with its time", leaseReopened},
		{"tokens grow over a restart", tokensGrow},
	}
}

func leaseAtBirth(s *suite) {
	a := s.accept(hold(event(1, "e", 1), 3*s.unit))
	s.equal("leases", len(a.Held), 1)
	h := a.Held[0]
	if h.Ref != (storage.Ref{Account: 1, Webhook: 1, Seq: a.Seq}) || h.Token == 0 || h.Event != nil || h.Attempts != 0 ||
		h.Accepted.IsZero() {
		s.Fatalf("lease at birth %+v", h)
	}
	held, next := s.claim(s.ask())
	if len(held) != 0 || next < 0 || next > 3*s.unit {
		s.Fatalf("%d deliveries, next %v while the lease lasts", len(held), next)
	}
	s.wait(4 * s.unit)
	if again := s.claimOne(); again.Ref != h.Ref || again.Token <= h.Token || string(again.Event) != "body of e" {
		s.Fatalf("claimed %+v after %+v", again, h)
	}
}

func leaseOrder(s *suite) {
	e := event(1, "e", 5, 3, 9, 1)
	for _, i := range []int{0, 2, 3} {
		e.To[i].Hold = 10 * s.unit
	}
	a := s.accept(e)
	var got []schemas.WebhookID
	for _, h := range a.Held {
		got = append(got, h.Webhook)
	}
	s.equal("webhooks", got, []schemas.WebhookID{5, 9, 1})
	s.equal("the one that is not held", s.claimOne().Webhook, schemas.WebhookID(3))
}

func leaseRunsOut(s *suite) {
	s.accept(event(1, "e", 1))
	ask := s.ask()
	ask.Hold = 2 * s.unit
	first, _ := s.claim(ask)
	s.equal("deliveries", len(first), 1)
	s.equal("deliveries while it is held", len(s.claimAll()), 0)
	s.wait(3 * s.unit)
	if again := s.claimOne(); again.Ref != first[0].Ref || again.Token <= first[0].Token {
		s.Fatalf("claimed %+v after %+v", again, first[0])
	}
}

func leasesOfLengths(s *suite) {
	var want []uint64
	for i, units := range []time.Duration{6, 2, 8, 4} {
		a := s.accept(hold(event(1, fmt.Sprint("e", i), schemas.WebhookID(i+1)), units*s.unit))
		want = append(want, a.Seq)
	}
	for _, i := range []int{1, 3, 0, 2} {
		s.wait(2 * s.unit)
		s.wait(s.unit / 10)
		s.equal("number", s.claimOne().Seq, want[i])
	}
}

func leasesRunOut(s *suite) {
	var batch []storage.NewEvent
	for i := range 300 {
		e := event(1, fmt.Sprint("e", i), schemas.WebhookID(i%3+1))
		if i%2 == 0 {
			e = hold(e, 2*s.unit)
		}
		batch = append(batch, e)
	}
	s.store.Accept(s.Context(), batch)
	ask := s.ask()
	ask.Hold = 2 * s.unit
	held, _ := s.claim(ask)
	s.equal("deliveries not held at birth", len(held), 150)
	s.wait(3 * s.unit)
	seen := map[storage.Ref]bool{}
	for _, h := range s.claimAll() {
		seen[h.Ref] = true
	}
	s.equal("deliveries when all leases ran out", len(seen), 300)
	s.equal("deliveries after that", len(s.claimAll()), 0)
}

func (s *suite) extend(h storage.Held, d time.Duration) error {
	s.Helper()
	errs := s.store.Extend(s.Context(), []storage.Held{h}, d)
	s.equal("answers", len(errs), 1)
	return errs[0]
}

func extendLengthens(s *suite) {
	h := s.accept(hold(event(1, "e", 1), 3*s.unit)).Held[0]
	for range 3 {
		s.wait(2 * s.unit)
		s.is("Extend", s.extend(h, 4*s.unit), nil)
		s.equal("deliveries while it is held", len(s.claimAll()), 0)
	}
	s.wait(5 * s.unit)
	s.claimOne()
}

func extendStale(s *suite) {
	old := s.accept(hold(event(1, "e", 1), s.unit)).Held[0]
	s.wait(2 * s.unit)
	now := s.claimOne()
	errs := s.store.Extend(s.Context(), []storage.Held{old, now}, 20*s.unit)
	s.equal("answers", len(errs), 2)
	s.is("Extend of the old lease", errs[0], storage.ErrStale)
	s.is("Extend of the new lease", errs[1], nil)
	s.settle(storage.Outcome{Held: now, Next: storage.Done, Attempt: ok()})
	if s.extend(now, s.unit) == nil {
		s.Fatal("the lease of a settled delivery was extended")
	}
}

// leaseReopened holds for one process, where leases are void at once, and for many, where they last.
func leaseReopened(s *suite) {
	s.accept(hold(event(1, "a", 1, 2), 3*s.unit))
	s.accept(event(1, "b", 1))
	ask := s.ask()
	ask.Hold = 3 * s.unit
	s.claim(ask)
	s.reopen()
	s.wait(4 * s.unit)
	s.equal("deliveries", len(s.claimAll()), 3)
}

func tokensGrow(s *suite) {
	h := s.held(1, "e", 1)
	s.reopen()
	s.wait(11 * s.unit)
	if again := s.claimOne(); again.Token <= h.Token {
		s.Fatalf("token %d after %d", again.Token, h.Token)
	}
	s.is("Settle with the old token", s.settleErr(storage.Outcome{Held: h, Next: storage.Release}), storage.ErrStale)
}
