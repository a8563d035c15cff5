package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// maxTrials is how many test events may be under way at a time: a caller waits for each, whatever the receiver takes.
const maxTrials = 32

// testWebhook sends a test event to a webhook, or to the endpoint of a document that is not registered, and answers with
// the attempt. Nothing is stored.
func testWebhook(ctx context.Context, c *Call) (any, error) {
	w, err := c.toTest(ctx)
	if err != nil {
		return nil, err
	}
	d, err := c.dialectOf(w)
	if err != nil {
		return nil, err
	}
	attempt, err := c.try(ctx, d, w)
	if err != nil {
		return nil, err
	}
	return attemptDocument{Attempt: attempt, Duration: attempt.Duration.Seconds()}, nil
}

// toTest is the webhook that testWebhook's id names, or the one its document describes.
func (c *Call) toTest(ctx context.Context) (*schemas.Webhook, error) {
	in := c.Read()
	doc := in.Raw("webhook")
	switch {
	case in.Raw("id") == nil && doc == nil:
		return nil, invalid(c.Pointer("id"), "is missing: name a webhook, or give a document as webhook")
	case in.Raw("id") != nil && doc != nil:
		return nil, invalid(c.Pointer("webhook"), "must not be there beside id")
	case doc == nil:
		return c.Named(ctx, c)
	}
	prefix := c.Pointer("webhook")
	d, err := c.claim("postWebhook", doc)
	if err != nil {
		return nil, at(err, prefix)
	}
	if doc, err = c.catalogue.CheckDocument(d.Registers, d.Form, doc, prefix); err != nil {
		return nil, err
	}
	w, err := d.Parse(doc, nil)
	if err != nil {
		return nil, prefixed(err, prefix)
	}
	w.Dialect, w.Account = d.Name, c.Caller.Account
	return w, nil
}

// at moves the one fault of an error to another place.
func at(err error, pointer string) error {
	if e, ok := errors.AsType[*schemas.Error](err); ok && len(e.Faults) == 1 {
		return invalid(pointer, e.Faults[0].Message)
	}
	return err
}

// try sends a test event to a webhook.
func (o *Operations) try(ctx context.Context, d *Dialect, w *schemas.Webhook) (schemas.Attempt, error) {
	if delivery.Pulled(w.Endpoint) {
		return schemas.Attempt{}, schemas.Refuse(schemas.KindWrongState, "The webhook has no endpoint that could be tested: its events are taken by pullEvents")
	}
	select {
	case o.trials <- struct{}{}:
		defer func() { <-o.trials }()
	default:
		return schemas.Attempt{}, schemas.Refuse(schemas.KindTooMany, "Too many webhooks are being tested; try again later")
	}
	attempt, err := o.engine.Try(ctx, w, testEvent(d, w))
	if err != nil {
		return attempt, fmt.Errorf("send the test event: %w", err)
	}
	return attempt, nil
}

// mustAnswer refuses a webhook whose receiver does not take a test event, in dialects that want it tested before it is
// saved. One that is not active is saved without: it is sent nothing, and a dead receiver must not keep its owner from
// stopping it.
func (o *Operations) mustAnswer(ctx context.Context, d *Dialect, w *schemas.Webhook) error {
	if !d.TestFirst || w.State != schemas.StateActive {
		return nil
	}
	attempt, err := o.try(ctx, d, w)
	if err != nil {
		return err
	}
	if !attempt.OK {
		return schemas.Refuse(schemas.KindEndpointRefused, "The endpoint did not take the test event: %s", attempt.Message)
	}
	return nil
}

// testEvent is an event that the webhook matches, as far as its types and attributes say.
func testEvent(d *Dialect, w *schemas.Webhook) *schemas.Event {
	e := &schemas.Event{
		Account: w.Account, ID: NewPublicID("test_"), Type: d.TestType, Source: "hookswitch", Time: time.Now().UTC(),
	}
	if e.Type == "" && len(w.Match.Types) > 0 {
		e.Type = strings.ReplaceAll(w.Match.Types[0], "*", "test")
	}
	for _, c := range w.Match.Attributes {
		if len(c.Values) == 0 {
			continue
		}
		if e.Attributes == nil {
			e.Attributes = map[string]json.RawMessage{}
		}
		e.Attributes[c.Name] = scalar(c.Values[0])
	}
	return e
}

// scalar is the JSON of an attribute's plain text: a number where it is one, else a string.
func scalar(text string) json.RawMessage {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return json.RawMessage(text)
	}
	return raw(text)
}

// recentDeliveries is how many of a webhook's deliveries getLastError looks at.
const recentDeliveries = 20

// getLastError answers with the last failed attempt, null when none has failed. Among the newest deliveries it is found
// with the receiver's answer; of an older one there is the sentence that the webhook's counters keep.
func getLastError(ctx context.Context, c *Call) (any, error) {
	w, err := c.Named(ctx, c)
	if err != nil {
		return nil, err
	}
	tally, err := c.store.Tally(ctx, storage.Lane{Account: w.Account, Webhook: w.ID})
	if err != nil {
		return nil, fmt.Errorf("read tally of webhook %d: %w", w.ID, err)
	}
	if tally.LastErrorAt.IsZero() {
		return nil, nil
	}
	last := schemas.Attempt{Started: tally.LastErrorAt.UTC(), Message: tally.LastError}
	got, _, err := c.store.Deliveries(ctx, w.Account, storage.DeliveryQuery{Webhook: w.ID, Page: storage.Page{Limit: recentDeliveries}})
	if err != nil {
		return nil, fmt.Errorf("list deliveries of webhook %d: %w", w.ID, err)
	}
	found := false
	for _, d := range got {
		attempts, err := c.store.Attempts(ctx, storage.Ref{Account: d.Account, Webhook: d.Webhook, Seq: d.Seq}, storage.MaxAttempts)
		if err != nil && !errors.Is(err, storage.ErrAbsent) {
			return nil, fmt.Errorf("read attempts: %w", err)
		}
		for _, a := range attempts {
			if !a.OK && a.Message == tally.LastError && (!found || a.Started.After(last.Started)) {
				last, found = a, true
			}
		}
	}
	return attemptDocument{Attempt: last, Duration: last.Duration.Seconds()}, nil
}
