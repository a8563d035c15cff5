package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
)

// TestEveryAttemptHasALine: with its event, at the level of how it went, and without URL, secret or payload.
func TestEveryAttemptHasALine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		access bool
		well   string
	}{{false, "debug"}, {true, "info"}} {
		var log bytes.Buffer
		s := open(t, func(o *Options) { o.Log, o.AccessLog = zerolog.New(zerolog.SyncWriter(&log)), c.access })
		var calls atomic.Int64
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) == 1 {
				http.Error(w, "said by the receiver", http.StatusServiceUnavailable)
			}
		}))
		s.do(t, "createSubscription", map[string]any{
			"endpoint": receiver.URL + "/hidden", "events": []string{"*"}, "retry": []float64{0.001},
			"secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		})
		s.do(t, "publishEvent", map[string]any{"type": "contact.created", "id": "logged-1", "data": "said by the publisher"})
		s.reads(t, `hookswitch_deliveries_total{dialect="native",outcome="delivered"}`, 1)
		receiver.Close()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			switch m["message"] {
			case "attempt":
				got = append(got, fmt.Sprint(m["level"], " ", m["event"], " ", m["attempt"], " ", m["status"], " ", m["delivery"], " ", m["error"]))
			case "call":
				if m["level"] != c.well || m["request"] == "" {
					t.Errorf("a call that went well has the line %s", line)
				}
			}
		}
		want := []string{"info logged-1 1 503 retrying status", c.well + " logged-1 2 200 delivered <nil>"}
		if !slices.Equal(got, want) {
			t.Errorf("access log %v: the attempts have the lines %q, want %q", c.access, got, want)
		}
		for _, secret := range []string{"/hidden", "whsec_", "said by"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has %q:\n%s", secret, log.String())
			}
		}
	}
}
