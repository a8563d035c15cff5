package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// inFlight is how many exchanges, ours or bare ones, are under way at once.
const inFlight = 64

// publishers is how many events are on their way at once, from publish to settled.
const publishers = 512

// BenchmarkRatioPublishToSettled measures events from publish to delivered and settled, on the real bolt engine with its
// fsyncs, against a bare http.Client loop that posts the same bytes to the same receiver. So many publishers each have one
// event on its way, and publish the next when that is settled. "ratio" is ours over bare, "cpu-ratio" the same of the
// processor time that both took, the receiver's included, which hardly minds what else the machine does.
func BenchmarkRatioPublishToSettled(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	payload := json.RawMessage(`{"text":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}`)
	bench := newBenched(b)
	bench.webhook(b, server.URL, "*")
	const round = 20_000
	var ours, bare clocks
	bench.publishAndSettle(b, payload, round/4) // warm up
	bareLoop(b, server, payload, round/4)
	rounds := 0
	for b.Loop() {
		bare.measure(func() { bareLoop(b, server, payload, round) })
		ours.measure(func() { bench.publishAndSettle(b, payload, round) })
		rounds++
	}
	b.ReportMetric(float64(rounds*round)/ours.wall.Seconds(), "events/s")
	b.ReportMetric(float64(bare.wall)/float64(ours.wall), "ratio")
	b.ReportMetric(float64(bare.cpu)/float64(ours.cpu), "cpu-ratio")
	b.ReportMetric(float64(ours.cpu.Microseconds())/float64(rounds*round), "cpu-µs/event")
	b.ReportMetric(0, "ns/op")
}

// clocks adds up what rounds take.
type clocks struct{ wall, cpu time.Duration }

func (c *clocks) measure(round func()) {
	begin, used := time.Now(), cpuTime()
	round()
	c.wall += time.Since(begin)
	c.cpu += cpuTime() - used
}

// cpuTime is the processor time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benched is an engine under measurement.
type benched struct {
	store   storage.Store
	engine  *Engine
	settled chan struct{} // receives for every delivery that is settled as done
	serial  int
	close   func() // may be called before the benchmark ends
}

func newBenched(b *testing.B, change ...func(*Options)) *benched {
	b.Helper()
	store, err := bolt.Open(bolt.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	bench := &benched{store: store, settled: make(chan struct{}, publishers)}
	o := Options{
		Store: &counted{store, bench.settled}, Formats: map[string]Format{"bench": payloadFormat{}}, Log: zerolog.Nop(),
		Allow: loopback(), LaneInFlight: inFlight,
	}
	for _, f := range change {
		f(&o)
	}
	bench.engine, err = New(o)
	if err != nil {
		b.Fatal(err)
	}
	if err := bench.engine.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	bench.close = sync.OnceFunc(func() {
		if err := errors.Join(bench.engine.Close(context.Background()), store.Close()); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(bench.close)
	return bench
}

// webhook registers a webhook that wants a type.
func (bench *benched) webhook(b *testing.B, endpoint, eventType string) {
	b.Helper()
	w := &schemas.Webhook{
		Account: 1, Dialect: "bench", Endpoint: endpoint, State: schemas.StateActive, Match: schemas.Match{Types: []string{eventType}},
	}
	body, err := schemas.EncodeWebhook(w)
	if err != nil {
		b.Fatal(err)
	}
	got, _, err := bench.store.Register(b.Context(), storage.Record{Kind: storage.KindWebhook, Account: 1, Body: body})
	if err != nil {
		b.Fatal(err)
	}
	w.ID, w.Revision = schemas.WebhookID(got.ID), got.Revision
	bench.engine.Apply(w)
}

// publishAndSettle returns when n more events are delivered and their outcomes durable.
func (bench *benched) publishAndSettle(b *testing.B, payload json.RawMessage, n int) {
	b.Helper()
	first := bench.serial
	bench.serial += n
	together(publishers, n, func(i int) {
		e := &schemas.Event{Account: 1, ID: fmt.Sprintf("evt_%d", first+i), Type: "a.b", Data: payload}
		if got := bench.engine.Publish(context.Background(), []*schemas.Event{e}, nil)[0]; got.Err != nil {
			b.Error(got.Err)
			return
		}
		<-bench.settled // of this event or of another publisher's, who then waits for this one's
	})
}

// counted tells of every delivery that is settled as done.
type counted struct {
	storage.Store
	settled chan<- struct{}
}

func (c *counted) Settle(ctx context.Context, out []storage.Outcome) []storage.Settled {
	got := c.Store.Settle(ctx, out)
	for i := range got {
		if got[i].Err == nil && out[i].Next == storage.Done {
			c.settled <- struct{}{}
		}
	}
	return got
}

// payloadFormat posts the event's data as it is.
type payloadFormat struct{}

func (payloadFormat) Build(job Job) (Request, error) {
	return Request{
		Header: http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {job.Due[0].Event.ID}},
		Body:   job.Due[0].Event.Data,
	}, nil
}

func (payloadFormat) Judge(a Answer) Verdict { return JudgeCommon(a) }
func (payloadFormat) Policy() Policy         { return Policy{} }

func bareLoop(b *testing.B, server *httptest.Server, payload []byte, n int) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight, MaxIdleConns: inFlight}}
	defer client.CloseIdleConnections()
	together(inFlight, n, func(int) {
		response, err := client.Post(server.URL, "application/json", bytes.NewReader(payload))
		if err != nil {
			b.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	})
}

// together runs f for 0 to n-1, so many at a time.
func together(at, n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f(int(i - 1))
			}
		})
	}
	wg.Wait()
}

// BenchmarkMatch is one event against the webhooks of an account, 100,000 of them, of which that many match: those that are
// for its list, as against all that are for its type.
func BenchmarkMatch(b *testing.B) {
	for _, matches := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint("matches=", matches), func(b *testing.B) {
			x := newIndex(zerolog.Nop())
			const all = 100_000
			for i := range all {
				x.put(&schemas.Webhook{
					Account: 1, ID: schemas.WebhookID(i + 1), Revision: 1, State: schemas.StateActive,
					Match: schemas.Match{
						Types:      []string{"contact.created"},
						Attributes: []schemas.Constraint{{Name: "list_id", Values: []string{fmt.Sprint(i / matches)}}},
					},
				}, 0)
			}
			e := &schemas.Event{Account: 1, Type: "contact.created", Attributes: map[string]json.RawMessage{
				"list_id": json.RawMessage("3"), "source": json.RawMessage(`"shop"`),
			}}
			if got := len(x.match(e)); got != matches {
				b.Fatalf("%d match", got)
			}
			for b.Loop() {
				x.match(e)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(matches), "ns/match")
		})
	}
}
