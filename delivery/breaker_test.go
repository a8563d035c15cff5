package delivery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// dials counts connections by address, whether they come about or not.
type dials struct {
	mu   sync.Mutex
	of   map[string]int
	each func(ctx context.Context, address string) error // an error to fail with; nil: the network decides
}

// countDials puts a count in front of a house's network.
func countDials(h *house) *dials {
	d := &dials{of: map[string]int{}}
	network := h.options.Dial
	h.options.Dial = func(ctx context.Context, kind, address string) (net.Conn, error) {
		d.mu.Lock()
		d.of[address]++
		each := d.each
		d.mu.Unlock()
		if each != nil {
			if err := each(ctx, address); err != nil {
				return nil, err
			}
		}
		return network(ctx, kind, address)
	}
	return d
}

func (d *dials) count(address string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[address]
}

const sharedHost = "93.184.200.1:80"

// atSharedHost registers a webhook whose endpoint is a path of sharedHost.
func (h *house) atSharedHost(account schemas.AccountID, path string, types ...string) *schemas.Webhook {
	h.t.Helper()
	return h.register(&schemas.Webhook{
		Account: account, Dialect: "test", Endpoint: "http://" + sharedHost + path, State: schemas.StateActive,
		Match: schemas.Match{Types: types},
	})
}

// mostProbes is how many connections a dead origin may cost in that time: what opens the breaker, one for each lane that
// began before it did, and the probes.
func mostProbes(lanes int, over time.Duration) int {
	n := openAfter + lanes
	for wait := time.Second; over > 0; wait = min(2*wait, time.Minute) {
		over -= wait
		n++
	}
	return n
}

func TestDeadOriginCostsProbesAndNothingElse(t *testing.T) {
	var d *dials
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Minute}, 1000)}, func(t *testing.T, h *house) {
		var webhooks []*schemas.Webhook
		for i := range 5 {
			webhooks = append(webhooks, h.atSharedHost(1, fmt.Sprintf("/%d", i), "a.b"))
		}
		for range 20 {
			h.publish(10, "a.b") // 1000 deliveries
		}
		n := newNeighbour(h, 1)
		for range 600 {
			n.publish()
			time.Sleep(1003 * time.Millisecond)
		}
		n.expectWithin(0)
		if got, most := d.count(sharedHost), mostProbes(5, 10*time.Minute); got > most || got < 10 {
			t.Errorf("%d connections to a dead host in ten minutes, want about ten and at most %d", got, most)
		}
		if s := h.engine.Stats(); s.Held != 0 || s.Silent != 1 {
			t.Errorf("the engine holds %+v", s)
		}
		back := &receiver{script: []int{200}}
		h.network.serve(sharedHost, back)
		time.Sleep(63 * time.Second) // the longest back-off, a poll and a bit
		synctest.Wait()
		if s := h.engine.Stats(); s.Silent != 0 {
			t.Errorf("the breaker is still open: %+v", s)
		}
		time.Sleep(time.Minute) // what was tried last waits for its own retry
		synctest.Wait()
		for _, w := range webhooks {
			expectStates(t, h, w, states{schemas.DeliveryDelivered: 200})
		}
		if got := len(back.ids()); got != 1000 {
			t.Errorf("%d deliveries for 1000 events", got)
		}
		expectBalance(t, h)
	}, crowd, func(h *house) { d = countDials(h) })
}

func TestBreakerIsOpenedByWhatShowsThatNobodyIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		dial   func(context.Context, string) error
		status int
		opens  bool
	}{
		"connection refused": {dial: func(context.Context, string) error { return errors.New("refused") }, opens: true},
		"connect time-out":   {dial: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }, opens: true},
		"no answer in time":  {status: 0, opens: true},
		"500":                {status: 500},
		"404":                {status: 404},
		"429":                {status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			var d *dials
			inHouse(t, Policy{}, func(t *testing.T, h *house) {
				h.network.serve(sharedHost, &receiver{script: []int{c.status}})
				d.each = c.dial
				h.atSharedHost(1, "/", "*")
				for range 2 * openAfter { // one after the other
					h.publish(1, "a.b")
					time.Sleep(h.engine.o.Timeout + 10*time.Millisecond)
				}
				synctest.Wait()
				if got := h.engine.Stats().Silent == 1; got != c.opens {
					t.Errorf("the breaker is open: %v", got)
				}
			}, func(h *house) { d = countDials(h) })
		})
	}
}

func TestBreakerIsOpenedByDNSAndTLS(t *testing.T) {
	for _, c := range []struct {
		name, endpoint string
		answer         []netip.Addr
	}{{"DNS", "http://gone.example/", nil}, {"TLS", "https://plain.example/", []netip.Addr{netip.MustParseAddr("93.184.200.1")}}} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, Policy{}, func(t *testing.T, h *house) {
				h.network.serve("93.184.200.1:443", http.NotFoundHandler()) // speaks no TLS
				w := h.register(&schemas.Webhook{
					Account: 1, Dialect: "test", Endpoint: c.endpoint, State: schemas.StateActive, Match: schemas.Match{Types: []string{"*"}},
				})
				h.publish(50, "a.b")
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				if s := h.engine.Stats(); s.Silent != 1 {
					t.Errorf("%+v, %v", s, h.deliveries(w))
				}
			}, func(h *house) { h.options.Resolver = fixed(c.answer) })
		})
	}
}

func TestNextAddressOfAHostIsTriedWhenOneIsSilent(t *testing.T) {
	const silent, speaking = "93.184.200.2", "93.184.200.3"
	var d *dials
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		h.network.serve(speaking+":80", r)
		d.each = func(ctx context.Context, address string) error {
			if address == silent+":80" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		h.register(&schemas.Webhook{
			Account: 1, Dialect: "test", Endpoint: "http://two.example.com/", State: schemas.StateActive, Match: schemas.Match{Types: []string{"*"}},
		})
		ids := h.publish(1, "a.b")
		time.Sleep(addressWait)
		synctest.Wait()
		if got := r.ids(); !slices.Equal(got, ids) {
			t.Errorf("received %q of %q", got, ids)
		}
	}, func(h *house) {
		h.options.Resolver = fixed{netip.MustParseAddr(silent), netip.MustParseAddr(speaking)}
		d = countDials(h)
	})
}

func TestProbeThatNeverGotThereSaysNothing(t *testing.T) {
	var at moving
	at.point("93.184.200.1")
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Second}, 1000)}, func(t *testing.T, h *house) {
		h.register(&schemas.Webhook{
			Account: 1, Dialect: "test", Endpoint: "http://moves.example/", State: schemas.StateActive, Match: schemas.Match{Types: []string{"*"}},
		})
		h.publish(20, "a.b")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		at.point("10.0.0.1") // refused by the guard
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if s := h.engine.Stats(); s.Silent != 1 || len(h.reports) > 300 || h.reports[len(h.reports)-1].Attempt.Error != schemas.ErrorRefused {
			t.Errorf("%+v after %d exchanges", s, len(h.reports))
		}
	}, func(h *house) { h.options.Resolver = &at })
}

func TestBreakerIsOfOneAccount(t *testing.T) {
	var d *dials
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		h.atSharedHost(1, "/", "*")
		h.publish(20, "a.b")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		before := d.count(sharedHost)
		h.network.serve(sharedHost, &receiver{script: []int{200}})
		other := h.atSharedHost(2, "/other", "*")
		h.engine.Publish(t.Context(), []*schemas.Event{{Account: 2, ID: "mine", Type: "a.b"}}, nil)
		synctest.Wait()
		if n := d.count(sharedHost) - before; n != 1 {
			t.Errorf("%d connections of the other account", n)
		}
		expectStates(t, h, other, states{schemas.DeliveryDelivered: 1})
		if s := h.engine.Stats(); s.Silent != 1 {
			t.Errorf("what one account learnt counts for another: %+v", s)
		}
	}, func(h *house) { d = countDials(h) })
}

// paths answers by path.
type paths map[string]*receiver

func (p paths) ServeHTTP(w http.ResponseWriter, r *http.Request) { p[r.URL.Path].ServeHTTP(w, r) }

// besideHangingPath registers a webhook for "c.d" that answers by a script, at a host where another's path has hung for five
// minutes, so that the breaker is open.
func (h *house) besideHangingPath(script ...int) *schemas.Webhook {
	h.t.Helper()
	h.network.serve(sharedHost, paths{"/other": {script: script}, "/hangs": {script: []int{0}}})
	h.atSharedHost(1, "/hangs", "a.b")
	h.publish(100, "a.b")
	w := h.atSharedHost(1, "/other", "c.d")
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	if s := h.engine.Stats(); s.Silent != 1 {
		h.t.Fatalf("%+v", s)
	}
	return w
}

func TestLanesOfAnOriginTakeTurnsToProbe(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Second}, 10000)}, func(t *testing.T, h *house) {
		w := h.besideHangingPath(0, 200)
		h.publish(5, "c.d")                        // the first fails, and the others are barred like the other lane's
		time.Sleep(2*time.Minute + 30*time.Second) // at most one probe of the other comes first
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 5})
	})
}

func TestHangingPathDoesNotHoldUpAnotherAtTheSameHost(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Second}, 10000)}, func(t *testing.T, h *house) {
		w := h.besideHangingPath(200)
		for n := range 5 {
			h.publish(1, "c.d")
			synctest.Wait() // no time passes
			expectStates(t, h, w, states{schemas.DeliveryDelivered: n + 1})
			time.Sleep(time.Minute)
		}
	})
}

func TestOrderHoldsWhileTheBreakerOpensAndCloses(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Second}, 10000)}, func(t *testing.T, h *house) {
		h.amend(h.atSharedHost(1, "/", "*"), func(w *schemas.Webhook) { w.Ordered = true })
		ids := h.publish(30, "a.b")
		time.Sleep(5 * time.Minute)
		r := &receiver{script: []int{200}}
		h.network.serve(sharedHost, r)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		expectOrder(t, r, ids)
	})
}

func TestNewEndpointAndAnsweredTryNeedNotWaitForAProbe(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Second}, 10000)}, func(t *testing.T, h *house) {
		moves, stays := h.atSharedHost(1, "/moves", "a.b"), h.atSharedHost(1, "/stays", "a.b")
		h.publish(30, "a.b")
		time.Sleep(5*time.Minute + 100*time.Millisecond)
		h.network.serve("93.184.200.2:80", &receiver{script: []int{200}})
		h.amend(moves, func(w *schemas.Webhook) { w.Endpoint = "http://93.184.200.2/" })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expectStates(t, h, moves, states{schemas.DeliveryDelivered: 30})
		if n := h.deliveries(stays); n[schemas.DeliveryDelivered] != 0 {
			t.Fatalf("the other has %v", n)
		}
		h.network.serve(sharedHost, &receiver{script: []int{200}})
		if a, err := h.engine.Try(t.Context(), stays, &schemas.Event{Account: 1, ID: "try", Type: "x"}); err != nil || !a.OK {
			t.Fatalf("%+v, %v", a, err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expectStates(t, h, stays, states{schemas.DeliveryDelivered: 30})
		expectBalance(t, h)
	})
}

func TestMoreBlockedLanesThanAreKeptIdleDoNotKeepTheClaimerBusy(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Minute}, 1000)}, func(t *testing.T, h *house) {
		for i := range idleLanes + 200 {
			h.atSharedHost(1, fmt.Sprintf("/%d", i), "a.b")
		}
		h.publish(2, "a.b")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if claims := h.claimsIn(5 * time.Minute); claims > 1000 {
			t.Errorf("%d claims in five minutes of nothing but probes", claims)
		}
		h.network.serve(sharedHost, &receiver{script: []int{200}})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if s := h.engine.Stats(); s.Held != 0 || s.Silent != 0 || s.Lanes > idleLanes {
			t.Errorf("in the end %+v", s)
		}
		if open, _, err := h.store.Backlog(t.Context(), 10, storage.Lane{Account: 1, Webhook: 1}); err != nil || open != 0 {
			t.Errorf("%d are still owed, %v", open, err)
		}
	}, func(h *house) { h.options.MaxInFlight = 16 })
}
