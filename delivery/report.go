package delivery

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// AttemptReport is one exchange.
type AttemptReport struct {
	Lane       storage.Lane
	Dialect    string
	Attempt    schemas.Attempt  // that of the first delivery
	Deliveries []DeliveryReport // what it carried
}

// DeliveryReport is what an exchange did to one delivery.
type DeliveryReport struct {
	State schemas.DeliveryState // delivered, retrying or dead
	Age   time.Duration         // since its event was accepted
}

// tell has everybody know of an exchange who wants to: log, observer, trace.
func (e *Engine) tell(x *exchange, first schemas.Attempt, list []*outcome) {
	x.arrive(Facts{Status: first.Status, Error: string(first.Error), Delivery: stateAfter(list[0].Next)})
	e.note(x.hook, list[0].item.event.ID, &first, len(list), func(i int) *storage.Outcome { return &list[i].Outcome })
}

// note has log and observer know of an attempt that carried n deliveries, and of what became of each; event is the id of the
// first one's, "" if it is not known.
func (e *Engine) note(w *schemas.Webhook, event string, attempt *schemas.Attempt, n int, of func(i int) *storage.Outcome) {
	first := of(0)
	e.logAttempt(w, event, attempt, first, n)
	if e.o.OnAttempt == nil {
		return
	}
	report := AttemptReport{Lane: first.Held.Lane(), Dialect: w.Dialect, Attempt: *attempt, Deliveries: make([]DeliveryReport, n)}
	now := time.Now()
	for i := range report.Deliveries {
		report.Deliveries[i] = DeliveryReport{stateAfter(of(i).Next), now.Sub(of(i).Held.Accepted)}
	}
	e.o.OnAttempt(report)
}

func stateAfter(next storage.Next) schemas.DeliveryState {
	switch next {
	case storage.Done:
		return schemas.DeliveryDelivered
	case storage.Retry:
		return schemas.DeliveryRetrying
	}
	return schemas.DeliveryDead
}

// logAttempt writes the line of an attempt. What was sent and answered is never logged.
func (e *Engine) logAttempt(w *schemas.Webhook, event string, attempt *schemas.Attempt, first *storage.Outcome, n int) {
	level := e.o.AttemptLevel
	switch first.Next {
	case storage.Done:
	case storage.Retry:
		level = zerolog.InfoLevel
	default:
		level = zerolog.WarnLevel
	}
	line := e.log.WithLevel(level)
	if !line.Enabled() {
		return
	}
	line.Int64("account", int64(w.Account)).Str("webhook", w.Title()).Str("dialect", w.Dialect)
	if event != "" {
		line.Str("event", event)
	}
	line.Int("attempt", attempt.Number).Int("status", attempt.Status).
		Dur("duration", attempt.Duration).Str("delivery", string(stateAfter(first.Next)))
	if n > 1 {
		line.Int("deliveries", n)
	}
	if !attempt.OK {
		line.Str("error", string(attempt.Error)).Str("reason", attempt.Message)
	}
	if first.Next == storage.Retry {
		line.Dur("again", first.In)
	}
	line.Msg("attempt")
}
