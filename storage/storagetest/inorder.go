package storagetest

import (
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func claimShare(s *suite) {
	for i := range 10 {
		s.accept(event(1, fmt.Sprint("e", i), 1, 2))
	}
	ask := s.ask()
	ask.Share = func(l storage.Lane) int { return 2 * int(l.Webhook) }
	held, _ := s.claim(ask)
	per := map[schemas.WebhookID]int{}
	for _, h := range held {
		per[h.Webhook]++
	}
	s.equal("of each lane", per, map[schemas.WebhookID]int{1: 2, 2: 4})
}

// inOrder is an ask for lane 1 in order.
func (s *suite) inOrder(most int) storage.Ask {
	ask := s.ask()
	ask.PerLane = most
	ask.InOrder = func(l storage.Lane) bool { return l.Webhook == 1 }
	return ask
}

func inOrderWaits(s *suite) {
	var want []uint64
	for i := range 10 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1)).Seq)
	}
	first, _ := s.claim(s.inOrder(3))
	s.equal("the first", seqs(first), want[:3])
	none, next := s.claim(s.inOrder(3))
	s.equal("deliveries while they are held", len(none), 0)
	if next == 0 {
		s.Fatal("next is at once, and nothing can be had")
	}
	s.settle(storage.Outcome{Held: first[1], Next: storage.Release})
	s.settle(storage.Outcome{Held: first[2], Next: storage.Release})
	s.settle(storage.Outcome{Held: first[0], Next: storage.Retry, In: 5 * s.unit, Attempt: failed("")})
	s.accept(event(1, "later", 1, 2))
	held, next := s.claim(s.inOrder(3))
	s.equal("while the first waits", seqs(held), []uint64{want[9] + 1}) // the other lane's
	s.equal("its lane", held[0].Webhook, schemas.WebhookID(2))
	if next <= 0 || next > 10*s.unit {
		s.Fatalf("next is %v, want the first one's wait", next)
	}
	s.wait(6 * s.unit)
	held, _ = s.claim(s.inOrder(2))
	s.equal("when its wait is over", seqs(held), want[:2])
	s.settle(storage.Outcome{Held: held[0], Next: storage.Dead, Attempt: failed("")})
	s.settle(storage.Outcome{Held: held[1], Next: storage.Done, Attempt: ok()})
	rest, _ := s.claim(s.inOrder(100))
	s.equal("the rest", seqs(rest), append(want[2:], want[9]+1))
}

func inOrderByNumber(s *suite) {
	var want []uint64
	var held []storage.Held
	for i := range 4 { // born in somebody's hands, before the lane was in order
		h := s.held(1, fmt.Sprint("e", i), 1)
		held, want = append(held, h), append(want, h.Seq)
	}
	for i := range 4 {
		want = append(want, s.accept(event(1, fmt.Sprint("late", i), 1)).Seq)
	}
	none, _ := s.claim(s.inOrder(100))
	s.equal("deliveries while the first are held", len(none), 0)
	for _, i := range []int{3, 1, 2, 0} { // their places by time are the reverse of those by number
		s.settle(storage.Outcome{Held: held[i], Next: storage.Release, In: time.Duration(4-i) * s.unit / 4})
	}
	s.wait(2 * s.unit)
	got, _ := s.claim(s.inOrder(100))
	s.equal("by number", seqs(got), want)
	for _, h := range got {
		s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	}
	none, next := s.claim(s.inOrder(100))
	if len(none) > 0 || next >= 0 {
		s.Fatalf("%d more, next %v", len(none), next)
	}
	last := s.accept(event(1, "last", 1)).Seq
	s.is("Reopen", s.store.Reopen(s.Context(), got[2].Ref), nil)
	got, _ = s.claim(s.inOrder(100))
	s.equal("what was reopened has its place", seqs(got), []uint64{want[2], last})
}

func inOrderLifted(s *suite) {
	h := s.held(1, "first", 1)
	second := s.accept(event(1, "second", 1)).Seq
	s.settle(storage.Outcome{Held: h, Next: storage.Retry, In: 1000 * s.unit, Attempt: failed("")})
	none, _ := s.claim(s.inOrder(100))
	s.equal("deliveries in order", len(none), 0)
	s.is("Postpone", s.store.Postpone(s.Context(), h.Lane(), 0), nil)
	s.equal("as they are due", seqs(s.claimAll()), []uint64{second})
}
