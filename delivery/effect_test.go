package delivery

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func TestGoneStopsTheWebhookUntilItsOwnerReactivatesIt(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Minute}}, func(t *testing.T, h *house) {
		r, watch := &receiver{script: []int{410}}, &receiver{script: []int{200}}
		w := h.webhook(1, r, "a.b")
		h.webhook(2, watch, "webhook.stopped")
		h.webhook(3, &receiver{script: []int{200}}, "*")
		h.publish(5, "a.b")
		time.Sleep(time.Second)
		synctest.Wait()
		if s := h.state(w); s != schemas.StateStopped {
			t.Fatalf("the webhook is %s", s)
		}
		before := len(r.got)
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if len(r.got) != before || before > 2 {
			t.Errorf("%d exchanges before it was stopped, %d after", before, len(r.got)-before)
		}
		if ids := watch.ids(); len(ids) != 1 || !strings.HasPrefix(ids[0], "webhook-1-") {
			t.Errorf("announced: %v", ids)
		}
		h.publish(1, "a.b") // owed to the third only
		if n := h.deliveries(w); n[schemas.DeliveryPending]+n[schemas.DeliveryRetrying] != 5 {
			t.Errorf("waiting: %v", n)
		}
		r.answer(200)
		h.amend(w, func(w *schemas.Webhook) { w.State = schemas.StateActive })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 5})
	}, rarePolls)
}

func TestDialectThatRemovesWebhooksThatFail(t *testing.T) {
	policy := Policy{Waits: []time.Duration{time.Second}, OnDead: EffectRemove}
	inHouse(t, policy, func(t *testing.T, h *house) {
		r, watch := &receiver{script: []int{500}}, &receiver{script: []int{200}}
		w := h.webhook(1, r, "a.b")
		h.webhook(2, watch, "webhook.*")
		h.publish(40, "a.b")
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := h.state(w); s != "" {
			t.Errorf("the webhook is there and %s", s)
		}
		if n := h.deliveries(w); n[schemas.DeliveryPending]+n[schemas.DeliveryRetrying] != 0 {
			t.Errorf("still owed: %v", n)
		}
		if len(watch.ids()) != 1 {
			t.Errorf("announced: %v", watch.ids())
		}
		if got := h.engine.Publish(t.Context(), []*schemas.Event{{Account: 1, ID: "x", Type: "a.b"}}, nil); got[0].Matched != 0 {
			t.Error("a removed webhook is still matched")
		}
	})
}

func TestUnbuildableDeliveryIsGivenUpAndCostsTheWebhookNothing(t *testing.T) {
	policy := Policy{Waits: []time.Duration{time.Second}, OnDead: EffectRemove}
	inHouse(t, policy, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		w := h.webhook(1, r, "a.b")
		for i, data := range []string{`"unbuildable"`, `"panic"`, `"fine"`} {
			e := &schemas.Event{Account: 1, ID: "e" + string(rune('1'+i)), Type: "a.b", Data: json.RawMessage(data)}
			h.engine.Publish(t.Context(), []*schemas.Event{e}, nil)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDead: 2, schemas.DeliveryDelivered: 1})
		if s := h.state(w); s != schemas.StateActive {
			t.Errorf("the webhook is %q", s)
		}
		attempts, err := h.store.Attempts(t.Context(), storage.Ref{Account: 1, Webhook: w.ID, Seq: 1}, storage.MaxAttempts)
		if err != nil || len(attempts) != 1 || attempts[0].Error != schemas.ErrorFormat || strings.Contains(attempts[0].Message, "sesame") {
			t.Errorf("the record is %+v, %v", attempts, err)
		}
	})
}

func TestWebhookThatOnlyFailsBecomesFailing(t *testing.T) {
	for name, policy := range map[string]Policy{
		"for a time":   {Waits: slices.Repeat([]time.Duration{6 * time.Hour}, 40), FailFor: 5 * 24 * time.Hour},
		"n times":      {Waits: slices.Repeat([]time.Duration{time.Hour}, 40), FailAfter: 9},
		"one delivery": {Waits: slices.Repeat([]time.Duration{time.Hour}, 8), OnDead: EffectFail},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, policy, func(t *testing.T, h *house) {
				r, watch := &receiver{script: []int{500}}, &receiver{script: []int{200}}
				w := h.webhook(1, r, "a.b")
				h.webhook(2, watch, "webhook.failing")
				h.publish(1, "a.b")
				time.Sleep(6 * 24 * time.Hour)
				synctest.Wait()
				if s := h.state(w); s != schemas.StateFailing {
					t.Fatalf("the webhook is %s after %d attempts", s, len(r.got))
				}
				if policy.FailAfter > 0 && len(r.got) != 9 || policy.FailFor > 0 && len(r.got) != 21 {
					t.Errorf("after %d attempts", len(r.got))
				}
				if len(watch.ids()) != 1 {
					t.Errorf("announced: %v", watch.ids())
				}
				// Its owner makes it active again: the old failures do not count.
				r.answer(500, 200)
				h.amend(w, func(w *schemas.Webhook) { w.State = schemas.StateActive })
				h.publish(1, "a.b")
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if s := h.state(w); s != schemas.StateActive {
					t.Errorf("after one more failure the webhook is %s", s)
				}
			}, rarePolls)
		})
	}
}
