package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAnOrderedSubscriptionGetsNothingAheadOfARetry(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 64)
	refuse := make(chan bool, 1)
	refuse <- true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		bodies <- string(body)
		select {
		case <-refuse:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
		}
	}))
	t.Cleanup(server.Close)
	s := open(t)
	key := s.fullKey(t, "ledger")
	s.call(t, key, "createSubscription", map[string]any{
		"endpoint": server.URL, "events": []string{"*"}, "ordered": true, "rateLimit": 100, "retry": []float64{0.3},
	}, nil)
	want := []string{"a", "a", "b", "c", "d", "e"}
	for _, data := range want[1:] {
		s.publish(t, key, map[string]any{"type": "entry", "data": data}, 1)
	}
	var got []string
	for range want {
		select {
		case body := <-bodies:
			got = append(got, body[strings.LastIndex(body, `:"`)+2:strings.LastIndex(body, `"`)])
		case <-time.After(30 * time.Second):
			t.Fatalf("received %v, and then nothing", got)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("received %v, want %v", got, want)
	}
}
