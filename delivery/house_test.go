package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// testFormat is a dialect: its body is the events' ids, one a line, its policy is given.
type testFormat struct{ policy Policy }

func (testFormat) Build(job Job) (Request, error) {
	var body bytes.Buffer
	for _, due := range job.Due {
		if string(due.Event.Data) == `"unbuildable"` {
			return Request{}, fmt.Errorf("this cannot be built, says %s", job.Webhook.CurrentSecret())
		}
		if string(due.Event.Data) == `"panic"` {
			panic("a fault of the dialect")
		}
		fmt.Fprintln(&body, due.Event.ID)
	}
	header := http.Header{"Attempt": {strconv.Itoa(job.Due[0].Attempt)}, "X-Key": {job.Webhook.CurrentSecret()}}
	AddHeaders(header, job.Webhook.Headers)
	return Request{Header: header, Body: body.Bytes()}, nil
}

func (testFormat) Judge(a Answer) Verdict { return JudgeCommon(a) }

func (f testFormat) Policy() Policy { return f.policy }

// house is a store, an engine and a network in a synctest bubble: hours pass at once, and what leaks keeps the test from
// ending.
type house struct {
	t       *testing.T
	dir     string
	options Options
	store   storage.Store
	engine  *Engine
	network *memoryNet
	wrap    func(storage.Store) storage.Store
	events  int

	mu      sync.Mutex
	reports []AttemptReport
}

// newHouse opens a house whose dialect "test" has a policy. change may alter the engine's options.
func newHouse(t *testing.T, policy Policy, change ...func(*house)) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), network: newMemoryNet()}
	h.options = Options{
		Formats: map[string]Format{"test": testFormat{policy}},
		Log:     zerolog.Nop(), Dial: h.network.dial, Jitter: func() float64 { return 0 },
		OnAttempt: func(r AttemptReport) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.reports = append(h.reports, r)
		},
	}
	for _, f := range change {
		f(h)
	}
	h.open()
	return h
}

func (h *house) open() {
	h.t.Helper()
	store, err := bolt.Open(bolt.Options{Dir: h.dir, NoSync: true})
	if err != nil {
		h.t.Fatal(err)
	}
	h.store, h.options.Store = store, store
	if h.wrap != nil {
		h.options.Store = h.wrap(store)
	}
	if h.engine, err = New(h.options); err != nil {
		h.t.Fatal(err)
	}
	if err := h.engine.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// close ends everything in good order.
func (h *house) close() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.engine.Close(ctx); err != nil {
		h.t.Errorf("close engine: %v", err)
	}
	if err := h.store.Close(); err != nil {
		h.t.Errorf("close store: %v", err)
	}
	h.network.close()
}

// crash takes the store away under the engine, so that nothing more is settled, and opens both again.
func (h *house) crash() {
	h.t.Helper()
	if err := h.store.Close(); err != nil {
		h.t.Fatal(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.engine.Close(gone)
	h.open()
}

// receiver answers by a script of statuses, the last one for ever; 0 never answers.
type receiver struct {
	mu     sync.Mutex
	script []int
	header http.Header
	got    []received
	busy   int
	peak   int
	lasts  time.Duration // of every exchange
}

type received struct {
	ids     []string
	attempt string
	at      time.Time
	header  http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	r.busy++
	r.peak = max(r.peak, r.busy)
	r.got = append(r.got, received{strings.Fields(string(body)), q.Header.Get("Attempt"), time.Now(), q.Header})
	status := r.script[0]
	if len(r.script) > 1 {
		r.script = r.script[1:]
	}
	for name, values := range r.header {
		w.Header()[name] = values
	}
	lasts := r.lasts
	r.mu.Unlock()
	// Timers that are due at once are avoided in bubbles: two at a time corrupt the race detector (golang/go#78156).
	if lasts > 0 {
		select {
		case <-time.After(lasts):
		case <-q.Context().Done():
		}
	}
	if status == 0 {
		<-q.Context().Done()
	}
	r.mu.Lock()
	r.busy--
	r.mu.Unlock()
	if status > 0 {
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// ids is what was received, in order, repeats and all.
func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, g := range r.got {
		list = append(list, g.ids...)
	}
	return list
}

func (r *receiver) answer(script ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = script
}

// webhook registers a webhook that wants the types, and a receiver for it.
func (h *house) webhook(n int, r *receiver, types ...string) *schemas.Webhook {
	h.t.Helper()
	address := fmt.Sprintf("93.184.%d.%d", n/250, n%250+1)
	if r != nil {
		h.network.serve(address+":80", r)
	}
	return h.register(&schemas.Webhook{
		Account: 1, Dialect: "test", Endpoint: "http://" + address + "/hook?token=sesame", State: schemas.StateActive,
		Match: schemas.Match{Types: types}, Secrets: []schemas.Secret{{Value: "open-sesame"}},
	})
}

func (h *house) register(w *schemas.Webhook) *schemas.Webhook {
	h.t.Helper()
	w.Created = time.Now().UTC()
	w.Updated = w.Created
	body, err := schemas.EncodeWebhook(w)
	if err != nil {
		h.t.Fatal(err)
	}
	got, _, err := h.store.Register(context.Background(), storage.Record{Kind: storage.KindWebhook, Account: w.Account, Body: body})
	if err != nil {
		h.t.Fatal(err)
	}
	w.ID, w.Revision = schemas.WebhookID(got.ID), got.Revision
	h.engine.Apply(w)
	return w
}

// amend changes a webhook as its owner does, on top of whatever happened to it.
func (h *house) amend(w *schemas.Webhook, change func(*schemas.Webhook)) {
	h.t.Helper()
	record, err := h.store.Get(context.Background(), storage.KindWebhook, w.Account, int64(w.ID))
	if err != nil {
		h.t.Fatal(err)
	}
	now, err := schemas.DecodeWebhook(record.Body, w.Account, w.ID, record.Revision)
	if err != nil {
		h.t.Fatal(err)
	}
	change(now)
	now.Updated = time.Now().UTC()
	if record.Body, err = schemas.EncodeWebhook(now); err != nil {
		h.t.Fatal(err)
	}
	if record, err = h.store.Amend(context.Background(), record); err != nil {
		h.t.Fatal(err)
	}
	now.Revision = record.Revision
	h.engine.Apply(now)
}

func (h *house) state(w *schemas.Webhook) schemas.State {
	h.t.Helper()
	record, err := h.store.Get(context.Background(), storage.KindWebhook, w.Account, int64(w.ID))
	if err != nil {
		return ""
	}
	now, err := schemas.DecodeWebhook(record.Body, w.Account, w.ID, record.Revision)
	if err != nil {
		h.t.Fatal(err)
	}
	return now.State
}

// publish publishes n events of a type in one call and returns their ids.
func (h *house) publish(n int, eventType string) []string {
	h.t.Helper()
	events := make([]*schemas.Event, n)
	ids := make([]string, n)
	for i := range n {
		h.events++
		ids[i] = "evt_" + strconv.Itoa(h.events)
		events[i] = &schemas.Event{Account: 1, ID: ids[i], Type: eventType, Time: time.Now(), Data: json.RawMessage(`{"n":1}`)}
	}
	for i, got := range h.engine.Publish(h.t.Context(), events, nil) {
		if got.Err != nil {
			h.t.Fatalf("publish %s: %v", ids[i], got.Err)
		}
	}
	return ids
}

// deliveries counts a webhook's deliveries by state.
func (h *house) deliveries(w *schemas.Webhook) map[schemas.DeliveryState]int {
	h.t.Helper()
	counts := map[schemas.DeliveryState]int{}
	q := storage.DeliveryQuery{Webhook: w.ID, Page: storage.Page{Limit: 1000}}
	for {
		list, cursor, err := h.store.Deliveries(context.Background(), w.Account, q)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, d := range list {
			counts[d.State]++
		}
		if q.Cursor = cursor; cursor == "" {
			return counts
		}
	}
}

// claimsIn lets time pass and counts the claims that are made meanwhile.
func (h *house) claimsIn(d time.Duration) uint64 {
	claimed := func() uint64 {
		h.engine.dispatcher.mu.Lock()
		defer h.engine.dispatcher.mu.Unlock()
		return h.engine.dispatcher.claimed
	}
	before := claimed()
	time.Sleep(d)
	synctest.Wait()
	return claimed() - before
}
