package methods

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var deliveryMethods = []Method{
	{Name: "listDeliveries", Access: schemas.AccessRead, Run: listDeliveries},
	{Name: "getDelivery", Access: schemas.AccessRead, Run: getDelivery},
	{Name: "retryDelivery", Access: schemas.AccessFull, Run: retryDelivery},
}

// deliveryDocument shows a delivery.
type deliveryDocument struct {
	ID        string                `json:"id"`
	Webhook   any                   `json:"webhook"` // in the form its dialect shows: a number or a string
	Event     string                `json:"event,omitempty"`
	EventType string                `json:"eventType,omitempty"`
	State     schemas.DeliveryState `json:"state"`
	Attempts  int                   `json:"attempts"`
	Next      *time.Time            `json:"next,omitempty"`
	WaitsFor  schemas.Wait          `json:"waitsFor,omitempty"`
	Updated   time.Time             `json:"updated"`
	LastError string                `json:"lastError,omitempty"`
	History   []attemptDocument     `json:"history,omitempty"`
}

// deliveryID is the name of a delivery: dlv_<webhook>_<number of the event>.
func deliveryID(w schemas.WebhookID, seq uint64) string { return fmt.Sprintf("dlv_%d_%d", w, seq) }

func parseDeliveryID(a schemas.AccountID, id string) (storage.Ref, bool) {
	rest, ok := strings.CutPrefix(id, "dlv_")
	if !ok {
		return storage.Ref{}, false
	}
	left, right, _ := strings.Cut(rest, "_")
	w, err1 := strconv.ParseInt(left, 10, 64)
	seq, err2 := strconv.ParseUint(right, 10, 64)
	if err1 != nil || err2 != nil || w <= 0 || seq == 0 {
		return storage.Ref{}, false
	}
	return storage.Ref{Account: a, Webhook: schemas.WebhookID(w), Seq: seq}, true
}

// names finds, once per page, how webhooks and events are called.
type names struct {
	call     *Call
	webhooks map[schemas.WebhookID]any
	events   map[uint64]*schemas.Event
}

func newNames(c *Call) *names {
	return &names{c, map[schemas.WebhookID]any{}, map[uint64]*schemas.Event{}}
}

func (n *names) webhook(ctx context.Context, id schemas.WebhookID) (any, error) {
	if name, ok := n.webhooks[id]; ok {
		return name, nil
	}
	var name any = id
	w, err := n.call.Webhook(ctx, n.call, id)
	switch {
	case err == nil:
		name = shownID(w)
	case schemas.KindOf(err) != schemas.KindNoWebhook:
		return nil, err
	}
	n.webhooks[id] = name
	return name, nil
}

// event is nil when retention has taken the event.
func (n *names) event(ctx context.Context, seq uint64) (*schemas.Event, error) {
	if e, ok := n.events[seq]; ok {
		return e, nil
	}
	var e *schemas.Event
	r, err := n.call.store.EventBySeq(ctx, n.call.Caller.Account, seq)
	switch {
	case err == nil:
		if e, err = schemas.DecodeEvent(r.Body); err != nil {
			return nil, fmt.Errorf("decode event %d: %w", seq, err)
		}
	case !errors.Is(err, storage.ErrAbsent):
		return nil, fmt.Errorf("read event %d: %w", seq, err)
	}
	n.events[seq] = e
	return e, nil
}

// document shows a delivery as it is now.
func (n *names) document(ctx context.Context, d schemas.Delivery) (deliveryDocument, error) {
	return n.waiting(ctx, d, n.call.engine.Waits([]schemas.Delivery{d})[0])
}

// waiting shows a delivery that waits for something.
func (n *names) waiting(ctx context.Context, d schemas.Delivery, what schemas.Wait) (deliveryDocument, error) {
	out := deliveryDocument{ID: deliveryID(d.Webhook, d.Seq), State: d.State, Attempts: d.Attempts, WaitsFor: what, Updated: d.Updated.UTC()}
	if d.State.Open() && !d.Next.IsZero() {
		next := d.Next.UTC()
		out.Next = &next
	}
	var err error
	if out.Webhook, err = n.webhook(ctx, d.Webhook); err != nil {
		return out, err
	}
	if out.LastError, err = n.lastError(ctx, d); err != nil {
		return out, err
	}
	e, err := n.event(ctx, d.Seq)
	if err == nil && e != nil {
		out.Event, out.EventType = e.ID, e.Type
	}
	return out, err
}

// lastError is what the last attempt of a delivery came to grief on; "" when it did not, or there was none. A damaged record
// of it is no reason to show no delivery: getDelivery fails on it.
func (n *names) lastError(ctx context.Context, d schemas.Delivery) (string, error) {
	if d.Attempts == 0 || d.State == schemas.DeliveryDelivered {
		return "", nil
	}
	last, err := n.call.store.Attempts(ctx, storage.Ref{Account: d.Account, Webhook: d.Webhook, Seq: d.Seq}, 1)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil || len(last) == 0 || last[0].OK:
		return "", nil
	}
	return last[0].Message, nil
}

func listDeliveries(ctx context.Context, c *Call) (any, error) {
	var p struct {
		page
		period
		Webhook   jsonText              `json:"webhook"`
		Event     string                `json:"event"`
		State     schemas.DeliveryState `json:"state"`
		EventType string                `json:"eventType"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	q := storage.DeliveryQuery{State: p.State, Page: storage.Page{Limit: p.size(), Cursor: p.Cursor}}
	if p.EventType != "" {
		q.Types = []string{p.EventType}
	}
	events, none, err := p.events(ctx, c)
	if err != nil || none {
		return list{Items: []any{}}, err
	}
	q.Range = events
	if p.Webhook != "" {
		id, err := c.webhookID(c, string(p.Webhook))
		if err != nil {
			return nil, err
		}
		q.Webhook = id
	}
	if p.Event != "" {
		e, err := c.eventNamed(ctx, p.Event)
		if err != nil {
			return nil, err
		}
		q.Seq = e.Seq
	}
	got, cursor, err := c.store.Deliveries(ctx, c.Caller.Account, q)
	if err != nil {
		return nil, cursorError(c, err, "list deliveries")
	}
	n := newNames(c)
	out := list{Items: make([]any, len(got)), Cursor: cursor}
	waits := c.engine.Waits(got)
	for i, d := range got {
		if out.Items[i], err = n.waiting(ctx, d, waits[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// jsonText takes a JSON string or number as text.
type jsonText string

func (t *jsonText) UnmarshalJSON(b []byte) error {
	*t = jsonText(schemas.PlainText(b))
	return nil
}

var errNoDelivery = schemas.Refuse(schemas.KindNoDelivery, "There is no delivery of that id")

// delivery reads the delivery that the parameter id names.
func (c *Call) delivery(ctx context.Context) (schemas.Delivery, storage.Ref, error) {
	var p struct {
		ID string `json:"id"`
	}
	if err := c.Decode(&p); err != nil {
		return schemas.Delivery{}, storage.Ref{}, err
	}
	ref, ok := parseDeliveryID(c.Caller.Account, p.ID)
	if !ok {
		return schemas.Delivery{}, ref, errNoDelivery
	}
	got, _, err := c.store.Deliveries(ctx, ref.Account, storage.DeliveryQuery{
		Webhook: ref.Webhook, Seq: ref.Seq, Page: storage.Page{Limit: 1},
	})
	if err != nil {
		return schemas.Delivery{}, ref, fmt.Errorf("read delivery: %w", err)
	}
	if len(got) == 0 {
		return schemas.Delivery{}, ref, errNoDelivery
	}
	return got[0], ref, nil
}

func getDelivery(ctx context.Context, c *Call) (any, error) {
	d, ref, err := c.delivery(ctx)
	if err != nil {
		return nil, err
	}
	out, err := newNames(c).document(ctx, d)
	if err != nil {
		return nil, err
	}
	attempts, err := c.store.Attempts(ctx, ref, storage.MaxAttempts)
	if err != nil && !errors.Is(err, storage.ErrAbsent) {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	if out.History, err = c.attempts(ctx, ref, attempts); err != nil {
		return nil, err
	}
	return out, nil
}

func retryDelivery(ctx context.Context, c *Call) (any, error) {
	d, ref, err := c.delivery(ctx)
	if err != nil {
		return nil, err
	}
	w, err := c.Webhook(ctx, c, d.Webhook)
	if err != nil {
		return nil, err
	}
	if w.State != schemas.StateActive {
		return nil, schemas.Refuse(schemas.KindWrongState, "The webhook is %s: its deliveries wait until it is active again", w.State)
	}
	switch err := c.engine.Reopen(ctx, ref); {
	case errors.Is(err, storage.ErrConflict):
		return nil, schemas.Refuse(schemas.KindWrongState, "The delivery is %s: it is still being tried", d.State)
	case errors.Is(err, storage.ErrAbsent):
		return nil, errNoDelivery
	case err != nil:
		return nil, fmt.Errorf("reopen delivery: %w", err)
	}
	c.audit(ctx, c.Caller.Account, "delivery.retried", deliveryID(ref.Webhook, ref.Seq))
	d.State, d.Next, d.Updated = schemas.DeliveryRetrying, time.Now(), time.Now()
	return newNames(c).document(ctx, d)
}
