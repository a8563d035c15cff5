package delivery

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// crowd is a house with places for 16 exchanges, 4 of one lane, and 128 slow ones.
func crowd(h *house) { h.options.MaxInFlight, h.options.LaneInFlight, h.options.Window = 16, 2, 256 }

// neighbour is a webhook of another account than the house's own, with a receiver that answers at once.
type neighbour struct {
	h       *house
	r       *receiver
	account schemas.AccountID
	sent    []time.Time
}

func newNeighbour(h *house, account schemas.AccountID) *neighbour {
	address := fmt.Sprintf("93.184.77.%d", account)
	n := &neighbour{h: h, r: &receiver{script: []int{200}}, account: account}
	h.network.serve(address+":80", n.r)
	h.register(&schemas.Webhook{
		Account: account, Dialect: "test", Endpoint: "http://" + address + "/", State: schemas.StateActive,
		Match: schemas.Match{Types: []string{"quick"}},
	})
	return n
}

// publish publishes one event to the neighbour.
func (n *neighbour) publish() {
	n.h.t.Helper()
	event := &schemas.Event{Account: n.account, ID: "quick_" + strconv.Itoa(len(n.sent)), Type: "quick"}
	n.sent = append(n.sent, time.Now())
	if got := n.h.engine.Publish(n.h.t.Context(), []*schemas.Event{event}, nil)[0]; got.Err != nil || got.Matched != 1 {
		n.h.t.Fatalf("published %+v", got)
	}
}

// expectWithin checks that what was published began to be delivered within limit, once each.
func (n *neighbour) expectWithin(limit time.Duration) {
	n.h.t.Helper()
	synctest.Wait()
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	if len(n.r.got) != len(n.sent) {
		n.h.t.Errorf("%d of %d arrived", len(n.r.got), len(n.sent))
	}
	for _, g := range n.r.got {
		i, err := strconv.Atoi(g.ids[0][len("quick_"):])
		if err != nil {
			n.h.t.Fatal(err)
		}
		if waited := g.at.Sub(n.sent[i]); waited > limit {
			n.h.t.Errorf("the event of second %d waited %s", i, waited)
		}
	}
}

// expectBalance checks that nothing is counted any more once nothing is under way.
func expectBalance(t *testing.T, h *house) {
	t.Helper()
	d := h.engine.dispatcher
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.workers != 0 || d.trailWorkers != 0 || d.slow != 0 || d.fresh.Len() != 0 || len(d.busy) != 0 {
		t.Errorf("places are still taken: %d, %d trailing, %d slow, %d fresh, of %d accounts", d.workers, d.trailWorkers, d.slow,
			d.fresh.Len(), len(d.busy))
	}
	if d.held != 0 || d.heldBytes != 0 || d.trailHeld != 0 || d.trailBytes != 0 {
		t.Errorf("the window is still taken: %d, %d bytes, %d and %d trailing", d.held, d.heldBytes, d.trailHeld, d.trailBytes)
	}
	for _, l := range d.lanes {
		if l.running != 0 || l.fresh != 0 || l.late != 0 || l.held != 0 || l.bytes != 0 {
			t.Errorf("lane %v still counts %d, %d, %d, %d, %d", l.key, l.running, l.fresh, l.late, l.held, l.bytes)
		}
	}
}

func TestGreedyWebhookThatBeginsToHangLeavesTheOthersTheirPlaces(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		greedy := &receiver{script: []int{200}, lasts: 10 * time.Millisecond}
		w := h.webhook(1, greedy, "*")
		h.amend(w, func(w *schemas.Webhook) { w.MaxInFlight = 1000 })
		for range 100 { // it is fast, and so is granted more and more
			h.publish(10, "a.b")
			time.Sleep(101 * time.Millisecond)
		}
		greedy.mu.Lock()
		if greedy.peak != h.engine.dispatcher.laneShare() {
			t.Errorf("%d at once while it was fast, want its share of %d", greedy.peak, h.engine.dispatcher.laneShare())
		}
		greedy.lasts = 30 * time.Second // longer than the timeout
		greedy.mu.Unlock()
		n := newNeighbour(h, 2)
		for range 30 {
			h.publish(100, "a.b")
			time.Sleep(903 * time.Millisecond)
			n.publish()
			time.Sleep(100 * time.Millisecond)
		}
		n.expectWithin(50 * time.Millisecond) // a single lane never takes the whole pool
		greedy.mu.Lock()
		if most := (1 + slowPlaces) * h.options.MaxInFlight / 4; greedy.peak > most || greedy.peak <= h.options.MaxInFlight {
			t.Errorf("%d at once, want more than the pool and at most %d", greedy.peak, most)
		}
		greedy.lasts = 0
		greedy.mu.Unlock()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if n := h.deliveries(w); n[schemas.DeliveryDelivered]+n[schemas.DeliveryDead] != 4000 {
			t.Errorf("deliveries are %v, want all 4000 at an end", n)
		}
		expectBalance(t, h)
	}, crowd)
}

func TestManyEndpointsThatHangForTheFirstTimeHoldUpNoneForLong(t *testing.T) {
	for _, test := range []struct {
		name    string
		hanging int
		account schemas.AccountID // of the healthy one
		limit   time.Duration
	}{
		{"of the same account", 30, 1, time.Second},
		{"of another account", 60, 2, time.Second},
		{"more than there are slow places", 200, 2, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			inHouse(t, Policy{}, func(t *testing.T, h *house) {
				for i := range test.hanging {
					h.webhook(i, &receiver{script: []int{0}}, "a.b")
				}
				n := newNeighbour(h, test.account)
				h.publish(8, "a.b")
				time.Sleep(3 * time.Millisecond)
				for range 40 { // more than two timeouts
					n.publish()
					time.Sleep(1007 * time.Millisecond)
				}
				n.expectWithin(test.limit + 50*time.Millisecond)
				time.Sleep(time.Hour)
				synctest.Wait()
				expectBalance(t, h)
			}, crowd)
		})
	}
}

func TestLateExchangeLeavesThePoolAsSoonAsThereIsASlowPlace(t *testing.T) {
	tiny := func(h *house) { h.options.MaxInFlight, h.options.Timeout = 1, time.Minute }
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		const slow = 20 * time.Second
		last := newNeighbour(h, 20)
		for a := range schemas.AccountID(slowPlaces + 1) { // one more than there are slow places
			n := newNeighbour(h, 1+a)
			n.r.lasts = slow
			n.publish()
			time.Sleep(time.Millisecond)
		}
		last.publish()
		time.Sleep(2 * slow)
		last.expectWithin(slow)
		if waited := last.r.got[0].at.Sub(last.sent[0]); waited < slow-time.Second {
			t.Errorf("it waited %s only: the slow places are not bounded", waited)
		}
		expectBalance(t, h)
	}, tiny)
}

func TestSlowLaneIsTrailingBeforeItsExchangeEnds(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.webhook(1, &receiver{script: []int{200}, lasts: 5 * time.Second}, "*")
		h.publish(1, "a.b")
		for _, want := range []struct {
			after          time.Duration
			underWay, slow int
		}{{900 * time.Millisecond, 1, 0}, {time.Second, 1, 1}, {4 * time.Second, 0, 0}} {
			time.Sleep(want.after)
			synctest.Wait()
			d := h.engine.dispatcher
			d.mu.Lock()
			if n := d.workers + d.slow; n != want.underWay || d.slow != want.slow || d.trailHeld != want.slow {
				t.Errorf("%d under way, %d slow, %d held of trailing lanes, want %+v", n, d.slow, d.trailHeld, want)
			}
			d.mu.Unlock()
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 1})
	})
}

// TestSlowExchangesThatBeganTogetherDoNotGoOnTogether has more slow endpoints than there are places for them in the pool. As
// each exchange takes its place for as long, they would begin in waves for ever.
func TestSlowExchangesThatBeganTogetherDoNotGoOnTogether(t *testing.T) {
	const lanes, places = 100, 64
	roomy := func(h *house) {
		h.options.MaxInFlight, h.options.LaneInFlight, h.options.Timeout = places, 1, time.Minute
	}
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}, lasts: 1500 * time.Millisecond}
		for i := range lanes {
			h.webhook(i, r, "*")
		}
		h.publish(30, "a.b")
		time.Sleep(time.Hour)
		synctest.Wait()
		counts := map[int64]int{}
		var begun []time.Time
		for _, g := range r.got {
			begun = append(begun, g.at)
			counts[g.at.UnixMilli()/20]++
		}
		if len(begun) != 30*lanes {
			t.Fatalf("%d of %d deliveries", len(begun), 30*lanes)
		}
		slices.SortFunc(begun, time.Time.Compare)
		if took := begun[len(begun)-1].Sub(begun[0]); took > 30*lanes*slowExchange/(places/2)*11/10 {
			t.Errorf("they took %s: places stood empty", took)
		}
		for at, n := range counts {
			if late := time.UnixMilli(at * 20).Sub(begun[0]); late > 10*time.Second && n > 10 {
				t.Errorf("%d began within 20 ms after %s", n, late)
			}
		}
	}, roomy)
}

func TestSlowExchangesMayEndWhileTheEngineCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Policy{}, crowd)
		w := h.webhook(1, &receiver{script: []int{200}, lasts: 10 * time.Second}, "*")
		h.publish(8, "a.b")
		time.Sleep(2500 * time.Millisecond)
		began := time.Now()
		ctx := t.Context()
		if err := h.engine.Close(ctx); err != nil || time.Since(began) < 7*time.Second {
			t.Errorf("closed after %s, %v", time.Since(began), err)
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 1, schemas.DeliveryPending: 7})
		expectBalance(t, h)
		h.close()
	})
}

func TestWindowKeepsRoomForQuietLanesAndBoundsBytes(t *testing.T) {
	t.Parallel()
	d := newDispatcher(Options{MaxInFlight: 16, LaneInFlight: 8, Window: 64, WindowBytes: 64000})
	d.start = func() {}
	take := func(webhook schemas.WebhookID, size int) (n int) {
		for d.reserve(storage.Lane{Account: 1, Webhook: webhook}, size) {
			n++
		}
		return n
	}
	if n := take(1, 4000); n != 4 {
		t.Errorf("one lane holds %d of 16 by bytes, want a quarter", n)
	}
	for webhook, want := range map[schemas.WebhookID]int{2: 16, 3: 16} {
		if n := take(webhook, 1); n != want {
			t.Errorf("lane %d holds %d, want %d", webhook, n, want)
		}
	}
	take(4, 1)
	take(5, 1)
	if d.held != 64-d.spare() {
		t.Errorf("%d are held, want all but the spare", d.held)
	}
	for webhook := range schemas.WebhookID(8) {
		if n := take(10+webhook, 1); n != 1 {
			t.Errorf("quiet lane %d holds %d, want 1", webhook, n)
		}
	}
}
