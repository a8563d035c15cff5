package delivery

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// expectWaits checks what the deliveries of a webhook wait for, oldest first.
func expectWaits(t *testing.T, h *house, w *schemas.Webhook, want ...schemas.Wait) {
	t.Helper()
	synctest.Wait()
	list, _, err := h.store.Deliveries(t.Context(), w.Account, storage.DeliveryQuery{Webhook: w.ID, Page: storage.Page{Limit: 100}})
	if err != nil {
		t.Fatal(err)
	}
	got := h.engine.Waits(list)
	if slices.Reverse(got); !slices.Equal(got, want) {
		t.Errorf("webhook %d: the deliveries wait for %q, want %q", w.ID, got, want)
	}
}

const nothing = schemas.WaitNothing

func TestADeliveryTellsWhatItWaitsFor(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Hour}, 9)}, func(t *testing.T, h *house) {
		failing := h.webhook(1, &receiver{script: []int{500}}, "a")
		inOrder := h.webhook(2, &receiver{script: []int{500}}, "a")
		h.amend(inOrder, ordered)
		slow := h.webhook(3, &receiver{script: []int{200}, lasts: time.Minute}, "a")
		limited := h.webhook(4, &receiver{script: []int{200}}, "a")
		h.amend(limited, func(w *schemas.Webhook) { w.RateLimit = 0.01 })
		pulled := h.pulled(false, "a")
		h.publish(3, "a")
		time.Sleep(time.Second)
		expectWaits(t, h, failing, nothing, nothing, nothing) // their time only
		expectWaits(t, h, inOrder, nothing, schemas.WaitTurn, schemas.WaitTurn)
		expectWaits(t, h, slow, nothing, nothing, nothing) // under way, or about to be
		expectWaits(t, h, limited, nothing, schemas.WaitRate, schemas.WaitRate)
		expectWaits(t, h, pulled, schemas.WaitPull, schemas.WaitPull, schemas.WaitPull)

		taken := h.pull(pulled, 0)
		expectWaits(t, h, pulled, schemas.WaitAck, schemas.WaitAck, schemas.WaitAck)
		h.ack(pulled, taken[0], true)
		h.ack(pulled, taken[1], false)
		expectWaits(t, h, pulled, nothing, nothing, schemas.WaitAck)
		for _, w := range []*schemas.Webhook{failing, pulled} {
			h.amend(w, func(w *schemas.Webhook) { w.State = schemas.StateStopped })
		}
		expectWaits(t, h, failing, schemas.WaitWebhook, schemas.WaitWebhook, schemas.WaitWebhook)
		expectWaits(t, h, pulled, nothing, schemas.WaitWebhook, schemas.WaitWebhook)
	})
}

// TestASlowOrderedDeliveryIsUnderWay: the one that is being sent does not wait for its turn, those behind it do.
func TestASlowOrderedDeliveryIsUnderWay(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.webhook(1, &receiver{script: []int{200}, lasts: 10 * time.Second}, "a")
		h.amend(w, ordered)
		h.publish(3, "a")
		time.Sleep(5 * time.Second)
		expectWaits(t, h, w, nothing, schemas.WaitTurn, schemas.WaitTurn)
		time.Sleep(10 * time.Second)
		expectWaits(t, h, w, nothing, nothing, schemas.WaitTurn)
	})
}

func TestADeliveryWaitsForASilentServer(t *testing.T) {
	inHouse(t, Policy{Waits: slices.Repeat([]time.Duration{time.Hour}, 9)}, func(t *testing.T, h *house) {
		w := h.atSharedHost(1, "/", "a")
		for range openAfter {
			h.publish(1, "a")
			synctest.Wait()
		}
		h.publish(2, "a")
		expectWaits(t, h, w, nothing, nothing, nothing, schemas.WaitEndpoint, schemas.WaitEndpoint)
	})
}
