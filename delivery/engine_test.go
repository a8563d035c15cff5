package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// inHouse runs a test in a house of its own.
func inHouse(t *testing.T, policy Policy, test func(t *testing.T, h *house), change ...func(*house)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, policy, change...)
		defer h.close()
		test(t, h)
	})
}

// rarePolls is for tests that last days.
func rarePolls(h *house) { h.options.Poll = time.Minute }

type states = map[schemas.DeliveryState]int

func expectStates(t *testing.T, h *house, w *schemas.Webhook, want states) {
	t.Helper()
	if got := h.deliveries(w); !maps.Equal(got, want) {
		t.Errorf("deliveries of webhook %d: %v, want %v", w.ID, got, want)
	}
}

func TestPublishedEventIsDeliveredAndRecorded(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		w, other := h.webhook(1, r, "contact.*"), h.webhook(2, nil, "list.*")
		ids := h.publish(3, "contact.created")
		synctest.Wait()
		got := r.ids()
		slices.Sort(got)
		if !slices.Equal(got, ids) {
			t.Errorf("received %v, want %v", got, ids)
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 3})
		expectStates(t, h, other, states{})
		if n := h.engine.Stats().Held; n != 0 {
			t.Errorf("%d deliveries are still held", n)
		}
		attempts, err := h.store.Attempts(t.Context(), storage.Ref{Account: 1, Webhook: w.ID, Seq: 1}, storage.MaxAttempts)
		if err != nil || len(attempts) != 1 {
			t.Fatalf("%d attempts, %v", len(attempts), err)
		}
		a := attempts[0]
		if a.Number != 1 || !a.OK || a.Status != 200 || a.Error != "" || a.ResponseBody == "" {
			t.Errorf("the attempt is %+v", a)
		}
	})
}

func TestRecordOfAnAttemptHoldsNoSecret(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{400}, header: map[string][]string{"Echo": {"open-sesame"}, "Set-Cookie": {"crumbs"}}}
		w := h.webhook(1, r, "a.b")
		h.amend(w, func(w *schemas.Webhook) {
			w.Headers = map[string]string{"Authorization": "Bearer tell-nobody", "X-Functions-Key": "own-words"}
		})
		h.publish(1, "a.b")
		synctest.Wait()
		attempts, err := h.store.Attempts(t.Context(), storage.Ref{Account: 1, Webhook: w.ID, Seq: 1}, storage.MaxAttempts)
		if err != nil || len(attempts) != 1 {
			t.Fatalf("%d attempts, %v", len(attempts), err)
		}
		text, err := json.Marshal(attempts[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"sesame", "tell-nobody", "crumbs", "own-words"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s is in the record: %s", secret, text)
			}
		}
		for _, there := range []string{"X-Functions-Key", "X-Key", "Authorization", "400 Bad Request"} {
			if !strings.Contains(string(text), there) {
				t.Errorf("%s is not in the record: %s", there, text)
			}
		}
		if header := r.got[0].header; header.Get("Authorization") != "Bearer tell-nobody" || header.Get("X-Key") != "open-sesame" ||
			header.Get("X-Functions-Key") != "own-words" {
			t.Error("the receiver got masked headers")
		}
	})
}

func TestRetriesFollowTheScheduleUntilDead(t *testing.T) {
	policy := Policy{Waits: []time.Duration{5 * time.Second, 5 * time.Minute, 10 * time.Hour}}
	inHouse(t, policy, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500}}
		w := h.webhook(1, r, "a.b")
		h.publish(1, "a.b")
		time.Sleep(11 * time.Hour)
		synctest.Wait()
		if len(r.got) != 4 {
			t.Fatalf("%d attempts", len(r.got))
		}
		for i, want := range policy.Waits {
			wait := r.got[i+1].at.Sub(r.got[i].at)
			if wait < want || wait > want+2*time.Second {
				t.Errorf("wait %d was %v, want %v", i+1, wait, want)
			}
			if r.got[i].attempt != string(rune('1'+i)) {
				t.Errorf("attempt %d was numbered %s", i+1, r.got[i].attempt)
			}
		}
		expectStates(t, h, w, states{schemas.DeliveryDead: 1})
	}, rarePolls)
}

func TestWebhookOverridesTheSchedule(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500, 500, 200}}
		w := h.webhook(1, r, "a.b")
		h.amend(w, func(w *schemas.Webhook) { w.Retry = []schemas.Seconds{1, 2} })
		h.publish(1, "a.b")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 1})
	})
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Second}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{503, 200}, header: map[string][]string{"Retry-After": {"600"}}}
		h.webhook(1, r, "a.b")
		h.publish(1, "a.b")
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(r.got) != 2 {
			t.Fatalf("%d attempts", len(r.got))
		}
		if wait := r.got[1].at.Sub(r.got[0].at); wait < 600*time.Second || wait > 602*time.Second {
			t.Errorf("waited %v", wait)
		}
	})
}

func TestRepeatedIDIsTakenOnce(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}}
		h.webhook(1, r, "a.b")
		event := &schemas.Event{Account: 1, ID: "mine", Type: "a.b"}
		windows := []time.Duration{time.Hour}
		first := h.engine.Publish(t.Context(), []*schemas.Event{event}, windows)[0]
		again := h.engine.Publish(t.Context(), []*schemas.Event{event}, windows)[0]
		synctest.Wait()
		if first.Err != nil || again.Err != nil || first.Duplicate || !again.Duplicate || again.Seq != first.Seq || again.Matched != 1 {
			t.Errorf("first %+v, again %+v", first, again)
		}
		if ids := r.ids(); len(ids) != 1 {
			t.Errorf("received %v", ids)
		}
		if s := h.engine.Stats(); s.Held != 0 {
			t.Errorf("the repeat holds room: %+v", s)
		}
		if h.engine.dispatcher.held != 0 || h.engine.dispatcher.heldBytes != 0 {
			t.Error("the window is not empty again")
		}
	})
}

func TestChangedWebhookIsUsedFromTheNextAttemptOn(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Minute, time.Minute}}, func(t *testing.T, h *house) {
		r, moved := &receiver{script: []int{500}}, &receiver{script: []int{200}}
		w := h.webhook(1, r, "a.b")
		h.network.serve("93.184.0.99:80", moved)
		h.publish(1, "a.b")
		synctest.Wait()
		h.amend(w, func(w *schemas.Webhook) { w.Endpoint = "http://93.184.0.99/" })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(r.got) != 1 || len(moved.got) != 1 {
			t.Errorf("%d attempts at the old place, %d at the new", len(r.got), len(moved.got))
		}
	})
}

func TestRemovedWebhookIsOwedNothing(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500}}
		w := h.webhook(1, r, "a.b")
		h.publish(200, "a.b")
		synctest.Wait()
		revision, err := h.store.Remove(t.Context(), storage.KindWebhook, 1, int64(w.ID), 0)
		if err != nil {
			t.Fatal(err)
		}
		h.engine.Forget(1, w.ID, revision)
		synctest.Wait()
		seen := len(r.got)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := h.deliveries(w); n[schemas.DeliveryDiscarded] != 200 {
			t.Errorf("deliveries: %v", n)
		}
		if len(r.got) != seen {
			t.Error("it still gets events")
		}
		if len(h.engine.dispatcher.behind) != 0 {
			t.Error("its lane is still waited for")
		}
	}, rarePolls)
}

func TestWebhookRemovedWhileNobodyWatchedIsFoundOut(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500}}
		w := h.webhook(1, r, "a.b")
		h.publish(30, "a.b")
		synctest.Wait()
		if err := h.engine.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.Remove(t.Context(), storage.KindWebhook, 1, int64(w.ID), 0); err != nil {
			t.Fatal(err)
		}
		h.crash()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDiscarded: 30})
	})
}

func TestReopenedDeliveryIsTriedAtOnce(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500, 200}}
		w := h.webhook(1, r, "a.b")
		h.publish(1, "a.b")
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDead: 1})
		ref := storage.Ref{Account: 1, Webhook: w.ID, Seq: 1}
		if err := h.engine.Reopen(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 1})
		if r.got[1].attempt != "2" {
			t.Errorf("the attempt was numbered %s", r.got[1].attempt)
		}
	})
}

func TestCloseGivesBackWhatIsQueuedAndSettlesTheRest(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200}, lasts: 3 * time.Second}
		w := h.webhook(1, r, "a.b")
		h.publish(50, "a.b")
		synctest.Wait()
		if err := h.engine.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := len(r.got)
		if n := h.deliveries(w); begun == 0 || n[schemas.DeliveryDelivered] != begun || n[schemas.DeliveryPending] != 50-begun {
			t.Errorf("%d exchanges were under way: %v", begun, n)
		}
		if got := h.engine.Publish(t.Context(), []*schemas.Event{{Account: 1, ID: "late", Type: "a.b"}}, nil); !errors.Is(got[0].Err, storage.ErrClosed) {
			t.Errorf("a closed engine publishes: %v", got[0].Err)
		}
		// What was given back is due at once, not when a lease would have run out.
		held, _, err := h.store.Claim(t.Context(), storage.Ask{Max: 100, PerLane: 100, Hold: time.Minute})
		if err != nil || len(held) != 50-begun {
			t.Errorf("%d deliveries are due, %v", len(held), err)
		}
	})
}

func TestCloseBreaksOffWhatTakesTooLong(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{0}}
		w := h.webhook(1, r, "a.b")
		h.publish(3, "a.b")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.engine.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed with %v", err)
		}
		expectStates(t, h, w, states{schemas.DeliveryPending: 3}) // broken off by us: no attempt
	})
}

func TestAfterACrashWhatWasNotSettledIsDeliveredAgain(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{0}}
		w := h.webhook(1, r, "a.b")
		ids := h.publish(300, "a.b")
		synctest.Wait()
		begun := slices.Clone(r.ids())
		h.crash()
		r.answer(200)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 300})
		got := r.ids()[len(begun):]
		slices.Sort(got)
		slices.Sort(ids)
		if len(begun) == 0 || !slices.Equal(got, ids) {
			t.Errorf("%d begun before, %d received after", len(begun), len(got))
		}
	})
}
