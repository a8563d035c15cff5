package service

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAReceiverThatAsksWhoCalls registers one over RPC for each way of saying it, and reads what is recorded of the deliveries.
func TestAReceiverThatAsksWhoCalls(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "native")
	var tokens atomic.Int64
	arrived := make(chan string, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Authorization")
		switch id, secret, _ := r.BasicAuth(); {
		case r.URL.Path == "/token" && id == "hookswitch" && secret == "client-sesame" && r.FormValue("grant_type") == "client_credentials":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"access_token":"token-sesame-%d","token_type":"Bearer","expires_in":3600}`, tokens.Add(1))
			return
		case r.URL.Path == "/basic" && id == "ann" && secret == "password-sesame",
			r.URL.Path == "/bearer" && authorization == "Bearer bearer-sesame",
			r.URL.Path == "/oauth2" && authorization == fmt.Sprintf("Bearer token-sesame-%d", tokens.Load()):
			arrived <- r.URL.Path
		default:
			w.WriteHeader(http.StatusUnauthorized)
			arrived <- r.URL.Path + " refused"
		}
		_, _ = io.WriteString(w, "you said "+authorization)
	}))
	t.Cleanup(server.Close)
	for path, authentication := range map[string]map[string]any{
		"/basic":  {"type": "basic", "username": "ann", "password": "password-sesame"},
		"/bearer": {"type": "bearer", "token": "bearer-sesame"},
		"/oauth2": {"type": "oauth2", "tokenUrl": server.URL + "/token", "clientId": "hookswitch", "clientSecret": "client-sesame"},
	} {
		var made subscription
		doc := map[string]any{"endpoint": server.URL + path, "events": []string{path[1:] + ".*"}, "retry": []int{}}
		s.call(t, key, "createSubscription", doc, &made)
		event := map[string]any{"type": path[1:] + ".sent"}
		s.publish(t, key, event, 1)
		if got := <-arrived; got != path+" refused" {
			t.Errorf("without authentication: %s", got)
		}
		s.call(t, key, "updateSubscription", map[string]any{"id": made.ID, "authentication": authentication}, nil)
		for range 2 {
			s.publish(t, key, event, 1)
			if got := <-arrived; got != path {
				t.Errorf("with authentication: %s", got)
			}
		}
		var attempt json.RawMessage
		s.call(t, key, "testSubscription", map[string]any{"id": made.ID}, &attempt)
		if got := <-arrived; got != path || !strings.Contains(string(attempt), `["Authorization","***"]`) || strings.Contains(string(attempt), "sesame") {
			t.Errorf("%s: the test shows %s", got, attempt)
		}
		if path != "/oauth2" {
			continue
		}
		tokens.Add(1) // the one that is kept does not work any more
		s.publish(t, key, event, 1)
		if first, second := <-arrived, <-arrived; first != path+" refused" || second != path || tokens.Load() != 3 {
			t.Errorf("after a token was revoked: %s, %s, %d tokens", first, second, tokens.Load())
		}
	}
	var page json.RawMessage
	s.call(t, key, "listSubscriptions", nil, &page)
	if strings.Contains(string(page), "sesame") {
		t.Errorf("the list tells %s", page)
	}
}
