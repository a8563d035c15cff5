package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// crowd is a receiver that keeps everybody waiting until as many as are wanted are there.
type crowd struct {
	wanted int64
	there  atomic.Int64
	full   chan struct{}
}

func (c *crowd) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	if c.there.Add(1) == c.wanted {
		close(c.full)
	}
	select {
	case <-c.full:
	case <-r.Context().Done():
	}
}

func TestReloadChangesTheLimits(t *testing.T) {
	t.Parallel()
	const (
		webhooks = 12 // with one place and the slow ones beside it, an account has 6 deliveries under way at once
		narrow   = "max-in-flight: 1\nmax-connections: 2\nmax-sockets: 1\nmax-body: 64KiB\n"
		wide     = "max-in-flight: 64\nmax-connections: 99\nmax-sockets: 2\nmax-body: 1MiB\nrate-limit-key: 1:1\ncall-timeout: 20s\n"
	)
	waiting := &crowd{wanted: webhooks, full: make(chan struct{})}
	receiver := httptest.NewServer(waiting)
	defer receiver.Close()
	path := t.TempDir() + "/hookswitch.yaml"
	if err := os.WriteFile(path, []byte(narrow), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, t.TempDir(), adminKey, "--config", path)
	client := dial(t, s) // the one WebSocket
	defer client.Close()
	caller := &http.Client{Transport: &http.Transport{}} // the other connection
	big := map[string]any{"type": "crash.big", "data": strings.Repeat("x", 100<<10)}
	publishBig := func() error {
		over, err := rpc.Dial(t.Context(), s.address+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey, HTTPClient: caller})
		if err != nil {
			t.Fatal(err)
		}
		return over.Call(t.Context(), "publishEvent", big, nil)
	}
	if publishBig() == nil {
		t.Error("a body beyond the limit is taken")
	}
	caller.CloseIdleConnections()
	if _, err := rpc.Dial(t.Context(), strings.Replace(s.address, "http", "ws", 1)+"/rpc", rpc.DialOptions{}); err == nil {
		t.Error("a WebSocket beyond the limit is let in")
	}
	for i := range webhooks {
		hook := map[string]any{"endpoint": fmt.Sprint(receiver.URL, "/", i), "events": []string{"crash.*"}}
		if err := client.Call(t.Context(), "createSubscription", hook, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "crash.order"}, nil); err != nil {
		t.Fatal(err)
	}
	idle, err := caller.Get(s.address + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Body.Close() // unread, so that its connection stays: the second
	let := make(chan error, 1)
	go func() { // a third connection, and the second WebSocket
		another, err := rpc.Dial(t.Context(), strings.Replace(s.address, "http", "ws", 1)+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey})
		if err == nil {
			err = another.Close()
		}
		let <- err
	}()
	select {
	case <-waiting.full:
		t.Error("all deliveries are under way over one place")
	case err := <-let:
		t.Errorf("a connection beyond the limit is let in (%v)", err)
	default:
	}

	line, n := s.reload(t, path, wide, 0)
	const changed = `"changed":["max-connections","max-sockets","max-body","call-timeout","rate-limit-key","max-in-flight"]`
	if !strings.Contains(line, changed) {
		t.Errorf("the log does not say what has changed: %s", line)
	}
	late := time.After(20 * time.Second)
	select {
	case err := <-let:
		if err != nil {
			t.Errorf("the second WebSocket: %v", err)
		}
	case <-late:
		t.Fatal("the second WebSocket is not let in")
	}
	select {
	case <-waiting.full:
	case <-late:
		t.Fatalf("of %d deliveries only %d are under way", webhooks, waiting.there.Load())
	}
	if err := publishBig(); err != nil {
		t.Errorf("a body within the limit: %v", err)
	}
	if err := publishBig(); err == nil || !strings.Contains(err.Error(), "399") {
		t.Errorf("the second call of the second is not refused: %v", err)
	}
	s.reload(t, path, narrow, n)
	if publishBig() == nil {
		t.Error("a body beyond the limit is taken again")
	}
}
