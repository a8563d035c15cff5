package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// The operational events, published in the webhook's account. Webhooks get them when they name the type.
const (
	EventWebhookStopped = "webhook.stopped" // the receiver answered 410 Gone
	EventWebhookFailing = "webhook.failing" // it failed for too long, or its dialect takes 410 for that
	EventWebhookRemoved = "webhook.removed" // its dialect removes webhooks that fail, or nobody took its events for its IdleTimeout
)

// operationalSource is where the events come from that the engine publishes itself.
const operationalSource = "hookswitch"

// measure is what is done to a webhook that has had its chances.
type measure struct {
	state  schemas.State // "" removes it
	event  string
	reason string
}

const reasonGone = "the endpoint answered that it is gone"

// measureFor decides what follows from a settled outcome; nil: nothing. streak is how many exchanges in a row have failed
// since the webhook was last changed, as far as this process knows.
//
// The store's tally goes back to the last success, and so beyond a change of the webhook. An owner who has just repaired
// or reactivated it would see it fail again at the first hiccup, hence a streak that began before the change counts from
// the change on.
func measureFor(o *outcome, tally schemas.Tally, streak int64) *measure {
	policy, hook := o.cause.policy, o.cause.hook
	switch {
	case o.gone && policy.OnGone == EffectFail:
		return &measure{schemas.StateFailing, EventWebhookFailing, reasonGone}
	case o.gone:
		return &measure{schemas.StateStopped, EventWebhookStopped, reasonGone}
	case o.cause.ok || o.cause.unsent:
		return nil
	case o.Next == storage.Dead && policy.OnDead == EffectRemove:
		return &measure{"", EventWebhookRemoved, "a delivery failed in every attempt"}
	case o.Next == storage.Dead && policy.OnDead == EffectFail:
		return &measure{schemas.StateFailing, EventWebhookFailing, "a delivery failed in every attempt"}
	}
	failed, since := tally.Consecutive, tally.FailingSince
	if since.Before(hook.Updated) {
		failed, since = min(failed, streak), hook.Updated
	}
	if policy.FailAfter > 0 && failed >= policy.FailAfter {
		return &measure{schemas.StateFailing, EventWebhookFailing, "too many attempts in a row failed"}
	}
	now := o.Attempt.Started.Add(o.Attempt.Duration)
	if policy.FailFor > 0 && !tally.FailingSince.IsZero() && now.Sub(since) >= policy.FailFor {
		return &measure{schemas.StateFailing, EventWebhookFailing, "every attempt failed for too long"}
	}
	return nil
}

// weigh takes the measure that follows from an outcome, if any. counts is false when the store did not take the outcome;
// what the receiver said of itself holds all the same.
func (e *Engine) weigh(o *outcome, answer storage.Settled, counts bool) {
	l := o.item.lane
	halted := o.gone || o.Next == storage.Dead && !o.cause.unsent && o.cause.policy.OnDead != EffectNone
	var m *measure
	if counts || o.gone {
		m = measureFor(o, answer.Tally, e.dispatcher.streak(l))
	}
	switch {
	case m != nil:
		if !e.begin(l.key) {
			return // another outcome's measure is being taken
		}
		ran := e.task(func() {
			defer e.end(l.key)
			e.giveBack(e.dispatcher.halt(l.key), 0)
			e.take(l.key, o.cause.hook, m)
			e.dispatcher.resume(l.key)
		})
		if !ran {
			e.end(l.key)
		}
	case halted:
		e.dispatcher.resume(l.key)
	}
}

// begin claims the right to take a measure against a webhook.
func (e *Engine) begin(l storage.Lane) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, busy := e.stopping[l]; busy {
		return false
	}
	e.stopping[l] = struct{}{}
	return true
}

func (e *Engine) end(l storage.Lane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.stopping, l)
}

// take carries a measure out and announces it. delivered is the webhook as it was when it failed: one that has another
// endpoint by now, or is not active any more, is left alone.
func (e *Engine) take(l storage.Lane, delivered *schemas.Webhook, m *measure) {
	at := time.Now().UTC()
	var revision uint64
	ours := false   // the measure was ours to take, and took
	unsure := false // a removal may have happened
	done := e.persist(e.effort, "stop", l, func(ctx context.Context) error {
		record, err := e.store.Get(ctx, storage.KindWebhook, l.Account, int64(l.Webhook))
		if errors.Is(err, storage.ErrAbsent) {
			ours = unsure
			e.Forget(l.Account, l.Webhook, 0)
			return nil
		}
		if err != nil {
			return err
		}
		w, err := e.decode(record)
		if err != nil {
			return fmt.Errorf("decode webhook %d: %w", l.Webhook, err)
		}
		revision = record.Revision
		if w.State != schemas.StateActive || w.Endpoint != delivered.Endpoint {
			ours = w.State == m.state && w.Updated.Equal(at) // an amendment whose outcome was not known
			e.Apply(w)
			return nil
		}
		if m.state == "" {
			revision, err = e.store.Remove(ctx, storage.KindWebhook, l.Account, int64(l.Webhook), record.Revision, e.entry(w, m)...)
			if err != nil {
				unsure, revision = true, record.Revision
				return err
			}
			ours = true
			e.Forget(l.Account, l.Webhook, revision)
			return nil
		}
		revision, err = e.amend(ctx, record, w, m, at)
		ours = err == nil
		return err
	})
	if !done || !ours {
		return
	}
	e.announce(l, delivered, revision, m)
	if m.state != "" {
		changed := *delivered
		changed.State, changed.Updated, changed.Revision = m.state, at, revision
		e.say(&changed)
	}
}

// entry is what is stored along with a measure against a webhook.
func (e *Engine) entry(w *schemas.Webhook, m *measure) []storage.Companion {
	if e.o.MeasureEntry == nil {
		return nil
	}
	return []storage.Companion{e.o.MeasureEntry(w, m.state, m.reason)}
}

// amend writes a webhook's new state. A conflict makes the caller read and decide again.
func (e *Engine) amend(ctx context.Context, r storage.Record, w *schemas.Webhook, m *measure, at time.Time) (uint64, error) {
	entry := e.entry(w, m)
	w.State, w.Updated, w.UpdatedBy = m.state, at, 0
	var err error
	if r.Body, err = e.o.Keys.EncodeWebhook(w); err != nil {
		return 0, fmt.Errorf("encode webhook %d: %w", w.ID, err)
	}
	amended, err := e.store.Amend(ctx, r, entry...)
	if err != nil {
		return 0, err
	}
	w.Revision = amended.Revision
	e.Apply(w)
	return w.Revision, nil
}

// announceWindow keeps an announcement whose outcome was not known from being made twice.
const announceWindow = 24 * time.Hour

// announce publishes the operational event of a measure. Its id is made of the webhook and the revision, so that it can
// be repeated until it is known to be durable.
func (e *Engine) announce(l storage.Lane, w *schemas.Webhook, revision uint64, m *measure) {
	id := w.Title()
	shown := json.RawMessage(id)
	if w.PublicID != "" {
		shown = json.RawMessage(strconv.Quote(id)) // of letters, digits, _ and -
	}
	data, err := json.Marshal(struct {
		WebhookID string        `json:"webhookId"`
		Name      string        `json:"name,omitempty"`
		State     schemas.State `json:"state,omitempty"`
		Reason    string        `json:"reason"`
	}{id, w.Name, m.state, m.reason})
	if err != nil {
		return // strings always encode
	}
	event := &schemas.Event{
		Account: l.Account, ID: fmt.Sprintf("webhook-%d-%d", l.Webhook, revision), Type: m.event, Source: operationalSource,
		Subject: id, Time: time.Now().UTC(), Data: data,
		Attributes: map[string]json.RawMessage{"webhook": shown},
	}
	e.persist(e.effort, "announce", l, func(ctx context.Context) error {
		out := make([]Published, 1)
		e.publish(ctx, []*schemas.Event{event}, []time.Duration{announceWindow}, out)
		return out[0].Err
	})
	e.log.Info().Int64("account", int64(l.Account)).Str("webhook", id).Str("reason", m.reason).Msg(m.event)
}
