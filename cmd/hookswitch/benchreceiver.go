package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"
)

// percentiles say how long things took, in seconds.
type percentiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func percentilesOf(took []time.Duration) percentiles {
	if len(took) == 0 {
		return percentiles{}
	}
	sorted := slices.Sorted(slices.Values(took))
	at := func(share float64) float64 { return sorted[int(share*float64(len(sorted)-1)+0.5)].Seconds() }
	return percentiles{at(0.5), at(0.9), at(0.99), at(0.999), at(1)}
}

func (p percentiles) cells() []any {
	cells := []any{}
	for _, seconds := range []float64{p.P50, p.P90, p.P99, p.P999, p.Max} {
		cells = append(cells, fmt.Sprintf("%.2f ms", seconds*1000))
	}
	return cells
}

// benchReceiver takes what bench published.
type benchReceiver struct {
	id      string // begins the ids of the events
	hook    string // the webhook registered for it
	server  *http.Server
	arrived chan struct{} // receives now and then

	mu   sync.Mutex
	at   map[int64]time.Time // when each event was about to be published; guarded by mu
	took []time.Duration     // guarded by mu
	last time.Time           // guarded by mu
}

// openBenchReceiver listens and registers the webhook.
func openBenchReceiver(ctx context.Context, c *cli.Command, address, id string) (*benchReceiver, error) {
	listener, err := listen(address)
	if err != nil {
		return nil, fmt.Errorf("--receive: %w", err)
	}
	r := &benchReceiver{id: id, arrived: make(chan struct{}, 1), at: map[int64]time.Time{}}
	r.server = &http.Server{Handler: http.HandlerFunc(r.take), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(listener) }() // ends with close
	var hook struct {
		ID string `json:"id"`
	}
	params := map[string]any{
		"endpoint": "http://" + listener.Addr().String() + "/" + id, "events": []string{c.String("type")},
		"name": "hookswitch bench", "retry": []int{},
	}
	if err := call(ctx, c, "createSubscription", params, &hook); err != nil {
		_ = r.server.Close()
		return nil, err
	}
	r.hook = hook.ID
	return r, nil
}

// close removes the webhook, also when the run was broken off.
func (r *benchReceiver) close(ctx context.Context, c *cli.Command) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := call(ctx, c, "deleteSubscription", map[string]any{"id": r.hook}, nil)
	_ = r.server.Close()
	if err != nil {
		return fmt.Errorf("remove the webhook %s of the bench: %w", r.hook, err)
	}
	return nil
}

func (r *benchReceiver) sent(n int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[n] = at
}

// take counts an event once, however often it comes.
func (r *benchReceiver) take(_ http.ResponseWriter, request *http.Request) {
	now := time.Now()
	n, err := strconv.ParseInt(strings.TrimPrefix(request.Header.Get("webhook-id"), r.id+"-"), 10, 64)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, due := r.at[n]
	if !due {
		return
	}
	delete(r.at, n)
	r.took = append(r.took, now.Sub(at))
	r.last = now
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

func (r *benchReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.took)
}

// benchPatience is how long the receiver waits for another event before it gives up on the rest.
const benchPatience = 10 * time.Second

// await waits until n events have arrived, or none comes any more.
func (r *benchReceiver) await(ctx context.Context, n int, bar *progress) {
	for r.count() < n {
		select {
		case <-r.arrived:
			bar.at(int64(r.count()), int64(n))
		case <-time.After(benchPatience):
			return
		case <-ctx.Done():
			return
		}
	}
}

func (r *benchReceiver) result(begun time.Time) *benchDelivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &benchDelivered{Events: len(r.took), percentiles: percentilesOf(r.took)}
	if len(r.took) > 0 {
		out.PerSecond = float64(len(r.took)) / r.last.Sub(begun).Seconds()
	}
	return out
}
