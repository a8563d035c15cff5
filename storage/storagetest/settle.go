package storagetest

import (
	"fmt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func settleCases() []testCase {
	return []testCase{
		{"each outcome leaves its state", settleStates},
		{"a second outcome finds nothing owed", settleTwice},
		{"one call settles a delivery once", settleTwiceInOneCall},
		{"retry makes it due later", settleRetry},
		{"release counts no attempt", settleRelease},
		{"a stale holder is believed only that it delivered", settleStale},
		{"what was never owed is absent", settleUnknown},
		{"answers stand in the order of outcomes, each for itself", settleOrder},
		{"attempts are kept, numbered, oldest first", attemptsKept},
		{"attempts are answered up to the newest hundred", attemptsBounded},
		{"the tally counts attempts and what was given up", tallyCounts},
		{"the tally is kept over a restart", tallySurvives},
		{"reopen makes a closed delivery due, attempts go on", reopenDue},
		{"reopen of what is open or unknown is refused", reopenRefused},
		{"settled deliveries stay settled over a restart", settledSurvives},
	}
}

func settleStates(s *suite) {
	for i, c := range []struct {
		next storage.Next
		want schemas.DeliveryState
	}{
		{storage.Done, schemas.DeliveryDelivered},
		{storage.Retry, schemas.DeliveryRetrying},
		{storage.Dead, schemas.DeliveryDead},
		{storage.Discard, schemas.DeliveryDiscarded},
		{storage.Release, schemas.DeliveryPending},
	} {
		h := s.held(1, fmt.Sprint("e", i), 1)
		before := s.delivery(h.Ref)
		s.equal("state before", before.State, schemas.DeliveryPending)
		o := storage.Outcome{Held: h, Next: c.next, In: 10 * s.unit}
		if c.next != storage.Release {
			o.Attempt = ok()
		}
		s.settle(o)
		after := s.delivery(h.Ref)
		s.equal("state", after.State, c.want)
		s.equal("next is set", !after.Next.IsZero(), c.want.Open())
		if after.Updated.Before(before.Updated) {
			s.Fatalf("updated %v, before %v", after.Updated, before.Updated)
		}
	}
}

func settleTwice(s *suite) {
	for i, next := range []storage.Next{storage.Done, storage.Dead, storage.Discard} {
		h := s.held(1, fmt.Sprint("e", i), 1)
		s.settle(storage.Outcome{Held: h, Next: next, Attempt: ok()})
		for _, again := range []storage.Next{storage.Done, storage.Retry, storage.Dead, storage.Release} {
			err := s.settleErr(storage.Outcome{Held: h, Next: again, Attempt: ok()})
			s.is("a second outcome", err, storage.ErrAbsent)
		}
		s.equal("attempts", s.delivery(h.Ref).Attempts, 1)
	}
}

func settleTwiceInOneCall(s *suite) {
	h := s.held(1, "e", 1)
	retry := storage.Outcome{Held: h, Next: storage.Retry, In: s.unit, Attempt: failed("")}
	got := s.store.Settle(s.Context(), []storage.Outcome{retry, retry})
	s.is("first", got[0].Err, nil)
	s.is("second", got[1].Err, storage.ErrStale)
	s.equal("attempts", s.delivery(h.Ref).Attempts, 1)
}

func settleRetry(s *suite) {
	h := s.held(1, "e", 1)
	s.settle(storage.Outcome{Held: h, Next: storage.Retry, In: 3 * s.unit, Attempt: failed("no")})
	s.equal("deliveries before it is due", len(s.claimAll()), 0)
	s.wait(4 * s.unit)
	again := s.claimOne()
	if again.Ref != h.Ref || again.Attempts != 1 || again.Token <= h.Token || string(again.Event) != "body of e" {
		s.Fatalf("claimed %+v", again)
	}
	s.settle(storage.Outcome{Held: again, Next: storage.Retry, Attempt: failed("no")})
	s.equal("attempts", s.claimOne().Attempts, 2)
}

func settleRelease(s *suite) {
	h := s.held(1, "e", 1)
	s.settle(storage.Outcome{Held: h, Next: storage.Release, In: 2 * s.unit})
	s.equal("deliveries before it is due", len(s.claimAll()), 0)
	s.wait(3 * s.unit)
	again := s.claimOne()
	s.equal("attempts", again.Attempts, 0)
	tally := s.settle(storage.Outcome{Held: again, Next: storage.Release})
	s.equal("calls", tally.Calls, 0)
	s.equal("deliveries due at once", s.claimOne().Seq, h.Seq)
}

func settleStale(s *suite) {
	lose := func(id string) (old, now storage.Held) {
		old = s.accept(hold(event(1, id, 1), s.unit)).Held[0]
		s.wait(2 * s.unit)
		return old, s.claimOne()
	}
	old, now := lose("a")
	for _, next := range []storage.Next{storage.Retry, storage.Dead, storage.Discard, storage.Release} {
		s.is("a stale outcome", s.settleErr(storage.Outcome{Held: old, Next: next}), storage.ErrStale)
	}
	s.equal("state", s.delivery(now.Ref).State, schemas.DeliveryPending)
	s.settle(storage.Outcome{Held: now, Next: storage.Done, Attempt: ok()})

	old, now = lose("b")
	s.settle(storage.Outcome{Held: old, Next: storage.Done, Attempt: ok()})
	s.equal("state after a stale Done", s.delivery(old.Ref).State, schemas.DeliveryDelivered)
	s.is("the holder's outcome after it", s.settleErr(storage.Outcome{Held: now, Next: storage.Retry}), storage.ErrAbsent)
	s.wait(11 * s.unit)
	s.equal("deliveries", len(s.claimAll()), 0)
}

func settleUnknown(s *suite) {
	h := s.held(1, "e", 1)
	for _, change := range []func(*storage.Held){
		func(h *storage.Held) { h.Seq += 1000 },
		func(h *storage.Held) { h.Account = 2 },
		func(h *storage.Held) { h.Webhook = 2 },
	} {
		other := h
		change(&other)
		err := s.settleErr(storage.Outcome{Held: other, Next: storage.Done, Attempt: ok()})
		s.is("outcome of what was never owed", err, storage.ErrAbsent)
	}
}

func settleOrder(s *suite) {
	a, b, c := s.held(1, "a", 1), s.held(1, "b", 2), s.held(1, "c", 3)
	stale := b
	stale.Token--
	got := s.store.Settle(s.Context(), []storage.Outcome{
		{Held: a, Next: storage.Done, Attempt: ok()},
		{Held: stale, Next: storage.Dead, Attempt: failed("")},
		{Held: c, Next: storage.Retry, In: s.unit, Attempt: failed("why")},
	})
	s.equal("answers", len(got), 3)
	s.is("first", got[0].Err, nil)
	s.is("second", got[1].Err, storage.ErrStale)
	s.is("third", got[2].Err, nil)
	s.equal("last error of the third", got[2].Tally.LastError, "why")
	s.equal("state of the second", s.delivery(b.Ref).State, schemas.DeliveryPending)
}

func attemptsKept(s *suite) {
	h := s.held(1, "e", 1)
	for i := range 3 {
		a := failed(fmt.Sprint("failure ", i))
		a.ResponseBody, a.RequestHeaders = "<html>", [][2]string{{"A", "b"}}
		a.Number = 99 // the store counts
		s.settle(storage.Outcome{Held: h, Next: storage.Retry, Attempt: a})
		h = s.claimOne()
	}
	s.reopen()
	got, err := s.store.Attempts(s.Context(), h.Ref, storage.MaxAttempts)
	s.is("Attempts", err, nil)
	s.equal("attempts", len(got), 3)
	for i, a := range got {
		if a.Number != i+1 || a.Message != fmt.Sprint("failure ", i) || a.Status != 500 || a.ResponseBody != "<html>" ||
			len(a.RequestHeaders) != 1 {
			s.Fatalf("attempt %d: %+v", i, a)
		}
	}
}

func attemptsBounded(s *suite) {
	h := s.held(1, "e", 1)
	for range 120 {
		s.settle(storage.Outcome{Held: h, Next: storage.Retry, Attempt: failed("")})
		h = s.claimOne()
	}
	got, err := s.store.Attempts(s.Context(), h.Ref, storage.MaxAttempts)
	s.is("Attempts", err, nil)
	if len(got) != 100 || got[0].Number != 21 || got[99].Number != 120 {
		s.Fatalf("%d attempts, %d to %d", len(got), got[0].Number, got[len(got)-1].Number)
	}
	s.equal("attempts counted", s.delivery(h.Ref).Attempts, 120)
}

func tallyCounts(s *suite) {
	lane := storage.Lane{Account: 1, Webhook: 1}
	try := func(id string, next storage.Next, a *schemas.Attempt) schemas.Tally {
		return s.settle(storage.Outcome{Held: s.held(1, id, 1), Next: next, In: 100 * s.unit, Attempt: a})
	}
	first := try("a", storage.Retry, failed("one"))
	s.wait(s.unit)
	second := try("b", storage.Dead, failed("two"))
	if first.FailingSince.IsZero() || !second.FailingSince.Equal(first.FailingSince) ||
		!second.LastErrorAt.After(first.LastErrorAt) {
		s.Fatalf("times of failures: %+v, then %+v", first, second)
	}
	if second.Calls != 2 || second.Errors != 2 || second.Consecutive != 2 || second.Dropped != 1 ||
		second.LastError != "two" || !second.LastSuccess.IsZero() {
		s.Fatalf("tally after two failures: %+v", second)
	}
	good := try("c", storage.Done, ok())
	if good.Calls != 3 || good.Errors != 2 || good.Consecutive != 0 || good.Dropped != 0 ||
		!good.FailingSince.IsZero() || good.LastSuccess.IsZero() || good.LastError != "two" {
		s.Fatalf("tally after a success: %+v", good)
	}
	third := try("d", storage.Retry, failed("three"))
	if third.Consecutive != 1 || !third.FailingSince.After(first.FailingSince) {
		s.Fatalf("tally after another failure: %+v", third)
	}
	read, err := s.store.Tally(s.Context(), lane)
	s.is("Tally", err, nil)
	s.equal("tally", read, third)
	// Several deliveries of one exchange count each.
	a, b := s.held(1, "e", 1), s.held(1, "f", 1)
	got := s.store.Settle(s.Context(), []storage.Outcome{
		{Held: a, Next: storage.Done, Attempt: ok()}, {Held: b, Next: storage.Done, Attempt: ok()}})
	s.equal("calls after the first of two", got[0].Tally.Calls, 5)
	s.equal("calls after the second of two", got[1].Tally.Calls, 6)
	none, err := s.store.Tally(s.Context(), storage.Lane{Account: 1, Webhook: 9})
	s.is("Tally", err, nil)
	s.equal("tally of a webhook without attempts", none, schemas.Tally{})
}

func tallySurvives(s *suite) {
	want := s.settle(storage.Outcome{Held: s.held(1, "e", 1), Next: storage.Dead, Attempt: failed("why")})
	s.reopen()
	got, err := s.store.Tally(s.Context(), storage.Lane{Account: 1, Webhook: 1})
	s.is("Tally", err, nil)
	s.equal("tally", got, want)
}

func reopenDue(s *suite) {
	for i, next := range []storage.Next{storage.Dead, storage.Done, storage.Discard} {
		h := s.held(1, fmt.Sprint("e", i), 1)
		s.settle(storage.Outcome{Held: h, Next: next, Attempt: failed("")})
		s.is("Reopen", s.store.Reopen(s.Context(), h.Ref), nil)
		s.equal("state", s.delivery(h.Ref).State, schemas.DeliveryRetrying)
		again := s.claimOne()
		if again.Ref != h.Ref || again.Attempts != 1 {
			s.Fatalf("claimed %+v", again)
		}
		s.settle(storage.Outcome{Held: again, Next: storage.Done, Attempt: ok()})
		got, err := s.store.Attempts(s.Context(), h.Ref, storage.MaxAttempts)
		s.is("Attempts", err, nil)
		s.equal("attempts", len(got), 2)
		newest, err := s.store.Attempts(s.Context(), h.Ref, 1)
		s.is("Attempts", err, nil)
		s.equal("the newest attempt", newest, got[1:])
	}
}

func reopenRefused(s *suite) {
	h := s.held(1, "e", 1)
	s.is("Reopen of an open delivery", s.store.Reopen(s.Context(), h.Ref), storage.ErrConflict)
	h.Webhook = 2
	s.is("Reopen of no delivery", s.store.Reopen(s.Context(), h.Ref), storage.ErrAbsent)
}

func settledSurvives(s *suite) {
	h := s.held(1, "e", 1)
	s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	s.reopen()
	s.wait(11 * s.unit)
	s.equal("deliveries", len(s.claimAll()), 0)
	s.equal("state", s.delivery(h.Ref).State, schemas.DeliveryDelivered)
	s.is("outcome after the restart", s.settleErr(storage.Outcome{Held: h, Next: storage.Done}), storage.ErrAbsent)
}
