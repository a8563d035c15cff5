package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Published is the answer for one event.
type Published struct {
	Seq       uint64
	Matched   int  // webhooks it is owed to
	Duplicate bool // an event of that id was there: Matched is that one's, and nothing was taken
	// Err says why the event was not taken; storage.ErrUnsure that it may have been: publish it again with its id.
	Err error
}

// Publish makes events and their deliveries durable and begins to carry them out. Answers stand in the order of events,
// one for each; an event that fails does not touch the others. Events carry Account, ID and Type, are valid, and must not
// be changed afterwards. With a Tracer they keep its trace, which goes on from the Traceparent of the first.
//
// windows says for each event how long a repeat of its id is answered with the first result; 0, and nil for all, does not
// look, which is for generated ids.
func (e *Engine) Publish(ctx context.Context, events []*schemas.Event, windows []time.Duration) []Published {
	out := make([]Published, len(events))
	if !e.enter() {
		for i := range out {
			out[i].Err = storage.ErrClosed
		}
		return out
	}
	defer e.publishes.Done()
	e.publish(ctx, events, windows, out)
	return out
}

func (e *Engine) publish(ctx context.Context, events []*schemas.Event, windows []time.Duration, out []Published) {
	born := time.Now()
	batch := make([]storage.NewEvent, 0, len(events))
	places := make([]int, 0, len(events))
	trace := e.o.follow(events)
	defer func() { trace.end(out) }()
	for i, event := range events {
		window := time.Duration(0)
		if windows != nil {
			window = windows[i]
		}
		planned, err := e.plan(event, window)
		if err != nil {
			out[i].Err = fmt.Errorf("encode event: %w", err)
			continue
		}
		batch, places = append(batch, planned), append(places, i)
	}
	trace.matched(batch)
	if len(batch) == 0 {
		return
	}
	for n, answer := range e.store.Accept(ctx, batch) {
		i := places[n]
		if answer.Err == nil && !answer.Repeat {
			e.published.Add(1)
		}
		out[i] = Published{Seq: answer.Seq, Matched: answer.Matched, Duplicate: answer.Repeat, Err: answer.Err}
		e.handOver(events[i], batch[n], answer, born.Add(e.o.Hold))
	}
}

// plan decides who an event is owed to, and which of the deliveries this node takes at once.
func (e *Engine) plan(event *schemas.Event, window time.Duration) (storage.NewEvent, error) {
	body, err := schemas.AppendEvent(nil, event)
	if err != nil {
		return storage.NewEvent{}, err
	}
	planned := storage.NewEvent{Account: event.Account, ID: event.ID, Type: event.Type, Window: window, Body: body}
	for _, id := range e.index.match(event) {
		target := storage.Target{Webhook: id}
		lane := storage.Lane{Account: event.Account, Webhook: id}
		if e.index.atBirth(lane) && e.dispatcher.reserve(lane, itemSize(len(body))) {
			target.Hold = e.o.Hold
		}
		planned.To = append(planned.To, target)
	}
	return planned, nil
}

// handOver gives what was just accepted to the lanes, without reading it back. Room that was reserved for what did not
// come is given up; what was left to the store is looked for there.
func (e *Engine) handOver(event *schemas.Event, planned storage.NewEvent, answer storage.Accepted, until time.Time) {
	size := itemSize(len(planned.Body))
	taken := answer.Err == nil && !answer.Repeat
	var items []*item
	if taken && len(answer.Held) > 0 {
		accepted := *event
		accepted.Seq = answer.Seq
		for _, held := range answer.Held {
			items = append(items, &item{held: held, event: &accepted, size: size, until: until})
		}
	}
	next := 0 // of answer.Held, which stands in the order of To
	for _, target := range planned.To {
		lane := storage.Lane{Account: planned.Account, Webhook: target.Webhook}
		born := target.Hold > 0 && taken && next < len(items) && items[next].held.Webhook == target.Webhook
		switch {
		case born:
			next++
		case target.Hold > 0:
			e.dispatcher.unreserve(lane, size)
		}
		switch {
		case !taken || born:
		case e.index.pulled(lane):
			e.due.ring(lane)
		default:
			e.dispatcher.missed(lane)
		}
	}
	e.giveBack(e.dispatcher.admit(items), 0)
	if taken {
		e.news.ring(planned.Account)
	}
}
