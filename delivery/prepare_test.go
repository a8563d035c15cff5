package delivery

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// preparing is a dialect that is ready only after a while.
type preparing struct {
	testFormat
	ready *atomic.Bool
}

func (p preparing) Ready() bool { return p.ready.Load() }

func TestDeliveriesWaitForADialectThatPrepares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ready atomic.Bool
		h := newHouse(t, Policy{}, func(h *house) {
			h.options.Formats["slow"] = preparing{testFormat{}, &ready}
			h.options.MaxInFlight = 1
		})
		defer h.close()
		slow, quick := &receiver{script: []int{200}}, &receiver{script: []int{200}}
		h.webhook(1, quick, "quick")
		h.network.serve("93.184.0.3:80", slow)
		w := h.register(&schemas.Webhook{
			Account: 1, Dialect: "slow", Endpoint: "http://93.184.0.3/", State: schemas.StateActive,
			Match: schemas.Match{Types: []string{"slow"}},
		})
		h.publish(20, "slow")
		h.publish(5, "quick")
		time.Sleep(10 * time.Second)
		if got := len(quick.ids()); got != 5 {
			t.Errorf("%d deliveries of another dialect went out meanwhile, want 5", got)
		}
		if got := len(slow.ids()); got != 0 {
			t.Errorf("%d deliveries went out too early", got)
		}
		ready.Store(true)
		time.Sleep(2 * time.Second)
		if got := len(slow.ids()); got != 20 {
			t.Errorf("%d of 20 deliveries went out once it was ready", got)
		}
		for _, g := range slow.got {
			if g.attempt != "1" {
				t.Errorf("attempt %s: waiting counted as one", g.attempt)
			}
		}
		if got := h.deliveries(w)[schemas.DeliveryDelivered]; got != 20 {
			t.Errorf("%d deliveries are recorded as delivered", got)
		}
	})
}
