package storagetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func archiveCases() []testCase {
	return []testCase{
		{"events are read oldest first, from any number on", eventsAfter},
		{"large events come in parts", eventsAfterInParts},
		{"nothing turns up behind a reader", eventsAfterWhileWriting},
		{"a time has its place among the events", seqBefore},
	}
}

// after reads on from a number to the end, as many steps as it takes.
func (s *suite) after(account schemas.AccountID, after uint64, n int) (got []uint64, next uint64) {
	s.Helper()
	for range 10000 {
		part, next, err := s.store.EventsAfter(s.Context(), account, after, n)
		s.is("EventsAfter", err, nil)
		if len(part) > n {
			s.Fatalf("a part of %d, want at most %d", len(part), n)
		}
		for _, e := range part {
			got = append(got, e.Seq)
		}
		if next == after {
			return got, next
		}
		if len(part) > 0 && part[len(part)-1].Seq > next {
			s.Fatalf("go on after %d, but %d was read", next, part[len(part)-1].Seq)
		}
		after = next
	}
	s.Fatal("the events do not end")
	return nil, 0
}

func eventsAfter(s *suite) {
	none, _ := s.after(1, 0, 10)
	s.equal("events of an empty store", len(none), 0)
	var want []uint64
	for i := range 25 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1)).Seq)
		s.accept(event(2, fmt.Sprint("e", i), 1))
	}
	for _, n := range []int{1, 7, 25, 1000} {
		got, _ := s.after(1, 0, n)
		s.equal(fmt.Sprint("numbers, by ", n), got, want)
	}
	got, end := s.after(1, want[9], 4)
	s.equal("numbers after the tenth", got, want[10:])
	fresh := s.accept(event(1, "fresh", 3, 2))
	part, next, err := s.store.EventsAfter(s.Context(), 1, end, 10)
	s.is("EventsAfter", err, nil)
	if len(part) != 1 || part[0].Seq != fresh.Seq || next != fresh.Seq {
		s.Fatalf("what came since: %+v, then after %d", part, next)
	}
	whole, err := s.store.EventBySeq(s.Context(), 1, fresh.Seq)
	s.is("EventBySeq", err, nil)
	s.equal("the event", part[0], whole)
	s.reopen()
	again, _ := s.after(1, end, 10)
	s.equal("what came since, after a restart", again, []uint64{fresh.Seq})
	beyond, next := s.after(1, fresh.Seq+1000, 10)
	s.equal("events after a number not given out yet", len(beyond), 0)
	s.equal("where to go on", next, fresh.Seq+1000)
}

func eventsAfterInParts(s *suite) {
	var want []uint64
	for i := range 12 {
		e := event(1, fmt.Sprint("e", i))
		e.Body = make([]byte, 1<<20)
		want = append(want, s.accept(e).Seq)
	}
	part, _, err := s.store.EventsAfter(s.Context(), 1, 0, 1000)
	s.is("EventsAfter", err, nil)
	if len(part) == 0 || len(part) == len(want) {
		s.Errorf("%d events of 1 MiB in one part", len(part))
	}
	got, _ := s.after(1, 0, 1000)
	s.equal("numbers", got, want)
}

func eventsAfterWhileWriting(s *suite) {
	const writers, each = 4, 50
	var mu sync.Mutex
	var written []uint64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				a := s.store.Accept(s.Context(), []storage.NewEvent{event(1, fmt.Sprint("w", w, "-", i), 1)})[0]
				if a.Err != nil {
					s.Errorf("Accept: %v", a.Err)
				}
				mu.Lock()
				written = append(written, a.Seq)
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { defer close(done); all.Wait() }()
	var got []uint64
	for next, over := uint64(0), false; ; {
		select {
		case <-done:
			over = true
		default:
		}
		part, on, err := s.store.EventsAfter(s.Context(), 1, next, 10)
		s.is("EventsAfter", err, nil)
		for _, e := range part {
			got = append(got, e.Seq)
		}
		if over && on == next {
			break
		}
		next = on
	}
	slices.Sort(written)
	s.equal("numbers", got, written)
}

func seqBefore(s *suite) {
	at := func(t time.Time) []uint64 {
		after, err := s.store.SeqBefore(s.Context(), 1, t)
		s.is("SeqBefore", err, nil)
		got, _ := s.after(1, after, 1000)
		return got
	}
	s.equal("events of an empty store", len(at(time.Now())), 0)
	s.accept(event(2, "another's"))
	s.wait(s.unit)
	var want []uint64
	var times []time.Time
	for i := range 20 {
		seq := s.accept(event(1, fmt.Sprint("e", i))).Seq
		e, err := s.store.EventBySeq(s.Context(), 1, seq)
		s.is("EventBySeq", err, nil)
		want, times = append(want, seq), append(times, e.Accepted)
		s.accept(event(2, fmt.Sprint("e", i)))
		s.wait(s.unit)
	}
	for i := range want {
		s.equal("events since the instant of one", at(times[i]), want[i:])
		s.equal("events since the instant after one", at(times[i].Add(1)), want[i+1:])
	}
	s.equal("events since the year 1", at(time.Time{}), want)
	s.equal("events since long before", at(times[0].Add(-day)), want)
	s.equal("events since the year 2900", len(at(times[0].AddDate(900, 0, 0))), 0)
	s.equal("events since what is to come", len(at(times[19].Add(day))), 0)
}
