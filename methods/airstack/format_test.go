package airstack_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/delivery/formattest"
	"github.com/hookswitch/hookswitch/methods/airstack"
	"github.com/hookswitch/hookswitch/schemas"
)

// printed is one of the payloads in Airstack's documents.
func printed(t testing.TB, file string) json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func webhook() *schemas.Webhook {
	return &schemas.Webhook{
		ID: 1, Account: 1, PublicID: "01HYDYEBHMANSVJ0JKSVK9W3VY", Dialect: airstack.Name,
		Endpoint: "https://example.com/webhook", Match: schemas.Match{Types: []string{"profile.updated"}},
		State: schemas.StateActive, Secrets: []schemas.Secret{{Value: "G85wBFVT1EH7OWrs"}},
	}
}

func event(eventType string, data json.RawMessage) *schemas.Event {
	return &schemas.Event{
		Account: 1, Seq: 9, ID: "evt_2n4f", Type: eventType, Time: time.Date(2024, 5, 11, 8, 43, 50, 531e6, time.UTC), Data: data,
		Attributes: map[string]json.RawMessage{"userId": json.RawMessage(`"3761"`)},
	}
}

func job(w *schemas.Webhook, e *schemas.Event) delivery.Job {
	now := time.Date(2026, 11, 21, 10, 0, 5, 0, time.UTC)
	return delivery.Job{Webhook: w, Due: []delivery.Due{{Event: e, Attempt: 1}}, Now: now}
}

func TestFormatKeepsWhatEveryFormatKeeps(t *testing.T) {
	t.Parallel()
	formattest.Run(t, airstack.Format{}, func() delivery.Job {
		w := webhook()
		w.Endpoint += "?token=canary"
		return job(w, event("profile.updated", json.RawMessage(`{"userId":"3761"}`)))
	})
}

func TestEveryEventOnTheWire(t *testing.T) {
	t.Parallel()
	for eventType, file := range map[string]string{
		"profile.created": "profile.json", "profile.updated": "profile.json",
		"follow.created": "follow.json", "follow.deleted": "follow.json",
	} {
		request, err := airstack.Format{}.Build(job(webhook(), event(eventType, printed(t, file))))
		if err != nil {
			t.Fatal(err)
		}
		formattest.Golden(t, "testdata/"+eventType+".http", webhook().Endpoint, request)
	}
}

func TestBodyIsTheDataByteForByte(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, want string }{
		"profile":    {string(printed(t, "profile.json")), string(printed(t, "profile.json"))},
		"follow":     {string(printed(t, "follow.json")), string(printed(t, "follow.json"))},
		"odd layout": {"\n { \"n\":1.50, \"text\":\"<\\u00e9>\" }", "\n { \"n\":1.50, \"text\":\"<\\u00e9>\" }"},
		"null":       {`null`, `{}`},
		"none":       {``, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := airstack.Format{}.Build(job(webhook(), event("profile.updated", json.RawMessage(test.data))))
			if err != nil {
				t.Fatal(err)
			}
			if string(request.Body) != test.want {
				t.Errorf("body\n%s\nwant\n%s", request.Body, test.want)
			}
			if got := map[string][]string(request.Header)["x-airstack-webhook"]; len(got) != 1 || got[0] != "G85wBFVT1EH7OWrs" {
				t.Errorf("x-airstack-webhook is %q", got)
			}
			if len(request.Header) != 2 || request.Header.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", request.Header)
			}
		})
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	t.Parallel()
	array, text := job(webhook(), event("a", json.RawMessage(`[1]`))), job(webhook(), event("a", json.RawMessage(`"canary"`)))
	bare, none, two := job(webhook(), event("a", nil)), job(webhook(), event("a", nil)), job(webhook(), event("a", nil))
	bare.Webhook.Secrets = nil
	none.Due = nil
	two.Due = append(two.Due, two.Due[0])
	for name, j := range map[string]delivery.Job{
		"an array": array, "a string": text, "no header value": bare, "no delivery": none, "two deliveries": two,
	} {
		if _, err := (airstack.Format{}).Build(j); err == nil {
			t.Errorf("%s: a request was built", name)
		}
	}
}

func TestNoStatusStopsTheWebhook(t *testing.T) {
	t.Parallel()
	for status := range 600 {
		verdict := airstack.Format{}.Judge(delivery.Answer{Status: status, Header: http.Header{"Retry-After": {"30"}}})
		want := delivery.Verdict{OK: status >= 200 && status < 300, After: 30 * time.Second}
		if verdict != want {
			t.Errorf("status %d: %+v, want %+v", status, verdict, want)
		}
	}
}

func TestPolicyIsTenAttemptsWithoutConsequences(t *testing.T) {
	t.Parallel()
	policy := airstack.Format{}.Policy()
	if len(policy.Waits) != 9 {
		t.Errorf("%d waits, want 9", len(policy.Waits))
	}
	for _, wait := range policy.Waits {
		if wait != 100*time.Second {
			t.Errorf("wait %s, want 100s", wait)
		}
	}
	if policy.OnDead != delivery.EffectNone || policy.FailAfter != 0 || policy.FailFor != 0 {
		t.Errorf("policy %+v has an effect", policy)
	}
}
