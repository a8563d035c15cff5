package delivery

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func ordered(w *schemas.Webhook) { w.Ordered = true }

// expectOrder checks that a receiver got the events in order, each only once the one before was at its end: repeats stand
// beside each other.
func expectOrder(t *testing.T, r *receiver, want []string) {
	t.Helper()
	if got := slices.Compact(r.ids()); !slices.Equal(got, want) {
		t.Errorf("received %v\nwant %v", got, want)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peak > 1 {
		t.Errorf("%d exchanges at once", r.peak)
	}
}

func TestOrderedWebhookKeepsItsOrderThroughFailures(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Minute}, 9)}, func(t *testing.T, h *house) {
		r, other := &receiver{script: []int{200, 500, 200, 200, 503, 503, 429, 200}, lasts: 5 * time.Millisecond}, &receiver{script: []int{200}}
		w := h.webhook(1, r, "a.b")
		h.amend(w, ordered)
		beside := h.webhook(2, other, "a.b")
		var ids []string
		for range 40 {
			ids = append(ids, h.publish(3, "a.b")...)
			time.Sleep(11 * time.Second)
		}
		if n := len(other.ids()); n != 120 {
			t.Errorf("the other webhook has %d of 120", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		expectOrder(t, r, ids)
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 120})
		expectStates(t, h, beside, states{schemas.DeliveryDelivered: 120})
		if failed := len(r.ids()) - 120; failed != 4 {
			t.Errorf("%d attempts failed, want 4", failed)
		}
		expectBalance(t, h)
	})
}

func TestOrderedRetryWaitsItsTimeAndHoldsTheLane(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour, 3 * time.Hour}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500, 500, 200}}
		h.amend(h.webhook(1, r, "*"), ordered)
		ids := h.publish(5, "a.b")
		began := time.Now()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		expectOrder(t, r, ids)
		for i, want := range []time.Duration{0, time.Hour, 4 * time.Hour, 4 * time.Hour} {
			if at := r.got[i].at.Sub(began); at < want || at > want+2*time.Second {
				t.Errorf("exchange %d after %s, want %s", i, at, want)
			}
		}
	}, rarePolls)
}

func TestOrderedDeadDeliveryReleasesTheNext(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Second, time.Second}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500, 500, 500, 200}}
		w := h.webhook(1, r, "*")
		h.amend(w, ordered)
		ids := h.publish(4, "a.b")
		time.Sleep(time.Minute)
		synctest.Wait()
		expectOrder(t, r, ids)
		expectStates(t, h, w, states{schemas.DeliveryDead: 1, schemas.DeliveryDelivered: 3})
	})
}

func TestOrderedBacklogBeyondTheWindowSurvivesCrashes(t *testing.T) {
	small := func(h *house) { h.options.Window = 24 }
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{20 * time.Second}, 40)}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}, lasts: 20 * time.Millisecond}
		w := h.webhook(1, r, "a.b")
		h.amend(w, ordered)
		ids := h.publish(150, "a.b")
		for i := range 6 {
			time.Sleep(507 * time.Millisecond)
			r.answer(500) // what is tried next waits for its retry when the server dies, and when it is up again
			time.Sleep(5 * time.Second)
			ids = append(ids, h.publish(20, "a.b")...)
			if i%2 == 0 {
				h.crash()
			}
			h.publish(1, "nobody.wants")
			ids = append(ids, h.publish(5, "a.b")...)
			r.answer(200)
			time.Sleep(16 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		expectOrder(t, r, ids)
		expectStates(t, h, w, states{schemas.DeliveryDelivered: len(ids)})
		expectBalance(t, h)
	}, small)
}

func TestWebhookMadeOrderedWithABacklogIsOrderedFromThenOn(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Second}, 100)}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500}}
		w := h.webhook(1, r, "*")
		ids := h.publish(60, "a.b")
		time.Sleep(20 * time.Second) // all have been tried, in any order
		h.amend(w, ordered)
		synctest.Wait()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		r.mu.Lock()
		r.got, r.peak, r.script = nil, 0, []int{200}
		r.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		expectOrder(t, r, ids)
		r.answer(500, 200)
		first := h.publish(2, "a.b")
		time.Sleep(100 * time.Millisecond)
		h.amend(w, func(w *schemas.Webhook) { w.Ordered = false })
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got := r.ids()[60:]; !slices.Equal(got, first) {
			t.Errorf("received %v, want %v: the second need not wait any more", got, first)
		}
		time.Sleep(5 * time.Second)
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 62})
	})
}
