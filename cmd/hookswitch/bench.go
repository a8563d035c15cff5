package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/rpc"
)

const (
	maxBenchConnections = 10_000  // what a service takes unless --max-connections says otherwise
	maxBenchSize        = 1 << 20 // bytes: what data of an event may have
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "measure a running service: publish events from many connections",
		Description: "Publishes --events events of the type --type, each connection one call at a time, and tells how long the calls took.\n" +
			"With --receive it also opens a receiver on that address of this machine, registers a webhook for it until it is done,\n" +
			"and tells how long each event took from publish to receiver; the service must allow the address (--allow-endpoint).\n" +
			"The events stay in the service until its retention takes them.",
		Flags: actingFlags(
			&intFlag{Name: "events", Value: 10_000, Usage: "how many events", Validator: positive[int]},
			&intFlag{Name: "connections", Value: 32, Usage: "how many connections, up to one for each event", Validator: upTo(maxBenchConnections)},
			&intFlag{Name: "size", Value: 256, Usage: "bytes of data of each event"},
			&cli.StringFlag{Name: "type", Value: "hookswitch.bench", Usage: "`TYPE` of the events"},
			&cli.StringFlag{Name: "receive", Usage: "open a receiver on `ADDRESS`, such as 127.0.0.1:0", Validator: checkReceive}),
		Action: runBench,
	}
}

// benchmark is one run of bench.
type benchmark struct {
	c        *cli.Command
	id       string // begins the ids of the events
	next     atomic.Int64
	done     atomic.Int64
	receiver *benchReceiver // nil: none
	bar      *progress

	mu     sync.Mutex
	took   []time.Duration // of each publish that was acknowledged; guarded by mu
	failed int             // guarded by mu
	first  error           // of those that failed; guarded by mu
}

// benchResult is what bench tells. Durations are seconds.
type benchResult struct {
	Events    int         `json:"events"` // acknowledged
	Failed    int         `json:"failed"`
	Seconds   float64     `json:"seconds"`
	PerSecond float64     `json:"perSecond"`
	Publish   percentiles `json:"publish"`
	// Deliver is from the call of a publish to the event at the receiver.
	Deliver *benchDelivered `json:"deliver,omitempty"`
}

type benchDelivered struct {
	Events    int     `json:"events"`
	PerSecond float64 `json:"perSecond"`
	percentiles
}

func runBench(ctx context.Context, c *cli.Command) (err error) {
	if err := noArguments(c); err != nil {
		return err
	}
	if size := c.Int("size"); size < 0 || size > maxBenchSize {
		return usageError{fmt.Errorf("--size %d: must be 0 to %d", size, maxBenchSize)}
	}
	b := &benchmark{c: c, id: fmt.Sprintf("bench-%x", time.Now().UnixNano()), bar: newProgress(c, "bench", countText)}
	if address := c.String("receive"); address != "" {
		if b.receiver, err = openBenchReceiver(ctx, c, address, b.id); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.receiver.close(ctx, c)) }()
	}
	begun := time.Now()
	if err := b.publish(ctx); err != nil {
		return err
	}
	result := b.result(time.Since(begun))
	if b.receiver != nil {
		b.receiver.await(ctx, result.Events, b.bar)
		result.Deliver = b.receiver.result(begun)
	}
	b.bar.end()
	if err := b.print(result); err != nil {
		return err
	}
	if b.first != nil {
		return about{fmt.Sprintf("%d of %s failed, the first", b.failed, counted(b.failed+result.Events, "publish", "publishes")), b.first}
	}
	return nil
}

// publish publishes all events, and returns early with ctx. An error is that no connection could be made.
func (b *benchmark) publish(ctx context.Context) error {
	events := int64(b.c.Int("events"))
	params := map[string]any{"type": b.c.String("type"), "data": strings.Repeat("x", b.c.Int("size"))}
	clients := make([]*rpc.Client, b.connections())
	for i := range clients {
		var err error
		if clients[i], err = connect(ctx, b.c); err != nil {
			return err
		}
		defer clients[i].Close()
	}
	var callers sync.WaitGroup
	for _, client := range clients {
		callers.Go(func() {
			for n := b.next.Add(1); n <= events && ctx.Err() == nil; n = b.next.Add(1) {
				event := map[string]any{"type": params["type"], "data": params["data"], "id": fmt.Sprint(b.id, "-", n)}
				at := time.Now()
				if b.receiver != nil {
					b.receiver.sent(n, at)
				}
				err := client.Call(ctx, "publishEvent", event, nil)
				if err != nil && ctx.Err() != nil {
					return // broken off, not failed
				}
				b.note(time.Since(at), byFlags(b.c, reached(err)))
				b.bar.at(b.done.Add(1), events)
			}
		})
	}
	callers.Wait()
	return nil
}

// connections is how many there are: none that would have nothing to do.
func (b *benchmark) connections() int { return min(b.c.Int("connections"), b.c.Int("events")) }

func (b *benchmark) note(took time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.took = append(b.took, took)
		return
	}
	if b.failed++; b.first == nil {
		b.first = err
	}
}

func (b *benchmark) result(took time.Duration) benchResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	return benchResult{
		Events: len(b.took), Failed: b.failed, Seconds: took.Seconds(),
		PerSecond: float64(len(b.took)) / took.Seconds(), Publish: percentilesOf(b.took),
	}
}

func (b *benchmark) print(r benchResult) error {
	if b.c.Bool("json") {
		return answer(b.c, r, "")
	}
	w := b.c.Root().Writer
	fmt.Fprintf(w, "%s in %.2f s over %s: %.0f a second\n\n", counted(r.Events, "event", "events"), r.Seconds,
		counted(b.connections(), "connection", "connections"), r.PerSecond)
	t := table{head: []string{"", "MEDIAN", "90 %", "99 %", "99.9 %", "MOST"}}
	t.add(append([]any{"publish"}, r.Publish.cells()...)...)
	if r.Deliver != nil {
		t.add(append([]any{"publish to receiver"}, r.Deliver.cells()...)...)
	}
	if err := t.print(w); err != nil || r.Deliver == nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s arrived, %.0f a second\n", counted(r.Deliver.Events, "event", "events"), r.Deliver.PerSecond)
	return err
}
