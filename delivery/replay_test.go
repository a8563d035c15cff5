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

// failed are the states of deliveries that did not come to a good end.
var failed = []schemas.DeliveryState{schemas.DeliveryDead, schemas.DeliveryDiscarded}

// replay starts a replay of all there is.
func (h *house) replay(r schemas.Replay) schemas.Replay {
	h.t.Helper()
	r.Account, r.State, r.Through, r.Until = 1, schemas.ReplayRunning, uint64(h.events), time.Now()
	r.Passes = []schemas.ReplayPass{{Webhook: r.Webhook, After: r.After}}
	body, err := schemas.EncodeReplay(&r)
	if err != nil {
		h.t.Fatal(err)
	}
	got, _, err := h.store.Register(context.Background(), storage.Record{Kind: storage.KindReplay, Account: 1, Body: body})
	if err != nil {
		h.t.Fatal(err)
	}
	r.ID = got.ID
	return r
}

// all replays everything to one webhook, whatever became of it.
func all(w *schemas.Webhook) schemas.Replay {
	return schemas.Replay{Webhook: w.ID, Unowed: true, States: append([]schemas.DeliveryState{schemas.DeliveryDelivered}, failed...)}
}

// job is how far a replay is.
func (h *house) job(id int64) schemas.Replay {
	h.t.Helper()
	record, err := h.store.Get(context.Background(), storage.KindReplay, 1, id)
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := schemas.DecodeReplay(record.Body, 1, id, record.Revision)
	if err != nil {
		h.t.Fatal(err)
	}
	return *r
}

func (h *house) expectJob(id int64, state schemas.ReplayState, looked, replayed int64) {
	h.t.Helper()
	if r := h.job(id); r.State != state || r.Looked != looked || r.Replayed != replayed {
		h.t.Errorf("the replay is %+v, want %s with %d looked at and %d replayed", r, state, looked, replayed)
	}
}

// sortedIDs is what a receiver got, repeats and all, sorted.
func sortedIDs(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

func TestReplayBringsAWebhookWhatWasBeforeIt(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		ids := h.publish(900, "a.b") // more than replayOpen
		h.publish(50, "c.d")
		r := &receiver{script: []int{200}, lasts: 10 * time.Millisecond}
		w := h.webhook(1, r, "a.*")
		more := h.publish(1, "a.b")
		time.Sleep(time.Second)
		job := h.replay(all(w))
		time.Sleep(time.Minute)
		want := sortedIDs(append(append(ids, more...), more...)) // the one it had comes again
		if got := sortedIDs(r.ids()); !slices.Equal(got, want) {
			t.Errorf("received %d, want %d", len(got), len(want))
		}
		h.expectJob(job.ID, schemas.ReplayDone, 951, 901)
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 901})
		expectBalance(t, h)
	})
}

func TestReplayOfWhatFailedLeavesTheRestAlone(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		r := &receiver{script: []int{200, 500, 500, 200}}
		w := h.webhook(1, r, "a.*")
		var ids []string
		for i := range 6 {
			ids = append(ids, h.publish(1, []string{"a.b", "a.c"}[i%2])...)
			time.Sleep(time.Second)
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 4, schemas.DeliveryDead: 2})
		job := h.replay(schemas.Replay{Webhook: w.ID, States: failed, Types: []string{"*.c"}})
		time.Sleep(time.Minute)
		if got, want := r.ids(), append(slices.Clone(ids), ids[1]); !slices.Equal(got, want) {
			t.Errorf("received %v, want %v", got, want)
		}
		h.expectJob(job.ID, schemas.ReplayDone, 6, 1)
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 5, schemas.DeliveryDead: 1})
	})
}

// A replay for all webhooks goes on beside one that has enough to deliver, and comes back to that one.
func TestReplayForAllPassesADeadEndpointBy(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		dead, well := &receiver{script: []int{500}}, &receiver{script: []int{500}}
		a, b := h.webhook(1, dead, "a.*"), h.webhook(2, well, "a.*")
		stopped := h.webhook(3, dead, "a.*")
		ids := h.publish(700, "a.b")
		time.Sleep(3 * time.Hour)
		expectStates(t, h, a, states{schemas.DeliveryDead: 700})
		expectStates(t, h, b, states{schemas.DeliveryDead: 700})
		h.amend(stopped, func(w *schemas.Webhook) { w.State = schemas.StateStopped })
		well.answer(200)
		dead.answer(0) // and each attempt takes its time
		job := h.replay(schemas.Replay{States: failed})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		expectStates(t, h, b, states{schemas.DeliveryDelivered: 700})
		if got := h.deliveries(a); got[schemas.DeliveryRetrying] < replayOpen/2 {
			t.Errorf("the dead endpoint's deliveries are %v, want most of %d of them open", got, replayOpen)
		}
		if r := h.job(job.ID); r.State != schemas.ReplayRunning || r.Skipped != 700 {
			t.Errorf("the replay is %+v, want it to wait for the dead endpoint", r)
		}
		h.close()
		h.network = newMemoryNet()
		h.network.serve("93.184.0.2:80", dead)
		dead.answer(200)
		h.options.Dial = h.network.dial
		h.open() // the job goes on
		time.Sleep(2 * time.Hour)
		// What was tried again before the endpoint came back is dead again.
		if got := h.deliveries(a); got[schemas.DeliveryDelivered] < 600 || got[schemas.DeliveryDelivered]+got[schemas.DeliveryDead] != 700 {
			t.Errorf("the deliveries of the endpoint that was dead are %v", got)
		}
		if got := slices.Compact(sortedIDs(dead.ids())); !slices.Equal(got, sortedIDs(ids)) {
			t.Errorf("the endpoint that was dead received %d different events, want %d", len(got), len(ids))
		}
		if r := h.job(job.ID); r.State != schemas.ReplayDone || r.Looked != 700 || r.Replayed != 1400 {
			t.Errorf("the replay is %+v", r)
		}
	})
}

func TestReplayGoesOnAfterACrash(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Second}}, func(t *testing.T, h *house) {
		ids := h.publish(2000, "a.b")
		r := &receiver{script: []int{200}, lasts: 100 * time.Millisecond}
		w := h.webhook(1, r, "a.b")
		job := h.replay(all(w))
		for range 3 {
			time.Sleep(3 * time.Second)
			h.crash()
		}
		if got := h.job(job.ID); got.State != schemas.ReplayRunning || got.Progress() <= 0 || got.Progress() >= 1 {
			t.Fatalf("after three crashes the replay is %+v", got)
		}
		time.Sleep(10 * time.Minute)
		if got := slices.Compact(sortedIDs(r.ids())); !slices.Equal(got, sortedIDs(ids)) {
			t.Errorf("received %d different events, want %d", len(got), len(ids))
		}
		expectStates(t, h, w, states{schemas.DeliveryDelivered: 2000})
		if got := h.job(job.ID); got.State != schemas.ReplayDone || got.Looked < 2000 {
			t.Errorf("the replay is %+v", got)
		}
		expectBalance(t, h)
	})
}

func TestReplayDoesNotKeepNewEventsWaiting(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		h.publish(5000, "a.b")
		r := &receiver{script: []int{200}, lasts: 100 * time.Millisecond}
		w := h.webhook(1, r, "a.b")
		h.replay(all(w))
		time.Sleep(5 * time.Second)
		open, _, err := h.store.Backlog(t.Context(), 5000, storage.Lane{Account: 1, Webhook: w.ID})
		if err != nil || open > replayOpen {
			t.Errorf("%d deliveries are open, %v; want at most %d", open, err, replayOpen)
		}
		fresh := h.publish(1, "a.b")[0]
		time.Sleep(10 * time.Second)
		if got := r.ids(); !slices.Contains(got, fresh) || len(got) > 4000 {
			t.Errorf("of %d deliveries so far none is of the new event, or all are made", len(got))
		}
		time.Sleep(time.Hour)
	})
}

func TestReplayEndsWhenItIsCancelledOrItsWebhookIsNot(t *testing.T) {
	inHouse(t, Policy{}, func(t *testing.T, h *house) {
		h.publish(2000, "a.b")
		start := func(n int) (*receiver, *schemas.Webhook, schemas.Replay) {
			r := &receiver{script: []int{200}, lasts: 100 * time.Millisecond}
			w := h.webhook(n, r, "a.b")
			job := h.replay(all(w))
			time.Sleep(3 * time.Second)
			return r, w, job
		}
		r, _, job := start(1)
		record, err := h.store.Get(t.Context(), storage.KindReplay, 1, job.ID)
		if err != nil {
			t.Fatal(err)
		}
		cancelled := h.job(job.ID)
		cancelled.State = schemas.ReplayCancelled
		if record.Body, err = schemas.EncodeReplay(&cancelled); err != nil {
			t.Fatal(err)
		}
		if _, err = h.store.Amend(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got := h.job(job.ID); got.State != schemas.ReplayCancelled || len(r.ids()) == 0 || len(r.ids()) > 1000 {
			t.Errorf("%d deliveries, and the replay is %+v", len(r.ids()), got)
		}

		_, w, job := start(2)
		h.amend(w, func(w *schemas.Webhook) { w.State = schemas.StateStopped })
		time.Sleep(time.Minute)
		if got := h.job(job.ID); got.State != schemas.ReplayFailed || got.Reason != "The webhook is not active any more" {
			t.Errorf("the replay is %+v", got)
		}

		_, w, job = start(3)
		revision, err := h.store.Remove(t.Context(), storage.KindWebhook, 1, int64(w.ID), 0)
		if err != nil {
			t.Fatal(err)
		}
		h.engine.Forget(1, w.ID, revision)
		time.Sleep(time.Minute)
		if got := h.job(job.ID); got.State != schemas.ReplayFailed || got.Reason != "The webhook was removed" {
			t.Errorf("the replay is %+v", got)
		}
	})
}
