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

// TestKilledDuringRetriesAndReplayLosesNothing kills the process while most deliveries wait for a retry, and again while a
// replay is under way. Every acknowledged event arrives, every one is replayed, and what comes twice has the same id.
func TestKilledDuringRetriesAndReplayLosesNothing(t *testing.T) {
	t.Parallel()
	const events = 2_000
	l := &ledger{acknowledged: map[string]bool{}, received: map[string]int{}, refuse: map[string]int{}}
	receiver := httptest.NewServer(http.HandlerFunc(l.receive))
	defer receiver.Close()
	dir := t.TempDir()
	flags := []string{"--retry", "native=100ms/100ms/200ms/200ms/300ms/300ms/500ms/500ms"}
	s := startServer(t, dir, adminKey, flags...)
	subscribe(t, s, receiver.URL)
	next := atomic.Int64{}
	for _, until := range []int{500, 1_000} {
		publishUntil(t, l, s, &next, int64(until)+200, until)
		s.kill(t)
		s = startServer(t, dir, adminKey, flags...)
	}
	publishUntil(t, l, s, &next, events, 0)
	l.awaitAll(t)
	job := beginReplay(t, s)
	for range 2 {
		l.awaitReceived(t, l.total()+200)
		s.kill(t)
		s = startServer(t, dir, adminKey, flags...)
	}
	awaitReplay(t, s, job)
	l.awaitTwice(t)
	l.checkNoneInvented(t, next.Load())
	s.kill(t)
	mustRun(t, "check", "--data", dir)
}

// beginReplay has everything delivered once more.
func beginReplay(t *testing.T, s *server) (id any) {
	t.Helper()
	client := dial(t, s)
	defer client.Close()
	var hooks struct{ Items []struct{ ID string } }
	if err := client.Call(t.Context(), "listSubscriptions", nil, &hooks); err != nil || len(hooks.Items) != 1 {
		t.Fatalf("%d subscriptions, %v", len(hooks.Items), err)
	}
	var job struct{ ID any }
	params := map[string]any{"webhook": hooks.Items[0].ID, "states": []string{"delivered"}}
	if err := client.Call(t.Context(), "replayEvents", params, &job); err != nil {
		t.Fatal(err)
	}
	return job.ID
}

func awaitReplay(t *testing.T, s *server, id any) {
	t.Helper()
	client := dial(t, s)
	defer client.Close()
	var job struct{ State string }
	poll(t, func() bool {
		if err := client.Call(t.Context(), "getReplay", map[string]any{"id": id}, &job); err != nil {
			t.Fatal(err)
		}
		return job.State != "running"
	})
	if job.State != "done" {
		t.Errorf("the replay is %q", job.State)
	}
}

// poll waits for a fact of another process.
func poll(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came")
		}
	}
}

// ledger is what was promised and what came.
type ledger struct {
	mu           sync.Mutex
	refuse       map[string]int  // guarded by mu; how often each event was refused; nil takes all at once
	acknowledged map[string]bool // guarded by mu
	received     map[string]int  // guarded by mu
}

// receive takes an event, in a ledger that refuses at the second or third time only.
func (l *ledger) receive(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := r.Header.Get("webhook-id")
	if l.refuse != nil && l.refuse[id] <= len(id)%2 {
		l.refuse[id]++
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	l.received[id]++
}

// total is how many deliveries were taken.
func (l *ledger) total() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.received {
		n += times
	}
	return n
}

func (l *ledger) awaitReceived(t *testing.T, n int) {
	t.Helper()
	poll(t, func() bool { return l.total() >= n })
}

// awaitTwice waits until everything has come once more.
func (l *ledger) awaitTwice(t *testing.T) {
	t.Helper()
	poll(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for id := range l.acknowledged {
			if l.received[id] < 2 {
				return false
			}
		}
		return true
	})
}

func (l *ledger) acknowledge(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[id] = true
	return len(l.acknowledged)
}

func (l *ledger) missing() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.acknowledged {
		if l.received[id] == 0 {
			n++
		}
	}
	return n
}

func (l *ledger) awaitAll(t *testing.T) {
	t.Helper()
	poll(t, func() bool { return l.missing() == 0 })
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
