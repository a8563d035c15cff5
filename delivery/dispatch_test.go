package delivery

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func TestDeadEndpointDoesNotHoldUpAnother(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		h.webhook(1, &receiver{script: []int{0}}, "*")
		healthy := &receiver{script: []int{200}}
		w := h.webhook(2, healthy, "*")
		ids := h.publish(500, "a.b")
		time.Sleep(5 * time.Second) // less than one timeout of the dead one
		synctest.Wait()
		if got := healthy.ids(); len(got) != len(ids) {
			t.Errorf("the healthy one has %d of %d", len(got), len(ids))
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 500})
	})
}

func TestManyDeadEndpointsTogetherLeaveTheOthersHalf(t *testing.T) {
	small := func(h *house) { h.options.MaxInFlight, h.options.Window = 16, 256 }
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		for n := range 100 {
			h.webhook(n, &receiver{script: []int{0}}, "*")
		}
		for range 5 {
			h.publish(10, "a.b")
		}
		time.Sleep(5 * time.Minute) // time to learn who is dead; each has more waiting than there is room for
		healthy := &receiver{script: []int{200}}
		h.webhook(200, healthy, "c.d")
		ids := h.publish(100, "c.d")
		time.Sleep(time.Second)
		synctest.Wait()
		if got := healthy.ids(); len(got) != len(ids) {
			t.Errorf("the healthy one has %d of %d", len(got), len(ids))
		}
	}, small)
}

func TestWindowIsBoundedAndTheRestWaitsInTheStore(t *testing.T) {
	const window = 24
	small := func(h *house) { h.options.Window = window }
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		receivers := make([]*receiver, 5)
		for i := range receivers {
			receivers[i] = &receiver{script: []int{200}, lasts: 100 * time.Millisecond}
			h.webhook(i, receivers[i], "*")
		}
		ids := h.publish(200, "a.b")
		for h.engine.Stats().Held > 0 {
			if s := h.engine.Stats(); s.Held > window {
				t.Fatalf("%d deliveries in memory", s.Held)
			}
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
		}
		slices.Sort(ids)
		for i, r := range receivers {
			got := r.ids()
			slices.Sort(got)
			if !slices.Equal(got, ids) {
				t.Errorf("receiver %d has %d of %d", i, len(got), len(ids))
			}
		}
		if d := h.engine.dispatcher; d.held != 0 || d.heldBytes != 0 || d.trailHeld != 0 || len(d.items) != 0 {
			t.Errorf("the window does not come back to nothing: %d, %d bytes, %d trailing", d.held, d.heldBytes, d.trailHeld)
		}
	}, small)
}

func TestWindowIsBoundedByBytesToo(t *testing.T) {
	tight := func(h *house) { h.options.WindowBytes = 3 * itemOverhead }
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		w := h.webhook(1, r, "*")
		h.publish(50, "a.b")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 50})
	}, tight)
}

func TestDeliveriesDueTogetherShareAnExchange(t *testing.T) {
	inHouse(t, Policy{Batch: 10, Waits: []time.Duration{time.Minute}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200, 500, 200}, lasts: time.Second}
		w := h.webhook(1, r, "*")
		h.publish(1, "a.b")
		synctest.Wait() // under way
		for range 19 {
			h.publish(1, "a.b")
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		var sizes []int
		for _, g := range r.got {
			sizes = append(sizes, len(g.ids))
		}
		// The first alone; a full batch beside it, which fails and comes back whole; the rest.
		slices.Sort(sizes)
		if !slices.Equal(sizes, []int{1, 9, 10, 10}) {
			t.Errorf("exchanges of %v", sizes)
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 20})
	})
}

func TestExchangesAtOnceAreBounded(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		usual := &receiver{script: []int{200}, lasts: time.Second}
		single := &receiver{script: []int{200}, lasts: time.Second}
		h.webhook(1, usual, "*")
		h.amend(h.webhook(2, single, "*"), func(w *schemas.Webhook) { w.MaxInFlight = 1 })
		ids := h.publish(60, "a.b")
		most := 0
		for range 700 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			most = max(most, h.engine.Stats().InFlight)
		}
		if usual.peak != 4 || single.peak != 1 || most > 5 {
			t.Errorf("at once: %d and %d, %d in all", usual.peak, single.peak, most)
		}
		// One at a time, and nothing failed: then the order is that of the publishes.
		if got := single.ids(); !slices.Equal(got, ids) {
			t.Errorf("received %v", got)
		}
	}, func(h *house) { h.options.LaneInFlight, h.options.MaxInFlight = 4, 5 })
}

func TestLeasesAreExtendedForAsLongAsADeliveryIsHeld(t *testing.T) {
	short := func(h *house) { h.options.Hold, h.options.Timeout = 6*time.Second, 10*time.Minute }
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}, lasts: time.Minute}
		w := h.webhook(1, r, "*")
		h.publish(perLane, "a.b") // all of them find room
		for range 60 {
			time.Sleep(time.Second)
			held, _, err := h.store.Claim(t.Context(), storage.Ask{Max: 100, PerLane: 100, Hold: time.Minute})
			if err != nil || len(held) > 0 {
				t.Fatalf("%d deliveries could be claimed away, %v", len(held), err)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: perLane})
		if n := len(r.got); n != perLane {
			t.Errorf("%d exchanges", n)
		}
	}, short)
}

// stingy is a store that extends no lease.
type stingy struct{ storage.Store }

func (s stingy) Extend(_ context.Context, held []storage.Held, _ time.Duration) []error {
	return slices.Repeat([]error{storage.ErrStale}, len(held))
}

func TestLostLeaseIsLetGoAndADeliveryThatHappenedStillCounts(t *testing.T) {
	change := func(h *house) {
		h.options.Hold, h.options.Timeout, h.options.LaneInFlight = 6*time.Second, time.Minute, 1
		h.wrap = func(s storage.Store) storage.Store { return stingy{s} }
	}
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}, lasts: 5 * time.Second}
		w := h.webhook(1, r, "*")
		h.publish(4, "a.b")
		time.Sleep(5*time.Second + time.Millisecond)
		synctest.Wait()
		if n := h.deliveries(w); n[schemas.DeliveryDelivered] != 1 {
			t.Errorf("the one under way was not settled: %v", n)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 4})
		if d := h.engine.dispatcher; d.held != 0 || len(d.items) != 0 {
			t.Errorf("%d places are still taken", d.held)
		}
	}, change)
}

func TestIdleLanesAreBounded(t *testing.T) {
	d := newDispatcher(Options{MaxInFlight: 1, LaneInFlight: 1, Window: 10, WindowBytes: 1 << 20})
	d.start = func() {}
	for i := range 3 * idleLanes {
		key := storage.Lane{Account: 1, Webhook: schemas.WebhookID(i)}
		if !d.reserve(key, 1) {
			t.Fatal("no room")
		}
		d.unreserve(key, 1)
	}
	if len(d.lanes) > idleLanes || d.idle.Len() > idleLanes || d.held != 0 {
		t.Errorf("%d lanes are kept", len(d.lanes))
	}
}
