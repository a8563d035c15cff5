package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// begun counts the neighbours whose event has begun to be delivered.
func begun(list []*neighbour) (n int) {
	synctest.Wait()
	for _, one := range list {
		n += len(one.r.ids())
	}
	return n
}

func TestPlacesAreAddedAndTakenAwayWhileDeliveriesAreUnderWay(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		const lasts = 500 * time.Millisecond
		var all []*neighbour
		for a := range schemas.AccountID(6) {
			n := newNeighbour(h, 1+a)
			n.r.lasts = lasts
			n.publish()
			all = append(all, n)
			time.Sleep(time.Millisecond)
		}
		if n := begun(all); n != 2 {
			t.Fatalf("%d are under way over two places", n)
		}
		h.engine.SetMaxInFlight(4)
		time.Sleep(time.Millisecond)
		if n := begun(all); n != 4 {
			t.Errorf("%d are under way over four places", n)
		}
		h.engine.SetMaxInFlight(1)
		time.Sleep(lasts - 3*time.Millisecond) // the first two have ended, the other two have not
		if n := begun(all); n != 4 {
			t.Errorf("%d have begun, though more are under way than the one place that is left", n)
		}
		time.Sleep(4 * time.Millisecond)
		if n := begun(all); n != 5 {
			t.Errorf("%d have begun, though there is a place", n)
		}
		time.Sleep(2 * lasts)
		if n := begun(all); n != 6 {
			t.Errorf("%d have begun at the end", n)
		}
		expectBalance(t, h)
	}, func(h *house) { h.options.MaxInFlight = 2 })
}

func TestMoreSlowPlacesAreGivenToThoseWhoWantOne(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		for a := range schemas.AccountID(slowPlaces + 1) { // one more than there are slow places, and the pool is full
			n := newNeighbour(h, 1+a)
			n.r.lasts = 30 * time.Second
			n.publish()
			time.Sleep(time.Millisecond)
		}
		time.Sleep((slowPlaces + 2) * slowExchange)
		last := newNeighbour(h, 20)
		last.publish()
		time.Sleep(time.Second)
		if begun([]*neighbour{last}) != 0 {
			t.Fatal("there is a place, so that nothing is shown")
		}
		h.engine.SetMaxInFlight(2)
		last.expectWithin(time.Second + time.Millisecond)
		time.Sleep(time.Minute)
		expectBalance(t, h)
	}, func(h *house) { h.options.MaxInFlight, h.options.Timeout = 1, time.Minute })
}
