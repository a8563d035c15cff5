package storagetest

import (
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func intakeCases() []testCase {
	return []testCase{
		{"numbers increase, over a restart too", acceptNumbers},
		{"an id again within the window is a repeat", acceptRepeat},
		{"a repeat is found over a restart", acceptRepeatReopened},
		{"a repeat is found in one batch", acceptRepeatInBatch},
		{"an id again after the window is a new event", acceptAfterWindow},
		{"a repeat is found after hours", acceptRepeatAfterHours},
		{"without a window nothing is looked for", acceptNoWindow},
		{"an id of another account is another id", acceptOtherAccount},
		{"a bad item does not spoil the others", acceptBadItem},
		{"a big batch is answered in its order", acceptBigBatch},
		{"an event may have no targets", acceptNoTargets},
		{"the caller keeps its bytes", acceptCopies},
		{"what was accepted survives a restart", acceptSurvives},
	}
}

func acceptNumbers(s *suite) {
	var last uint64
	for i := range 5 {
		got := s.accept(event(1, fmt.Sprint("e", i), 1))
		if got.Seq <= last || got.Repeat || got.Matched != 1 || len(got.Held) != 0 {
			s.Fatalf("accepted %+v after number %d", got, last)
		}
		last = got.Seq
		if i == 2 {
			s.reopen()
		}
	}
}

func within(e storage.NewEvent, window time.Duration) storage.NewEvent {
	e.Window = window
	return e
}

func acceptRepeat(s *suite) {
	first := s.accept(within(event(1, "e", 1, 2), time.Hour))
	again := s.accept(within(hold(event(1, "e", 1, 2, 3), time.Hour), time.Hour))
	if !again.Repeat || again.Seq != first.Seq || again.Matched != 2 || len(again.Held) != 0 {
		s.Fatalf("repeat %+v of %+v", again, first)
	}
	s.equal("deliveries", len(s.claimAll()), 2)
}

func acceptRepeatReopened(s *suite) {
	first := s.accept(within(event(1, "e", 1), time.Hour))
	s.reopen()
	again := s.accept(within(event(1, "e", 1), time.Hour))
	s.equal("repeat", again.Repeat, true)
	s.equal("number", again.Seq, first.Seq)
}

func acceptRepeatInBatch(s *suite) {
	e := within(event(1, "e", 1), time.Hour)
	got := s.store.Accept(s.Context(), []storage.NewEvent{e, e, within(event(1, "f", 1), time.Hour)})
	for _, g := range got {
		s.is("Accept", g.Err, nil)
	}
	if got[0].Repeat || !got[1].Repeat || got[1].Seq != got[0].Seq || got[2].Repeat {
		s.Fatalf("accepted %+v", got)
	}
}

func acceptAfterWindow(s *suite) {
	first := s.accept(within(event(1, "e", 1), 2*s.unit))
	s.wait(3 * s.unit)
	again := s.accept(within(event(1, "e", 1), 2*s.unit))
	if again.Repeat || again.Seq <= first.Seq {
		s.Fatalf("accepted %+v after %+v", again, first)
	}
	got, err := s.store.Event(s.Context(), 1, "e")
	s.is("Event", err, nil)
	s.equal("the newest event of the id", got.Seq, again.Seq)
}

func acceptRepeatAfterHours(s *suite) {
	s.needsHours()
	const window = 24 * time.Hour
	first := s.accept(within(event(1, "e", 1, 2), window))
	for hour := 1; hour < 24; hour++ {
		s.wait(time.Hour)
		s.accept(within(event(1, fmt.Sprint("other", hour), 1), window))
		again := s.accept(within(event(1, "e", 1), window))
		if !again.Repeat || again.Seq != first.Seq || again.Matched != 2 {
			s.Fatalf("after %d hours: %+v, the first was %+v", hour, again, first)
		}
	}
	s.wait(time.Hour + time.Minute)
	s.equal("repeat after the window", s.accept(within(event(1, "e", 1), window)).Repeat, false)
}

func acceptNoWindow(s *suite) {
	first := s.accept(within(event(1, "e", 1), time.Hour))
	again := s.accept(event(1, "e", 1))
	if again.Repeat || again.Seq <= first.Seq {
		s.Fatalf("accepted %+v after %+v", again, first)
	}
}

func acceptOtherAccount(s *suite) {
	s.accept(within(event(1, "e", 1), time.Hour))
	s.equal("repeat", s.accept(within(event(2, "e", 1), time.Hour)).Repeat, false)
}

func acceptBadItem(s *suite) {
	got := s.store.Accept(s.Context(), []storage.NewEvent{event(1, "a", 1), event(0, "no account", 1), event(1, "b", 1)})
	s.equal("answers", len(got), 3)
	s.is("first", got[0].Err, nil)
	s.is("last", got[2].Err, nil)
	if got[1].Err == nil {
		s.Fatal("an event of no account was accepted")
	}
	s.equal("deliveries", seqs(s.claimAll()), []uint64{got[0].Seq, got[2].Seq})
}

func acceptBigBatch(s *suite) {
	var batch []storage.NewEvent
	for i := range 1500 {
		batch = append(batch, hold(event(1, fmt.Sprint("e", i), schemas.WebhookID(i%7+1)), time.Hour))
	}
	var last uint64
	for i, got := range s.store.Accept(s.Context(), batch) {
		s.is("Accept", got.Err, nil)
		if got.Seq <= last || len(got.Held) != 1 || got.Held[0].Webhook != batch[i].To[0].Webhook {
			s.Fatalf("answer %d after number %d: %+v", i, last, got)
		}
		last = got.Seq
		if i%100 == 0 {
			e, err := s.store.EventBySeq(s.Context(), 1, got.Seq)
			s.is("EventBySeq", err, nil)
			s.equal("body", string(e.Body), string(batch[i].Body))
		}
	}
}

func acceptNoTargets(s *suite) {
	got := s.accept(event(1, "e"))
	s.equal("matched", got.Matched, 0)
	e, err := s.store.EventBySeq(s.Context(), 1, got.Seq)
	s.is("EventBySeq", err, nil)
	s.equal("targets", len(e.To), 0)
}

func acceptCopies(s *suite) {
	e := event(1, "e", 1)
	want := string(e.Body)
	seq := s.accept(e).Seq
	e.Body[0] = 'X'
	got, err := s.store.EventBySeq(s.Context(), 1, seq)
	s.is("EventBySeq", err, nil)
	s.equal("body", string(got.Body), want)
	h := s.claimOne()
	h.Event[0] = 'Y'
	got, err = s.store.EventBySeq(s.Context(), 1, seq)
	s.is("EventBySeq", err, nil)
	s.equal("body", string(got.Body), want)
}

func acceptSurvives(s *suite) {
	a := s.accept(event(1, "a", 1, 2))
	s.reopen()
	held := s.claimAll()
	s.equal("deliveries", len(held), 2)
	for _, h := range held {
		s.equal("number", h.Seq, a.Seq)
		s.equal("body", string(h.Event), "body of a")
	}
}
