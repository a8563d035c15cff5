package delivery

import (
	"errors"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// ephemeral registers a webhook that is pulled and removed when nobody took from it for a time.
func (h *house) ephemeral(name string, timeout time.Duration) *schemas.Webhook {
	h.t.Helper()
	return h.register(&schemas.Webhook{
		Account: 1, Dialect: "test", Endpoint: "pull:" + name, State: schemas.StateActive, IdleTimeout: timeout,
		Match: schemas.Match{Types: []string{"a.*"}},
	})
}

func (h *house) there(w *schemas.Webhook) bool {
	h.t.Helper()
	return h.state(w) != ""
}

func TestAnIdleWebhookIsRemovedAndTold(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		used, left := h.ephemeral("used", time.Hour), h.ephemeral("left", time.Hour)
		watch := h.pulled(false, EventWebhookRemoved)
		for range 5 {
			time.Sleep(40 * time.Minute)
			h.pull(used, 0)
		}
		if !h.there(used) || h.there(left) {
			t.Errorf("used: %v, left: %v", h.there(used), h.there(left))
		}
		told := h.pull(watch, 0)
		if len(told) != 1 || told[0].Event.Subject != "2" {
			t.Fatalf("told %+v", told)
		}
		h.publish(1, "a.b")
		got := h.pull(used, 0)
		time.Sleep(40 * time.Minute)
		h.ack(used, got[0], true)
		time.Sleep(40 * time.Minute)
		if !h.there(used) {
			t.Error("an ack is no use")
		}
		time.Sleep(21 * time.Minute)
		if h.there(used) {
			t.Error("it stays though nobody takes")
		}
		if _, err := h.engine.Pull(t.Context(), used, Wish{Max: 1}); !errors.Is(err, ErrNotPulled) {
			t.Errorf("pull of what was removed: %v", err)
		}
	})
}

// TestWhoWaitsIsNotIdle: a call that waits longer than the webhook may be idle keeps it.
func TestWhoWaitsIsNotIdle(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.ephemeral("", time.Second)
		expectTaken(t, h.pull(w, time.Minute))
		if !h.there(w) {
			t.Error("it was removed under a call that waited")
		}
		time.Sleep(2 * time.Second)
		if h.there(w) {
			t.Error("it stays though nobody takes")
		}
	})
}

func TestWhatIsNoLongerIdle(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		stopped, sent, kept, longer := h.ephemeral("a", time.Hour), h.ephemeral("b", time.Hour), h.ephemeral("c", time.Hour), h.ephemeral("d", 3*time.Hour)
		h.amend(stopped, func(w *schemas.Webhook) { w.State = schemas.StateStopped })
		h.amend(sent, func(w *schemas.Webhook) { w.Endpoint = "http://receiver-1.test/" })
		h.amend(kept, func(w *schemas.Webhook) { w.IdleTimeout = 0 })
		time.Sleep(150 * time.Minute)
		for _, w := range []*schemas.Webhook{stopped, sent, kept} {
			if !h.there(w) {
				t.Errorf("webhook %d was removed", w.ID)
			}
		}
		h.amend(stopped, func(w *schemas.Webhook) { w.State = schemas.StateActive })
		time.Sleep(59 * time.Minute)
		if !h.there(stopped) || h.there(longer) {
			t.Errorf("active again: %v, of three hours: %v", h.there(stopped), h.there(longer))
		}
		time.Sleep(2 * time.Minute)
		if h.there(stopped) {
			t.Error("it stays though it is active again and nobody takes")
		}
	})
}

// TestARestartGivesTheWholeTimeAnew: nobody could take while the server was away.
func TestARestartGivesTheWholeTimeAnew(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.ephemeral("", time.Hour)
		time.Sleep(50 * time.Minute)
		h.close()
		time.Sleep(time.Hour)
		h.open()
		time.Sleep(50 * time.Minute)
		if !h.there(w) {
			t.Error("it was removed for the time of the server's absence")
		}
		time.Sleep(11 * time.Minute)
		if h.there(w) {
			t.Error("it stays though nobody takes")
		}
	})
}
