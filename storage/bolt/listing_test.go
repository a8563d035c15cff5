package bolt

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Lists go through more partitions than one page may look at, and still end.
func TestListsGoThroughManyPartitions(t *testing.T) {
	t.Parallel()
	tune := defaultTuning()
	tune.partition = 1
	s := mustOpen(t, t.TempDir(), tune)
	defer mustClose(t, s)
	batch := make([]storage.NewEvent, pageSteps+100)
	for i := range batch {
		batch[i] = testEvent(fmt.Sprint("e", i), true, 2)
		if i == 0 {
			batch[i] = testEvent("wanted", true, 1)
			batch[i].Type = "list.created"
		}
	}
	acceptAll(t, s, batch)
	inFile(t, s)
	if n := len(s.calendar.Load().partitions); n != len(batch) {
		t.Fatalf("%d partitions, want %d", n, len(batch))
	}
	types := func(kind string) []string {
		if kind == "" {
			return nil
		}
		return []string{kind}
	}
	events := func(a schemas.AccountID, kind string) func(string) (int, string, error) {
		return func(cursor string) (int, string, error) {
			got, cursor, err := s.Events(t.Context(), a, storage.EventQuery{
				Types: types(kind), Page: storage.Page{Limit: 10, Cursor: cursor}})
			return len(got), cursor, err
		}
	}
	deliveries := func(hook schemas.WebhookID, state schemas.DeliveryState) func(string) (int, string, error) {
		return func(cursor string) (int, string, error) {
			got, cursor, err := s.Deliveries(t.Context(), 1, storage.DeliveryQuery{
				Webhook: hook, State: state, Page: storage.Page{Limit: 10, Cursor: cursor}})
			return len(got), cursor, err
		}
	}
	after := func(a schemas.AccountID) func(string) (int, string, error) {
		return func(cursor string) (int, string, error) {
			from, _ := strconv.ParseUint("0"+cursor, 10, 64)
			got, next, err := s.EventsAfter(t.Context(), a, from, 1000)
			if next == from {
				return len(got), "", err
			}
			return len(got), strconv.FormatUint(next, 10), err
		}
	}
	for name, c := range map[string]struct {
		list func(cursor string) (int, string, error)
		want int
	}{
		"events of a type":             {events(1, "list.created"), 1},
		"events of no account":         {events(2, ""), 0},
		"events, oldest first":         {after(1), len(batch)},
		"none, oldest first":           {after(2), 0},
		"deliveries of a webhook":      {deliveries(1, ""), 1},
		"deliveries of no webhook":     {deliveries(3, ""), 0},
		"deliveries of a state":        {deliveries(0, schemas.DeliveryDead), 0},
		"pending ones of one webhook":  {deliveries(1, schemas.DeliveryPending), 1},
		"retrying ones of one webhook": {deliveries(2, schemas.DeliveryRetrying), 0},
	} {
		found, cursor := 0, ""
		for page := 0; ; page++ {
			n, next, err := c.list(cursor)
			if err != nil || page > 10 {
				t.Fatalf("%s: page %d, %v", name, page, err)
			}
			found += n
			if cursor = next; cursor == "" {
				break
			}
		}
		if found != c.want {
			t.Errorf("%s: %d, want %d", name, found, c.want)
		}
	}
}

// A page is bounded in bytes too.
func TestPagesOfBigEventsComeBackShort(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	e := testEvent("e", false)
	e.Body = make([]byte, 1<<20)
	for range 12 {
		accept(t, s, e)
	}
	got, cursor, err := s.Events(t.Context(), 1, storage.EventQuery{Page: storage.Page{Limit: 100}})
	if err != nil || len(got) == 0 || len(got) > pageBytes>>20 || cursor == "" {
		t.Fatalf("%d events on a page, cursor %q, %v", len(got), cursor, err)
	}
	rest, cursor, err := s.Events(t.Context(), 1, storage.EventQuery{Page: storage.Page{Limit: 100, Cursor: cursor}})
	if err != nil || len(got)+len(rest) != 12 || cursor != "" {
		t.Errorf("%d events on the other page, cursor %q, %v", len(rest), cursor, err)
	}
}
