package delivery

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// wants makes an active webhook that wants some types.
func wants(id schemas.WebhookID, types ...string) *schemas.Webhook {
	return &schemas.Webhook{
		ID: id, Account: 1, Revision: uint64(id), State: schemas.StateActive, PublicID: fmt.Sprintf("wh_%d", id),
		Match: schemas.Match{Types: types},
	}
}

func TestMatchByTypeAndPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"contact.created", []string{"contact.created"}, []string{"contact.updated", "contact", "contact.created.now", "webhook.failing"}},
		{"contact.*", []string{"contact.created", "contact.a.b"}, []string{"contact", "list.created", "webhook.failing"}},
		{"*.created", []string{"contact.created", "list.created"}, []string{"created", "a.b.created", "contact.updated", "webhook.created"}},
		{"*.*", []string{"a.b", "a.b.c"}, []string{"a", "webhook.failing"}},
		{"a.*.c", []string{"a.b.c"}, []string{"a.c", "a.b.b.c", "a.b.c.d"}},
		{"a.*.c.*", []string{"a.b.c.d", "a.b.c.d.e"}, []string{"a.b.c"}},
		{"*", []string{"a", "a.b", "a.b.c", "webhooks.x"}, []string{"webhook.failing", "webhook"}},
		{"webhook.*", []string{"webhook.failing"}, []string{"a.b", "webhook"}},
		{"webhook.failing", []string{"webhook.failing"}, []string{"webhook.stopped"}},
	} {
		x := newIndex(zerolog.Nop())
		x.put(wants(7, c.pattern, c.pattern), 0)
		for _, eventType := range slices.Concat(c.yes, c.no) {
			got := x.match(&schemas.Event{Account: 1, Type: eventType})
			want := slices.Contains(c.yes, eventType)
			if (len(got) == 1) != want {
				t.Errorf("%s on %s: %v, want %v", c.pattern, eventType, got, want)
			}
			if got := x.wants(storage.Lane{Account: 1, Webhook: 7}, &schemas.Event{Account: 1, Type: eventType}); got != want {
				t.Errorf("%s alone on %s: %v, want %v", c.pattern, eventType, got, want)
			}
		}
		if got := x.match(&schemas.Event{Account: 2, Type: c.yes[0]}); len(got) > 0 {
			t.Errorf("%s matches in another account", c.pattern)
		}
	}
}

func TestMatchByConstraintsAndFilter(t *testing.T) {
	t.Parallel()
	x := newIndex(zerolog.Nop())
	w := wants(1, "contact.created", "contact.*")
	w.Match.Attributes = []schemas.Constraint{{Name: "list_id", Values: []string{"12", "13"}}, {Name: "caller", Values: []string{"form"}}}
	w.Match.Filter = json.RawMessage(`{"age":{"$gte":18}}`)
	x.put(w, 0)
	for attributes, want := range map[string]bool{
		`{"list_id":12,"caller":"form"}`:   true,
		`{"list_id":"13","caller":"form"}`: true,
		`{"list_id":14,"caller":"form"}`:   false,
		`{"list_id":12}`:                   false, // an attribute that is missing does not match
		`{"list_id":12,"caller":"api"}`:    false,
		`{}`:                               false,
	} {
		e := &schemas.Event{Account: 1, Type: "contact.created", Data: json.RawMessage(`{"age":18}`)}
		if err := json.Unmarshal([]byte(attributes), &e.Attributes); err != nil {
			t.Fatal(err)
		}
		if got := x.match(e); (len(got) == 1) != want || x.wants(storage.Lane{Account: 1, Webhook: 1}, e) != want {
			t.Errorf("%s: %v, want %v", attributes, got, want)
		}
		e.Data = json.RawMessage(`{"age":17}`)
		if got := x.match(e); len(got) != 0 || x.wants(storage.Lane{Account: 1, Webhook: 1}, e) {
			t.Errorf("%s: matched against the filter", attributes)
		}
	}
}

func TestMatchAgreesWithCheckingEveryWebhook(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	x := newIndex(zerolog.Nop())
	all := map[schemas.WebhookID]*schemas.Webhook{}
	for revision := range uint64(4000) {
		id := schemas.WebhookID(1 + random.IntN(300))
		w := wants(id, pick("a", "b", "*")+"."+pick("x", "y", "*"), pick("a.x", "b.y", "*", "a.*.z", "webhook.x"))
		w.Revision = revision + 1
		if random.IntN(2) == 0 {
			w.Match.Attributes = []schemas.Constraint{{Name: pick("k", "l"), Values: []string{pick("1", "2"), pick("1", "2", "3")}}}
		}
		if random.IntN(4) == 0 {
			w.State = schemas.StateStopped
		}
		all[id] = w
		x.put(w, 0)
	}
	for range 500 {
		e := &schemas.Event{
			Account: 1, Type: pick("a.x", "a.y", "b.x", "b.y", "a", "a.q.z", "webhook.x", "c.d.e"),
			Attributes: map[string]json.RawMessage{pick("k", "l", "m"): json.RawMessage(pick("1", `"2"`, "3"))},
		}
		var want []schemas.WebhookID
		for id := schemas.WebhookID(1); id <= 300; id++ {
			if w := all[id]; w != nil && matchesSlowly(w, e) {
				want = append(want, id)
			}
		}
		if got := x.match(e); !slices.Equal(got, want) {
			t.Fatalf("%s %v: got %v, want %v", e.Type, e.Attributes, got, want)
		}
	}
}

func matchesSlowly(w *schemas.Webhook, e *schemas.Event) bool {
	if w.State != schemas.StateActive {
		return false
	}
	for _, c := range w.Match.Attributes {
		if text, ok := e.Attribute(c.Name); !ok || !slices.Contains(c.Values, text) {
			return false
		}
	}
	return slices.ContainsFunc(w.Match.Types, func(pattern string) bool {
		p, s := strings.Split(pattern, "."), strings.Split(e.Type, ".")
		if s[0] == "webhook" && p[0] != "webhook" {
			return false
		}
		for i := range p {
			if i >= len(s) || p[i] != "*" && p[i] != s[i] {
				return false
			}
		}
		return len(p) == len(s) || p[len(p)-1] == "*"
	})
}

func TestIndexKeepsTheNewestRevisionInWhateverOrder(t *testing.T) {
	t.Parallel()
	x := newIndex(zerolog.Nop())
	event := &schemas.Event{Account: 1, Type: "a.b"}
	newer, older := wants(1, "a.b"), wants(1, "a.c")
	newer.Revision, older.Revision = 5, 4
	x.put(newer, 0)
	x.put(older, 0)
	if len(x.match(event)) != 1 {
		t.Error("an older revision took the place of a newer one")
	}
	if id, ok := x.byPublicID(1, "wh_1"); !ok || id != 1 {
		t.Error("it is not found by its public id")
	}
	stopped := wants(1, "a.b")
	stopped.Revision, stopped.State = 6, schemas.StateStopped
	if x.put(stopped, 0); len(x.match(event)) != 0 || !x.waits(storage.Lane{Account: 1, Webhook: 1}) {
		t.Error("a stopped webhook still matches")
	}
	again := wants(1, "a.b")
	again.Revision = 7
	if !x.put(again, 0) {
		t.Error("that it became active again went unnoticed")
	}
	if !x.remove(storage.Lane{Account: 1, Webhook: 1}) || x.remove(storage.Lane{Account: 1, Webhook: 1}) {
		t.Error("a removal is news once")
	}
	again.Revision = 8
	if x.put(again, 0); len(x.match(event)) != 0 {
		t.Error("a removed webhook came back")
	}
	if _, ok := x.byPublicID(1, "wh_1"); ok {
		t.Error("a removed webhook is found by its public id")
	}
	if len(x.accounts) != 0 {
		t.Error("an empty account is kept")
	}
}

func TestIndexTakesAtMost400BytesForAWebhook(t *testing.T) {
	const n = 50_000
	before := heap()
	x := newIndex(zerolog.Nop())
	for i := range n {
		w := wants(schemas.WebhookID(i+1), "contact.created", "contact.updated")
		w.PublicID = fmt.Sprintf("sub_%026d", i)
		w.Match.Attributes = []schemas.Constraint{{Name: "list_id", Values: []string{fmt.Sprint(i % 1000)}}}
		x.put(w, 0)
	}
	each := int(heap()-before) / n
	t.Logf("%d bytes for a webhook", each)
	if each > 400 {
		t.Errorf("a webhook takes %d bytes", each)
	}
	if got := x.match(&schemas.Event{Account: 1, Type: "contact.created", Attributes: map[string]json.RawMessage{"list_id": json.RawMessage("7")}}); len(got) != n/1000 {
		t.Errorf("%d match", len(got))
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
