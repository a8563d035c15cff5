package bolt

import (
	"fmt"
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
	for i := range events {
		e := testEvent(fmt.Sprint("e", i), i%2 == 0, schemas.WebhookID(i%3+1))
		e.Body = append(e.Body, make([]byte, 1000)...)
		got := accept(t, s, e)
		for _, h := range got.Held {
			settle(t, s, h, storage.Done)
		}
	}
	mustClose(t, s)
}
