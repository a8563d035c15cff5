package storagetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// one is an ask for lane 1 of account 1 only.
func (s *suite) one() storage.Ask {
	ask := s.ask()
	ask.Lane = &storage.Lane{Account: 1, Webhook: 1}
	ask.Skip = func(storage.Lane) time.Duration { return time.Hour }
	return ask
}

func claimOneLane(s *suite) {
	none, next := s.claim(s.one())
	if len(none) != 0 || next >= 0 {
		s.Fatalf("%d deliveries of a lane without any, next %v", len(none), next)
	}
	var want []uint64
	for i := range 6 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1, 2)).Seq)
	}
	s.accept(event(2, "another", 1))
	ask := s.one()
	ask.Max = 4
	held, next := s.claim(ask)
	s.equal("the first of the lane", seqs(held), want[:4])
	s.equal("next while there are more", next, time.Duration(0))
	held, next = s.claim(s.one())
	s.equal("the rest", seqs(held), want[4:])
	if next <= 0 || next > 10*s.unit {
		s.Fatalf("next is %v, want when the leases end", next)
	}
	s.equal("of the other lanes", len(s.claimAll()), 7)
	s.wait(11 * s.unit)
	held, _ = s.claim(s.one())
	s.equal("when the leases have run out", seqs(held), want)
}

// A lane that is kept from all other claims.
func claimPostponedLane(s *suite) {
	lane := *s.one().Lane
	s.is("Postpone", s.store.Postpone(s.Context(), lane, 100000*s.unit), nil)
	first := s.accept(event(1, "first", 1)).Seq
	s.equal("deliveries for all", len(s.claimAll()), 0)
	held, _ := s.claim(s.one())
	s.equal("deliveries", seqs(held), []uint64{first})
	s.settle(storage.Outcome{Held: held[0], Next: storage.Retry, In: 5 * s.unit, Attempt: failed("")})
	second := s.accept(event(1, "second", 1)).Seq
	held, next := s.claim(s.one())
	s.equal("beside the retry", seqs(held), []uint64{second})
	if next <= 0 || next > 5*s.unit {
		s.Fatalf("next is %v, want the retry", next)
	}
	s.settle(storage.Outcome{Held: held[0], Next: storage.Done, Attempt: ok()})
	s.wait(6 * s.unit)
	s.equal("deliveries for all", len(s.claimAll()), 0)
	held, _ = s.claim(s.one())
	s.equal("the retry", seqs(held), []uint64{first})
	s.equal("attempts", held[0].Attempts, 1)
	s.settle(storage.Outcome{Held: held[0], Next: storage.Release})
	s.reopen()
	held, _ = s.claim(s.one())
	s.equal("after a restart", seqs(held), []uint64{first})
	s.settle(storage.Outcome{Held: held[0], Next: storage.Dead, Attempt: failed("")})
	none, next := s.claim(s.one())
	if len(none) != 0 || next >= 0 {
		s.Fatalf("%d deliveries of a lane that is done, next %v", len(none), next)
	}
}

func claimLaneInOrder(s *suite) {
	var want []uint64
	for i := range 5 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1)).Seq)
	}
	ask := s.inOrder(100)
	ask.Max, ask.Lane = 2, s.one().Lane
	first, _ := s.claim(ask)
	s.equal("the first", seqs(first), want[:2])
	none, next := s.claim(ask)
	if len(none) != 0 || next <= 0 || next > 10*s.unit {
		s.Fatalf("%d deliveries while the first are held, next %v", len(none), next)
	}
	s.settle(storage.Outcome{Held: first[1], Next: storage.Done, Attempt: ok()})
	s.settle(storage.Outcome{Held: first[0], Next: storage.Retry, In: 3 * s.unit, Attempt: failed("")})
	none, next = s.claim(ask)
	if len(none) != 0 || next <= 0 || next > 3*s.unit {
		s.Fatalf("%d deliveries while the first waits, next %v", len(none), next)
	}
	s.wait(4 * s.unit)
	held, _ := s.claim(ask)
	s.equal("when its wait is over", seqs(held), []uint64{want[0], want[2]})
}

func claimWaited(s *suite) {
	for _, ask := range []storage.Ask{s.one(), s.inOrder(100)} {
		ask.Lane = &storage.Lane{Account: 1, Webhook: 1}
		waited := ask
		waited.Waited = 20 * s.unit
		prefix := fmt.Sprint(ask.PerLane, "-")
		old := s.accept(event(1, prefix+"old", 1)).Seq
		again := s.accept(event(1, prefix+"again", 1)).Seq
		none, _ := s.claim(waited)
		s.equal("of what came a moment ago", len(none), 0)
		s.wait(12 * s.unit)
		fresh := s.accept(event(1, prefix+"fresh", 1)).Seq
		held, _ := s.claim(ask)
		s.equal("of what is due", seqs(held), []uint64{old, again, fresh})
		s.settle(storage.Outcome{Held: held[1], Next: storage.Retry, In: s.unit, Attempt: failed("")})
		s.wait(11 * s.unit) // the leases have run out
		held, next := s.claim(waited)
		s.equal("of what has waited", seqs(held), []uint64{old})
		if next <= 0 || next > 20*s.unit {
			s.Fatalf("next is %v, want when the others have waited so long, or the lease ends", next)
		}
		s.settle(storage.Outcome{Held: held[0], Next: storage.Dead, Attempt: failed("")})
		held, _ = s.claim(ask)
		rest := seqs(held)
		slices.Sort(rest)
		s.equal("the rest", rest, []uint64{again, fresh})
		for _, h := range held {
			s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
		}
	}
}
