package delivery

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// abandon gives deliveries up whose time ran out while their origin did not answer. The record says why: no request
// belongs to it. For the webhook it counts as a failed attempt, which it stands for.
func (e *Engine) abandon(x *exchange, items []*item) {
	attempt := schemas.Attempt{
		Started: time.Now().UTC(), Error: x.origin.fault,
		Message: "not sent: the time for its attempts is over, and the endpoint's host has not answered since " +
			x.origin.since.UTC().Format(time.RFC3339),
	}
	list := make([]*outcome, len(items))
	for i, it := range items {
		a := attempt
		a.Number = it.held.Attempts + 1
		list[i] = &outcome{item: it, cause: x, Outcome: storage.Outcome{Held: it.held, Next: storage.Dead, Attempt: &a}}
	}
	e.settler.add(list...)
}

// logBreaker says that an exchange opened or closed its origin's breaker.
func (e *Engine) logBreaker(x *exchange) {
	var line *zerolog.Event
	text := "the host of a webhook's endpoint answers again"
	switch {
	case x.opened:
		line = e.log.Warn().Str("error", string(x.fault))
		text = "the host of a webhook's endpoint does not answer: its deliveries wait, and it is probed"
	case x.closed:
		line = e.log.Info()
	default:
		return
	}
	line.Int64("account", int64(x.lane.key.Account)).Str("webhook", e.index.title(x.lane.key)).Msg(text)
}
