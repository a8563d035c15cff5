package delivery

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

func rung(bell <-chan struct{}) bool {
	select {
	case <-bell:
		return true
	default:
		return false
	}
}

func TestABellRingsForItsKeyAndOnceForMany(t *testing.T) {
	t.Parallel()
	var b bells[int]
	b.ring(1) // nobody is there
	one, removeOne := b.hang(1)
	also, removeAlso := b.hang(1)
	two, removeTwo := b.hang(2)
	for range 3 {
		b.ring(1)
	}
	if !rung(one) || !rung(also) || rung(one) || rung(two) {
		t.Error("not once for each who waits for that key")
	}
	removeOne()
	removeOne()
	b.ring(1)
	if rung(one) || !rung(also) {
		t.Error("the removed one rang, or the other did not")
	}
	removeAlso()
	removeTwo()
	if b.count.Load() != 0 || len(b.hung) != 0 {
		t.Errorf("%d bells and %d keys are left", b.count.Load(), len(b.hung))
	}
}

func TestBellsHangAndRingAtOnce(t *testing.T) {
	t.Parallel()
	var b bells[int]
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 200 {
				bell, remove := b.hang(n % 2)
				b.ring(n % 2)
				if !rung(bell) {
					t.Error("one that hung did not ring")
				}
				remove()
			}
		})
	}
	all.Wait()
}

func TestAMatcherGoesByTheRulesOfWebhooks(t *testing.T) {
	t.Parallel()
	m, err := NewMatcher(schemas.Match{
		Types: []string{"contact.*", "list.created"}, Filter: json.RawMessage(`{"country":"NL","$type":{"$neq":"contact.removed"}}`),
		Attributes: []schemas.Constraint{{Name: "list_id", Values: []string{"7"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind, data, list string
		want             bool
	}{
		{"contact.created", `{"country":"NL"}`, "7", true},
		{"list.created", `{"country":"NL"}`, `"7"`, true},
		{"list.removed", `{"country":"NL"}`, "7", false},
		{"contact.removed", `{"country":"NL"}`, "7", false}, // the filter says so
		{"contact.created", `{"country":"DE"}`, "7", false},
		{"contact.created", `{"country":"NL"}`, "8", false},
	} {
		e := &schemas.Event{
			Account: 3, Type: c.kind, Data: json.RawMessage(c.data),
			Attributes: map[string]json.RawMessage{"list_id": json.RawMessage(c.list)},
		}
		if m.Match(e) != c.want {
			t.Errorf("%+v: %v", c, !c.want)
		}
	}
	all, err := NewMatcher(schemas.Match{Types: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	if !all.Match(&schemas.Event{Type: "a.b"}) || all.Match(&schemas.Event{Type: "webhook.failing"}) {
		t.Error("* must be all but the reserved types")
	}
	if _, err := NewMatcher(schemas.Match{Types: []string{"*"}, Filter: json.RawMessage(`{"a":{"$foo":1}}`)}); err == nil {
		t.Error("a filter that is none was taken")
	}
}
