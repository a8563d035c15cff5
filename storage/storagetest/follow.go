package storagetest

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/hookswitch/hookswitch/storage"
)

func followCases() []testCase {
	return []testCase{
		{"yields everything once, then that it has caught up", followSnapshot},
		{"yields changes in the order of their revisions", followChanges},
		{"yields only the kinds asked for", followKinds},
		{"loses nothing while others write", followWhileWriting},
		{"a slow consumer does not hold up writers", followSlowly},
		{"ends with the context's error", followContext},
		{"ends with ErrClosed", followClosed},
		{"starts again from a store opened again", followReopened},
	}
}

// watcher is a consumer of Follow that keeps what it is told.
type watcher struct {
	changes chan storage.Change
	end     chan error
	stop    context.CancelFunc
}

func (s *suite) follow(kinds ...storage.Kind) *watcher {
	ctx, cancel := context.WithCancel(s.Context())
	w := &watcher{changes: make(chan storage.Change, 10000), end: make(chan error, 1), stop: cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for c, err := range s.store.Follow(ctx, kinds...) {
			if err != nil {
				w.end <- err
				continue // it must be the last
			}
			w.changes <- c
		}
	}()
	s.Cleanup(func() { cancel(); <-done })
	return w
}

// untilCaughtUp is what comes before CaughtUp.
func (w *watcher) untilCaughtUp() (got []storage.Change) {
	for c := range w.changes {
		if c.CaughtUp {
			return got
		}
		got = append(got, c)
	}
	return got
}

func followSnapshot(s *suite) {
	want := map[int64]string{}
	for i := range 700 {
		r := s.register(webhook(1, fmt.Sprint("f", i), fmt.Sprint("body ", i)))
		want[r.ID] = string(r.Body)
	}
	gone := s.register(webhook(1, "gone", ""))
	_, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, gone.ID, 0)
	s.is("Remove", err, nil)
	got := map[int64]string{}
	for _, c := range s.follow(storage.KindWebhook).untilCaughtUp() {
		if _, twice := got[c.Record.ID]; twice || c.Removed {
			s.Fatalf("change %+v: twice %v", c, twice)
		}
		got[c.Record.ID] = string(c.Record.Body)
	}
	s.equal("records", len(got), len(want))
	if !maps.Equal(got, want) {
		s.Fatal("the records differ")
	}
}

func followChanges(s *suite) {
	w := s.follow(storage.KindWebhook)
	s.equal("records before", len(w.untilCaughtUp()), 0)
	a := s.register(webhook(1, "a", "A"))
	if c := <-w.changes; c.Record.ID != a.ID || string(c.Record.Body) != "A" || c.Record.Revision != a.Revision {
		s.Fatalf("change %+v after the registration of %+v", c, a)
	}
	a.Body = []byte("AA")
	a, err := s.store.Amend(s.Context(), a)
	s.is("Amend", err, nil)
	if c := <-w.changes; string(c.Record.Body) != "AA" || c.Record.Revision != a.Revision {
		s.Fatalf("change %+v after the amendment", c)
	}
	revision, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, a.ID, 0)
	s.is("Remove", err, nil)
	c := <-w.changes
	if !c.Removed || c.Record.ID != a.ID || c.Record.Account != 1 || c.Record.Kind != storage.KindWebhook ||
		c.Record.Revision != revision || c.Record.Body != nil || c.Record.Fingerprint != "" {
		s.Fatalf("change %+v after the removal", c)
	}
}

func followKinds(s *suite) {
	s.register(webhook(1, "a", "A"))
	s.register(storage.Record{Kind: storage.KindAudit, Account: 1})
	key := s.register(storage.Record{Kind: storage.KindKey, Account: 1})
	got := s.follow(storage.KindKey, storage.KindEventType).untilCaughtUp()
	if len(got) != 1 || got[0].Record.Kind != storage.KindKey || got[0].Record.ID != key.ID {
		s.Fatalf("changes %+v", got)
	}
}

func followWhileWriting(s *suite) {
	const writers, each = 4, 150
	var writing sync.WaitGroup
	for n := range writers {
		writing.Go(func() {
			for i := range each {
				r, _, err := s.store.Register(s.Context(), webhook(1, fmt.Sprint(n, "/", i), "first"))
				if err == nil && i%3 == 0 {
					r.Body = []byte("second")
					_, err = s.store.Amend(s.Context(), r)
				}
				if err == nil && i%5 == 0 {
					_, err = s.store.Remove(s.Context(), storage.KindWebhook, 1, r.ID, 0)
				}
				if err != nil {
					s.Error(err)
				}
			}
		})
	}
	w := s.follow(storage.KindWebhook)
	state := map[int64]string{}
	var last uint64
	take := func(c storage.Change) {
		delete(state, c.Record.ID)
		if !c.Removed {
			state[c.Record.ID] = string(c.Record.Body)
		}
		last = max(last, c.Record.Revision)
	}
	for _, c := range w.untilCaughtUp() {
		take(c)
	}
	writing.Wait()
	end := s.register(webhook(1, "end", "end"))
	for after := last; after < end.Revision; after = last {
		c := <-w.changes
		if c.Record.Revision < after {
			s.Fatalf("revision %d after %d", c.Record.Revision, after)
		}
		take(c)
	}
	want := map[int64]string{}
	records, err := s.store.List(s.Context(), storage.KindWebhook, 1, 0, 10000)
	s.is("List", err, nil)
	for _, r := range records {
		want[r.ID] = string(r.Body)
	}
	if !maps.Equal(state, want) {
		s.Fatalf("followed to %d records, there are %d", len(state), len(want))
	}
}

func followSlowly(s *suite) {
	first := s.register(webhook(1, "first", ""))
	const more = 1500
	state := map[int64]bool{}
	var last storage.Record
	for c, err := range s.store.Follow(s.Context(), storage.KindWebhook) {
		s.is("Follow", err, nil)
		switch {
		case c.CaughtUp: // stands still while others write
			for i := range more {
				last = s.register(webhook(1, fmt.Sprint(i), ""))
			}
			_, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, first.ID, 0)
			s.is("Remove", err, nil)
			last = s.register(webhook(1, "last", ""))
		case c.Removed:
			delete(state, c.Record.ID)
		default:
			state[c.Record.ID] = true
		}
		if last.ID != 0 && c.Record.ID == last.ID {
			break
		}
	}
	s.equal("records", len(state), more+1)
	s.equal("the removed one is there", state[first.ID], false)
}

func followContext(s *suite) {
	w := s.follow(storage.KindWebhook)
	w.untilCaughtUp()
	w.stop()
	s.is("the last yield", <-w.end, context.Canceled)
}

func followClosed(s *suite) {
	w := s.follow(storage.KindWebhook)
	w.untilCaughtUp()
	s.reopen()
	s.is("the last yield", <-w.end, storage.ErrClosed)
}

func followReopened(s *suite) {
	r := s.register(webhook(1, "a", "A"))
	gone := s.register(webhook(1, "gone", ""))
	_, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, gone.ID, 0)
	s.is("Remove", err, nil)
	s.reopen()
	got := s.follow(storage.KindWebhook).untilCaughtUp()
	if len(got) != 1 || got[0].Record.ID != r.ID || string(got[0].Record.Body) != "A" {
		s.Fatalf("changes %+v", got)
	}
}
