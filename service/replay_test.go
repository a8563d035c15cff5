package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger is a receiver that refuses until it is opened, and counts what came by event.
type ledger struct {
	url string

	mu   sync.Mutex
	open bool
	slow time.Duration // of each answer
	got  map[string]int
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{got: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		l.mu.Lock()
		open, slow := l.open, l.slow
		if open {
			l.got[r.Header.Get("webhook-id")]++
		}
		l.mu.Unlock()
		if slow > 0 {
			select {
			case <-time.After(slow):
			case <-r.Context().Done():
			}
		}
		if !open {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

func (l *ledger) set(open bool, slow time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open, l.slow = open, slow
}

// counts is how many events came, and how often in all.
func (l *ledger) counts() (events, arrivals int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.got {
		arrivals += n
	}
	return len(l.got), arrivals
}

// replayed is the part of a replay that these tests read.
type replayed struct {
	ID       string  `json:"id"`
	State    string  `json:"state"`
	Reason   string  `json:"reason"`
	Looked   int     `json:"looked"`
	Replayed int     `json:"replayed"`
	Percent  float64 `json:"percent"`
}

// until asks for a replay until it is as wanted.
func (s running) until(t *testing.T, key, id string, wanted func(replayed) bool) (r replayed) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		s.call(t, key, "getReplay", map[string]any{"id": id}, &r)
		if wanted(r) {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("the replay stays %+v", r)
		}
	}
}

func ended(r replayed) bool { return r.State != "running" }

// dead waits until a webhook has so many dead deliveries.
func (s running) dead(t *testing.T, key string, n int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		var page struct {
			Items []any `json:"items"`
		}
		s.call(t, key, "listDeliveries", map[string]any{"state": "dead", "limit": 1000}, &page)
		if len(page.Items) == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d deliveries are dead, want %d", len(page.Items), n)
		}
	}
}

func (s running) publishMany(t *testing.T, key, eventType string, n int) {
	t.Helper()
	events := make([]any, n)
	for i := range events {
		events[i] = map[string]any{"type": eventType, "id": fmt.Sprintf("%s-%d", eventType, i), "data": i}
	}
	s.call(t, key, "publishEvents", map[string]any{"events": events}, nil)
}

func TestReplayOfWhatFailedReachesAReceiverThatIsBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "replays")
	a, b := newLedger(t), newLedger(t)
	for _, l := range []*ledger{a, b} {
		s.call(t, key, "createSubscription", map[string]any{"endpoint": l.url, "events": []string{"*"}, "retry": []int{}}, nil)
	}
	b.set(true, 0)
	s.publishMany(t, key, "order", 40)
	s.dead(t, key, 40)
	a.set(true, 0)
	var r replayed
	s.call(t, key, "replayEvents", map[string]any{"onlyFailed": true}, &r) // for all webhooks
	if r = s.until(t, key, r.ID, ended); r.State != "done" || r.Looked != 40 || r.Replayed != 40 || r.Percent != 100 {
		t.Errorf("the replay ended as %+v", r)
	}
	s.dead(t, key, 0)
	for end := time.Now().Add(30 * time.Second); ; {
		if events, arrivals := a.counts(); events == 40 && arrivals == 40 {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%d events came back, in %d deliveries", events, arrivals)
		}
	}
	if events, arrivals := b.counts(); events != 40 || arrivals != 40 {
		t.Errorf("who had everything got %d events in %d deliveries", events, arrivals)
	}
}

func TestReplayGoesOnWhereItWasAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, func(o *Options) { o.Data = dir })
	key := s.fullKey(t, "replays")
	const n = 600 // more than a webhook has open at a time
	s.publishMany(t, key, "early", n)
	l := newLedger(t)
	l.set(true, 50*time.Millisecond)
	var sub subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": l.url, "events": []string{"early"}}, &sub)
	var r replayed
	s.call(t, key, "replayEvents", map[string]any{"webhook": sub.ID}, &r)
	before := s.until(t, key, r.ID, func(r replayed) bool { return r.Replayed > 0 })
	if before.State != "running" {
		t.Fatalf("the replay is over already: %+v", before)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s = open(t, func(o *Options) { o.Data = dir })
	l.set(true, 0)
	after := s.until(t, key, r.ID, ended)
	if after.State != "done" || after.Looked != n || after.Replayed != n {
		t.Errorf("the replay was %+v and ended as %+v", before, after)
	}
	for end := time.Now().Add(30 * time.Second); ; {
		if events, _ := l.counts(); events == n {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%d of %d events came", events, n)
		}
	}
}

func TestAnAccountRunsFewReplaysAtOnceAndKeepsFewThatEnded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.set(true, time.Minute) // so that nothing ends
	s := open(t)
	key := s.fullKey(t, "replays")
	s.publishMany(t, key, "early", 900)
	var sub subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": l.url, "events": []string{"early"}, "maxInFlight": 1}, &sub)
	all := map[string]any{"webhook": sub.ID}
	var first replayed
	s.call(t, key, "replayEvents", all, &first)
	for range 3 {
		s.call(t, key, "replayEvents", all, nil)
	}
	wantCode(t, s.try(t, key, "replayEvents", all, nil), 399)
	s.call(t, key, "cancelReplay", map[string]any{"id": first.ID}, nil)
	s.call(t, key, "replayEvents", all, nil)
	wantCode(t, s.try(t, s.makeKey(t, "replays", "read"), "replayEvents", all, nil), 355)
	wantCode(t, s.try(t, s.fullKey(t, "stranger"), "getReplay", map[string]any{"id": first.ID}, nil), 361)

	// The webhook goes: all of them end, and say why.
	s.call(t, key, "deleteSubscription", map[string]any{"id": sub.ID}, nil)
	var page struct {
		Items []replayed `json:"items"`
	}
	for end := time.Now().Add(30 * time.Second); ; {
		s.call(t, key, "listReplays", map[string]any{}, &page)
		running := 0
		for _, r := range page.Items {
			if !ended(r) {
				running++
			}
		}
		if running == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("replays run on: %+v", page.Items)
		}
	}
	if newest := page.Items[0]; len(page.Items) != 5 || newest.State != "failed" || newest.Reason != "The webhook was removed" {
		t.Errorf("the replays are %+v", page.Items)
	}
	wantPagesBackwards(t, s, key, page.Items)
}

// wantPagesBackwards checks that pages of replays are newest first, and together what one page showed.
func wantPagesBackwards(t *testing.T, s running, key string, whole []replayed) {
	t.Helper()
	var paged []replayed
	for cursor, pages := "", 1; ; pages++ {
		var page struct {
			Items  []replayed `json:"items"`
			Cursor string     `json:"cursor"`
		}
		params := map[string]any{"limit": 2}
		if cursor != "" {
			params["cursor"] = cursor
		}
		s.call(t, key, "listReplays", params, &page)
		paged = append(paged, page.Items...)
		if cursor = page.Cursor; cursor == "" {
			if pages != (len(whole)+1)/2 {
				t.Errorf("%d replays by two are %d pages", len(whole), pages)
			}
			break
		}
	}
	if !slices.Equal(paged, whole) || !slices.IsSortedFunc(paged, func(a, b replayed) int { return strings.Compare(b.ID, a.ID) }) {
		t.Errorf("by two the replays are %+v, all at once %+v", paged, whole)
	}
}
