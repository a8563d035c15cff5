package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// stranger is a webhook that is not registered, with a receiver at its endpoint unless r is nil.
func (h *house) stranger(r *receiver) *schemas.Webhook {
	const address = "93.184.99.1"
	if r != nil {
		h.network.serve(address+":80", r)
	}
	return &schemas.Webhook{
		Account: 1, Dialect: "test", Endpoint: "http://" + address + "/?token=sesame",
		Secrets: []schemas.Secret{{Value: "open-sesame"}},
	}
}

func testEvent() *schemas.Event { return &schemas.Event{Account: 1, ID: "test_1", Type: "test"} }

func TestTryShowsWhatTheReceiverAnswers(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Second}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200, 503, 410}}
		w := h.stranger(r)
		for _, want := range []struct {
			ok     bool
			status int
		}{{true, 200}, {false, 503}, {false, 410}} {
			got, err := h.engine.Try(t.Context(), w, testEvent())
			if err != nil || got.OK != want.ok || got.Status != want.status || got.Number != 1 || got.ResponseBody != "test_1\n" {
				t.Errorf("got %+v, %v, want %v", got, err, want)
			}
			if text := fmt.Sprint(got); strings.Contains(text, "sesame") {
				t.Errorf("the attempt tells a secret: %s", text)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if ids := r.ids(); len(ids) != 3 {
			t.Errorf("sent %v, want each once", ids)
		}
		if events, _, err := h.store.Events(t.Context(), 1, storage.EventQuery{Page: storage.Page{Limit: 10}}); err != nil || len(events) != 0 {
			t.Errorf("stored %v, %v", events, err)
		}
	})
}

func TestTryReportsWhyThereIsNoAnswer(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		silent := h.stranger(&receiver{script: []int{0}})
		silent.Timeout = 3 * time.Second
		began := time.Now()
		got, err := h.engine.Try(t.Context(), silent, testEvent())
		if err != nil || got.OK || got.Error != schemas.ErrorTimeout || time.Since(began) != silent.Timeout {
			t.Errorf("silent for %s: %+v, %v", time.Since(began), got, err)
		}
		private := h.stranger(nil)
		private.Endpoint = "http://127.0.0.1/"
		if got, err := h.engine.Try(t.Context(), private, testEvent()); err != nil || got.OK || got.Error != schemas.ErrorRefused {
			t.Errorf("a private address: %+v, %v", got, err)
		}
		unbuildable := testEvent()
		unbuildable.Data = []byte(`"unbuildable"`)
		if got, err := h.engine.Try(t.Context(), silent, unbuildable); err != nil || got.OK || got.Error != schemas.ErrorFormat {
			t.Errorf("unbuildable: %+v, %v", got, err)
		}
		if _, err := h.engine.Try(t.Context(), &schemas.Webhook{Dialect: "nosuch"}, testEvent()); err == nil {
			t.Error("an unknown dialect is tried")
		}
	})
}

func TestTryEndsWithItsCallerAndWithTheEngine(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		silent := h.stranger(&receiver{script: []int{0}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.engine.Try(ctx, silent, testEvent()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after its caller has gone: %v", err)
		}
		tried := make(chan error, 1)
		go func() {
			_, err := h.engine.Try(context.Background(), silent, testEvent())
			tried <- err
		}()
		synctest.Wait()
		if err := h.engine.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed with %v", err)
		}
		if err := <-tried; !errors.Is(err, context.Canceled) {
			t.Errorf("after the engine has closed: %v", err)
		}
		if _, err := h.engine.Try(t.Context(), silent, testEvent()); !errors.Is(err, storage.ErrClosed) {
			t.Errorf("tried by a closed engine: %v", err)
		}
	})
}

// announcer is a dialect that tells of a webhook's states.
type announcer struct{ testFormat }

func (announcer) Announce(w *schemas.Webhook) *schemas.Event {
	if w.State == schemas.StateStopped {
		return nil
	}
	return &schemas.Event{Type: fmt.Sprintf("hook%d.%s", w.ID, w.State)}
}

func TestADialectAnnouncesItsWebhooksStates(t *testing.T) {
	policy := Policy{OnGone: EffectFail}
	inHouse(t, policy, func(t *testing.T, h *house) {
		r, watch, ours := &receiver{script: []int{410}}, &receiver{script: []int{200}}, &receiver{script: []int{200}}
		w := h.webhook(1, r, "a.b")
		h.webhook(2, watch, "hook1.failing", "hook1.active", "hook1.stopped")
		h.webhook(3, ours, "webhook.*")
		h.publish(1, "a.b")
		time.Sleep(time.Second)
		synctest.Wait()
		if s := h.state(w); s != schemas.StateFailing {
			t.Errorf("the webhook is %s, not what OnGone says", s)
		}
		if ids := watch.ids(); len(ids) != 1 || !strings.HasPrefix(ids[0], "webhook-1-") {
			t.Errorf("announced in the dialect's words: %v", ids)
		}
		if ids := ours.ids(); len(ids) != 1 || ids[0] == watch.ids()[0] {
			t.Errorf("announced in ours: %v", ids)
		}
		active, stopped := *w, *w
		active.Revision, stopped.Revision, stopped.State = 1000, 1001, schemas.StateStopped
		for range 2 { // the same state again is the same event
			h.engine.Announce(&active)
			h.engine.Announce(&stopped)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if ids := watch.ids(); len(ids) != 2 || ids[1] != "webhook-1-1000-state" {
			t.Errorf("announced for its owner: %v", ids)
		}
	}, func(h *house) { h.options.Formats["test"] = announcer{testFormat{policy}} })
}
