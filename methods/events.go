package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var eventMethods = []Method{
	{Name: "publishEvent", Access: schemas.AccessPublish, Raw: true, Run: publishEvent},
	{Name: "publishEvents", Access: schemas.AccessPublish, Raw: true, Run: publishEvents},
	{Name: "getEvent", Access: schemas.AccessRead, Run: getEvent},
	{Name: "signalEvent", Access: schemas.AccessPublish, Run: signalEvent},
	{Name: "listEvents", Access: schemas.AccessRead, Run: listEvents},
}

func publishEvent(ctx context.Context, c *Call) (any, error) {
	e, given, err := c.event(c, c.Params, "/params")
	if err != nil {
		return nil, err
	}
	if given, err = c.identifyEvent(e, given); err != nil {
		return nil, err
	}
	if given {
		return c.publish(ctx, e, c.window)
	}
	return c.publish(ctx, e, 0)
}

// publish publishes one event. A window makes a repeated id a repeat of the first event.
func (o *Operations) publish(ctx context.Context, e *schemas.Event, window time.Duration) (any, error) {
	got := o.engine.Publish(ctx, []*schemas.Event{e}, []time.Duration{window})[0]
	if got.Err != nil {
		return nil, fmt.Errorf("publish event: %w", got.Err)
	}
	return publishedJSON(e.ID, got.Matched, got.Duplicate), nil
}

// publishedJSON is the answer for one event, put together without reflection: this is the answer the service gives most.
func publishedJSON(id string, matched int, duplicate bool) rpc.Raw {
	b := make(rpc.Raw, 0, 96)
	b = append(b, `{"id":"`...)
	b = append(b, id...) // letters, digits, _ and - only
	b = append(b, `","matched":`...)
	b = strconv.AppendInt(b, int64(matched), 10)
	b = append(b, `,"duplicate":`...)
	b = strconv.AppendBool(b, duplicate)
	return append(b, '}')
}

// event reads a published event and checks it by its type; given says whether the publisher chose its id.
func (o *Operations) event(c *Call, doc json.RawMessage, prefix string) (e *schemas.Event, given bool, err error) {
	if e, given, err = o.readEvent(c, doc, prefix); err != nil {
		return nil, false, err
	}
	t := o.types.find(e.Account, e.Type)
	if t == nil {
		return e, given, nil
	}
	member := "/data"
	if positional(doc) {
		member = "/1"
	}
	return e, given, t.check(e.Data, prefix+member)
}

// readEvent is event without the check by its type.
func (o *Operations) readEvent(c *Call, doc json.RawMessage, prefix string) (e *schemas.Event, given bool, err error) {
	e, err = o.catalogue.DecodeEvent(doc, prefix)
	if err != nil {
		return nil, false, err
	}
	if reservedType(e.Type) {
		member := "/type"
		if positional(doc) {
			member = "/0"
		}
		return nil, false, invalid(prefix+member, reservedMessage)
	}
	if len(e.Data) > maxData {
		return nil, false, schemas.Refuse(schemas.KindTooLarge, "The data of an event may have 1 MiB, this has %d bytes", len(e.Data))
	}
	e.Account = c.Caller.Account
	if c.engine.Traces() && !c.session.CanPush() { // a socket's header is that of its upgrade
		e.Traceparent, e.Tracestate = c.session.Header("traceparent"), c.session.JoinedHeader("tracestate")
	}
	given = e.ID != ""
	if !given {
		e.ID = "evt_" + ulid.Make().String()
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	return e, given, nil
}

// maxData is how large the data of an event may be, in bytes.
const maxData = 1 << 20

// reservedType reports whether events of a type are the server's own to publish: "webhook.…", and "webhook17.…", by which a
// dialect announces a webhook's changes of state.
func reservedType(eventType string) bool {
	rest, ok := strings.CutPrefix(eventType, "webhook")
	return ok && strings.HasPrefix(strings.TrimLeft(rest, "0123456789"), ".")
}

const reservedMessage = `must not begin with "webhook.", nor with a number between: those types are the server's own`

func publishEvents(ctx context.Context, c *Call) (any, error) {
	docs, prefix, err := c.eventDocuments()
	if err != nil {
		return nil, err
	}
	if key, err := c.idempotencyKey(); err != nil {
		return nil, err
	} else if key != "" {
		return nil, schemas.Refuse(schemas.KindInvalidParams, "The header %s is for publishEvent: give each event of publishEvents an id", IdempotencyHeader)
	}
	results := make([]rpc.Raw, len(docs))
	var events []*schemas.Event
	var windows []time.Duration
	var places []int // of events in results
	for i, doc := range docs {
		if ctx.Err() != nil { // a thousand checks by costly schemas take minutes
			return nil, ctx.Err()
		}
		e, given, err := c.listedEvent(doc, prefix+"/"+strconv.Itoa(i))
		if err != nil {
			results[i] = refused(err)
			continue
		}
		window := time.Duration(0)
		if given {
			window = c.window
		}
		events, windows, places = append(events, e), append(windows, window), append(places, i)
	}
	for i, got := range c.engine.Publish(ctx, events, windows) {
		if got.Err != nil {
			results[places[i]] = refused(got.Err)
			continue
		}
		results[places[i]] = publishedJSON(events[i].ID, got.Matched, got.Duplicate)
	}
	return joined(results), nil
}

// listedEvent is event for one item of a list, where an event has no positional parameters.
func (c *Call) listedEvent(doc json.RawMessage, pointer string) (e *schemas.Event, given bool, err error) {
	if doc[0] != '{' {
		return nil, false, invalid(pointer, "must be an object")
	}
	return c.event(c, doc, pointer)
}

// joined is the results of many events as one.
func joined(results []rpc.Raw) rpc.Raw {
	b := rpc.Raw(`{"results":[`)
	for i, r := range results {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return append(b, "]}"...)
}

// eventDocuments are the documents of many events, and the pointer to their list.
func (c *Call) eventDocuments() (docs []json.RawMessage, prefix string, err error) {
	prefix = "/params/events"
	if positional(c.Params) {
		prefix = "/params/0"
	}
	if docs, ok := schemas.SplitEvents(c.Params); ok {
		return docs, prefix, nil
	}
	if _, _, err = c.catalogue.Bind(c.Method, "", c.Params); err == nil {
		err = errors.New("split events: the schema takes what the splitter refuses")
	}
	return nil, "", err
}

// failure is an error as it stands in the answer for one of many.
type failure struct {
	Code    int64           `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func failureOf(err error) failure {
	e := ErrorOf(refusal(err))
	if e == nil {
		return failure{Code: -32603, Message: "Internal error"}
	}
	out := failure{Code: e.Code, Message: e.Message}
	if e.Data != nil {
		out.Data = *e.Data
	}
	return out
}

// refused is the answer for one event of many that was not taken.
func refused(err error) rpc.Raw { return rpc.Raw(raw(map[string]any{"error": failureOf(err)})) }

var errNoEvent = schemas.Refuse(schemas.KindNoEvent, "There is no event of that id")

func getEvent(ctx context.Context, c *Call) (any, error) {
	var p struct {
		ID string `json:"id"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	got, err := c.eventNamed(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return c.eventDocument(got, true)
}

// eventNamed finds an event of the caller's by its public id.
func (c *Call) eventNamed(ctx context.Context, id string) (storage.EventRecord, error) {
	got, err := c.store.Event(ctx, c.Caller.Account, id)
	if errors.Is(err, storage.ErrAbsent) {
		return got, errNoEvent
	}
	if err != nil {
		return got, fmt.Errorf("read event: %w", err)
	}
	return got, nil
}

func listEvents(ctx context.Context, c *Call) (any, error) {
	var p struct {
		page
		period
		Type  string   `json:"type"`
		Types []string `json:"types"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	if p.Type != "" {
		if p.Types != nil {
			return nil, invalid(c.Pointer("types"), "stands for type: give one of the two")
		}
		p.Types = []string{p.Type}
	}
	events, none, err := p.events(ctx, c)
	if err != nil || none {
		return list{Items: []any{}}, err
	}
	got, cursor, err := c.store.Events(ctx, c.Caller.Account, storage.EventQuery{
		Types: p.Types, Range: events, Page: storage.Page{Limit: p.size(), Cursor: p.Cursor},
	})
	if err != nil {
		return nil, cursorError(c, err, "list events")
	}
	out := list{Items: make([]any, len(got)), Cursor: cursor}
	for i, r := range got {
		if out.Items[i], err = c.eventDocument(r, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cursorError tells a cursor that the store does not know from its other errors.
func cursorError(c *Call, err error, doing string) error {
	if schemas.KindOf(err) == schemas.KindInvalidParams {
		return invalid(c.Pointer("cursor"), "is not a cursor of this list")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// eventDocument shows an event; whole includes its data and the webhooks it went to.
func (c *Call) eventDocument(r storage.EventRecord, whole bool) (any, error) {
	e, err := schemas.DecodeEvent(r.Body)
	if err != nil {
		return nil, fmt.Errorf("decode event %d: %w", r.Seq, err)
	}
	return shownEvent(c.engine, c.Caller.Account, r, e, whole), nil
}

// shownEvent is eventDocument of an event that is decoded.
func shownEvent(engine *delivery.Engine, a schemas.AccountID, r storage.EventRecord, e *schemas.Event, whole bool) json.RawMessage {
	matched := len(r.To)
	shown := eventHead(e, r.Accepted)
	if shown.Matched = &matched; whole {
		for i, id := range engine.PublicIDs(a, r.To) {
			shown.Webhooks = append(shown.Webhooks, shownID(&schemas.Webhook{ID: r.To[i], PublicID: id}))
		}
	}
	return shown.document(e.Data, whole)
}

// takenEvent shows the event of a delivery that was taken.
func takenEvent(t delivery.Taken, whole bool) json.RawMessage {
	return eventHead(t.Event, t.Held.Accepted).document(t.Event.Data, whole)
}

// shownHead is an event without its data.
type shownHead struct {
	ID         string                     `json:"id"`
	Type       string                     `json:"type"`
	Source     string                     `json:"source,omitempty"`
	Subject    string                     `json:"subject,omitempty"`
	Time       time.Time                  `json:"time"`
	Accepted   time.Time                  `json:"accepted"`
	Attributes map[string]json.RawMessage `json:"attributes,omitempty"`
	Matched    *int                       `json:"matched,omitempty"`
	Trace      string                     `json:"traceparent,omitempty"`
	TraceState string                     `json:"tracestate,omitempty"`
	Webhooks   []any                      `json:"webhooks,omitempty"` // in the form their dialects show; of one that is gone the number
}

func eventHead(e *schemas.Event, accepted time.Time) shownHead {
	return shownHead{
		ID: e.ID, Type: e.Type, Source: e.Source, Subject: e.Subject, Time: e.Time, Accepted: accepted.UTC(),
		Attributes: e.Attributes, Trace: e.Traceparent, TraceState: e.Tracestate,
	}
}

// document is the JSON, whole with the data. That is copied, not encoded anew, so that it reads as it was published.
func (h shownHead) document(data json.RawMessage, whole bool) json.RawMessage {
	out := raw(h)
	if whole && data != nil {
		out = append(out[:len(out)-1], `,"data":`...)
		out = append(append(out, data...), '}')
	}
	return out
}
