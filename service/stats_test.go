package service

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// accountStats is the answer of getStats.
type accountStats struct {
	Webhooks                 struct{ Active, Stopped, Failing int }
	Backlog                  int
	Complete                 bool
	OldestPending            float64
	Attempts, FailedAttempts int
}

// TestStatsAreAnAccountsOwn: attempts are counted as they are made, a webhook that failed shows as such, and another account sees
// nothing of it.
func TestStatsAreAnAccountsOwn(t *testing.T) {
	t.Parallel()
	s := open(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer receiver.Close()
	var tenant struct{ Key string }
	if err := s.try(t, s.LocalKey(), "createKey", map[string]any{"access": "read", "account": "tenant"}, &tenant); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/well", "/gone"} {
		s.do(t, "createSubscription", map[string]any{"endpoint": receiver.URL + path, "events": []string{"contact.*"}, "retry": []float64{3600}})
	}
	s.do(t, "publishEvent", map[string]any{"type": "contact.created"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client := s.Client(ctx, s.LocalKey())
	defer client.Close()
	for {
		var got accountStats
		if err := client.Call(ctx, "getStats", nil, &got); err != nil {
			t.Fatalf("%v; the last answer was %+v", err, got)
		}
		if got.Attempts == 2 && got.Webhooks.Stopped == 1 {
			if got.FailedAttempts != 1 || got.Webhooks.Active != 1 || got.Backlog != 1 || got.OldestPending <= 0 || !got.Complete {
				t.Errorf("the account is %+v", got)
			}
			break
		}
	}
	var other accountStats
	if err := s.try(t, tenant.Key, "getStats", nil, &other); err != nil || other != (accountStats{Complete: true}) {
		t.Errorf("%v, another account is %+v", err, other)
	}
}
