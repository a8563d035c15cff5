package bolt

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// These benchmarks call the store from N goroutines with nothing around it: they are the yardstick that the whole
// service is measured against. Each reports what was acknowledged in a second.

var benchCallers = []int{1, 64, 256}

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// share runs b.N calls from that many goroutines.
func share(b *testing.B, callers int, unit string, call func(n int)) {
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				call(n)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
}

func benchEvent(n, lanes int, body []byte) []storage.NewEvent {
	return []storage.NewEvent{{
		Account: 1, ID: fmt.Sprintf("evt_%012d", n), Type: "contact.created", Body: body,
		To: []storage.Target{{Webhook: schemas.WebhookID(n%lanes + 1), Hold: time.Minute}},
	}}
}

func BenchmarkAccept(b *testing.B) {
	body := make([]byte, 1024)
	for _, callers := range benchCallers {
		b.Run("callers="+strconv.Itoa(callers), func(b *testing.B) {
			s := benchStore(b)
			share(b, callers, "events/s", func(n int) {
				if got := s.Accept(b.Context(), benchEvent(n, 100, body)); got[0].Err != nil {
					b.Error(got[0].Err)
				}
			})
		})
	}
}

// BenchmarkSettle is the whole life of an event: accepted, leased at birth, settled with one attempt.
func BenchmarkSettle(b *testing.B) {
	body := make([]byte, 1024)
	attempt := &schemas.Attempt{Number: 1, OK: true, Status: 200, Duration: time.Millisecond,
		RequestHeaders: [][2]string{{"Content-Type", "application/json"}, {"Webhook-Id", "evt_000000000001"}}}
	for _, callers := range benchCallers {
		b.Run("callers="+strconv.Itoa(callers), func(b *testing.B) {
			s := benchStore(b)
			share(b, callers, "events/s", func(n int) {
				got := s.Accept(b.Context(), benchEvent(n, 100, body))
				if got[0].Err != nil {
					b.Error(got[0].Err)
					return
				}
				out := []storage.Outcome{{Held: got[0].Held[0], Next: storage.Done, Attempt: attempt}}
				if done := s.Settle(b.Context(), out); done[0].Err != nil {
					b.Error(done[0].Err)
				}
			})
		})
	}
}

func BenchmarkRegister(b *testing.B) {
	body := make([]byte, 512)
	for _, callers := range benchCallers {
		b.Run("callers="+strconv.Itoa(callers), func(b *testing.B) {
			s := benchStore(b)
			share(b, callers, "records/s", func(n int) {
				r := storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: strconv.Itoa(n), Body: body}
				if _, created, err := s.Register(b.Context(), r); err != nil || !created {
					b.Error(created, err)
				}
			})
		})
	}
}

// BenchmarkClaim hands out one delivery and takes it back, with many lanes that have much due.
func BenchmarkClaim(b *testing.B) {
	s := benchStore(b)
	batch := make([]storage.NewEvent, 0, 20000)
	for n := range cap(batch) {
		e := benchEvent(n, 1000, make([]byte, 256))[0]
		e.To[0].Hold = 0
		batch = append(batch, e)
	}
	s.Accept(b.Context(), batch)
	var handed int
	b.ResetTimer()
	for b.Loop() {
		held, _, err := s.Claim(b.Context(), storage.Ask{Max: 100, PerLane: 4, Hold: time.Microsecond})
		if err != nil {
			b.Fatal(err)
		}
		handed += len(held)
	}
	b.ReportMetric(float64(handed)/b.Elapsed().Seconds(), "deliveries/s")
}
