package delivery

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func TestDeliveriesGoDeadWhenTheirTimeIsOverThoughTheBreakerIsOpen(t *testing.T) {
	var d *dials
	inHouse(t, Policy{Waits: []time.Duration{time.Minute, 4 * time.Minute}}, func(t *testing.T, h *house) {
		w := h.atSharedHost(1, "/", "*")
		h.publish(100, "a.b")
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		n := h.deliveries(w)
		if n[schemas.DeliveryDead] != 0 {
			t.Errorf("after four minutes of five: %v", n)
		}
		time.Sleep(9 * time.Minute) // what a probe carried last has its own retry, and then a back-off
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDead: 100})
		unsent := 0
		for seq := range uint64(100) {
			attempts, err := h.store.Attempts(t.Context(), storage.Ref{Account: 1, Webhook: w.ID, Seq: seq + 1}, storage.MaxAttempts)
			if err != nil || len(attempts) == 0 {
				t.Fatalf("%d attempts, %v", len(attempts), err)
			}
			last := attempts[0]
			if last.Number != len(attempts) {
				last = attempts[len(attempts)-1]
			}
			if strings.HasPrefix(last.Message, "not sent: ") {
				unsent++
			}
			if last.OK || last.Error != schemas.ErrorConnect || strings.Contains(last.Message, "93.184") {
				t.Errorf("the last attempt is %+v", last)
			}
		}
		if got := d.count(sharedHost); unsent < 80 || got > mostProbes(1, 13*time.Minute) {
			t.Errorf("%d were given up unsent after %d connections", unsent, got)
		}
		expectBalance(t, h)
	}, func(h *house) { d = countDials(h) })
}

func TestReopenedDeliveryIsTriedBeforeItDiesAgain(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.atSharedHost(1, "/", "*")
		h.publish(100, "a.b")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDead: 100})
		h.publish(1, "a.b") // a probe, which fails
		time.Sleep(time.Second)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDead: 101})
		back := &receiver{script: []int{200}}
		h.network.serve(sharedHost, back)
		for seq := range uint64(100) {
			ref := storage.Ref{Account: 1, Webhook: w.ID, Seq: seq + 1}
			if err := h.engine.Reopen(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second) // the next probe is not yet due
		expectStates(t, h, w, states{schemas.DeliveryDead: 1, schemas.DeliveryRetrying: 100})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDead: 1, schemas.DeliveryDelivered: 100})
	})
}

func TestGivingUpUnsentStopsTheWebhookLikeAnyOther(t *testing.T) {
	inHouse(t, Policy{OnDead: EffectFail, Waits: []time.Duration{time.Minute}}, func(t *testing.T, h *house) {
		w := h.atSharedHost(1, "/", "*")
		h.publish(50, "a.b")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := h.state(w); got != schemas.StateFailing {
			t.Errorf("the webhook is %q", got)
		}
	})
}
