package storagetest

import (
	"fmt"
	"slices"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func historyCases() []testCase {
	return []testCase{
		{"an event is found by id and by number", eventFound},
		{"what is not there is absent", eventAbsent},
		{"events are listed newest first, page by page", eventsPaged},
		{"events and deliveries are listed by type", eventsByType},
		{"pages do not shift while others write", eventsWhileWriting},
		{"deliveries are listed by webhook", deliveriesByWebhook},
		{"deliveries are listed by event", deliveriesByEvent},
		{"deliveries are listed over all webhooks", deliveriesOfAccount},
		{"deliveries are listed by state", deliveriesByState},
		{"a cursor that was not given out is refused", badCursor},
		{"accounts do not see each other", accountsApart},
	}
}

func eventFound(s *suite) {
	e := event(1, "e", 4, 2)
	e.Type = "list.created"
	a := s.accept(e)
	byID, err := s.store.Event(s.Context(), 1, "e")
	s.is("Event", err, nil)
	bySeq, err := s.store.EventBySeq(s.Context(), 1, a.Seq)
	s.is("EventBySeq", err, nil)
	s.equal("by number", bySeq, byID)
	if byID.Seq != a.Seq || byID.Type != "list.created" || string(byID.Body) != "body of e" || byID.Accepted.IsZero() {
		s.Fatalf("event %+v", byID)
	}
	s.equal("targets", byID.To, []schemas.WebhookID{4, 2})
}

func eventAbsent(s *suite) {
	a := s.accept(event(1, "e", 1))
	_, err := s.store.Event(s.Context(), 1, "f")
	s.is("Event", err, storage.ErrAbsent)
	_, err = s.store.EventBySeq(s.Context(), 1, a.Seq+1)
	s.is("EventBySeq", err, storage.ErrAbsent)
	_, err = s.store.Attempts(s.Context(), storage.Ref{Account: 1, Webhook: 2, Seq: a.Seq}, storage.MaxAttempts)
	s.is("Attempts", err, storage.ErrAbsent)
	none, err := s.store.Attempts(s.Context(), storage.Ref{Account: 1, Webhook: 1, Seq: a.Seq}, storage.MaxAttempts)
	s.is("Attempts", err, nil)
	s.equal("attempts", len(none), 0)
}

// events reads a list to its end, as many pages as it takes.
func (s *suite) events(account schemas.AccountID, q storage.EventQuery) (got []uint64) {
	s.Helper()
	for range 10000 {
		page, cursor, err := s.store.Events(s.Context(), account, q)
		s.is("Events", err, nil)
		if len(page) > q.Limit {
			s.Fatalf("a page of %d, want at most %d", len(page), q.Limit)
		}
		for _, e := range page {
			got = append(got, e.Seq)
		}
		if cursor == "" {
			return got
		}
		q.Cursor = cursor
	}
	s.Fatal("the list does not end")
	return nil
}

func (s *suite) deliveries(account schemas.AccountID, q storage.DeliveryQuery) (got []storage.Ref) {
	s.Helper()
	for range 10000 {
		page, cursor, err := s.store.Deliveries(s.Context(), account, q)
		s.is("Deliveries", err, nil)
		if len(page) > q.Limit {
			s.Fatalf("a page of %d, want at most %d", len(page), q.Limit)
		}
		for _, d := range page {
			got = append(got, storage.Ref{Account: d.Account, Webhook: d.Webhook, Seq: d.Seq})
		}
		if cursor == "" {
			return got
		}
		q.Cursor = cursor
	}
	s.Fatal("the list does not end")
	return nil
}

func newestFirst(seqs []uint64) []uint64 {
	out := slices.Clone(seqs)
	slices.Reverse(out)
	return out
}

func eventsPaged(s *suite) {
	s.equal("events of an empty store", len(s.events(1, storage.EventQuery{Page: storage.Page{Limit: 10}})), 0)
	var want []uint64
	for i := range 25 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1)).Seq)
		s.accept(event(2, fmt.Sprint("e", i), 1))
	}
	for _, limit := range []int{1, 7, 25, 1000} {
		got := s.events(1, storage.EventQuery{Page: storage.Page{Limit: limit}})
		s.equal(fmt.Sprint("numbers in pages of ", limit), got, newestFirst(want))
	}
}

func eventsByType(s *suite) {
	var want []uint64
	for i := range 20 {
		e := event(1, fmt.Sprint("e", i), 1)
		if i%3 == 0 {
			e.Type = "list.created"
		}
		if seq := s.accept(e).Seq; i%3 == 0 {
			want = append(want, seq)
		}
	}
	got := s.events(1, storage.EventQuery{Types: []string{"list.created"}, Page: storage.Page{Limit: 3}})
	s.equal("numbers", got, newestFirst(want))
	both := storage.EventQuery{Types: []string{"none", "*.created"}, Page: storage.Page{Limit: 3}}
	s.equal("events of one of two patterns", len(s.events(1, both)), 20)
	for _, hook := range []schemas.WebhookID{0, 1} {
		q := storage.DeliveryQuery{Webhook: hook, Types: []string{"list.*"}, Page: storage.Page{Limit: 3}}
		s.equal("deliveries of events of a type", numbers(s.deliveries(1, q)), newestFirst(want))
	}
	s.equal("events of another type", len(s.events(1, storage.EventQuery{Types: []string{"list"}, Page: storage.Page{Limit: 3}})), 0)
}

func eventsWhileWriting(s *suite) {
	var want []uint64
	for i := range 10 {
		want = append(want, s.accept(event(1, fmt.Sprint("e", i), 1)).Seq)
	}
	var got []uint64
	q := storage.EventQuery{Page: storage.Page{Limit: 3}}
	for i := 0; ; i++ {
		page, cursor, err := s.store.Events(s.Context(), 1, q)
		s.is("Events", err, nil)
		for _, e := range page {
			got = append(got, e.Seq)
		}
		if q.Cursor = cursor; cursor == "" {
			break
		}
		s.accept(event(1, fmt.Sprint("new", i), 1))
	}
	s.equal("numbers", got, newestFirst(want))
}

func deliveriesByWebhook(s *suite) {
	var want []storage.Ref
	for i := range 20 {
		e := event(1, fmt.Sprint("e", i), 2)
		if i%2 == 0 {
			e = event(1, fmt.Sprint("e", i), 1, 2, 3)
		}
		if seq := s.accept(e).Seq; i%2 == 0 {
			want = append(want, storage.Ref{Account: 1, Webhook: 3, Seq: seq})
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 1000} {
		got := s.deliveries(1, storage.DeliveryQuery{Webhook: 3, Page: storage.Page{Limit: limit}})
		s.equal(fmt.Sprint("deliveries in pages of ", limit), got, want)
	}
}

func deliveriesByEvent(s *suite) {
	s.accept(event(1, "before", 1, 2, 3))
	seq := s.accept(event(1, "e", 5, 1, 3)).Seq
	s.accept(event(1, "after", 1, 2, 3))
	for _, limit := range []int{1, 2, 1000} {
		got := s.deliveries(1, storage.DeliveryQuery{Seq: seq, Page: storage.Page{Limit: limit}})
		slices.SortFunc(got, func(a, b storage.Ref) int { return int(a.Webhook - b.Webhook) })
		s.equal("deliveries", got, []storage.Ref{{Account: 1, Webhook: 1, Seq: seq}, {Account: 1, Webhook: 3, Seq: seq},
			{Account: 1, Webhook: 5, Seq: seq}})
	}
	one := s.deliveries(1, storage.DeliveryQuery{Seq: seq, Webhook: 3, Page: storage.Page{Limit: 1}})
	s.equal("the one of a webhook", one, []storage.Ref{{Account: 1, Webhook: 3, Seq: seq}})
	s.equal("of a webhook that was no target",
		len(s.deliveries(1, storage.DeliveryQuery{Seq: seq, Webhook: 2, Page: storage.Page{Limit: 10}})), 0)
}

func deliveriesOfAccount(s *suite) {
	count := 0
	for i := range 15 {
		s.accept(event(1, fmt.Sprint("e", i), 1, 2))
		count += 2
	}
	for _, limit := range []int{1, 4, 1000} {
		got := s.deliveries(1, storage.DeliveryQuery{Page: storage.Page{Limit: limit}})
		s.equal("deliveries", len(got), count)
		seen := map[storage.Ref]bool{}
		for i, r := range got {
			if seen[r] || i > 0 && r.Seq > got[i-1].Seq {
				s.Fatalf("delivery %d is %+v, the one before %+v", i, r, got[i-1])
			}
			seen[r] = true
		}
	}
}

func deliveriesByState(s *suite) {
	var dead []storage.Ref
	for i := range 12 {
		h := s.held(1, fmt.Sprint("e", i), 1)
		next := storage.Done
		if i%4 == 0 {
			next = storage.Dead
			dead = append(dead, h.Ref)
		}
		s.settle(storage.Outcome{Held: h, Next: next, Attempt: ok()})
	}
	slices.Reverse(dead)
	for _, hook := range []schemas.WebhookID{0, 1} {
		q := storage.DeliveryQuery{Webhook: hook, State: schemas.DeliveryDead, Page: storage.Page{Limit: 2}}
		s.equal("dead deliveries", s.deliveries(1, q), dead)
		q.State = schemas.DeliveryPending
		s.equal("pending deliveries", len(s.deliveries(1, q)), 0)
	}
}

func badCursor(s *suite) {
	s.accept(event(1, "e", 1))
	page := storage.Page{Limit: 10, Cursor: "no cursor of ours"}
	_, _, err := s.store.Events(s.Context(), 1, storage.EventQuery{Page: page})
	if schemas.KindOf(err) != schemas.KindInvalidParams {
		s.Errorf("Events: error %v, want one of kind %s", err, schemas.KindInvalidParams)
	}
	_, _, err = s.store.Deliveries(s.Context(), 1, storage.DeliveryQuery{Page: page})
	if schemas.KindOf(err) != schemas.KindInvalidParams {
		s.Errorf("Deliveries: error %v, want one of kind %s", err, schemas.KindInvalidParams)
	}
}

func accountsApart(s *suite) {
	a := s.accept(event(1, "e", 1))
	_, err := s.store.Event(s.Context(), 2, "e")
	s.is("Event", err, storage.ErrAbsent)
	_, err = s.store.EventBySeq(s.Context(), 2, a.Seq)
	s.is("EventBySeq", err, storage.ErrAbsent)
	s.equal("events", len(s.events(2, storage.EventQuery{Page: storage.Page{Limit: 10}})), 0)
	s.equal("deliveries", len(s.deliveries(2, storage.DeliveryQuery{Page: storage.Page{Limit: 10}})), 0)
	s.equal("deliveries of a webhook",
		len(s.deliveries(2, storage.DeliveryQuery{Webhook: 1, Page: storage.Page{Limit: 10}})), 0)
	s.equal("deliveries of an event",
		len(s.deliveries(2, storage.DeliveryQuery{Seq: a.Seq, Page: storage.Page{Limit: 10}})), 0)
}
