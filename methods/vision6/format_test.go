package vision6_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/delivery/formattest"
	"github.com/hookswitch/hookswitch/methods/vision6"
	"github.com/hookswitch/hookswitch/schemas"
)

func job(w *schemas.Webhook, events ...*schemas.Event) delivery.Job {
	j := delivery.Job{Webhook: w, Now: time.Unix(1496618900, 0)}
	for _, e := range events {
		j.Due = append(j.Due, delivery.Due{Event: e, Attempt: 1})
	}
	return j
}

func build(t testing.TB, j delivery.Job) delivery.Request {
	t.Helper()
	request, err := vision6.Format{}.Build(j)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return request
}

// event is one of list 1791 at a time in June 2017, as in the vendor's example.
func event(kind string, second int64, attributes string) *schemas.Event {
	e := &schemas.Event{ID: "e1", Type: kind, Time: time.Unix(second, 0)}
	if err := json.Unmarshal([]byte(attributes), &e.Attributes); err != nil {
		panic(err)
	}
	return e
}

func TestEveryEventOnTheWire(t *testing.T) {
	t.Parallel()
	w := parse(t, printed, nil)
	for _, kind := range []string{
		"list.created", "list.updated", "list.removed", "list.bulk_updated",
		"contact.created", "contact.updated", "contact.removed", "contact.subscribed", "contact.unsubscribed",
		"contact.deactivated", "contact.reactivated",
	} {
		attributes := `{"list_id":1791}`
		if strings.HasPrefix(kind, "contact.") {
			attributes = `{"list_id":1791,"contact_id":142}`
		}
		formattest.Golden(t, "testdata/"+kind+".http", w.Endpoint, build(t, job(w, event(kind, 1496618831, attributes))))
	}
}

func TestSeveralEventsGoOutTogether(t *testing.T) {
	t.Parallel()
	w := parse(t, printed, nil)
	j := job(w,
		event("list.created", 1496618829, `{"list_id":1791}`),
		event("contact.created", 1496618831, `{"list_id":1791,"contact_id":142}`))
	formattest.Golden(t, "testdata/batch.http", w.Endpoint, build(t, j))
	// The vendor's example, without its whitespace.
	want := `[{"list_id":1791,"object":"list","event":"created","timestamp":1496618829},` +
		`{"list_id":1791,"contact_id":142,"object":"contact","event":"created","timestamp":1496618831}]`
	if got := string(build(t, j).Body); got != want {
		t.Errorf("body = %s, want %s", got, want)
	}
}

func TestFormatKeepsTheContract(t *testing.T) {
	t.Parallel()
	formattest.Run(t, vision6.Format{}, func() delivery.Job {
		w := parse(t, `{"object":"contact","event":"created","url":"https://example.com/hook?token=hidden"}`, nil)
		w.Headers = map[string]string{"Authorization": "Bearer hidden"}
		w.Secrets = []schemas.Secret{{Value: "unused-secret"}}
		return job(w,
			event("contact.created", 1496618829, `{"list_id":1791,"contact_id":142}`),
			event("contact.created", 1496618831, `{"list_id":1791,"contact_id":143}`))
	})
}

func TestFieldsAreReadAndNeverInvented(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event *schemas.Event
		want  string
	}{
		"nothing known": {
			&schemas.Event{Type: "contact.created"},
			`[{"object":"contact","event":"created"}]`,
		},
		"texts of digits": {
			event("contact.created", 5, `{"list_id":"1","contact_id":"2","timestamp":"3"}`),
			`[{"list_id":1,"contact_id":2,"object":"contact","event":"created","timestamp":3}]`,
		},
		"no numbers": {
			event("contact.created", 5, `{"list_id":"a","contact_id":1.5,"timestamp":true}`),
			`[{"object":"contact","event":"created","timestamp":5}]`,
		},
		"a list event has no contact": {
			event("list.updated", 5, `{"list_id":1,"contact_id":2}`),
			`[{"list_id":1,"object":"list","event":"updated","timestamp":5}]`,
		},
		"data after attributes": {
			&schemas.Event{
				Type: "contact.created", Time: time.Unix(9, 0), Data: json.RawMessage(`{"list_id":7,"contact_id":8}`),
				Attributes: map[string]json.RawMessage{"list_id": json.RawMessage(`1`)},
			},
			`[{"list_id":1,"contact_id":8,"object":"contact","event":"created","timestamp":9}]`,
		},
		"data that is no object": {
			&schemas.Event{Type: "contact.created", Time: time.Unix(9, 0), Data: json.RawMessage(`[1]`)},
			`[{"object":"contact","event":"created","timestamp":9}]`,
		},
		"a type without a dot": {
			&schemas.Event{Type: "test", Time: time.Unix(9, 0)},
			`[{"object":"test","timestamp":9}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(build(t, job(parse(t, printed, nil), test.event)).Body); got != test.want {
				t.Errorf("body = %s, want %s", got, test.want)
			}
		})
	}
}

func TestOnly400To599IsFailure(t *testing.T) {
	t.Parallel()
	for status := range 1000 {
		want := status >= 100 && status < 400 || status > 599
		if status > 0 && status < 100 {
			continue // no HTTP status
		}
		if got := (vision6.Format{}).Judge(delivery.Answer{Status: status}); got.OK != want || got.Gone {
			t.Errorf("%d: %+v, want OK %v and never gone", status, got, want)
		}
	}
	if (vision6.Format{}).Judge(delivery.Answer{Error: schemas.ErrorTimeout}).OK {
		t.Error("no answer counts as success")
	}
	verdict := vision6.Format{}.Judge(delivery.Answer{Status: 503, Header: http.Header{"Retry-After": {"120"}}})
	if verdict.After != 2*time.Minute {
		t.Errorf("Retry-After: 120 asks for %v", verdict.After)
	}
}

func TestSixthFailureRemovesTheWebhook(t *testing.T) {
	t.Parallel()
	policy := vision6.Format{}.Policy()
	if len(policy.Waits) != 5 || policy.OnDead != delivery.EffectRemove || policy.Batch < 2 {
		t.Errorf("policy = %+v, want 5 retries in batches, then removal", policy)
	}
}
