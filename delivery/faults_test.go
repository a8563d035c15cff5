package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// fault is how a call of the store goes wrong.
type fault uint8

const (
	healthy  fault = iota
	lost           // nothing happened, and it says so or does not know
	reported       // it was done, but reported lost
)

// faulty is a store in which the n-th call of one operation fails.
type faulty struct {
	storage.Store

	mu    sync.Mutex
	op    string
	how   fault
	skip  int // calls that go well before
	times int // calls that fail then
}

func (f *faulty) next(op string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case op != f.op || f.times == 0:
		return healthy
	case f.skip > 0:
		f.skip--
		return healthy
	}
	f.times--
	return f.how
}

func (f *faulty) Accept(ctx context.Context, batch []storage.NewEvent) []storage.Accepted {
	how := f.next("accept")
	if how == healthy {
		return f.Store.Accept(ctx, batch)
	}
	if how == reported {
		f.Store.Accept(ctx, batch)
	}
	return slices.Repeat([]storage.Accepted{{Err: storage.ErrUnsure}}, len(batch))
}

func (f *faulty) Settle(ctx context.Context, out []storage.Outcome) []storage.Settled {
	how := f.next("settle")
	if how == healthy {
		return f.Store.Settle(ctx, out)
	}
	if how == reported {
		f.Store.Settle(ctx, out)
	}
	return slices.Repeat([]storage.Settled{{Err: storage.ErrUnsure}}, len(out))
}

func (f *faulty) Claim(ctx context.Context, ask storage.Ask) ([]storage.Held, time.Duration, error) {
	how := f.next("claim")
	if how == healthy {
		return f.Store.Claim(ctx, ask)
	}
	if how == reported {
		_, _, _ = f.Store.Claim(ctx, ask)
	}
	return nil, 0, storage.ErrUnsure
}

func (f *faulty) Get(ctx context.Context, k storage.Kind, a schemas.AccountID, id int64) (storage.Record, error) {
	if f.next("get") != healthy {
		return storage.Record{}, errors.New("a disk fault")
	}
	return f.Store.Get(ctx, k, a, id)
}

func (f *faulty) Amend(ctx context.Context, r storage.Record, with ...storage.Companion) (storage.Record, error) {
	how := f.next("amend")
	if how == healthy {
		return f.Store.Amend(ctx, r, with...)
	}
	if how == reported {
		_, _ = f.Store.Amend(ctx, r, with...)
	}
	return storage.Record{}, storage.ErrUnsure
}

func (f *faulty) Remove(
	ctx context.Context, k storage.Kind, a schemas.AccountID, id int64, seen uint64, with ...storage.Companion,
) (uint64, error) {
	how := f.next("remove")
	if how == healthy {
		return f.Store.Remove(ctx, k, a, id, seen, with...)
	}
	if how == reported {
		_, _ = f.Store.Remove(ctx, k, a, id, seen, with...)
	}
	return 0, storage.ErrUnsure
}

func (f *faulty) Drop(ctx context.Context, l storage.Lane) (bool, error) {
	how := f.next("drop")
	if how == healthy {
		return f.Store.Drop(ctx, l)
	}
	if how == reported {
		_, _ = f.Store.Drop(ctx, l)
	}
	return false, storage.ErrUnsure
}

func (f *faulty) Postpone(ctx context.Context, l storage.Lane, d time.Duration) error {
	how := f.next("postpone")
	if how == healthy {
		return f.Store.Postpone(ctx, l, d)
	}
	if how == reported {
		_ = f.Store.Postpone(ctx, l, d)
	}
	return storage.ErrUnsure
}

// TestEveryStepMayFail lets each step of the event path fail as "lost" and as "done but reported lost", at its
// first and third call, once and five times running. The publisher repeats what it is not sure of. Then the whole
// invariant is checked: every acknowledged event is delivered to every webhook that wants it, none is invented, none is
// stuck, and webhooks that went away are owed nothing.
func TestEveryStepMayFail(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"accept", "settle", "claim", "get", "amend", "remove", "drop", "postpone"} {
		for how, name := range map[fault]string{lost: "lost", reported: "done"} {
			for _, skip := range []int{0, 2} {
				for _, times := range []int{1, 5} {
					t.Run(fmt.Sprintf("%s %s after %d, %d times", op, name, skip, times), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) { survive(t, op, how, skip, times) })
					})
				}
			}
		}
	}
}

func survive(t *testing.T, op string, how fault, skip, times int) {
	f := &faulty{op: op, how: how, skip: skip, times: times}
	policy := Policy{Waits: []time.Duration{time.Second, time.Minute}}
	h := newHouse(t, policy, rarePolls, func(h *house) {
		h.options.Window = 40
		h.options.MeasureEntry = func(_ *schemas.Webhook, s schemas.State, _ string) storage.Companion {
			return func(int64) storage.Record { return storage.Record{Kind: storage.KindAudit, Body: []byte(s)} }
		}
		h.options.Formats["removing"] = testFormat{Policy{Waits: []time.Duration{time.Second}, OnDead: EffectRemove}}
		h.wrap = func(s storage.Store) storage.Store {
			f.Store = s
			return f
		}
	})
	steady, flaky, gone, dying := &receiver{script: []int{200}}, &receiver{script: []int{500, 200, 503, 200}},
		&receiver{script: []int{200, 410}}, &receiver{script: []int{200, 500}}
	w1, w2 := h.webhook(1, steady, "*"), h.webhook(2, flaky, "*")
	w3 := h.webhook(3, gone, "*")
	h.network.serve("93.184.0.77:80", dying)
	w4 := h.register(&schemas.Webhook{
		Account: 1, Dialect: "removing", Endpoint: "http://93.184.0.77/", State: schemas.StateActive,
		Match: schemas.Match{Types: []string{"*"}},
	})
	watch := &receiver{script: []int{200}}
	h.webhook(5, watch, "webhook.*")
	ids := make([]string, 60)
	for i := range ids {
		ids[i] = "evt_" + strconv.Itoa(i)
		publishSurely(t, h, ids[i])
	}
	time.Sleep(2 * time.Hour)
	synctest.Wait()
	gone.answer(200)
	h.amend(w3, func(w *schemas.Webhook) { w.State = schemas.StateActive })
	time.Sleep(2 * time.Hour)
	synctest.Wait()

	for i, w := range []*schemas.Webhook{w1, w2, w3} {
		n := h.deliveries(w)
		if n[schemas.DeliveryPending]+n[schemas.DeliveryRetrying]+n[schemas.DeliveryDead] != 0 {
			t.Errorf("webhook %d is stuck: %v", i+1, n)
		}
		complete(t, []*receiver{steady, flaky, gone}[i], ids, n[schemas.DeliveryDelivered], w != w3)
	}
	if n := h.deliveries(w4); n[schemas.DeliveryPending]+n[schemas.DeliveryRetrying] != 0 || h.state(w4) != "" {
		t.Errorf("the removed webhook is %q and owed %v", h.state(w4), n)
	}
	if got := watch.ids(); len(slices.Compact(slices.Sorted(slices.Values(got)))) != 2 { // one stopped, one removed
		t.Errorf("announced: %v", got)
	}
	expectMeasures(t, h, "", schemas.StateStopped)
	expectBalance(t, h)
	h.close()
}

// expectMeasures sees that each measure that took has its entry, once, in whatever order.
func expectMeasures(t *testing.T, h *house, want ...schemas.State) {
	t.Helper()
	records, err := h.store.List(t.Context(), storage.KindAudit, 0, 0, 100)
	var got []schemas.State
	for _, r := range records {
		got = append(got, schemas.State(r.Body))
	}
	if slices.Sort(got); err != nil || !slices.Equal(got, want) {
		t.Errorf("measures on record: %q, %v, want %q", got, err, want)
	}
}

// publishSurely publishes like a publisher who repeats what it is not sure of.
func publishSurely(t *testing.T, h *house, id string) {
	t.Helper()
	for range 10 {
		e := &schemas.Event{Account: 1, ID: id, Type: "a.b"}
		got := h.engine.Publish(t.Context(), []*schemas.Event{e}, []time.Duration{time.Hour})[0]
		if got.Err == nil {
			return
		}
		if !errors.Is(got.Err, storage.ErrUnsure) {
			t.Fatalf("publish: %v", got.Err)
		}
	}
	t.Fatal("never published")
}

// complete checks that a receiver got every event that is settled as delivered to it, and nothing else. One that was
// stopped for a while is owed those of the other time only.
func complete(t *testing.T, r *receiver, ids []string, delivered int, always bool) {
	t.Helper()
	got := r.ids()
	slices.Sort(got)
	got = slices.Compact(got)
	for _, id := range got {
		if !slices.Contains(ids, id) {
			t.Errorf("%s was invented", id)
		}
	}
	if len(got) != delivered || delivered == 0 || always && delivered != len(ids) {
		t.Errorf("received %d different events of %d, %d settled as delivered", len(got), len(ids), delivered)
	}
}
