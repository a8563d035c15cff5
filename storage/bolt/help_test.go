package bolt

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// everything is a claim for all that is due.
var everything = storage.Ask{Max: 100000, PerLane: 100000, Hold: time.Hour}

// testEvent is an event of account 1, held at birth or not.
func testEvent(id string, held bool, to ...schemas.WebhookID) storage.NewEvent {
	e := storage.NewEvent{Account: 1, ID: id, Type: "contact.created", Body: []byte("body of " + id)}
	for _, w := range to {
		target := storage.Target{Webhook: w}
		if held {
			target.Hold = time.Hour
		}
		e.To = append(e.To, target)
	}
	return e
}

// inFile waits until the file has all that was acknowledged.
func inFile(t testing.TB, s *Store) {
	t.Helper()
	if err := s.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func accept(t testing.TB, s *Store, e storage.NewEvent) storage.Accepted {
	t.Helper()
	got := s.Accept(t.Context(), []storage.NewEvent{e})[0]
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	return got
}

func settle(t testing.TB, s *Store, h storage.Held, next storage.Next) {
	t.Helper()
	out := storage.Outcome{Held: h, Next: next, Attempt: &schemas.Attempt{OK: next == storage.Done, Status: 200}}
	if got := s.Settle(t.Context(), []storage.Outcome{out})[0]; got.Err != nil {
		t.Fatal(got.Err)
	}
}

// fillStore makes a store with one record and some settled and open deliveries.
func fillStore(t testing.TB, dir string, events int) {
	t.Helper()
	s := mustOpen(t, dir, defaultTuning())
	if _, _, err := s.Register(t.Context(), storage.Record{
		Kind: storage.KindWebhook, Account: 1, Fingerprint: "f", Body: []byte("body"),
	}); err != nil {
		t.Fatal(err)
	}
	batch := make([]storage.NewEvent, events)
	for i := range batch {
		batch[i] = testEvent(fmt.Sprint("e", i), i%2 == 0, schemas.WebhookID(i%3+1))
		batch[i].Body = append(batch[i].Body, make([]byte, 1000)...)
	}
	settleAll(t, s, acceptAll(t, s, batch))
	mustClose(t, s)
}

// acceptAll accepts a batch and returns the leases.
func acceptAll(t testing.TB, s *Store, batch []storage.NewEvent) (held []storage.Held) {
	t.Helper()
	for _, got := range s.Accept(t.Context(), batch) {
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		held = append(held, got.Held...)
	}
	return held
}

// settleAll says that all were delivered.
func settleAll(t testing.TB, s *Store, held []storage.Held) {
	t.Helper()
	out := make([]storage.Outcome, len(held))
	for i := range held {
		out[i] = storage.Outcome{Held: held[i], Next: storage.Done, Attempt: &schemas.Attempt{OK: true, Status: 200}}
	}
	for _, got := range s.Settle(t.Context(), out) {
		if got.Err != nil {
			t.Fatal(got.Err)
		}
	}
}

// testEntry is a companion whose body is the number of the changed record.
func testEntry(id int64) storage.Record {
	return storage.Record{Kind: storage.KindAudit, Body: strconv.AppendInt(nil, id, 10)}
}

// checkEntries sees that each record has its entry, once, and no entry is about a record that is not there.
func checkEntries(t *testing.T, s *Store) {
	t.Helper()
	records, err := s.List(t.Context(), storage.KindWebhook, 1, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := s.List(t.Context(), storage.KindAudit, 0, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(records, entries, func(r, e storage.Record) bool { return string(e.Body) == strconv.FormatInt(r.ID, 10) }) {
		t.Errorf("%d records and %d entries do not go together", len(records), len(entries))
	}
}
