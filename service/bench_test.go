package service

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
	"github.com/hookswitch/hookswitch/storage/bolt"
)

// The benchmarks alternate rounds of the service and of its yardstick in one run and report the quotient of their speeds
// as "ratio", because absolute figures of a shared machine mean little.

const roundSize = 8_000

// BenchmarkRatioAddWebhook: addWebhook over WebSocket, 64 callers in flight, against the committer alone fed the same
// records, webhooks with their audit entries, by 64 callers.
func BenchmarkRatioAddWebhook(b *testing.B) {
	s := benchService(b)
	raw := benchStore(b)
	record, entry := sampleRecord(b, s), sampleEntry(b, s)
	serial := 0
	ratio(b, func(n int) func() {
		from := serial
		serial += n
		return s.flood(b, 1, 64, n, func(i int) []byte {
			return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"addWebhook","params":["%s",{"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/%d.php"}]}`, i, s.key, from+i)
		})
	}, func(n int) {
		from := serial
		callers(64, n, func(i int) {
			r := record
			r.Fingerprint = fmt.Sprint(record.Fingerprint, from+i)
			if _, _, err := raw.Register(context.Background(), r, func(int64) storage.Record { return entry }); err != nil {
				b.Error(err)
			}
		})
	})
}

// sampleRecord is a record as addWebhook stores it.
func sampleRecord(b *testing.B, s *benched) storage.Record {
	params := json.RawMessage(`["` + s.key + `",{"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/sample.php"}]`)
	var id int64
	if err := s.Client(b.Context(), s.key).Call(b.Context(), "addWebhook", params, &id); err != nil {
		b.Fatal(err)
	}
	record, err := s.store.Get(b.Context(), storage.KindWebhook, 1, id)
	if err != nil {
		b.Fatal(err)
	}
	return record
}

// sampleEntry is the newest entry of the audit log: what addWebhook stores beside that record.
func sampleEntry(b *testing.B, s *benched) (newest storage.Record) {
	for id := int64(1); ; id++ {
		entry, err := s.store.Get(b.Context(), storage.KindAudit, 0, id)
		if errors.Is(err, storage.ErrAbsent) && newest.ID > 0 {
			return newest
		}
		if err != nil {
			b.Fatal(err)
		}
		newest = entry
	}
}

// BenchmarkRatioPublish: publishEvent of 1 KiB over WebSocket, 256 in flight, one webhook matching, against the committer
// alone accepting the same events and deliveries from 256 callers.
func BenchmarkRatioPublish(b *testing.B) {
	s := benchService(b)
	raw := benchStore(b)
	// The receiver answers nobody until the end, so that only the intake is measured.
	stuck := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	b.Cleanup(receiver.Close)
	b.Cleanup(func() { close(stuck) })
	s.subscribe(b, receiver.URL)
	body := sampleEvent(b)
	ratio(b, func(n int) func() {
		run := s.flood(b, 4, 64, n, publishFrame)
		return func() {
			run()
			inFile(b, s.store)
		}
	}, func(n int) {
		defer inFile(b, raw)
		callers(256, n, func(int) {
			got := raw.Accept(context.Background(), []storage.NewEvent{{
				Account: 1, ID: "evt_" + fmt.Sprint(time.Now().UnixNano()), Type: "contact.created", Body: body,
				To: []storage.Target{{Webhook: 1, Hold: time.Minute}},
			}})
			if got[0].Err != nil {
				b.Error(got[0].Err)
			}
		})
	})
}

// BenchmarkRatioPublishBatch: publishEvents of 100 events of 1 KiB over WebSocket, 16 calls in flight, one webhook matching,
// against the store alone accepting the same events and deliveries in batches of the same size from 16 callers.
func BenchmarkRatioPublishBatch(b *testing.B) {
	const batch = 100
	s := benchService(b)
	raw := benchStore(b)
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(receiver.Close)
	params := map[string]any{"endpoint": receiver.URL, "events": []string{"contact.*"}, "rateLimit": 0.001} // hardly any is sent
	if err := s.Client(b.Context(), s.key).Call(b.Context(), "createSubscription", params, nil); err != nil {
		b.Fatal(err)
	}
	body := sampleEvent(b)
	event := `{"type":"contact.created","data":` + oneKiB + `}`
	batched := `{"events":[` + strings.Repeat(event+",", batch-1) + event + `]}`
	var serial atomic.Int64
	ratio(b, func(n int) func() {
		run := s.flood(b, 4, 4, n/batch, func(i int) []byte {
			return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"publishEvents","params":%s}`, i, batched)
		})
		return func() {
			run()
			inFile(b, s.store)
		}
	}, func(n int) {
		defer inFile(b, raw)
		callers(16, n/batch, func(int) {
			events := make([]storage.NewEvent, batch)
			for i := range events {
				events[i] = storage.NewEvent{
					Account: 1, ID: fmt.Sprintf("evt_%026d", serial.Add(1)), Type: "contact.created", Body: body,
					To: []storage.Target{{Webhook: 1}},
				}
			}
			for _, got := range raw.Accept(context.Background(), events) {
				if got.Err != nil {
					b.Error(got.Err)
				}
			}
		})
	})
}

// BenchmarkRatioLatency: at low load, one event at a time, the median time from publish (over WebSocket) to received, against
// the sum of the medians of one commit of the store alone and one bare POST to the same receiver. "ratio" is theirs over ours.
func BenchmarkRatioLatency(b *testing.B) {
	s := benchService(b)
	raw := benchStore(b)
	arrived := make(chan struct{}, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
	}))
	b.Cleanup(receiver.Close)
	s.subscribe(b, receiver.URL)
	body := sampleEvent(b)
	client := &http.Client{}
	socket, _, err := websocket.DefaultDialer.Dial(s.socket, http.Header{"Authorization": {"Bearer " + s.key}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = socket.Close() })
	var ours, commits, posts []time.Duration
	serial := 0
	for b.Loop() {
		serial++
		commits = append(commits, clock(func() {
			raw.Accept(context.Background(), []storage.NewEvent{{
				Account: 1, ID: fmt.Sprintf("evt_%026d", serial), Type: "contact.created", Body: body,
				To: []storage.Target{{Webhook: 1, Hold: time.Minute}},
			}})
		}))
		posts = append(posts, clock(func() {
			answer, err := client.Post(receiver.URL, "application/json", strings.NewReader(oneKiB))
			if err != nil {
				b.Error(err)
				return
			}
			<-arrived
			_ = answer.Body.Close()
		}))
		ours = append(ours, clock(func() {
			if err := socket.WriteMessage(websocket.TextMessage, publishFrame(serial)); err != nil {
				b.Error(err)
			}
			<-arrived
		}))
		if _, _, err := socket.ReadMessage(); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(median(commits)+median(posts))/float64(median(ours)), "ratio")
	b.ReportMetric(float64(median(ours).Microseconds()), "µs-p50")
	b.ReportMetric(float64((median(commits) + median(posts)).Microseconds()), "yardstick-µs-p50")
	b.ReportMetric(0, "ns/op")
}

func clock(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkRatioObserved: publishEvent of 1 KiB over WebSocket, 256 in flight, with metrics and the usual log, against the same without
// either. No webhook matches, so that nothing hides what they cost.
func BenchmarkRatioObserved(b *testing.B) {
	usual := zerolog.New(io.Discard).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	benchObserved(b, func(o *Options) { o.Log = usual })
}

// BenchmarkRatioAccessLog: the same with a line for each call.
func BenchmarkRatioAccessLog(b *testing.B) {
	all := zerolog.New(io.Discard).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	benchObserved(b, func(o *Options) { o.Log, o.AccessLog = all, true })
}

func benchObserved(b *testing.B, observe func(*Options)) {
	watched := benchService(b, observe)
	bare := benchService(b, func(o *Options) { o.unmeasured = true })
	rounds := map[int]func(){}
	for _, n := range []int{roundSize / 4, roundSize} { // made beforehand: the yardstick's preparation would count
		rounds[n] = bare.flood(b, 4, 64, n, publishFrame)
	}
	ratio(b, func(n int) func() { return watched.flood(b, 4, 64, n, publishFrame) }, func(n int) { rounds[n]() })
}

var oneKiB = `{"email":"ann@example.com","note":"` + strings.Repeat("0123456789abcdef", 61) + `"}`

func publishFrame(i int) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"publishEvent","params":{"type":"contact.created","data":%s}}`, i, oneKiB)
}

func sampleEvent(b *testing.B) []byte {
	body, err := schemas.AppendEvent(nil, &schemas.Event{
		ID: "evt_01J00000000000000000000000", Type: "contact.created", Time: time.Now().UTC(), Data: json.RawMessage(oneKiB),
	})
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// BenchmarkRatioDeliver: from publish over WebSocket to delivered and settled, against a bare http.Client loop, 64 in
// flight, posting the same bytes to the same receiver.
func BenchmarkRatioDeliver(b *testing.B) {
	s := benchService(b)
	var received atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		received.Add(1)
	}))
	b.Cleanup(receiver.Close)
	s.subscribe(b, receiver.URL)
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: 256, MaxIdleConnsPerHost: 256, DisableCompression: true,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	}}
	body := []byte(`{"type":"contact.created","timestamp":"2026-11-21T00:00:00Z","data":` + oneKiB + `}`)
	ratio(b, func(n int) func() {
		publish := s.flood(b, 4, 64, n, publishFrame)
		return func() {
			want := received.Load() + int64(n)
			publish()
			for received.Load() < want {
				time.Sleep(time.Millisecond)
			}
			for s.owed(b) > 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}, func(n int) {
		callers(64, n, func(int) {
			request, err := http.NewRequest(http.MethodPost, receiver.URL, bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			request.Header = http.Header{
				"Content-Type": {"application/json"}, "webhook-id": {"evt_01J00000000000000000000000"},
				"webhook-timestamp": {"1763683200"}, "webhook-signature": {"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
			}
			answer, err := client.Do(request)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		})
	})
}

// ratio runs rounds of the service and of the yardstick in turn. What prepares a round is not measured.
func ratio(b *testing.B, service func(n int) (run func()), yardstick func(n int)) {
	service(roundSize / 4)() // warm up
	yardstick(roundSize / 4)
	var ours, theirs time.Duration
	rounds := 0
	for b.Loop() {
		run := service(roundSize)
		start := time.Now()
		yardstick(roundSize)
		middle := time.Now()
		run()
		theirs += middle.Sub(start)
		ours += time.Since(middle)
		rounds++
	}
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(float64(rounds*roundSize)/ours.Seconds(), "ops/s")
	b.ReportMetric(float64(rounds*roundSize)/theirs.Seconds(), "yardstick/s")
	b.ReportMetric(0, "ns/op")
}

// callers spreads n calls over c goroutines.
func callers(c, n int, call func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range c {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				call(int(i))
			}
		})
	}
	all.Wait()
}

// benched is a service under measurement.
type benched struct {
	*Service
	key     string
	socket  string
	sockets []*websocket.Conn
}

func benchService(b *testing.B, change ...func(*Options)) *benched {
	s := open(b, append(change, func(o *Options) { o.Timeout = time.Minute })...)
	return &benched{Service: s.Service, key: s.LocalKey(), socket: strings.Replace(s.url, "http", "ws", 1) + "/rpc"}
}

func (s *benched) owed(b *testing.B) int64 {
	health, err := s.store.Check(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return health.Open
}

func benchStore(b *testing.B) storage.Store {
	store, err := bolt.Open(bolt.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

func (s *benched) subscribe(b *testing.B, endpoint string) {
	params := map[string]any{"endpoint": endpoint, "events": []string{"contact.*"}, "maxInFlight": 64}
	if err := s.Client(b.Context(), s.key).Call(b.Context(), "createSubscription", params, nil); err != nil {
		b.Fatal(err)
	}
}

// flood readies n calls over sockets, each with so many unanswered at most; the result sends them and waits for all
// answers. A client of its own, because an ordinary one costs more than the server: the frames are made beforehand, and
// those that may go out together do so in one write.
func (s *benched) flood(b *testing.B, sockets, inFlight, n int, text func(i int) []byte) (run func()) {
	for len(s.sockets) < sockets {
		c, _, err := websocket.DefaultDialer.Dial(s.socket, http.Header{"Authorization": {"Bearer " + s.key}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		s.sockets = append(s.sockets, c)
	}
	share := n / sockets
	frames := make([][]byte, share*sockets)
	for i := range frames {
		frames[i] = frame(text(i))
	}
	return func() {
		var all sync.WaitGroup
		for k := range sockets {
			free := make(chan struct{}, inFlight)
			for range inFlight {
				free <- struct{}{}
			}
			all.Go(func() { writeFrames(b, s.sockets[k], frames[k*share:(k+1)*share], free) })
			all.Go(func() { readAnswers(b, s.sockets[k], share, free) })
		}
		all.Wait()
	}
}

// inFile waits until the store's file has what is durable in its journal: a round must not leave that work to the next.
func inFile(b *testing.B, s storage.Store) {
	if _, _, err := s.Events(b.Context(), 1, storage.EventQuery{Page: storage.Page{Limit: 1}}); err != nil {
		b.Error(err)
	}
}

// frame is a masked text frame; the mask is zero, which leaves the text as it is.
func frame(text []byte) []byte {
	out := append(make([]byte, 0, len(text)+14), 0x81)
	switch {
	case len(text) < 126:
		out = append(out, 0x80|byte(len(text)))
	case len(text) < 1<<16:
		out = append(out, 0x80|126, byte(len(text)>>8), byte(len(text)))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 0x80|127), uint64(len(text)))
	}
	return append(append(out, 0, 0, 0, 0), text...)
}

// writeFrames writes frames as places come free.
func writeFrames(b *testing.B, c *websocket.Conn, frames [][]byte, free <-chan struct{}) {
	var out []byte
	for i := 0; i < len(frames); {
		<-free
		out = append(out[:0], frames[i]...)
		for i++; i < len(frames) && len(free) > 0; i++ {
			<-free
			out = append(out, frames[i]...)
		}
		if _, err := c.NetConn().Write(out); err != nil {
			b.Error(err)
			return
		}
	}
}

// readAnswers reads n answers.
func readAnswers(b *testing.B, c *websocket.Conn, n int, free chan<- struct{}) {
	for range n {
		_, answer, err := c.ReadMessage()
		if err != nil || bytes.Contains(answer, []byte(`"error":{`)) {
			b.Errorf("%v: %s", err, answer)
			return
		}
		free <- struct{}{}
	}
}
