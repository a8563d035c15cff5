package delivery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// pulled registers a webhook that is pulled and wants the types.
func (h *house) pulled(ordered bool, types ...string) *schemas.Webhook {
	h.t.Helper()
	return h.register(&schemas.Webhook{
		Account: 1, Dialect: "test", Endpoint: "pull:test", State: schemas.StateActive, Ordered: ordered,
		Match: schemas.Match{Types: types}, Secrets: []schemas.Secret{{Value: "open-sesame"}},
	})
}

// pull takes what there is, or comes within the wait.
func (h *house) pull(w *schemas.Webhook, wait time.Duration) []Taken {
	h.t.Helper()
	taken, err := h.engine.Pull(h.t.Context(), w, Wish{Max: 10, Lease: time.Minute, Wait: wait, Build: true})
	if err != nil {
		h.t.Fatalf("pull: %v", err)
	}
	return taken
}

func (h *house) ack(w *schemas.Webhook, t Taken, ok bool) Acknowledged {
	h.t.Helper()
	return h.engine.Acknowledge(h.t.Context(), w, []Ack{{Held: t.Held, Taken: time.Now(), OK: ok, Message: "says open-sesame"}})[0]
}

func expectTaken(t *testing.T, got []Taken, want ...string) {
	t.Helper()
	var ids []string
	for _, g := range got {
		ids = append(ids, g.Event.ID)
	}
	if len(ids) != len(want) {
		t.Fatalf("took %v, want %v", ids, want)
	}
	for i := range want {
		if ids[i] != want[i] {
			t.Fatalf("took %v, want %v", ids, want)
		}
	}
}

func TestWhatIsPulledWaitsUntilItIsTaken(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		w := h.pulled(false, "a.*")
		ids := h.publish(2, "a.b")
		time.Sleep(24 * time.Hour)
		expectStates(t, h, w, states{schemas.DeliveryPending: 2})
		got := h.pull(w, 0)
		expectTaken(t, got, ids...)
		if body := string(got[0].Request.Body); body != ids[0]+"\n" || got[0].Request.Header["Attempt"][0] != "1" {
			t.Errorf("the request is %q %v", body, got[0].Request.Header)
		}
		expectTaken(t, h.pull(w, 0))
		if a := h.ack(w, got[0], true); a.Err != nil || a.State != schemas.DeliveryDelivered {
			t.Errorf("done: %+v", a)
		}
		if a := h.ack(w, got[1], false); a.Err != nil || a.State != schemas.DeliveryRetrying {
			t.Errorf("failed: %+v", a)
		}
		began := time.Now()
		again := h.pull(w, 2*time.Hour)
		expectTaken(t, again, ids[1])
		if waited := time.Since(began); waited != time.Hour || again[0].Held.Attempts != 1 {
			t.Errorf("attempt %d after %v, want the second after an hour", again[0].Held.Attempts+1, waited)
		}
		if a := h.ack(w, again[0], false); a.Err != nil || a.State != schemas.DeliveryDead {
			t.Errorf("failed again: %+v", a)
		}
		attempts, err := h.store.Attempts(t.Context(), again[0].Held.Ref, storage.MaxAttempts)
		if err != nil || len(attempts) != 2 || attempts[1].Error != schemas.ErrorTaker || attempts[1].Message != "says ***" {
			t.Errorf("the attempts are %+v, %v", attempts, err)
		}
		if h.state(w) != schemas.StateActive {
			t.Error("a failure stopped a webhook that is pulled")
		}
	}, rarePolls)
}

func TestAWaitingPullIsWokenByWhatItWaitsFor(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.pulled(false, "a.*")
		h.webhook(1, &receiver{script: []int{200}}, "other")
		for _, c := range []struct {
			publish     string
			want        int
			least, most time.Duration // that the pull waits
		}{
			{"a.b", 1, 0, 0},
			{"other", 0, 20 * time.Second, 20 * time.Second},
		} {
			got := make(chan []Taken)
			began := time.Now()
			go func() { got <- h.pull(w, 20*time.Second) }()
			synctest.Wait()
			h.publish(1, c.publish)
			taken := <-got
			if waited := time.Since(began); len(taken) != c.want || waited < c.least || waited > c.most {
				t.Errorf("%s: took %d after %v", c.publish, len(taken), waited)
			}
			for _, one := range taken {
				h.ack(w, one, true)
			}
		}
		ended := make(chan struct{})
		began := time.Now()
		go func() { defer close(ended); expectTaken(t, h.pull(w, 20*time.Second)) }()
		synctest.Wait()
		h.engine.EndPulls()
		<-ended
		expectTaken(t, h.pull(w, 20*time.Second))
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v when the server stopped", waited)
		}
	})
}

func TestALeaseOfATakenDeliveryRunsOut(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Second}}, func(t *testing.T, h *house) {
		w := h.pulled(false, "a.*")
		ids := h.publish(1, "a.b")
		lost := h.pull(w, 0)[0]
		began := time.Now()
		again := h.pull(w, 10*time.Minute)
		expectTaken(t, again, ids...)
		if waited := time.Since(began); waited != time.Minute+time.Second || again[0].Held.Attempts != 1 {
			t.Errorf("came back after %v as attempt %d, want the second a second after the lease", waited, again[0].Held.Attempts+1)
		}
		if a := h.ack(w, lost, false); !errors.Is(a.Err, storage.ErrStale) {
			t.Errorf("the former holder failed: %+v", a)
		}
		if a := h.ack(w, lost, true); a.Err != nil {
			t.Errorf("the former holder was done: %+v", a)
		}
		if a := h.ack(w, again[0], true); !errors.Is(a.Err, storage.ErrAbsent) {
			t.Errorf("the present holder was done too: %+v", a)
		}
		h.publish(1, "a.b")
		h.pull(w, 0)
		h.close()
		h.open()
		expectTaken(t, h.pull(w, 0), "evt_2") // leases do not outlive the process
	})
}

func TestAnOrderedWebhookIsPulledOneByOne(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Minute}}, func(t *testing.T, h *house) {
		w := h.pulled(true, "a.*")
		ids := h.publish(3, "a.b")
		first := h.pull(w, 0)
		expectTaken(t, first, ids[0])
		expectTaken(t, h.pull(w, 0))
		next := make(chan []Taken)
		go func() { next <- h.pull(w, time.Hour) }()
		synctest.Wait()
		began := time.Now()
		h.ack(w, first[0], false)
		again := <-next
		expectTaken(t, again, ids[0])
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("the retry came after %v", waited)
		}
		go func() { next <- h.pull(w, time.Hour) }()
		synctest.Wait()
		began = time.Now()
		h.ack(w, again[0], true)
		expectTaken(t, <-next, ids[1])
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the second came after %v", waited)
		}
	})
}

func TestAWebhookMayBecomeOneThatIsPulledAndBack(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour, time.Minute}}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{500}}
		w := h.webhook(1, r, "a.*")
		address := w.Endpoint
		ids := h.publish(2, "a.b")
		time.Sleep(time.Minute)
		h.amend(w, func(w *schemas.Webhook) { w.Endpoint = "pull:" })
		time.Sleep(2 * time.Hour)
		if got := len(r.ids()); got != 2 {
			t.Errorf("the endpoint got %d deliveries, want the first attempts only", got)
		}
		w.Endpoint = "pull:"
		taken := h.pull(w, 0)
		expectTaken(t, taken, ids...)
		h.ack(w, taken[0], true)
		ended := make(chan error)
		go func() {
			_, err := h.engine.Pull(context.Background(), w, Wish{Lease: time.Minute, Wait: time.Hour})
			ended <- err
		}()
		synctest.Wait()
		r.answer(200)
		h.amend(w, func(w *schemas.Webhook) { w.Endpoint = address })
		if err := <-ended; !errors.Is(err, ErrNotPulled) {
			t.Errorf("a pull that waited ended by %v", err)
		}
		time.Sleep(3 * time.Minute) // the lease of the other one, and its wait
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 2})
		if got := r.ids(); len(got) != 3 || got[2] != ids[1] {
			t.Errorf("the endpoint got %v, want %s at the end", got, ids[1])
		}
	})
}

func TestAWebhookThatIsPulledCostsTheDispatcherNothing(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		w := h.pulled(false, "a.*")
		h.publish(500, "a.b")
		synctest.Wait()
		if s := h.engine.Stats(); s.Held != 0 || s.Lanes != 0 {
			t.Errorf("the dispatcher has %+v", s)
		}
		if _, next, err := h.store.Claim(t.Context(), storage.Ask{Max: 1, Hold: time.Minute}); err != nil || next >= 0 && next < time.Hour {
			t.Errorf("a claim for all sees the lane: next %v, %v", next, err)
		}
		if err := h.store.Postpone(t.Context(), storage.Lane{Account: 1, Webhook: w.ID}, 0); err != nil { // the store forgets
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		expectStates(t, h, w, states{schemas.DeliveryPending: 500})
		h.engine.Forget(1, w.ID, w.Revision+1)
		synctest.Wait()
		expectStates(t, h, w, states{schemas.DeliveryDiscarded: 500})
	})
}
