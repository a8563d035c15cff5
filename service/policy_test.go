package service

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// TestAnOperatorChangesAVendorsPolicy: Vision6 removes a webhook after its sixth failed attempt; here it is kept, and there are
// two attempts.
func TestAnOperatorChangesAVendorsPolicy(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) {
		o.Policies = map[string]Policy{"vision6": {Retry: []time.Duration{time.Millisecond}, GiveUp: GiveUpNone}}
	})
	var calls atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer receiver.Close()
	key := s.LocalKey()
	client := s.Client(t.Context(), key)
	defer client.Close()
	details := map[string]any{"object": "contact", "event": "created", "url": receiver.URL}
	if err := client.Call(t.Context(), "addWebhook", []any{key, details}, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "contact.created"}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		var list struct {
			Items []struct {
				State    string `json:"state"`
				Attempts int    `json:"attempts"`
			} `json:"items"`
		}
		if err := client.Call(ctx, "listDeliveries", nil, &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) == 1 && list.Items[0].State == "dead" {
			if list.Items[0].Attempts != 2 || calls.Load() != 2 {
				t.Errorf("%d attempts, %d calls, want 2", list.Items[0].Attempts, calls.Load())
			}
			break
		}
	}
	var count int
	if err := client.Call(ctx, "countWebhooks", []any{key}, &count); err != nil || count != 1 {
		t.Errorf("%d webhooks are left (%v), want 1", count, err)
	}
}

// TestAnOperatorChangesHowLongAWebhookMayFail: with the shortest time a native webhook is failing after its second attempt, and
// with none it stays active.
func TestAnOperatorChangesHowLongAWebhookMayFail(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer receiver.Close()
	for failFor, want := range map[time.Duration]string{time.Nanosecond: "failing", FailNever: "active"} {
		var jitter float64
		waits := []time.Duration{time.Millisecond, time.Millisecond}
		s := open(t, func(o *Options) {
			o.Policies = map[string]Policy{"native": {Retry: waits, Jitter: &jitter, FailFor: failFor}}
		})
		client := s.Client(t.Context(), s.LocalKey())
		defer client.Close()
		var hook struct {
			ID    string `json:"id"`
			State string `json:"state"`
		}
		if err := client.Call(t.Context(), "createSubscription", map[string]any{"endpoint": receiver.URL, "events": []string{"a.b"}}, &hook); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "a.b"}, nil); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for dead := 0; want == "failing" && hook.State != want || want == "active" && dead < 2; {
			var list struct {
				Items []struct {
					State string `json:"state"`
				} `json:"items"`
			}
			if err := client.Call(ctx, "listDeliveries", map[string]any{"state": "dead"}, &list); err != nil {
				t.Fatal(err)
			}
			dead = len(list.Items)
			if err := client.Call(ctx, "getSubscription", map[string]any{"id": hook.ID}, &hook); err != nil {
				t.Fatal(err)
			}
		}
		if hook.State != want {
			t.Errorf("after %s of failing the webhook is %q, want %q", failFor, hook.State, want)
		}
	}
}
