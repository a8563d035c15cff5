package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// BenchmarkFairnessRatio measures how long healthy endpoints wait for their events, from publish to received at the 99th percentile,
// while as many dead endpoints (half refuse, half swallow) and as many slow ones (a byte a second) get each event too.
// "ratio" is the wait without them over that with them, so that here too more is better; the aim is 0.5. All three are medians of
// the rounds, each with an engine of its own: one stall of a shared disk is a hundredth of a round's events.
func BenchmarkFairnessRatio(b *testing.B) {
	const (
		rounds    = 3 // for each b.N
		endpoints = 100
		rate      = 200 // events a second, to one healthy endpoint each
		warm      = 15 * time.Second
		measured  = 10 * time.Second
	)
	var alone, beside, ratios []float64
	for range rounds * b.N {
		f := newFair(b, endpoints)
		f.run(b, rate, warm/5)
		was := percentile(f.run(b, rate, measured), 99)
		f.spoil(b)
		f.run(b, rate, warm)
		is := percentile(f.run(b, rate, measured), 99)
		alone, beside, ratios = append(alone, was), append(beside, is), append(ratios, was/is)
		f.close()
	}
	b.ReportMetric(median(alone), "ms-p99-alone")
	b.ReportMetric(median(beside), "ms-p99-beside")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op")
}

// standardPolicy is the beginning of the schedule that native webhooks have (methods/native).
var standardPolicy = Policy{Jitter: 0.1, Waits: []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}}

// fair is an engine with healthy endpoints, one for each type of event.
type fair struct {
	*benched
	endpoints int
	refusing  string
	slow      *httptest.Server
	close     func()

	mu       sync.Mutex
	waits    []time.Duration
	received sync.WaitGroup
}

// blackHole is where connections that are never made lead to.
const blackHole = "127.66.0."

func newFair(b *testing.B, endpoints int) *fair {
	b.Helper()
	f := &fair{endpoints: endpoints, slow: httptest.NewServer(dripping{})}
	dialler := &net.Dialer{}
	f.benched = newBenched(b, func(o *Options) {
		o.Store = o.Store.(*counted).Store // nobody counts
		o.Timeout = 5 * time.Second
		o.Policies = map[string]Policy{"bench": standardPolicy}
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, blackHole) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			_, port, _ := net.SplitHostPort(address)
			return dialler.DialContext(ctx, network, "127.0.0.1:"+port) // each endpoint is a host of its own to the engine
		}
	})
	f.engine.sender.ways.Store(newWays(f.engine.sender.ways.Load().transport, true)) // what Dial makes are sockets
	healthy := httptest.NewServer(http.HandlerFunc(f.receive))
	f.close = func() {
		f.slow.CloseClientConnections()
		f.slow.Close()
		f.benched.close()
		healthy.Close()
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	f.refusing = closed.Addr().String()
	if err := closed.Close(); err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(healthy.Listener.Addr().String())
	for i := range endpoints {
		f.webhook(b, fmt.Sprintf("http://127.0.1.%d:%s/healthy/%d", 1+i, port, i), typeOf(i))
	}
	return f
}

func typeOf(i int) string { return "t" + strconv.Itoa(i) + ".x" }

// spoil adds the dead and the slow endpoints.
func (f *fair) spoil(b *testing.B) {
	b.Helper()
	_, refusing, _ := net.SplitHostPort(f.refusing)
	_, slow, _ := net.SplitHostPort(f.slow.Listener.Addr().String())
	for i := range f.endpoints {
		dead := fmt.Sprintf("http://127.0.2.%d:%s/", 1+i, refusing)
		if i%2 == 0 {
			dead = fmt.Sprintf("http://%s%d/", blackHole, 1+i)
		}
		f.webhook(b, dead, typeOf(i))
		f.webhook(b, fmt.Sprintf("http://127.0.3.%d:%s/", 1+i, slow), typeOf(i))
	}
}

// receive notes how long an event took. Its data is when it was published.
func (f *fair) receive(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, _ := io.ReadAll(r.Body)
	published, err := strconv.ParseInt(string(body), 10, 64)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.waits = append(f.waits, now.Sub(time.Unix(0, published)))
	f.mu.Unlock()
	f.received.Done()
}

// run publishes at a rate for a while and returns how long each event took to be received by its healthy endpoint.
func (f *fair) run(b *testing.B, rate int, during time.Duration) []time.Duration {
	b.Helper()
	n := int(during.Seconds() * float64(rate))
	f.received.Add(n)
	var publishes sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for range n {
		<-tick.C
		f.serial++
		e := &schemas.Event{
			Account: 1, ID: fmt.Sprintf("evt_%d", f.serial), Type: typeOf(f.serial % f.endpoints),
			Data: json.RawMessage(strconv.FormatInt(time.Now().UnixNano(), 10)),
		}
		publishes.Go(func() {
			if got := f.engine.Publish(context.Background(), []*schemas.Event{e}, nil)[0]; got.Err != nil {
				b.Error(got.Err)
				f.received.Done()
			}
		})
	}
	publishes.Wait()
	f.received.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	waits := f.waits
	f.waits = nil
	return waits
}

// percentile is in milliseconds.
func percentile(waits []time.Duration, p int) float64 {
	slices.Sort(waits)
	return waits[len(waits)*p/100].Seconds() * 1000
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
