package methods

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// attemptDocument shows an attempt.
type attemptDocument struct {
	schemas.Attempt
	Duration float64 `json:"duration"` // seconds, as every duration on the wire
	// RequestBody is the body as sent, its first schemas.MaxResponseBody bytes; RequestNote says why it is not there.
	RequestBody string `json:"requestBody,omitempty"`
	RequestNote string `json:"requestNote,omitempty"`
	Batch       int    `json:"batch,omitempty"` // events in the body, where there were several
	// Not shown.
	RequestSum *struct{} `json:"requestSum,omitempty"`
}

// Notes in place of a body.
const (
	noteChanged = "the webhook was changed since, so that what was sent can't be shown any more"
	noteRemoved = "the webhook was removed, so that what was sent can't be shown any more"
	noteExpired = "events that were sent are not kept any more"
)

// attempts shows the attempts of a delivery. What was sent is not stored but built again; equal bodies once.
func (c *Call) attempts(ctx context.Context, ref storage.Ref, list []schemas.Attempt) ([]attemptDocument, error) {
	w, err := c.Webhook(ctx, c, ref.Webhook)
	if err != nil && schemas.KindOf(err) != schemas.KindNoWebhook {
		return nil, err
	}
	type content struct {
		sum    uint32
		length int
		first  uint64 // of the batch
	}
	known := map[content]attemptDocument{}
	out := make([]attemptDocument, len(list))
	for i, a := range list {
		if a.RequestBytes > 0 {
			is := content{sum: a.RequestSum, length: a.RequestBytes}
			if len(a.Batch) > 0 {
				is.first = a.Batch[0]
			}
			shown, ok := known[is]
			if !ok {
				if shown, err = c.requestBody(ctx, w, ref, a); err != nil {
					return nil, err
				}
				known[is] = shown
			}
			out[i] = shown
		}
		out[i].Attempt, out[i].Duration = a, a.Duration.Seconds()
	}
	return out, nil
}

// requestBody builds the part of an attempt's document that is about its body. w is nil when it was removed.
func (c *Call) requestBody(ctx context.Context, w *schemas.Webhook, ref storage.Ref, a schemas.Attempt) (out attemptDocument, err error) {
	if w == nil {
		out.RequestNote = noteRemoved
		return out, nil
	}
	seqs, err := c.sentWith(ctx, ref, a)
	if err != nil {
		return out, err
	}
	var events []*schemas.Event
	n := newNames(c)
	for _, seq := range seqs {
		e, err := n.event(ctx, seq)
		if err != nil {
			return out, err
		}
		if e == nil {
			seqs = nil
			break
		}
		e.Account, e.Seq = ref.Account, seq
		events = append(events, e)
	}
	if len(seqs) == 0 {
		out.RequestNote = noteExpired
		return out, nil
	}
	if len(seqs) > 1 {
		out.Batch = len(seqs)
	}
	body, same := c.engine.RequestBody(w, events, a)
	if !same {
		out.RequestNote = noteChanged
		return out, nil
	}
	out.RequestBody = strings.ToValidUTF8(body[:min(len(body), schemas.MaxResponseBody)], "\uFFFD")
	return out, nil
}

// sentWith lists the events that an attempt sent, in their order; none when it is not known any more.
func (c *Call) sentWith(ctx context.Context, ref storage.Ref, a schemas.Attempt) ([]uint64, error) {
	switch {
	case len(a.Batch) == 0:
		return []uint64{ref.Seq}, nil
	case a.Batch[0] == ref.Seq:
		return a.Batch, nil
	}
	ref.Seq = a.Batch[0]
	list, err := c.store.Attempts(ctx, ref, storage.MaxAttempts)
	if err != nil && !errors.Is(err, storage.ErrAbsent) {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	for _, first := range list {
		if first.Started.Equal(a.Started) && first.RequestSum == a.RequestSum {
			return first.Batch, nil
		}
	}
	return nil, nil
}
