package delivery

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Try sends one event to a webhook, now and once, and reports what came of it. Nothing of it is stored or counted: it is
// for finding out whether a receiver answers. The webhook need not be registered; its Dialect, Endpoint and whatever the
// dialect's Format reads are enough. Account, ID and Type of the event are needed.
//
// A receiver that does not answer as its dialect wants is no error: the attempt says so. Errors: a dialect this engine
// does not speak, storage.ErrClosed, and ctx's when it ends first. It takes at most the webhook's timeout.
func (e *Engine) Try(ctx context.Context, w *schemas.Webhook, event *schemas.Event) (schemas.Attempt, error) {
	format := e.o.Formats[w.Dialect]
	if format == nil {
		return schemas.Attempt{}, fmt.Errorf("try a webhook: the dialect %q is not known", w.Dialect)
	}
	if !e.enter() {
		return schemas.Attempt{}, storage.ErrClosed
	}
	defer e.publishes.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.effort, cancel)() // Close has run out of time
	for p, ok := format.(Preparer); ok && !p.Ready(); {
		if !pause(ctx, unprepared) {
			return schemas.Attempt{}, ctx.Err()
		}
	}
	x := &exchange{hook: w, format: format}
	if endpoint, err := url.Parse(w.Endpoint); err == nil {
		x.endpoint = endpoint
	}
	got := e.exchange(ctx, x, Job{Webhook: w, Due: []Due{{Event: event, Attempt: 1}}, Now: time.Now()})
	if got.answer.Status == 0 && ctx.Err() != nil {
		return schemas.Attempt{}, ctx.Err()
	}
	if x.endpoint != nil && got.answer.Status != 0 {
		e.dispatcher.answered(w.Account, x.endpoint)
	}
	attempt := record(w, &got, e.judge(x, got.answer))
	attempt.Number = 1
	attempt.RequestBytes, attempt.RequestSum = 0, 0 // for finding a body again; of this one nothing is kept
	return attempt, nil
}
