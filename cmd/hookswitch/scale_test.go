//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// pending is how many deliveries the scene of the dead endpoint piles up. `make chaos` asks for a million, and only then are
// the bounds of memory and time checked, because the machine has to be idle for that.
var pending = flag.Int("pending", 3_000, "deliveries to a dead endpoint")

const million = 1_000_000

// TestADeadEndpointWithManyPendingDeliveries piles up deliveries to an endpoint that nobody answers at: the process stays
// small, others are delivered to as before, a restart is quick, and everything is still owed after it.
func TestADeadEndpointWithManyPendingDeliveries(t *testing.T) {
	t.Parallel()
	var received atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		received.Add(1)
	}))
	defer receiver.Close()
	dir := t.TempDir()
	s := startServer(t, dir, adminKey)
	register(t, s, receiver.URL, "healthy.*")
	dead := httptest.NewServer(nil)
	register(t, s, dead.URL, "dead.*")
	dead.Close() // connections are refused from now on

	healthy := min(*pending, 20_000)
	flood(t, s, "healthy.warm", healthy/4)
	await(t, &received, int64(healthy/4))
	before := rate(t, s, &received, healthy)
	flood(t, s, "dead.on.arrival", *pending)
	after := rate(t, s, &received, healthy)
	memory := anonymous(t, s)
	s.kill(t)
	begin := time.Now()
	s = startServer(t, dir, adminKey)
	restart := time.Since(begin)
	t.Logf("%d pending: a healthy webhook gets %.0f/s, %.0f/s without (%.2f); RssAnon %d MiB; ready again after %v",
		*pending, after, before, after/before, memory>>20, restart)
	if *pending >= million {
		if after < 0.9*before || memory >= 300<<20 || restart > 5*time.Second {
			t.Error("beyond the bounds: 0.9 of the rate, 300 MiB, 5 s")
		}
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
	store, err := bolt.Open(bolt.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	owed, _, err := store.Backlog(t.Context(), *pending+1, storage.Lane{Account: 1, Webhook: 2})
	if err != nil || owed != *pending {
		t.Errorf("%d deliveries are owed, want %d (%v)", owed, *pending, err)
	}
}

func register(t *testing.T, s *server, endpoint, events string) {
	t.Helper()
	client := dial(t, s)
	defer client.Close()
	params := map[string]any{"endpoint": endpoint, "events": []string{events}, "maxInFlight": 64}
	if err := client.Call(t.Context(), "createSubscription", params, nil); err != nil {
		t.Fatal(err)
	}
}

// flood publishes n events of 1 KiB in batches.
func flood(t *testing.T, s *server, eventType string, n int) {
	t.Helper()
	const batch = 500
	data := map[string]string{"text": strings.Repeat("0123456789abcdef", 64)}
	var callers sync.WaitGroup
	var next atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	for range 4 {
		callers.Go(func() {
			client := dial(t, s)
			defer client.Close()
			for from := next.Add(batch) - batch; from < int64(n); from = next.Add(batch) - batch {
				events := make([]map[string]any, min(batch, int64(n)-from))
				for i := range events {
					events[i] = map[string]any{"type": eventType, "data": data}
				}
				if err := client.Call(ctx, "publishEvents", map[string]any{"events": events}, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
}

// rate is how many events a second get from publish to a receiver.
func rate(t *testing.T, s *server, received *atomic.Int64, n int) float64 {
	t.Helper()
	want := received.Load() + int64(n)
	begin := time.Now()
	flood(t, s, "healthy.measured", n)
	await(t, received, want)
	return float64(n) / time.Since(begin).Seconds()
}

// await waits for what another process does, so it polls.
func await(t *testing.T, received *atomic.Int64, want int64) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for received.Load() < want {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("received %d of %d", received.Load(), want)
		}
	}
}

var rssAnon = regexp.MustCompile(`RssAnon:\s+(\d+) kB`)

// anonymous is the anonymous memory of a server, in bytes: what is not the file, which the kernel can drop at any time.
func anonymous(t *testing.T, s *server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := rssAnon.FindSubmatch(status)
	if m == nil {
		t.Fatal("the status has no RssAnon")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
