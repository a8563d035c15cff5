package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Announcer is a Format whose vendor tells of a webhook's changes of state by events of its own, besides the operational
// ones (see EventWebhookStopped).
type Announcer interface {
	// Announce makes the event for the state w is in: Type, Subject, Attributes and Data; the engine fills in the rest.
	// nil: none. Pure, and safe for concurrent use.
	Announce(w *schemas.Webhook) *schemas.Event
}

// Announce publishes, in the background, what w's vendor has to say of the state that w was just brought into. The engine
// does so itself for the states it sets; whoever lets an owner change a webhook calls it for those. The event's id is made
// of the webhook and its revision, so that it goes out once.
func (e *Engine) Announce(w *schemas.Webhook) { e.task(func() { e.say(w) }) }

// say publishes the event of w's state until it is known to be durable.
func (e *Engine) say(w *schemas.Webhook) {
	format, ok := e.o.Formats[w.Dialect].(Announcer)
	if !ok {
		return
	}
	event := format.Announce(w)
	if event == nil {
		return
	}
	event.Account, event.Source, event.Time = w.Account, operationalSource, time.Now().UTC()
	event.ID = fmt.Sprintf("webhook-%d-%d-state", w.ID, w.Revision)
	l := storage.Lane{Account: w.Account, Webhook: w.ID}
	e.persist(e.effort, "announce", l, func(ctx context.Context) error {
		out := make([]Published, 1)
		e.publish(ctx, []*schemas.Event{event}, []time.Duration{announceWindow}, out)
		return out[0].Err
	})
}
