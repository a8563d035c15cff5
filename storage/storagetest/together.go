package storagetest

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

func togetherCases() []testCase {
	return []testCase{
		{"everything accepted is delivered while all work at once", workTogether},
		{"of many registrations of a fingerprint one wins", registerTogether},
		{"of many acceptances of an id one wins", acceptTogether},
		{"amendments lose no update", amendTogether},
		{"a delivery has one holder", claimTogether},
		{"close waits for writes under way", closeTogether},
	}
}

// workTogether runs publishers, dispatchers that fail, forget and lose leases, and a reader.
func workTogether(s *suite) {
	w := &works{suite: s}
	var publishing, rest sync.WaitGroup
	for p := range 4 {
		publishing.Go(func() { w.publish(p) })
	}
	for seed := range 2 {
		rest.Go(func() { w.dispatch(seed) })
	}
	rest.Go(w.read)
	publishing.Wait()
	w.published.Store(true)
	rest.Wait()
	missing := 0
	w.accepted.Range(func(ref, _ any) bool {
		if _, ok := w.delivered.Load(ref); !ok {
			missing++
		}
		return true
	})
	s.equal("deliveries that were lost", missing, 0)
	health, err := s.store.Check(s.Context())
	s.is("Check", err, nil)
	s.equal("open deliveries", health.Open, 0)
}

// works is what was accepted and what became of it, by storage.Ref.
type works struct {
	*suite
	accepted, delivered sync.Map
	published           atomic.Bool
}

func (w *works) publish(p int) {
	for i := range 60 {
		hook := schemas.WebhookID(i%5 + 1)
		e := event(schemas.AccountID(p%2+1), fmt.Sprint(p, "-", i), hook, hook+1)
		if i%2 == 0 {
			e.To[0].Hold = 2 * w.unit
		}
		got := w.store.Accept(w.Context(), []storage.NewEvent{e})[0]
		if got.Err != nil {
			w.Error(got.Err)
			return
		}
		for _, to := range e.To {
			w.accepted.Store(storage.Ref{Account: e.Account, Webhook: to.Webhook, Seq: got.Seq}, true)
		}
	}
}

// dispatch works until nothing came for so long that all leases that were forgotten must have run out.
func (w *works) dispatch(seed int) {
	for n, idle := seed, 0; idle < 3; {
		held, _, err := w.store.Claim(w.Context(), storage.Ask{Max: 20, PerLane: 5, Hold: 2 * w.unit})
		if err != nil {
			w.Error(err)
			return
		}
		if len(held) == 0 {
			if w.published.Load() {
				idle++
			}
			w.wait(3 * w.unit)
			continue
		}
		idle = 0
		var out []storage.Outcome
		for _, h := range held {
			switch n++; n % 7 {
			case 0: // forgotten
			case 1, 2:
				out = append(out, storage.Outcome{Held: h, Next: storage.Retry, Attempt: failed("no")})
			case 3:
				out = append(out, storage.Outcome{Held: h, Next: storage.Release})
			default:
				out = append(out, storage.Outcome{Held: h, Next: storage.Done, Attempt: ok()})
			}
		}
		w.settleAll(out)
	}
}

func (w *works) settleAll(out []storage.Outcome) {
	for i, answer := range w.store.Settle(w.Context(), out) {
		if answer.Err != nil || out[i].Next != storage.Done {
			continue
		}
		if _, twice := w.delivered.LoadOrStore(out[i].Held.Ref, true); twice {
			w.Errorf("%+v was settled twice", out[i].Held.Ref)
		}
	}
}

func (w *works) read() {
	for !w.published.Load() {
		w.events(1, storage.EventQuery{Page: storage.Page{Limit: 50}})
		w.deliveries(2, storage.DeliveryQuery{Webhook: 2, Page: storage.Page{Limit: 50}})
		if _, err := w.store.Check(w.Context()); err != nil {
			w.Error(err)
		}
		w.wait(w.unit / 10)
	}
}

func registerTogether(s *suite) {
	var wg sync.WaitGroup
	var created atomic.Int32
	for range 16 {
		wg.Go(func() {
			_, won, err := s.store.Register(s.Context(), webhook(1, "same", "A"))
			if err != nil {
				s.Error(err)
			}
			if won {
				created.Add(1)
			}
		})
	}
	wg.Wait()
	s.equal("records created", created.Load(), 1)
}

func acceptTogether(s *suite) {
	var wg sync.WaitGroup
	var first atomic.Int32
	for range 16 {
		wg.Go(func() {
			got := s.store.Accept(s.Context(), []storage.NewEvent{within(event(1, "same", 1), 10*s.unit)})[0]
			if got.Err != nil {
				s.Error(got.Err)
			}
			if !got.Repeat {
				first.Add(1)
			}
		})
	}
	wg.Wait()
	s.equal("events that were no repeat", first.Load(), 1)
	s.claimOne()
}

func amendTogether(s *suite) {
	r := s.register(webhook(1, "x", ""))
	var wg sync.WaitGroup
	const writers, each = 4, 10
	for range writers {
		wg.Go(func() {
			for done := 0; done < each; {
				now, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
				if err == nil {
					now.Body = append(now.Body, '+')
					_, err = s.store.Amend(s.Context(), now)
				}
				if err == nil {
					done++
				} else if !isError(err, storage.ErrConflict) {
					s.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	now, err := s.store.Get(s.Context(), storage.KindWebhook, 1, r.ID)
	s.is("Get", err, nil)
	s.equal("amendments", len(now.Body), writers*each)
}

func claimTogether(s *suite) {
	var batch []storage.NewEvent
	for i := range 200 {
		batch = append(batch, event(1, fmt.Sprint("e", i), schemas.WebhookID(i%4+1)))
	}
	s.store.Accept(s.Context(), batch)
	var holders sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				held, _, err := s.store.Claim(s.Context(), storage.Ask{Max: 7, PerLane: 3, Hold: 100 * s.unit})
				if err != nil {
					s.Error(err)
				}
				for _, h := range held {
					if _, twice := holders.LoadOrStore(h.Ref, true); twice {
						s.Errorf("%+v has two holders", h.Ref)
					}
				}
			}
		})
	}
	wg.Wait()
	n := 0
	holders.Range(func(_, _ any) bool { n++; return true })
	s.equal("deliveries with a holder", n, 200)
}

func closeTogether(s *suite) {
	var wg sync.WaitGroup
	var acknowledged sync.Map
	store := s.store
	for p := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				id := fmt.Sprint(p, "-", i)
				got := store.Accept(s.Context(), []storage.NewEvent{event(1, id, 1)})[0]
				if got.Err != nil {
					if !isError(got.Err, storage.ErrClosed) {
						s.Error(got.Err)
					}
					return
				}
				acknowledged.Store(id, got.Seq)
				if i == 5 && p == 0 {
					wg.Go(func() {
						if err := store.Close(); err != nil {
							s.Error(err)
						}
					})
				}
			}
		})
	}
	wg.Wait()
	s.open()
	acknowledged.Range(func(id, seq any) bool {
		got, err := s.store.Event(s.Context(), 1, id.(string))
		s.is("Event", err, nil)
		s.equal("number", got.Seq, seq)
		return true
	})
}
