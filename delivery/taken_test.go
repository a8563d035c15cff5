package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// one finds the only delivery of a webhook, and its attempts' errors.
func (h *house) one(w *schemas.Webhook) (schemas.Delivery, []schemas.AttemptError) {
	h.t.Helper()
	list, _, err := h.store.Deliveries(h.t.Context(), 1, storage.DeliveryQuery{Webhook: w.ID, Page: storage.Page{Limit: 10}})
	if err != nil || len(list) != 1 {
		h.t.Fatalf("the deliveries are %+v, %v", list, err)
	}
	attempts, err := h.store.Attempts(h.t.Context(), refOf(w, list[0]), storage.MaxAttempts)
	if err != nil {
		h.t.Fatal(err)
	}
	var kinds []schemas.AttemptError
	for _, a := range attempts {
		kinds = append(kinds, a.Error)
	}
	return list[0], kinds
}

func refOf(w *schemas.Webhook, d schemas.Delivery) storage.Ref {
	return storage.Ref{Account: w.Account, Webhook: w.ID, Seq: d.Seq}
}

func TestATakerThatAlwaysBreaksDownGetsAnEventOnlySoOften(t *testing.T) {
	for name, ordered := range map[string]bool{"in any order": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, Policy{Waits: []time.Duration{time.Second, time.Hour}}, func(t *testing.T, h *house) {
				w := h.pulled(ordered, "a.*")
				ids := h.publish(1, "a.b")
				for n := range 3 {
					taken := h.pull(w, 2*time.Hour)
					expectTaken(t, taken, ids...)
					if taken[0].Held.Attempts != n {
						t.Errorf("attempt %d, want %d", taken[0].Held.Attempts+1, n+1)
					}
				}
				expectTaken(t, h.pull(w, 24*time.Hour))
				d, kinds := h.one(w)
				want := []schemas.AttemptError{schemas.ErrorLease, schemas.ErrorLease, schemas.ErrorLease}
				if d.State != schemas.DeliveryDead || !slices.Equal(kinds, want) {
					t.Errorf("the delivery is %s after %v", d.State, kinds)
				}
				if err := h.engine.Reopen(t.Context(), refOf(w, d)); err != nil {
					t.Fatal(err)
				}
				again := h.pull(w, 0)
				expectTaken(t, again, ids...)
				if a := h.ack(w, again[0], true); a.Err != nil {
					t.Error(a.Err)
				}
				time.Sleep(time.Hour)
				if d, kinds = h.one(w); d.State != schemas.DeliveryDelivered || len(kinds) != 4 {
					t.Errorf("the delivery is %s after %v", d.State, kinds)
				}
			}, rarePolls)
		})
	}
}

func TestALateWordOfALapsedLeaseCountsIfItIsDone(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		w := h.pulled(false, "a.*")
		h.publish(1, "a.b")
		taken := h.pull(w, 0)
		time.Sleep(2 * time.Minute)
		if a := h.ack(w, taken[0], false); !errors.Is(a.Err, storage.ErrStale) {
			t.Errorf("failed: %v", a.Err)
		}
		if a := h.ack(w, taken[0], true); a.Err != nil {
			t.Errorf("done: %v", a.Err)
		}
		if d, kinds := h.one(w); d.State != schemas.DeliveryDelivered || !slices.Equal(kinds, []schemas.AttemptError{schemas.ErrorLease, ""}) {
			t.Errorf("the delivery is %s after %q", d.State, kinds)
		}
	})
}

func TestWhatNobodyPullsIsGivenUpInTime(t *testing.T) {
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		w, stopped, ordered := h.pulled(false, "a.*"), h.pulled(false, "a.*"), h.pulled(true, "a.*")
		sent := h.webhook(1, &receiver{script: []int{200}}, "a.*")
		h.publish(300, "a.b")
		h.amend(stopped, func(w *schemas.Webhook) { w.State = schemas.StateStopped })
		time.Sleep(24 * time.Hour)
		first, err := h.engine.Pull(t.Context(), w, Wish{Max: 1, Lease: time.Minute})
		if err != nil || len(first) != 1 {
			t.Fatalf("took %+v, %v", first, err)
		}
		failed := first[0]
		h.ack(w, failed, false) // due again an hour later
		late := h.publish(1, "a.b")
		time.Sleep(23 * time.Hour)
		expectStates(t, h, w, states{schemas.DeliveryPending: 300, schemas.DeliveryRetrying: 1})
		expectStates(t, h, ordered, states{schemas.DeliveryPending: 301})
		time.Sleep(time.Hour + 2*time.Minute)
		expectStates(t, h, w, states{schemas.DeliveryDead: 299, schemas.DeliveryRetrying: 1, schemas.DeliveryPending: 1})
		expectStates(t, h, stopped, states{schemas.DeliveryDead: 300})
		expectStates(t, h, ordered, states{schemas.DeliveryDead: 300, schemas.DeliveryPending: 1})
		expectStates(t, h, sent, states{schemas.DeliveryDelivered: 301})
		got := h.pull(w, 0)
		expectTaken(t, got, late[0], failed.Event.ID)
		for _, one := range got {
			h.ack(w, one, true)
		}
		dead, _, err := h.store.Deliveries(t.Context(), 1, storage.DeliveryQuery{
			Webhook: w.ID, State: schemas.DeliveryDead, Page: storage.Page{Limit: 1},
		})
		if err != nil || len(dead) != 1 {
			t.Fatalf("dead are %+v, %v", dead, err)
		}
		attempts, err := h.store.Attempts(t.Context(), refOf(w, dead[0]), storage.MaxAttempts)
		if err != nil || len(attempts) != 1 || attempts[0].Error != schemas.ErrorUntaken {
			t.Errorf("the attempts are %+v, %v", attempts, err)
		}
		if err := h.engine.Reopen(t.Context(), refOf(w, dead[0])); err != nil { // its time begins anew
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		again := h.pull(w, 0)
		if len(again) != 1 || again[0].Held.Ref != refOf(w, dead[0]) {
			t.Errorf("took %+v after a retry by hand", again)
		}
	}, func(h *house) { h.options.PullFor = 48 * time.Hour }, rarePolls)
}

func TestAttemptsOfWhatIsPulledAreLoggedAndReported(t *testing.T) {
	var out bytes.Buffer
	inHouse(t, Policy{Waits: []time.Duration{time.Hour}}, func(t *testing.T, h *house) {
		w := h.pulled(false, "a.*")
		h.publish(3, "a.b")
		taken := h.pull(w, 0)
		h.ack(w, taken[0], true)
		h.ack(w, taken[1], false)
		time.Sleep(time.Minute)
		synctest.Wait()
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		var lines []string
		for line := range strings.Lines(out.String()) {
			var got struct {
				Message, Level, Event, Dialect, Delivery, Error, Webhook string
				Account, Attempt                                         int
			}
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			if got.Message != "attempt" || got.Account != 1 || got.Webhook != w.Title() || got.Dialect != "test" {
				continue
			}
			lines = append(lines, strings.Join([]string{got.Level, got.Event, got.Delivery, got.Error}, " "))
		}
		want := []string{
			"debug evt_1 delivered ", "info evt_2 retrying taker", "info evt_3 retrying lease",
			"warn evt_2 dead untaken", "warn evt_3 dead untaken",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("the lines are %q", lines)
		}
		if strings.Contains(out.String(), "open-sesame") {
			t.Error("the log shows a secret")
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.reports) != len(want) {
			t.Errorf("%d reports, want %d", len(h.reports), len(want))
		}
	}, func(h *house) {
		h.options.PullFor = 30 * time.Second
		h.options.Log, h.options.AttemptLevel = zerolog.New(zerolog.SyncWriter(&out)), zerolog.DebugLevel
	}, rarePolls)
}
