// Package storagetest is the conformance suite of storage engines: what the comments of package storage promise, as
// tests. An engine's own tests call [Run]; they add only what is special to it.
//
//	Run ─▶ one subtest for each promise ─▶ suite: an open store, its directory, its clock
package storagetest

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Harness is how the suite meets an engine.
type Harness struct {
	// Open opens the store that dir stands for, the first time or again. The suite closes it.
	Open func(t testing.TB, dir string) storage.Store
	// FakeTime says that the engine's clock is the process's, so that each test can run in a synctest bubble, where
	// waiting takes no time. Without it, and without Sleep, the tests wait in truth, and those that need hours are
	// skipped.
	FakeTime bool
	// Sleep lets time pass on the engine's clock, if that is one of its own; nil is time.Sleep.
	Sleep func(d time.Duration)
	// Restore makes the store of dir from what Backup wrote; nil when the engine has no Backup of its own.
	Restore func(t testing.TB, dir string, backup io.Reader)
}

// Run runs the whole suite.
func Run(t *testing.T, h Harness) {
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"Config", configCases()},
		{"Companions", companionCases()},
		{"Follow", followCases()},
		{"Intake", intakeCases()},
		{"Queue", queueCases()},
		{"Leases", leaseCases()},
		{"Settle", settleCases()},
		{"Lanes", laneCases()},
		{"History", historyCases()},
		{"Archive", archiveCases()},
		{"Upkeep", upkeepCases()},
		{"Together", togetherCases()},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					h.run(t, c.test)
				})
			}
		})
	}
}

// testCase is one promise.
type testCase struct {
	name string
	test func(s *suite)
}

func (h Harness) run(t *testing.T, test func(s *suite)) {
	dir := t.TempDir()
	body := func(t *testing.T) {
		s := &suite{T: t, h: h, dir: dir, unit: 150 * time.Millisecond}
		if h.FakeTime || h.Sleep != nil {
			s.unit = time.Minute
		}
		s.open()
		t.Cleanup(s.close)
		test(s)
	}
	if h.FakeTime {
		synctest.Test(t, body)
		return
	}
	body(t)
}

// suite is one test's store.
type suite struct {
	*testing.T
	h     Harness
	dir   string
	store storage.Store
	unit  time.Duration // the measure of short waits, long against what a call takes
}

func (s *suite) open() { s.store = s.h.Open(s.T, s.dir) }

func (s *suite) close() {
	if err := s.store.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
}

func (s *suite) reopen() {
	s.Helper()
	s.close()
	s.open()
}

func (s *suite) wait(d time.Duration) {
	if s.h.Sleep != nil {
		s.h.Sleep(d)
		return
	}
	time.Sleep(d)
}

// needsHours skips a test that could only wait in truth.
func (s *suite) needsHours() {
	if !s.h.FakeTime && s.h.Sleep == nil {
		s.Skip("needs a clock that can be moved")
	}
}

// is fails the test unless the error is the wanted one; nil is none.
func (s *suite) is(what string, got, want error) {
	s.Helper()
	if !isError(got, want) {
		s.Fatalf("%s: error %v, want %v", what, got, want)
	}
}

func (s *suite) equal(what string, got, want any) {
	s.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		s.Fatalf("%s: %s, want %s", what, g, w)
	}
}

// event is an event for some webhooks, not held.
func event(account schemas.AccountID, id string, to ...schemas.WebhookID) storage.NewEvent {
	e := storage.NewEvent{Account: account, ID: id, Type: "contact.created", Body: []byte("body of " + id)}
	for _, w := range to {
		e.To = append(e.To, storage.Target{Webhook: w})
	}
	return e
}

// hold leases all deliveries of an event at birth.
func hold(e storage.NewEvent, d time.Duration) storage.NewEvent {
	for i := range e.To {
		e.To[i].Hold = d
	}
	return e
}

func (s *suite) accept(e storage.NewEvent) storage.Accepted {
	s.Helper()
	got := s.store.Accept(s.Context(), []storage.NewEvent{e})
	if len(got) != 1 || got[0].Err != nil {
		s.Fatalf("Accept: %+v", got)
	}
	return got[0]
}

// held accepts an event for one webhook, leased at birth.
func (s *suite) held(account schemas.AccountID, id string, to schemas.WebhookID) storage.Held {
	s.Helper()
	return s.accept(hold(event(account, id, to), 10*s.unit)).Held[0]
}

// ask is a claim for everything.
func (s *suite) ask() storage.Ask { return storage.Ask{Max: 1000, PerLane: 1000, Hold: 10 * s.unit} }

func (s *suite) claim(ask storage.Ask) ([]storage.Held, time.Duration) {
	s.Helper()
	held, next, err := s.store.Claim(s.Context(), ask)
	if err != nil {
		s.Fatalf("Claim: %v", err)
	}
	return held, next
}

func (s *suite) claimAll() []storage.Held {
	s.Helper()
	held, _ := s.claim(s.ask())
	return held
}

// claimOne claims and expects exactly one delivery.
func (s *suite) claimOne() storage.Held {
	s.Helper()
	held := s.claimAll()
	if len(held) != 1 {
		s.Fatalf("Claim: %d deliveries, want 1", len(held))
	}
	return held[0]
}

func (s *suite) settle(o storage.Outcome) schemas.Tally {
	s.Helper()
	got := s.store.Settle(s.Context(), []storage.Outcome{o})
	if len(got) != 1 || got[0].Err != nil {
		s.Fatalf("Settle: %+v", got)
	}
	return got[0].Tally
}

func (s *suite) settleErr(o storage.Outcome) error {
	s.Helper()
	got := s.store.Settle(s.Context(), []storage.Outcome{o})
	if len(got) != 1 {
		s.Fatalf("Settle: %d answers to one outcome", len(got))
	}
	return got[0].Err
}

// deliveries lists one delivery's record.
func (s *suite) delivery(r storage.Ref) schemas.Delivery {
	s.Helper()
	got, _, err := s.store.Deliveries(s.Context(), r.Account,
		storage.DeliveryQuery{Webhook: r.Webhook, Seq: r.Seq, Page: storage.Page{Limit: 10}})
	if err != nil || len(got) != 1 {
		s.Fatalf("Deliveries of %+v: %+v, %v", r, got, err)
	}
	return got[0]
}

func ok() *schemas.Attempt { return &schemas.Attempt{OK: true, Status: 200} }

func failed(message string) *schemas.Attempt {
	return &schemas.Attempt{Status: 500, Error: schemas.ErrorStatus, Message: message}
}

func seqs(held []storage.Held) []uint64 {
	var out []uint64
	for _, h := range held {
		out = append(out, h.Seq)
	}
	return out
}
