package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
)

// TestKilledInTheMiddleOfPublishesLosesNothing is the product's main promise, on the real binary: 10,000 events are
// published while the process is killed three times. Every acknowledged event arrives, and nothing arrives that was not
// published; what is left on the disk is sound.
func TestKilledInTheMiddleOfPublishesLosesNothing(t *testing.T) {
	t.Parallel()
	const events = 10_000
	l := &ledger{acknowledged: map[string]bool{}, received: map[string]int{}}
	receiver := httptest.NewServer(http.HandlerFunc(l.receive))
	defer receiver.Close()
	dir := t.TempDir()
	s := startServer(t, dir, adminKey)
	subscribe(t, s, receiver.URL)

	next := atomic.Int64{}
	for _, until := range []int{2_500, 5_000, 7_500} {
		publishUntil(t, l, s, &next, int64(until)+1_000, until) // more are under way when the process dies
		s.kill(t)
		s = startServer(t, dir, adminKey)
	}
	publishUntil(t, l, s, &next, events, 0)
	l.awaitAll(t)
	l.checkNoneInvented(t, next.Load())
	s.kill(t)
	mustRun(t, "check", "--data", dir)
}

// ledger is what was promised and what came.
type ledger struct {
	mu           sync.Mutex
	acknowledged map[string]bool // guarded by mu
	received     map[string]int  // guarded by mu
}

func (l *ledger) receive(_ http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received[r.Header.Get("webhook-id")]++
}

func (l *ledger) acknowledge(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[id] = true
	return len(l.acknowledged)
}

func (l *ledger) missing() (n int, example string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.acknowledged {
		if l.received[id] == 0 {
			n++
			example = id
		}
	}
	return n, example
}

// awaitAll waits for a fact of another process, so it polls.
func (l *ledger) awaitAll(t *testing.T) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		n, example := l.missing()
		if n == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d acknowledged events never arrived, %s for one", n, example)
		}
	}
}

func (l *ledger) checkNoneInvented(t *testing.T, published int64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.received {
		var n int64
		if _, err := fmt.Sscanf(id, "event-%d", &n); err != nil || n < 1 || n > published {
			t.Errorf("received %q, which was not published", id)
		}
	}
	t.Logf("%d published, %d acknowledged, %d received", published, len(l.acknowledged), len(l.received))
}

func subscribe(t *testing.T, s *server, endpoint string) {
	t.Helper()
	client := dial(t, s)
	defer client.Close()
	params := map[string]any{"endpoint": endpoint, "events": []string{"crash.*"}}
	if err := client.Call(t.Context(), "createSubscription", params, nil); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, s *server) *rpc.Client {
	t.Helper()
	client, err := rpc.Dial(t.Context(), strings.Replace(s.address, "http", "ws", 1)+"/rpc", rpc.DialOptions{Credential: "Bearer " + adminKey})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// publishUntil publishes the events up to number last from 32 callers; with kill > 0 it returns, the callers still at
// work, as soon as that many were acknowledged.
func publishUntil(t *testing.T, l *ledger, s *server, next *atomic.Int64, last int64, kill int) {
	t.Helper()
	client := dial(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	enough := make(chan struct{})
	var once sync.Once
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for n := next.Add(1); n <= last; n = next.Add(1) {
				id := fmt.Sprintf("event-%d", n)
				event := map[string]any{"type": "crash.test", "id": id, "data": map[string]any{"n": n}}
				if client.Call(ctx, "publishEvent", event, nil) != nil {
					return // the process is dead: nobody knows whether this one was taken
				}
				if got := l.acknowledge(id); kill > 0 && got >= kill {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { callers.Wait(); client.Close(); cancel(); close(finished) }()
	if kill > 0 {
		select {
		case <-enough:
		case <-finished:
			t.Fatal("the publishers ended before the kill")
		}
		t.Cleanup(func() { <-finished })
		return
	}
	<-finished
	// Every number was tried: the callers counted a little past last.
	if next.Load() > last {
		next.Store(last)
	}
}
