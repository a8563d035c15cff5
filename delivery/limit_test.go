package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func limited(rate float64) func(*schemas.Webhook) {
	return func(w *schemas.Webhook) { w.RateLimit = rate }
}

// expectRate checks that in no stretch of time more came than burst and rate allow, and in all about as much.
func expectRate(t *testing.T, r *receiver, rate float64, over time.Duration) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.got {
		for j := i; j < len(r.got); j++ {
			most := max(1, rate) + rate*r.got[j].at.Sub(r.got[i].at).Seconds()
			if n := j - i + 1; float64(n) > most+0.01 {
				t.Fatalf("%d in %s, want %.2f at most", n, r.got[j].at.Sub(r.got[i].at), most)
			}
		}
	}
	want := rate * over.Seconds()
	if n := float64(len(r.got)); n < 0.97*want-1 || n > 1.02*want+max(1, rate) {
		t.Errorf("%v came in %s, want about %.0f", n, over, want)
	}
}

func TestRateIsKept(t *testing.T) {
	for name, rate := range map[string]float64{"slow": 0.05, "odd": 1.0 / 3, "one": 1, "some": 7.5, "many": 40} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, Policy{}, func(t *testing.T, h *house) {
				r := &receiver{script: []int{200}, lasts: 30 * time.Millisecond}
				w := h.webhook(1, r, "*")
				h.amend(w, limited(rate))
				over := time.Duration(30 / rate * float64(time.Second))
				for range 10 {
					h.publish(10, "a.b")
				}
				time.Sleep(over)
				synctest.Wait()
				if rate < 40 {
					expectRate(t, r, rate, over)
				}
				if held := h.engine.Stats().Held; held > 1+int(2*rate)+h.options.LaneInFlight {
					t.Errorf("%d are held for a rate of %v", held, rate)
				}
				time.Sleep(4 * over)
				synctest.Wait()
				expectRate(t, r, rate, time.Duration(100/rate*float64(time.Second)))
				expectStates(t, h, w, states{schemas.DeliveryDelivered: 100})
				expectBalance(t, h)
			})
		})
	}
}

func TestSlowReceiverStillGetsItsRate(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}, lasts: 3 * time.Second}
		h.amend(h.webhook(1, r, "*"), limited(1))
		h.publish(200, "a.b")
		time.Sleep(100 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		n := len(r.got)
		r.mu.Unlock()
		if n < 85 || n > 101 {
			t.Errorf("%d began in 100 s, want about 100", n)
		}
	})
}

func TestLimitedLanesHoldUpNoOther(t *testing.T) {
	small := func(h *house) { h.options.MaxInFlight, h.options.Window = 16, 128 }
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		for i := range 60 { // together more than the window, if they could
			h.amend(h.webhook(i, &receiver{script: []int{200}}, "a.b"), limited(0.2))
		}
		h.publish(50, "a.b")
		time.Sleep(30 * time.Second)
		n := newNeighbour(h, 1)
		for range 30 {
			for range 20 {
				n.publish()
			}
			time.Sleep(1003 * time.Millisecond)
		}
		n.expectWithin(100 * time.Millisecond)
	}, small)
}

func TestLimitedLaneDoesNotPollHot(t *testing.T) {
	counted := func(h *house) { h.options.Poll = time.Hour }
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		h.amend(h.webhook(1, r, "*"), limited(0.01))
		h.publish(30, "a.b")
		time.Sleep(time.Second)
		synctest.Wait()
		claims := h.claimsIn(1000 * time.Second)
		if n := len(r.ids()); n != 11 || claims > 60 {
			t.Errorf("%d deliveries and %d claims in 1000 s, want 11 deliveries and a few claims each", n, claims)
		}
	}, counted)
}

func TestOrderedLimitedWebhookKeepsBoth(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Second}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200, 500, 200}}
		h.amend(h.webhook(1, r, "*"), func(w *schemas.Webhook) { w.Ordered, w.RateLimit = true, 5 })
		ids := h.publish(60, "a.b")
		time.Sleep(15 * time.Second)
		synctest.Wait()
		expectOrder(t, r, ids)
		expectRate(t, r, 5, 12*time.Second)
	})
}

func TestRateCanBeChanged(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		w := h.webhook(1, r, "*")
		h.amend(w, limited(0.0001))
		h.publish(100, "a.b")
		time.Sleep(time.Minute)
		h.amend(w, limited(10))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := len(r.ids()); n < 40 || n > 62 {
			t.Errorf("%d in 5 s at 10 a second", n)
		}
		h.amend(w, limited(0))
		time.Sleep(2 * time.Second)
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 100})
	})
}
