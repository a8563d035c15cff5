package delivery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// A webhook whose endpoint is "pull:" and a name of its owner's choice is sent nothing. Its deliveries wait in the store
// until somebody takes them (Pull), which leases them, and says what became of them (Acknowledge). Matching, filters,
// order, retries, replays and history are those of any webhook. No claim of the dispatcher touches its lane: the index
// says so (index.waits), and the store is told to keep it away (untilTaken), for speed.

// pullScheme begins the endpoints of such webhooks.
const pullScheme = "pull:"

// untilTaken is how long a lane that is pulled is kept from the dispatcher's claims: for good.
const untilTaken = 10 * 365 * 24 * time.Hour

// Pulled reports whether an endpoint says that deliveries are taken, not sent.
func Pulled(endpoint string) bool { return strings.HasPrefix(endpoint, pullScheme) }

// CheckPull says what is wrong with an endpoint that is Pulled, "" if nothing.
func CheckPull(endpoint string) string {
	name := strings.TrimPrefix(endpoint, pullScheme)
	if name != "" && schemas.CheckEventID(name) != "" {
		return "must be pull: and, if you like, a name of up to 64 letters, digits, _ and -"
	}
	return ""
}

// ErrNotPulled says that a webhook's deliveries cannot be taken now: it is not active, or not one that is pulled.
var ErrNotPulled = errors.New("deliveries of the webhook cannot be taken")

// Wish is what a Pull wants. Max is 1 at least.
type Wish struct {
	Max   int           // deliveries; an ordered webhook gives one at a time
	Lease time.Duration // how long they are the caller's
	Wait  time.Duration // how long to wait while there is none
	// Build makes the requests that would be sent, signatures and all.
	Build bool
}

// Taken is a delivery in the hands of one who pulls it, until its lease runs out.
type Taken struct {
	Held    storage.Held // without the event's body
	Event   *schemas.Event
	Request Request // with Wish.Build
}

// pullPoll is how often a waiting Pull looks though nothing rang: what another node accepted rings only there.
const pullPoll = 5 * time.Second

// Pull takes deliveries of a webhook, the oldest due first. It returns none when there is none for as long as the wish
// says, or when EndPulls was called. Errors: ErrNotPulled, ctx's, and the store's.
func (e *Engine) Pull(ctx context.Context, w *schemas.Webhook, wish Wish) ([]Taken, error) {
	lane := storage.Lane{Account: w.Account, Webhook: w.ID}
	rings, remove := e.due.hang(lane)
	defer remove()
	defer e.index.uses.begin(lane)()
	end := time.Now().Add(wish.Wait)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if !e.index.pullable(lane) {
			return nil, ErrNotPulled
		}
		taken, next, err := e.takeDue(ctx, w, wish)
		left := time.Until(end)
		if err != nil || len(taken) > 0 || left <= 0 {
			return taken, err
		}
		wait := min(left, pullPoll)
		if next >= 0 {
			wait = min(wait, max(next, minClaimWait))
		}
		timer.Reset(wait)
		select {
		case <-rings:
		case <-timer.C:
		case <-e.pullsEnd:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// EndPulls makes every Pull return that waits, and all that follow not wait: the server is about to stop.
func (e *Engine) EndPulls() { e.endPulls() }

// takeDue is Pull without waiting. What cannot be read or built is given up.
func (e *Engine) takeDue(ctx context.Context, w *schemas.Webhook, wish Wish) (taken []Taken, next time.Duration, err error) {
	if !e.enter() {
		return nil, 0, storage.ErrClosed
	}
	defer e.publishes.Done()
	lane := storage.Lane{Account: w.Account, Webhook: w.ID}
	ordered := e.index.ordered(lane)
	n := max(wish.Max, 1)
	if ordered {
		n = 1 // who has several may finish them in any order
	}
	held, next, err := e.store.Claim(ctx, storage.Ask{
		Max: n, PerLane: n, Hold: wish.Lease + lapseGrace, Lane: &lane, InOrder: func(storage.Lane) bool { return ordered },
	})
	if err != nil {
		return nil, 0, err
	}
	var lost []pulledOutcome
	for _, h := range held {
		got, problem := e.unwrap(w, h, wish.Build)
		if problem == "" {
			taken = append(taken, got)
			continue
		}
		attempt := schemas.Attempt{
			Number: h.Attempts + 1, Started: time.Now().UTC(), Error: schemas.ErrorFormat, Message: problem,
		}
		id := ""
		if got.Event != nil {
			id = got.Event.ID
		}
		h.Event = nil
		lost = append(lost, pulledOutcome{storage.Outcome{Held: h, Next: storage.Dead, Attempt: &attempt}, id})
	}
	e.handOut(w, taken, wish.Lease)
	if len(lost) > 0 {
		e.settlePulled(ctx, w, lost) // what is not settled comes again when its lease runs out
		next = 0
	}
	return taken, next, nil
}

// unwrap makes what a taker gets of a delivery; problem says why it cannot be made.
func (e *Engine) unwrap(w *schemas.Webhook, h storage.Held, asRequest bool) (got Taken, problem string) {
	event, err := schemas.DecodeEvent(h.Event)
	if err != nil {
		return got, "the stored event cannot be read"
	}
	h.Event = nil
	event.Account, event.Seq = h.Account, h.Seq
	got = Taken{Held: h, Event: event}
	format := e.o.Formats[w.Dialect]
	if !asRequest || format == nil {
		return got, ""
	}
	got.Request, err = build(format, Job{Webhook: w, Due: []Due{{event, h.Attempts + 1}}, Now: time.Now()})
	if err != nil {
		return got, maskText(secretsOf(w, ""), err.Error())
	}
	return got, ""
}

// Ack is what became of a delivery that was taken.
type Ack struct {
	Held    storage.Held // Event is not needed
	Taken   time.Time    // when it was taken
	OK      bool
	Message string        // why it failed
	After   time.Duration // wait at least so long before it can be taken again
}

// Acknowledged answers one Ack.
type Acknowledged struct {
	State schemas.DeliveryState
	// Err is storage.ErrStale when the lease had run out (OK counts all the same, as long as the delivery is open),
	// storage.ErrAbsent when the delivery is closed, or an error of the store.
	Err error
}

// Acknowledge records attempts, and plans what failed by the webhook's own schedule of retries. Answers stand in the order
// of acks.
func (e *Engine) Acknowledge(ctx context.Context, w *schemas.Webhook, acks []Ack) []Acknowledged {
	lane := storage.Lane{Account: w.Account, Webhook: w.ID}
	defer e.index.uses.begin(lane)()
	list, answers := make([]pulledOutcome, len(acks)), make([]Acknowledged, len(acks))
	now := time.Now()
	for i, a := range acks {
		list[i] = pulledOutcome{e.outcome(w, a, now), e.hands.event(gripOf(a.Held))}
	}
	for i, settled := range e.settlePulled(ctx, w, list) {
		answers[i] = Acknowledged{stateAfter(list[i].Next), settled.Err}
		if settled.Err == nil {
			e.hands.take(gripOf(acks[i].Held))
		}
	}
	e.due.ring(lane)
	return answers
}

// outcome is what an ack means.
func (e *Engine) outcome(w *schemas.Webhook, a Ack, now time.Time) storage.Outcome {
	attempt := schemas.Attempt{
		Number: a.Held.Attempts + 1, Started: a.Taken.UTC(), Duration: max(0, now.Sub(a.Taken)), OK: a.OK,
	}
	if a.OK {
		return storage.Outcome{Held: a.Held, Next: storage.Done, Attempt: &attempt}
	}
	attempt.Error, attempt.Message = schemas.ErrorTaker, maskText(secretsOf(w, ""), a.Message)
	return e.failed(w, a.Held, &attempt, a.After)
}

// pulled reports whether the deliveries of a webhook are taken, not sent.
func (x *index) pulled(l storage.Lane) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e != nil && e.pulled
}

// pullable reports whether the deliveries of a webhook can be taken now.
func (x *index) pullable(l storage.Lane) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entry(l)
	return e != nil && e.pulled && e.active
}

// pulledLanes are the webhooks whose deliveries are taken, those that are not active too.
func (x *index) pulledLanes() []storage.Lane {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Collect(maps.Keys(x.pulls))
}
