package storagetest

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/hookswitch/hookswitch/storage"
)

func companionCases() []testCase {
	return []testCase{
		{"a companion is stored with the change it is about", companionOfEach},
		{"a refused change has no companion", companionOfNone},
		{"a companion that can't be stored refuses the change", companionRefused},
		{"companions have numbers of their own and no fingerprint", companionNumbers},
		{"a companion is followed like any record", companionFollowed},
		{"of many changes at once each has its companion", companionsTogether},
	}
}

// noted is a companion that says what was done to which record.
func noted(what string) storage.Companion {
	return func(id int64) storage.Record {
		return storage.Record{Kind: storage.KindAudit, Body: fmt.Append(nil, what, " ", id)}
	}
}

// notes are what the companions say, in the order of their numbers.
func (s *suite) notes() []string {
	s.Helper()
	records, err := s.store.List(s.Context(), storage.KindAudit, 0, 0, math.MaxInt32)
	s.is("List", err, nil)
	out := []string{}
	for _, r := range records {
		out = append(out, string(r.Body))
	}
	return out
}

func companionOfEach(s *suite) {
	s.register(webhook(1, "other", ""))
	r, created, err := s.store.Register(s.Context(), webhook(1, "x", "A"), noted("registered"))
	s.is("Register", err, nil)
	s.equal("created", created, true)
	amended, err := s.store.Amend(s.Context(), r, noted("amended"))
	s.is("Amend", err, nil)
	_, err = s.store.Remove(s.Context(), storage.KindWebhook, 1, r.ID, amended.Revision, noted("removed"))
	s.is("Remove", err, nil)
	want := []string{fmt.Sprint("registered ", r.ID), fmt.Sprint("amended ", r.ID), fmt.Sprint("removed ", r.ID)}
	s.equal("notes", s.notes(), want)
	s.reopen()
	s.equal("notes after a restart", s.notes(), want)
	list, err := s.store.List(s.Context(), storage.KindAudit, 0, 0, 1)
	s.is("List", err, nil)
	_, err = s.store.Remove(s.Context(), storage.KindAudit, 0, list[0].ID, list[0].Revision)
	s.is("Remove of a companion", err, nil)
	s.equal("notes that are left", s.notes(), want[1:])
}

func companionOfNone(s *suite) {
	ctx, note := s.Context(), noted("never")
	there, stale := s.register(webhook(1, "there", "A")), s.register(webhook(1, "changed", "A"))
	_, err := s.store.Amend(ctx, stale)
	s.is("Amend", err, nil)
	_, created, err := s.store.Register(ctx, webhook(1, "there", "B"), note)
	s.is("Register again", err, nil)
	s.equal("created", created, false)
	_, err = s.store.Amend(ctx, stale, note)
	s.is("Amend of a former revision", err, storage.ErrConflict)
	there.Fingerprint = "changed"
	_, err = s.store.Amend(ctx, there, note)
	s.is("Amend to another's fingerprint", err, storage.ErrExists)
	there.ID += 1000
	_, err = s.store.Amend(ctx, there, note)
	s.is("Amend of an absent record", err, storage.ErrAbsent)
	_, err = s.store.Remove(ctx, storage.KindWebhook, 1, stale.ID, stale.Revision, note)
	s.is("Remove of a former revision", err, storage.ErrConflict)
	_, err = s.store.Remove(ctx, storage.KindWebhook, 1, there.ID, 0, note)
	s.is("Remove of an absent record", err, storage.ErrAbsent)
	s.equal("notes", s.notes(), []string{})
}

func companionRefused(s *suite) {
	ctx := s.Context()
	placeless := func(int64) storage.Record { return storage.Record{Body: []byte("of no kind")} }
	r := s.register(webhook(1, "x", "A"))
	changed := r
	changed.Fingerprint, changed.Body = "y", []byte("B")
	_, _, registered := s.store.Register(ctx, webhook(1, "z", "C"), noted("never"), placeless)
	_, amended := s.store.Amend(ctx, changed, noted("never"), placeless)
	_, removed := s.store.Remove(ctx, storage.KindWebhook, 1, r.ID, 0, noted("never"), placeless)
	if registered == nil || amended == nil || removed == nil {
		s.Fatalf("done with errors %v, %v, %v", registered, amended, removed)
	}
	s.equal("notes", s.notes(), []string{})
	left, err := s.store.List(ctx, storage.KindWebhook, 1, 0, 10)
	s.is("List", err, nil)
	s.equal("records", left, []storage.Record{r})
	s.register(webhook(1, "y", "")) // neither fingerprint is taken
	s.register(webhook(1, "z", ""))
}

func companionNumbers(s *suite) {
	alike := func(int64) storage.Record { // as the record itself, but that it is always a new one
		r := webhook(1, "same", "companion")
		r.ID, r.Revision = 7, 7
		return r
	}
	r, created, err := s.store.Register(s.Context(), webhook(1, "same", "record"), alike, alike)
	s.is("Register", err, nil)
	s.equal("created", created, true)
	got, err := s.store.List(s.Context(), storage.KindWebhook, 1, 0, 10)
	s.is("List", err, nil)
	s.equal("records", len(got), 3)
	seen := map[uint64]bool{}
	for _, g := range got {
		s.equal("it is the record", g.Fingerprint == "same", g.ID == r.ID)
		s.equal("its revision was given before", seen[g.Revision], false)
		seen[g.Revision] = true
	}
}

func companionFollowed(s *suite) {
	w := s.follow(storage.KindAudit)
	w.untilCaughtUp()
	r, _, err := s.store.Register(s.Context(), webhook(1, "x", "A"), noted("registered"))
	s.is("Register", err, nil)
	if c := <-w.changes; c.Removed || string(c.Record.Body) != fmt.Sprint("registered ", r.ID) {
		s.Fatalf("change %+v", c)
	}
}

// companionsTogether changes records from many sides, some of which are refused: the notes are those of what was done.
func companionsTogether(s *suite) {
	const callers, each = 8, 40
	var changing sync.WaitGroup
	var done sync.Map
	var count atomic.Int64
	did := func(what string, id int64) {
		done.Store(fmt.Sprint(what, " ", id), true)
		count.Add(1)
	}
	for n := range callers {
		changing.Go(func() {
			for i := range each {
				// Two callers each want the same fingerprint.
				r, created, err := s.store.Register(s.Context(), webhook(1, fmt.Sprint(n/2, "/", i), ""), noted("registered"))
				if err != nil {
					s.Error(err)
					return
				}
				if created {
					did("registered", r.ID)
				}
				if _, err := s.store.Amend(s.Context(), r, noted(fmt.Sprint("amended by ", n))); err == nil {
					did(fmt.Sprint("amended by ", n), r.ID)
				}
				if _, err := s.store.Remove(s.Context(), storage.KindWebhook, 1, r.ID, r.Revision, noted("removed")); err == nil {
					did("removed", r.ID)
				}
			}
		})
	}
	changing.Wait()
	notes := s.notes()
	s.equal("notes", len(notes), count.Load())
	for _, note := range notes {
		if _, ok := done.LoadAndDelete(note); !ok {
			s.Fatalf("%q was not done, or is noted twice", note)
		}
	}
}
