package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// What is taken and never acknowledged, and what nobody takes, comes to an end: the first by the webhook's schedule, in which
// a lease that ran out is a failed attempt, the second by Options.PullFor.

// lapseGrace is how long the store keeps a lease longer than its holder has it: the time in which its end is recorded.
const lapseGrace = 10 * time.Second

// grip names one lease of a delivery.
type grip struct {
	ref   storage.Ref
	token uint64
}

func gripOf(h storage.Held) grip { return grip{h.Ref, h.Token} }

// inHand is a delivery that was taken.
type inHand struct {
	held  storage.Held
	event string // its event's id
	taken time.Time
}

// hands are the deliveries that were taken and not acknowledged yet. Like leases they end with the process.
type hands struct {
	mu   sync.Mutex
	held map[grip]inHand
}

func newHands() *hands { return &hands{held: map[grip]inHand{}} }

func (h *hands) put(list []inHand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range list {
		h.held[gripOf(one.held)] = one
	}
}

// take finds what is still in hand, and lets go of it.
func (h *hands) take(g grip) (inHand, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, ok := h.held[g]
	delete(h.held, g)
	return one, ok
}

// event is the id of the event of what is in hand, "" when it is not.
func (h *hands) event(g grip) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held[g].event
}

// handOut notes what was taken, and what to do when the lease ends and there was no word of it.
func (e *Engine) handOut(w *schemas.Webhook, taken []Taken, lease time.Duration) {
	if len(taken) == 0 {
		return
	}
	now := time.Now()
	list := make([]inHand, len(taken))
	for i, t := range taken {
		list[i] = inHand{t.Held, t.Event.ID, now}
	}
	e.hands.put(list)
	time.AfterFunc(lease, func() { e.task(func() { e.lapse(w, list) }) })
}

// lapse records a failed attempt for whatever of a list is still in hand. Should the store fail, the delivery can be taken
// again a little later, without that attempt.
func (e *Engine) lapse(w *schemas.Webhook, list []inHand) {
	var ended []pulledOutcome
	now := time.Now()
	for _, one := range list {
		if _, still := e.hands.take(gripOf(one.held)); !still {
			continue
		}
		attempt := schemas.Attempt{
			Number: one.held.Attempts + 1, Started: one.taken.UTC(), Duration: now.Sub(one.taken),
			Error: schemas.ErrorLease, Message: "the lease ran out before the delivery was acknowledged",
		}
		ended = append(ended, pulledOutcome{e.failed(w, one.held, &attempt, 0), one.event})
	}
	if len(ended) > 0 {
		e.settlePulled(e.effort, w, ended)
		e.due.ring(storage.Lane{Account: w.Account, Webhook: w.ID})
	}
}

// failed plans a delivery anew after a failed attempt, by the webhook's schedule; after is the least wait.
func (e *Engine) failed(w *schemas.Webhook, held storage.Held, attempt *schemas.Attempt, after time.Duration) storage.Outcome {
	out := storage.Outcome{Held: held, Next: storage.Dead, Attempt: attempt}
	wait, more := NextWait(e.policy(w.Dialect), w.Retry, attempt.Number, Verdict{After: after}, e.o.Jitter())
	if more {
		out.Next, out.In = storage.Retry, wait
	}
	return out
}

// pulledOutcome is what became of a delivery that is pulled.
type pulledOutcome struct {
	storage.Outcome
	event string // its event's id; "" where the server does not know it any more
}

// settlePulled records outcomes, each with its attempt, and tells of those that the store took.
func (e *Engine) settlePulled(ctx context.Context, w *schemas.Webhook, list []pulledOutcome) []storage.Settled {
	out := make([]storage.Outcome, len(list))
	for i := range list {
		out[i] = list[i].Outcome
	}
	settled := e.store.Settle(ctx, out)
	for i, o := range list {
		if settled[i].Err == nil {
			e.note(w, o.event, o.Attempt, 1, func(int) *storage.Outcome { return &out[i] })
		}
	}
	return settled
}

// untakenStep is how many deliveries are given up at a time.
const untakenStep = 256

// untakenLoop gives up what nobody takes, within a minute of its end.
func (e *Engine) untakenLoop() {
	for pause(e.life, min(e.o.PullFor, time.Minute)) {
		for _, l := range e.index.pulledLanes() {
			for e.life.Err() == nil && e.giveUpUntaken(l) {
			}
		}
	}
}

// giveUpUntaken makes deliveries of a webhook dead that could have been taken for as long as PullFor; more says that there
// may be others. A failure is left to the next round.
func (e *Engine) giveUpUntaken(l storage.Lane) (more bool) {
	held, _, err := e.store.Claim(e.life, storage.Ask{
		Max: untakenStep, PerLane: untakenStep, Hold: e.o.Hold, Lane: &l, Waited: e.o.PullFor,
		InOrder: func(l storage.Lane) bool { return e.index.ordered(l) },
	})
	if err != nil || len(held) == 0 {
		return false
	}
	w, err := e.webhook(l)
	if err != nil {
		return false // it was removed a moment ago, or its record is damaged
	}
	list := make([]pulledOutcome, len(held))
	for i, h := range held {
		id := ""
		if event, err := schemas.DecodeEvent(h.Event); err == nil {
			id = event.ID
		}
		h.Event = nil
		list[i] = pulledOutcome{storage.Outcome{Held: h, Next: storage.Dead, Attempt: &schemas.Attempt{
			Number: h.Attempts + 1, Started: time.Now().UTC(), Error: schemas.ErrorUntaken,
			Message: "nobody took the delivery in time (--pull-for)",
		}}, id}
	}
	for _, settled := range e.settlePulled(e.effort, w, list) {
		if settled.Err != nil {
			return false
		}
	}
	return len(held) == untakenStep
}
