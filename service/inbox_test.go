package service

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// arrival is a delivery as a receiver got it.
type arrival struct {
	header http.Header
	body   string
}

// inbox is a receiver of one test's deliveries, told apart by their paths.
type inbox struct {
	url      string
	arrivals map[string]chan arrival
}

// receive starts a receiver of the given paths that takes everything.
func receive(t *testing.T, paths ...string) *inbox {
	t.Helper()
	in := &inbox{arrivals: map[string]chan arrival{}}
	for _, path := range paths {
		in.arrivals[path] = make(chan arrival, 16)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a delivery: %v", err)
		}
		if arrivals := in.arrivals[r.URL.Path]; arrivals != nil {
			arrivals <- arrival{r.Header, string(body)}
		} else {
			t.Errorf("a delivery came to %s", r.URL.Path)
		}
	}))
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

// next waits for the next delivery at a path.
func (in *inbox) next(t *testing.T, path string) arrival {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case a := <-in.arrivals[path]:
		return a
	case <-ctx.Done():
		t.Fatalf("no delivery at %s", path)
		return arrival{}
	}
}

// fullKey makes a key with full access to the account of that name.
func (s running) fullKey(t *testing.T, account string) string {
	t.Helper()
	return s.makeKey(t, account, schemas.AccessFull)
}

// makeKey makes a key for the account of that name, and the account when it is new.
func (s running) makeKey(t *testing.T, account string, access schemas.Access) string {
	t.Helper()
	var k struct {
		Key string `json:"key"`
	}
	s.call(t, s.LocalKey(), "createKey", map[string]any{"access": access, "account": account}, &k)
	return k.Key
}

// call calls a method in-process; an error ends the test.
func (s running) call(t *testing.T, key, method string, params, result any) {
	t.Helper()
	if err := s.try(t, key, method, params, result); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}

// try calls a method in-process and returns its error.
func (s running) try(t *testing.T, key, method string, params, result any) error {
	t.Helper()
	client := s.Client(t.Context(), key)
	defer client.Close()
	return client.Call(t.Context(), method, params, result)
}

// publish publishes an event that matches as many webhooks as wanted.
func (s running) publish(t *testing.T, key string, event map[string]any, matched int) {
	t.Helper()
	var published struct {
		Matched int `json:"matched"`
	}
	s.call(t, key, "publishEvent", event, &published)
	if published.Matched != matched {
		t.Fatalf("%s matched %d webhooks, want %d", event["type"], published.Matched, matched)
	}
}
