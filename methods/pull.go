package methods

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var pullMethods = []Method{
	{Name: "pullEvents", Access: schemas.AccessFull, Run: pullEvents},
	{Name: "ackEvents", Access: schemas.AccessFull, Run: ackEvents},
}

const (
	maxPolls     = 1024 // calls of pullEvents that wait, in all
	defaultPull  = 10
	defaultLease = 30 * time.Second
	// answerTime is what a call that waits leaves of its time for the answer.
	answerTime = time.Second
)

// takenDelivery shows a delivery that was taken.
type takenDelivery struct {
	Delivery string          `json:"delivery"`
	Lease    string          `json:"lease"`
	Expires  time.Time       `json:"expires"` // the lease
	Attempt  int             `json:"attempt"` // 1 is the first
	Event    json.RawMessage `json:"event"`
	Request  *takenRequest   `json:"request,omitempty"`
}

// takenRequest is what a receiver would be sent.
type takenRequest struct {
	Headers map[string]string `json:"headers"`
	Body    *string           `json:"body,omitempty"`
	Base64  *string           `json:"bodyBase64,omitempty"` // in place of a body that is not UTF-8
}

func pullEvents(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Max   int             `json:"max"`
		Wait  schemas.Seconds `json:"wait"`
		Lease schemas.Seconds `json:"lease"`
		As    string          `json:"as"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	w, err := c.pulled(ctx)
	if err != nil {
		return nil, err
	}
	wish := delivery.Wish{Max: p.Max, Lease: p.Lease.Duration(), Wait: p.Wait.Duration(), Build: p.As == "request"}
	if wish.Max == 0 {
		wish.Max = defaultPull
	}
	if wish.Lease == 0 {
		wish.Lease = defaultLease
	}
	if end, bounded := ctx.Deadline(); bounded {
		wish.Wait = max(0, min(wish.Wait, time.Until(end)-answerTime))
	}
	if wish.Wait > 0 {
		select {
		case c.polls <- struct{}{}:
			defer func() { <-c.polls }()
		default:
			return nil, schemas.Refuse(schemas.KindTooMany, "Too many calls wait for events; try again later, or without wait")
		}
	}
	taken, err := c.engine.Pull(ctx, w, wish)
	if errors.Is(err, delivery.ErrNotPulled) { // it was changed while the call waited
		if _, err := c.pulled(ctx); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("take deliveries of webhook %d: %w", w.ID, err)
	}
	now := time.Now().UTC()
	items := make([]takenDelivery, len(taken))
	for i, t := range taken {
		items[i] = showTaken(t, now, now.Add(wish.Lease), wish.Build)
	}
	return map[string]any{"items": items}, nil
}

// pulled is the webhook that the parameter id names, if its deliveries can be taken.
func (c *Call) pulled(ctx context.Context) (*schemas.Webhook, error) {
	w, err := c.Named(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case !delivery.Pulled(w.Endpoint):
		return nil, schemas.Refuse(schemas.KindWrongState, "The webhook's events are sent to its endpoint; only those of one with the endpoint pull: can be taken")
	case c.Method == "pullEvents" && w.State != schemas.StateActive:
		return nil, schemas.Refuse(schemas.KindWrongState, "The webhook is %s: its events wait until it is active again", w.State)
	}
	return w, nil
}

func showTaken(t delivery.Taken, now, expires time.Time, asRequest bool) takenDelivery {
	out := takenDelivery{
		Delivery: deliveryID(t.Held.Webhook, t.Held.Seq), Lease: leaseText(t.Held, now), Expires: expires,
		Attempt: t.Held.Attempts + 1, Event: takenEvent(t, !asRequest),
	}
	if !asRequest {
		return out
	}
	out.Request = &takenRequest{Headers: map[string]string{}}
	for name, values := range t.Request.Header {
		out.Request.Headers[name] = strings.Join(values, ", ")
	}
	body := string(t.Request.Body)
	if utf8.ValidString(body) {
		out.Request.Body = &body
	} else {
		body = base64.StdEncoding.EncodeToString(t.Request.Body)
		out.Request.Base64 = &body
	}
	return out
}

// A lease, as its holder has it, is its token and what an attempt's record needs to know: it is not looked up again. Who
// alters it finds that the token does not fit, or has a wrong time in a record of his own.
func leaseText(h storage.Held, taken time.Time) string {
	return fmt.Sprintf("%x-%x-%x-%x", h.Token, h.Attempts, taken.UnixMilli(), h.Accepted.UnixMilli())
}

func parseLease(text string) (h storage.Held, taken time.Time, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 4 {
		return h, taken, false
	}
	var n [4]uint64
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseUint(part, 16, 63); err != nil {
			return h, taken, false
		}
	}
	h = storage.Held{Token: n[0], Attempts: int(min(n[1], 1<<20)), Accepted: time.UnixMilli(int64(n[3]))}
	return h, time.UnixMilli(int64(n[2])), true
}

// ack is what became of a delivery, in its taker's words.
type ack struct {
	Delivery   string          `json:"delivery"`
	Lease      string          `json:"lease"`
	OK         bool            `json:"ok"`
	Error      string          `json:"error"`
	RetryAfter schemas.Seconds `json:"retryAfter"`
}

func ackEvents(ctx context.Context, c *Call) (any, error) {
	var p struct {
		Acks []ack `json:"acks"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	w, err := c.pulled(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]any, len(p.Acks))
	var acks []delivery.Ack
	var places []int // of acks in results
	for i, a := range p.Acks {
		read, err := a.read(w, c.Pointer("acks")+"/"+strconv.Itoa(i))
		if err != nil {
			results[i] = acknowledged(a.Delivery, delivery.Acknowledged{Err: err})
			continue
		}
		acks, places = append(acks, read), append(places, i)
	}
	if len(acks) > 0 {
		for i, got := range c.engine.Acknowledge(ctx, w, acks) {
			results[places[i]] = acknowledged(p.Acks[places[i]].Delivery, got)
		}
	}
	return map[string]any{"results": results}, nil
}

func (a ack) read(w *schemas.Webhook, pointer string) (delivery.Ack, error) {
	ref, ok := parseDeliveryID(w.Account, a.Delivery)
	if !ok || ref.Webhook != w.ID {
		return delivery.Ack{}, errNoDelivery
	}
	held, taken, ok := parseLease(a.Lease)
	if !ok {
		return delivery.Ack{}, invalid(pointer+"/lease", "is not a lease that pullEvents gave")
	}
	held.Ref = ref
	return delivery.Ack{Held: held, Taken: taken, OK: a.OK, Message: a.Error, After: a.RetryAfter.Duration()}, nil
}

// acknowledged is the answer for one ack of many.
func acknowledged(id string, got delivery.Acknowledged) any {
	err := got.Err
	switch {
	case err == nil:
		return map[string]any{"delivery": id, "state": got.State}
	case errors.Is(err, storage.ErrStale):
		err = schemas.Refuse(schemas.KindWrongState, "The lease has run out, or was ended: the delivery can be taken again")
	case errors.Is(err, storage.ErrAbsent):
		err = schemas.Refuse(schemas.KindNoDelivery, "The delivery is not there, or is not owed any more")
	}
	return map[string]any{"delivery": id, "error": failureOf(err)}
}
