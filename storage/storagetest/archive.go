package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
		{"lists keep to a range of events", listsInRange},
		{"a replay makes closed deliveries due again", replayClosed},
		{"a replay makes deliveries that never were", replayFresh},
		{"a replay leaves alone what is open or gone", replayRefused},
		{"a delivery that many replay at once is one", replayRace},
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
	newest, _ := s.store.Numbering()
	s.equal("the newest number", newest, fresh.Seq)
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

func listsInRange(s *suite) {
	var seqs []uint64
	for i := range 20 {
		seqs = append(seqs, s.accept(event(1, fmt.Sprint("e", i), 1, 2)).Seq)
		s.accept(event(2, fmt.Sprint("e", i), 1))
	}
	for _, r := range []storage.Range{
		{}, {After: seqs[4]}, {Through: seqs[15]}, {After: seqs[4], Through: seqs[15]}, {After: seqs[4] - 1, Through: seqs[5] - 1},
		{After: seqs[19]}, {After: seqs[9], Through: seqs[9]}, {After: seqs[12], Through: seqs[3]}, {Through: seqs[0]},
	} {
		var want []uint64
		for _, seq := range newestFirst(seqs) {
			if seq > r.After && (r.Through == 0 || seq <= r.Through) {
				want = append(want, seq)
			}
		}
		for _, limit := range []int{1, 3, 1000} {
			page := storage.Page{Limit: limit}
			s.equal(fmt.Sprintf("events of %+v", r), s.events(1, storage.EventQuery{Range: r, Page: page}), want)
			ofOne := storage.DeliveryQuery{Webhook: 2, Range: r, Page: page}
			s.equal(fmt.Sprintf("a webhook's deliveries of %+v", r), numbers(s.deliveries(1, ofOne)), want)
			ofAll := slices.Compact(numbers(s.deliveries(1, storage.DeliveryQuery{Range: r, Page: page})))
			s.equal(fmt.Sprintf("deliveries of %+v", r), ofAll, want)
			for _, hook := range []schemas.WebhookID{0, 2} {
				q := storage.DeliveryQuery{Webhook: hook, Seq: seqs[10], Range: r, Page: page}
				s.equal("deliveries of one event", len(s.deliveries(1, q)) > 0, slices.Contains(want, seqs[10]))
			}
		}
	}
}

func numbers(refs []storage.Ref) (seqs []uint64) {
	for _, r := range refs {
		seqs = append(seqs, r.Seq)
	}
	return seqs
}

func (s *suite) replay(want error, refs ...storage.Ref) {
	s.Helper()
	errs := s.store.Replay(s.Context(), refs)
	s.equal("answers", len(errs), len(refs))
	for i, err := range errs {
		s.is(fmt.Sprintf("Replay of %+v", refs[i]), err, want)
	}
}

func replayClosed(s *suite) {
	var refs []storage.Ref
	for i, next := range []storage.Next{storage.Done, storage.Dead, storage.Discard} {
		h := s.held(1, fmt.Sprint("e", i), 1)
		s.settle(storage.Outcome{Held: h, Next: next, Attempt: failed("no")})
		refs = append(refs, h.Ref)
	}
	s.equal("deliveries due before", len(s.claimAll()), 0)
	s.replay(nil, refs...)
	held := s.claimAll()
	s.equal("numbers due", seqs(held), numbers(refs))
	for _, h := range held {
		s.equal("attempts so far", h.Attempts, 1)
		s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
		attempts, err := s.store.Attempts(s.Context(), h.Ref, storage.MaxAttempts)
		s.is("Attempts", err, nil)
		s.equal("attempts", len(attempts), 2)
	}
}

func replayFresh(s *suite) {
	var refs []storage.Ref
	for i := range 10 {
		e := event(1, fmt.Sprint("e", i), 1)
		e.To = e.To[:i%2]
		refs = append(refs, storage.Ref{Account: 1, Webhook: 7, Seq: s.accept(e).Seq})
	}
	for _, h := range s.claimAll() {
		s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	}
	s.replay(nil, refs...)
	s.replay(storage.ErrConflict, refs...)
	s.reopen()
	health, err := s.store.Check(s.Context())
	s.is("Check", err, nil)
	s.equal("deliveries owed", health.Open, 10)
	s.equal("deliveries listed", numbers(s.deliveries(1, storage.DeliveryQuery{Webhook: 7, Page: storage.Page{Limit: 3}})),
		newestFirst(numbers(refs)))
	s.equal("state", s.delivery(refs[0]).State, schemas.DeliveryPending)
	held := s.claimAll()
	s.equal("numbers due", seqs(held), numbers(refs))
	s.equal("an event", string(held[3].Event), "body of e3")
	for _, h := range held {
		s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	}
	s.replay(nil, refs[0])
	s.equal("numbers due again", seqs(s.claimAll()), numbers(refs[:1]))
}

func replayRefused(s *suite) {
	open := s.accept(event(1, "open", 1))
	held := s.held(1, "held", 1)
	s.replay(storage.ErrConflict, storage.Ref{Account: 1, Webhook: 1, Seq: open.Seq}, held.Ref)
	s.replay(storage.ErrAbsent, storage.Ref{Account: 1, Webhook: 1, Seq: held.Seq + 100},
		storage.Ref{Account: 2, Webhook: 1, Seq: open.Seq})
	s.equal("answers to nothing", len(s.store.Replay(s.Context(), nil)), 0)
}

func replayRace(s *suite) {
	const callers = 20
	ref := storage.Ref{Account: 1, Webhook: 3, Seq: s.accept(event(1, "e")).Seq}
	var won atomic.Int32
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			switch err := s.store.Replay(s.Context(), []storage.Ref{ref})[0]; {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, storage.ErrConflict):
				s.Errorf("Replay: %v", err)
			}
		})
	}
	all.Wait()
	s.equal("replays that made it due", won.Load(), 1)
	s.equal("deliveries due", len(s.claimAll()), 1)
}
