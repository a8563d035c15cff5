package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// inFlight is how many publishes, and how many bare requests, are under way at once.
const inFlight = 64

// publishers is how many publish at once: each waits for its commit, which many share.
const publishers = 256

// BenchmarkRatioPublishToSettled measures events from publish to delivered and settled, on the real bolt engine with its
// fsyncs, against a bare http.Client loop that posts the same bytes to the same receiver. "ratio" is ours over bare.
func BenchmarkRatioPublishToSettled(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	payload := json.RawMessage(`{"text":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}`)

	var ours, bare time.Duration
	b.ResetTimer()
	begin := time.Now()
	publishAndSettle(b, server.URL, payload, b.N)
	ours = time.Since(begin)
	b.StopTimer()
	begin = time.Now()
	bareLoop(b, server, payload, b.N)
	bare = time.Since(begin)
	b.ReportMetric(float64(b.N)/ours.Seconds(), "events/s")
	b.ReportMetric(float64(bare)/float64(ours), "ratio")
}

// publishAndSettle returns when n events are delivered and their outcomes durable.
func publishAndSettle(b *testing.B, endpoint string, payload json.RawMessage, n int) {
	b.Helper()
	store, err := bolt.Open(bolt.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	counting := &counted{Store: store, all: make(chan struct{}), want: int64(n)}
	engine, err := New(Options{
		Store: counting, Formats: map[string]Format{"bench": payloadFormat{}}, Log: zerolog.Nop(), Allow: loopback(),
		LaneInFlight: inFlight,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := engine.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	w := &schemas.Webhook{
		Account: 1, Dialect: "bench", Endpoint: endpoint, State: schemas.StateActive, Match: schemas.Match{Types: []string{"*"}},
	}
	body, err := schemas.EncodeWebhook(w)
	if err != nil {
		b.Fatal(err)
	}
	got, _, err := store.Register(b.Context(), storage.Record{Kind: storage.KindWebhook, Account: 1, Body: body})
	if err != nil {
		b.Fatal(err)
	}
	w.ID, w.Revision = schemas.WebhookID(got.ID), got.Revision
	engine.Apply(w)
	together(publishers, n, func(i int) {
		e := &schemas.Event{Account: 1, ID: fmt.Sprintf("evt_%d", i), Type: "a.b", Data: payload}
		if got := engine.Publish(context.Background(), []*schemas.Event{e}, nil)[0]; got.Err != nil {
			b.Error(got.Err)
		}
	})
	<-counting.all
	if err := engine.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

// counted tells when that many deliveries are settled as done.
type counted struct {
	storage.Store
	done atomic.Int64
	want int64
	all  chan struct{}
}

func (c *counted) Settle(ctx context.Context, out []storage.Outcome) []storage.Settled {
	got := c.Store.Settle(ctx, out)
	for i := range got {
		if got[i].Err == nil && out[i].Next == storage.Done && c.done.Add(1) == c.want {
			close(c.all)
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
