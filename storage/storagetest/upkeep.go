package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func upkeepCases() []testCase {
	return []testCase{
		{"expire deletes what is older than the retention", expireDeletes},
		{"expire keeps events with an open delivery", expireKeepsOpen},
		{"expire without a retention keeps everything", expireNothing},
		{"expire for bytes keeps what is owed, and the ids of what went", expireForBytes},
		{"check tells what is owed and how late it is", checkTells},
		{"a backup is a whole store", backupWhole},
		{"a closed store says so", closedStore},
		{"a cancelled context is honoured", cancelledContext},
		{"close may be called twice", closedTwice},
	}
}

func (s *suite) expire(keep time.Duration) {
	s.Helper()
	for calls := 0; ; calls++ {
		more, err := s.store.Expire(s.Context(), storage.Retention{Events: keep}, time.Second)
		s.is("Expire", err, nil)
		if !more {
			return
		}
		if calls > 1000 {
			s.Fatal("Expire never ends")
		}
	}
}

const day = 24 * time.Hour

func expireForBytes(s *suite) {
	s.needsHours()
	var owed []storage.Ref
	for i := range 30 {
		e := event(1, fmt.Sprint("e", i), 1)
		e.Window, e.Body = 20*day, make([]byte, 1000)
		h := s.accept(hold(e, s.unit)).Held[0]
		if i%10 == 0 {
			owed = append(owed, h.Ref)
		} else {
			s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
		}
		s.wait(time.Hour)
	}
	last := s.accept(event(1, "last"))
	before, err := s.store.Check(s.Context())
	s.is("Check", err, nil)
	if before.UsedBytes <= 0 || before.UsedBytes > before.FileBytes {
		s.Errorf("%d of %d bytes are in use", before.UsedBytes, before.FileBytes)
	}
	for range 2 { // the second time after a restart
		for calls := 0; ; calls++ {
			more, err := s.store.Expire(s.Context(), storage.Retention{Bytes: 1, IDs: 10 * day}, time.Second)
			s.is("Expire", err, nil)
			if !more {
				break
			}
			if calls > 1000 {
				s.Fatal("Expire never ends")
			}
		}
		for _, r := range owed {
			_, err := s.store.EventBySeq(s.Context(), 1, r.Seq)
			s.is("EventBySeq of what is owed", err, nil)
		}
		_, err := s.store.EventBySeq(s.Context(), 1, last.Seq)
		s.is("EventBySeq of the last", err, nil)
		e := event(1, "e1", 1)
		e.Window = 20 * day
		s.equal("a repeat", s.accept(e).Repeat, true)
		s.reopen()
	}
	s.equal("owed", len(s.claimAll()), len(owed))
}

func expireDeletes(s *suite) {
	s.needsHours()
	old := s.held(1, "old", 1)
	s.settle(storage.Outcome{Held: old, Next: storage.Done, Attempt: ok()})
	s.accept(event(1, "old without targets"))
	s.wait(5 * day)
	young := s.held(1, "young", 1)
	s.settle(storage.Outcome{Held: young, Next: storage.Done, Attempt: ok()})
	s.wait(3 * day)
	s.expire(4 * day)
	for range 2 { // the second time after a restart
		_, err := s.store.Event(s.Context(), 1, "old")
		s.is("Event", err, storage.ErrAbsent)
		_, err = s.store.EventBySeq(s.Context(), 1, old.Seq)
		s.is("EventBySeq", err, storage.ErrAbsent)
		_, err = s.store.Attempts(s.Context(), old.Ref, storage.MaxAttempts)
		s.is("Attempts", err, storage.ErrAbsent)
		s.is("Reopen", s.store.Reopen(s.Context(), old.Ref), storage.ErrAbsent)
		s.equal("events", s.events(1, storage.EventQuery{Page: storage.Page{Limit: 10}}), []uint64{young.Seq})
		for _, hook := range []schemas.WebhookID{0, 1} {
			q := storage.DeliveryQuery{Webhook: hook, Page: storage.Page{Limit: 10}}
			s.equal("deliveries", s.deliveries(1, q), []storage.Ref{young.Ref})
		}
		s.reopen()
	}
	if next := s.accept(event(1, "next", 1)); next.Seq <= young.Seq {
		s.Fatalf("number %d after %d", next.Seq, young.Seq)
	}
}

func expireKeepsOpen(s *suite) {
	s.needsHours()
	for i := range 5 {
		s.settle(storage.Outcome{Held: s.held(1, fmt.Sprint("closed", i), 1), Next: storage.Done, Attempt: ok()})
	}
	e := s.accept(hold(event(1, "open", 1, 2), time.Hour))
	open, done := e.Held[0], e.Held[1]
	s.settle(storage.Outcome{Held: done, Next: storage.Done, Attempt: ok()})
	s.settle(storage.Outcome{Held: open, Next: storage.Retry, In: time.Hour, Attempt: failed("why")})
	s.wait(10 * day)
	s.expire(2 * day)
	s.equal("events", s.events(1, storage.EventQuery{Page: storage.Page{Limit: 10}}), []uint64{e.Seq})
	_, err := s.store.Event(s.Context(), 1, "open")
	s.is("Event", err, nil)
	_, err = s.store.Event(s.Context(), 1, "closed0")
	s.is("Event", err, storage.ErrAbsent)
	again := s.claimOne()
	if again.Ref != open.Ref || again.Attempts != 1 || string(again.Event) != "body of open" {
		s.Fatalf("claimed %+v", again)
	}
	attempts, err := s.store.Attempts(s.Context(), open.Ref, storage.MaxAttempts)
	s.is("Attempts", err, nil)
	s.equal("attempts", len(attempts), 1)
	s.settle(storage.Outcome{Held: again, Next: storage.Dead, Attempt: failed("why")})
	s.expire(2 * day)
	s.equal("events", len(s.events(1, storage.EventQuery{Page: storage.Page{Limit: 10}})), 0)
	_, err = s.store.Event(s.Context(), 1, "open")
	s.is("Event", err, storage.ErrAbsent)
}

func expireNothing(s *suite) {
	s.needsHours()
	s.accept(event(1, "e"))
	s.wait(1000 * day)
	s.expire(0)
	s.equal("events", len(s.events(1, storage.EventQuery{Page: storage.Page{Limit: 10}})), 1)
}

func checkTells(s *suite) {
	h := s.held(1, "held", 1)
	s.accept(event(1, "due", 1, 2))
	s.wait(4 * s.unit)
	health, err := s.store.Check(s.Context())
	s.is("Check", err, nil)
	s.equal("open", health.Open, 3)
	if health.Oldest < 4*s.unit || health.Oldest > 9*s.unit {
		s.Fatalf("oldest %v, want some %v", health.Oldest, 4*s.unit)
	}
	s.is("Postpone", s.store.Postpone(s.Context(), storage.Lane{Account: 1, Webhook: 1}, time.Hour), nil)
	s.is("Postpone", s.store.Postpone(s.Context(), storage.Lane{Account: 1, Webhook: 2}, time.Hour), nil)
	health, err = s.store.Check(s.Context())
	s.is("Check", err, nil)
	s.equal("oldest of what is kept back", health.Oldest, time.Duration(0))
	s.is("Postpone", s.store.Postpone(s.Context(), storage.Lane{Account: 1, Webhook: 1}, 0), nil)
	s.is("Postpone", s.store.Postpone(s.Context(), storage.Lane{Account: 1, Webhook: 2}, 0), nil)
	s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	for _, h := range s.claimAll() {
		s.settle(storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
	}
	health, err = s.store.Check(s.Context())
	s.is("Check", err, nil)
	s.equal("open", health.Open, 0)
	s.equal("oldest", health.Oldest, time.Duration(0))
}

func backupWhole(s *suite) {
	if s.h.Restore == nil {
		s.Skip("the engine has no backup of its own")
	}
	r := s.register(webhook(1, "x", "A"))
	done := s.held(1, "done", 1)
	s.settle(storage.Outcome{Held: done, Next: storage.Done, Attempt: ok()})
	open := s.accept(event(1, "open", 1))
	var backup bytes.Buffer
	s.is("Backup", s.store.Backup(s.Context(), &backup), nil)
	s.accept(event(1, "later", 1))
	s.close()
	s.dir = s.TempDir()
	s.h.Restore(s.T, s.dir, &backup)
	s.open()
	got, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("record", got, r)
	s.equal("events", s.events(1, storage.EventQuery{Page: storage.Page{Limit: 10}}), []uint64{open.Seq, done.Seq})
	s.equal("owed", s.claimOne().Seq, open.Seq)
	attempts, err := s.store.Attempts(s.Context(), done.Ref, storage.MaxAttempts)
	s.is("Attempts", err, nil)
	s.equal("attempts", len(attempts), 1)
}

// calls is one call of every method that answers an error.
func (s *suite) calls(ctx context.Context, store storage.Store, h storage.Held) map[string]error {
	got := map[string]error{}
	_, _, got["Register"] = store.Register(ctx, webhook(1, "f", ""))
	_, got["Amend"] = store.Amend(ctx, storage.Record{Kind: storage.KindWebhook, Account: 1, ID: 1})
	_, got["Remove"] = store.Remove(ctx, storage.KindWebhook, 1, 1, 0)
	_, got["Get"] = store.Get(ctx, storage.KindWebhook, 1, 1)
	_, got["List"] = store.List(ctx, storage.KindWebhook, 1, 0, 1)
	for _, err := range store.Follow(ctx, storage.KindWebhook) {
		got["Follow"] = err
	}
	got["Accept"] = store.Accept(ctx, []storage.NewEvent{event(1, "x", 1)})[0].Err
	_, _, got["Claim"] = store.Claim(ctx, s.ask())
	got["Extend"] = store.Extend(ctx, []storage.Held{h}, time.Hour)[0]
	got["Settle"] = store.Settle(ctx, []storage.Outcome{{Held: h, Next: storage.Done}})[0].Err
	got["Reopen"] = store.Reopen(ctx, h.Ref)
	got["Postpone"] = store.Postpone(ctx, h.Lane(), time.Hour)
	_, got["Drop"] = store.Drop(ctx, h.Lane())
	_, got["Tally"] = store.Tally(ctx, h.Lane())
	_, _, got["Backlog"] = store.Backlog(ctx, 1, h.Lane())
	_, got["Event"] = store.Event(ctx, 1, "e")
	_, got["EventBySeq"] = store.EventBySeq(ctx, 1, 1)
	_, _, got["Events"] = store.Events(ctx, 1, storage.EventQuery{Page: storage.Page{Limit: 1}})
	_, _, got["Deliveries"] = store.Deliveries(ctx, 1, storage.DeliveryQuery{Page: storage.Page{Limit: 1}})
	_, got["Attempts"] = store.Attempts(ctx, h.Ref, storage.MaxAttempts)
	_, got["Expire"] = store.Expire(ctx, storage.Retention{Events: time.Hour}, time.Second)
	_, got["Check"] = store.Check(ctx)
	got["Backup"] = store.Backup(ctx, new(bytes.Buffer))
	return got
}

func closedStore(s *suite) {
	h := s.held(1, "e", 1)
	old := s.store
	s.reopen()
	for name, err := range s.calls(s.Context(), old, h) {
		if !errors.Is(err, storage.ErrClosed) {
			s.Errorf("%s: error %v, want %v", name, err, storage.ErrClosed)
		}
	}
}

func cancelledContext(s *suite) {
	h := s.held(1, "e", 1)
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	for name, err := range s.calls(ctx, s.store, h) {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
	s.equal("state", s.delivery(h.Ref).State, schemas.DeliveryPending)
}

func closedTwice(s *suite) {
	s.is("Close", s.store.Close(), nil)
	s.is("Close again", s.store.Close(), nil)
	s.open()
}
