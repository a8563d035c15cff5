package service

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanCollector is an OpenTelemetry collector that takes OTLP over HTTP.
type spanCollector struct {
	*httptest.Server
	mu    sync.Mutex
	raw   []byte
	names []string // of services
	spans []*otlp.Span
}

func collect(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
			t.Errorf("the collector is sent to %s what is no OTLP (%v)", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body...)
		for _, of := range request.GetResourceSpans() {
			for _, a := range of.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					c.names = append(c.names, a.GetValue().GetStringValue())
				}
			}
			for _, scope := range of.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// named are the spans of a trace that have a name.
func (c *spanCollector) named(traceID, name string) []*otlp.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans), func(s *otlp.Span) bool {
		return hex.EncodeToString(s.GetTraceId()) != traceID || s.GetName() != name
	})
}

// attribute is a span's attribute as text or number.
func attributeOf(s *otlp.Span, name string) any {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == name {
			if text := a.GetValue().GetStringValue(); text != "" {
				return text
			}
			return a.GetValue().GetIntValue()
		}
	}
	return nil
}

// A trace of somebody else's that a publisher continues.
const (
	foreignTrace = "0af7651916cd43dd8448eb211c80319c"
	foreignSpan  = "b7ad6b7169203331"
	foreignState = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
)

// publishTraced publishes over HTTP within the foreign trace.
func publishTraced(t *testing.T, url, key, id string, states ...string) {
	t.Helper()
	text := `{"jsonrpc":"2.0","id":1,"method":"publishEvent","params":{"id":"` + id + `","type":"contact.created","data":{"email":"ann@payload.example"}}}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/rpc", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"},
		"Traceparent": {"00-" + foreignTrace + "-" + foreignSpan + "-01"},
		"Tracestate":  states,
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); !bytes.Contains(body, []byte(`"matched":1`)) {
		t.Fatalf("publish answers %s", body)
	}
}

// tracedReceiver answers 500 while it is down, and notes the traceparents it is sent.
type tracedReceiver struct {
	*httptest.Server
	down atomic.Bool
	mu   sync.Mutex
	seen []string
	// states are the tracestates, in the order of seen
	states []string
}

func receiveTraced(t *testing.T) *tracedReceiver {
	t.Helper()
	r := &tracedReceiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.seen = append(r.seen, strings.Join(request.Header.Values("Traceparent"), " "))
		r.states = append(r.states, strings.Join(request.Header.Values("Tracestate"), " "))
		r.mu.Unlock()
		if r.down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *tracedReceiver) wait(t *testing.T, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		r.mu.Lock()
		seen := slices.Clone(r.seen)
		r.mu.Unlock()
		if len(seen) >= n {
			return seen
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d requests have come, want %d", len(seen), n)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// TestATraceGoesFromPublisherToReceiver: one trace, the publisher's, holds publish, match and every attempt, also those of a later
// process.
func TestATraceGoesFromPublisherToReceiver(t *testing.T) {
	t.Parallel()
	spans, receiver, dir := collect(t), receiveTraced(t), t.TempDir()
	receiver.down.Store(true)
	const key = "a-secret-admin-key-of-the-tracing-test"
	start := func() *Service {
		s, err := Open(t.Context(), Options{
			Data: dir, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AdminKey: key, OTLPEndpoint: spans.URL + "/",
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	server := httptest.NewServer(s.Handler())
	client := s.Client(t.Context(), key)
	params := map[string]any{"endpoint": receiver.URL, "events": []string{"*"}, "retry": []float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}}
	if err := client.Call(t.Context(), "createSubscription", params, nil); err != nil {
		t.Fatal(err)
	}
	publishTraced(t, server.URL, key, "traced-1", strings.Split(foreignState, ",")...) // over two lines of the header
	receiver.wait(t, 1)
	server.Close()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := len(receiver.wait(t, 1))
	receiver.down.Store(false)
	s = start()
	seen := receiver.wait(t, before+1)
	var event struct{ Traceparent, Tracestate string }
	client = s.Client(t.Context(), key)
	if err := client.Call(t.Context(), "getEvent", map[string]any{"id": "traced-1"}, &event); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}

	publish, match, attempts := spans.named(foreignTrace, "publish"), spans.named(foreignTrace, "match"), spans.named(foreignTrace, "attempt")
	if len(publish) != 1 || len(match) != 1 || len(attempts) != len(seen) || len(attempts) < 2 {
		t.Fatalf("the trace has %d publish, %d match, %d attempts; there were %d requests", len(publish), len(match), len(attempts), len(seen))
	}
	root := hex.EncodeToString(publish[0].GetSpanId())
	if got := hex.EncodeToString(publish[0].GetParentSpanId()); got != foreignSpan {
		t.Errorf("publish is below %s, want the publisher's %s", got, foreignSpan)
	}
	if want := "00-" + foreignTrace + "-" + root + "-01"; event.Traceparent != want {
		t.Errorf("getEvent shows the traceparent %q, want %q", event.Traceparent, want)
	}
	if event.Tracestate != foreignState {
		t.Errorf("getEvent shows the tracestate %q", event.Tracestate)
	}
	for _, state := range receiver.states {
		if state != foreignState {
			t.Errorf("the receiver is sent the tracestate %q, want the publisher's", state)
		}
	}
	if got := attempts[0].GetTraceState(); got != foreignState {
		t.Errorf("the collector is told the tracestate %q", got)
	}
	for i, below := range slices.Concat(match, attempts) {
		if got := hex.EncodeToString(below.GetParentSpanId()); got != root {
			t.Errorf("span %d, %s, is below %s, want publish", i, below.GetName(), got)
		}
	}
	for _, attempt := range attempts {
		if want := "00-" + foreignTrace + "-" + hex.EncodeToString(attempt.GetSpanId()) + "-01"; !slices.Contains(seen, want) {
			t.Errorf("no request names the span %s, but %q", want, seen)
		}
	}
	first, last := attempts[0], attempts[len(attempts)-1]
	for _, c := range []struct{ got, want any }{
		{attributeOf(first, "hookswitch.attempt"), int64(1)}, {attributeOf(first, "http.response.status_code"), int64(500)},
		{attributeOf(first, "hookswitch.delivery.state"), "retrying"}, {first.GetStatus().GetCode(), otlp.Status_STATUS_CODE_ERROR},
		{attributeOf(last, "hookswitch.delivery.state"), "delivered"}, {attributeOf(last, "hookswitch.dialect"), "native"},
		{last.GetKind(), otlp.Span_SPAN_KIND_CLIENT}, {publish[0].GetKind(), otlp.Span_SPAN_KIND_SERVER},
		{attributeOf(publish[0], "hookswitch.event.id"), "traced-1"}, {attributeOf(match[0], "hookswitch.matched"), int64(1)},
	} {
		if c.got != c.want {
			t.Errorf("a span says %v, want %v", c.got, c.want)
		}
	}
	if !slices.Contains(spans.names, "hookswitch") {
		t.Errorf("the service is named %q", spans.names)
	}
	for _, secret := range []string{receiver.URL, "payload.example", key} {
		if bytes.Contains(spans.raw, []byte(secret)) {
			t.Errorf("the collector is told %s", secret)
		}
	}
}

// TestWithoutACollectorNothingIsTraced: no header for the receiver, nothing kept with the event.
func TestWithoutACollectorNothingIsTraced(t *testing.T) {
	t.Parallel()
	s, receiver := open(t), receiveTraced(t)
	s.do(t, "createSubscription", map[string]any{"endpoint": receiver.URL, "events": []string{"*"}})
	publishTraced(t, s.url, s.LocalKey(), "untraced-1", foreignState)
	if seen := receiver.wait(t, 1); seen[0] != "" || receiver.states[0] != "" {
		t.Errorf("the receiver is sent the traceparent %q and the tracestate %q", seen[0], receiver.states[0])
	}
	record, err := s.store.Event(t.Context(), 1, "untraced-1")
	if err != nil || bytes.Contains(record.Body, []byte(`"trace`)) {
		t.Errorf("%v, the event is kept as %q", err, record.Body)
	}
}

// TestATracestateThatIsNoneIsLeftOut: it says nothing of the trace, which goes on.
func TestATracestateThatIsNoneIsLeftOut(t *testing.T) {
	t.Parallel()
	spans, receiver := collect(t), receiveTraced(t)
	s := open(t, func(o *Options) { o.OTLPEndpoint = spans.URL })
	s.do(t, "createSubscription", map[string]any{"endpoint": receiver.URL, "events": []string{"*"}})
	for i, state := range []string{"no state at all", "a=1,a=2", "long=" + strings.Repeat("x", 250) + ",longer=" + strings.Repeat("x", 256)} {
		publishTraced(t, s.url, s.LocalKey(), fmt.Sprint("stateless-", i), state)
		seen := receiver.wait(t, i+1)
		if !strings.HasPrefix(seen[i], "00-"+foreignTrace+"-") || receiver.states[i] != "" {
			t.Errorf("%.20s: the receiver is sent the traceparent %q and the tracestate %q", state, seen[i], receiver.states[i])
		}
	}
}

// TestACollectorThatIsDownStopsNothing: its spans are lost, and the log says so once.
func TestACollectorThatIsDownStopsNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	down := httptest.NewServer(http.NotFoundHandler())
	defer down.Close()
	receiver := receiveTraced(t)
	s, err := Open(t.Context(), Options{
		Data: t.TempDir(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, OTLPEndpoint: down.URL, Log: zerolog.New(zerolog.SyncWriter(&log)),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := s.Client(t.Context(), s.LocalKey())
	if err := client.Call(t.Context(), "createSubscription", map[string]any{"endpoint": receiver.URL, "events": []string{"*"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Call(t.Context(), "publishEvent", map[string]any{"type": "contact.created"}, nil); err != nil {
		t.Fatal(err)
	}
	receiver.wait(t, 1)
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
	warned := 0
	for line := range strings.Lines(log.String()) {
		var m struct{ Level, Message string }
		if json.Unmarshal([]byte(line), &m) == nil && m.Level == "warn" && strings.HasPrefix(m.Message, "traces cannot be sent") {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("the log warns %d times: %s", warned, log.String())
	}
}
