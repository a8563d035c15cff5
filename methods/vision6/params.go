package vision6

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// details are the webhook_details of addWebhook, in the order of the vendor's page. They are also what is stored.
type details struct {
	Object string `json:"object"`
	Event  string `json:"event"`
	ListID int64  `json:"list_id"` // 0 watches all lists
	URL    string `json:"url"`
}

// eventsOf are the events that apply to each object (the page of addWebhook, section Remarks).
var eventsOf = map[string][]string{
	"list":    {"created", "updated", "removed", "bulk_updated"},
	"contact": {"created", "updated", "removed", "subscribed", "unsubscribed", "deactivated", "reactivated"},
}

// The one attribute a webhook can be limited to.
const listID = "list_id"

// Parse turns webhook_details into a webhook. With old, members that doc does not name stay as they were.
func Parse(doc json.RawMessage, old *schemas.Webhook) (*schemas.Webhook, error) {
	in := methods.ReadDocument(doc, false)
	var d details
	if old != nil {
		d = detailsOf(old)
	}
	in.Text("object", &d.Object)
	in.Text("event", &d.Event)
	in.Number(listID, &d.ListID)
	in.Endpoint("url", &d.URL)
	d.check(in)
	if err := in.Err(); err != nil {
		return nil, err
	}
	return d.webhook(old)
}

// check finds faults in object and event, and between them.
func (d *details) check(in *methods.Document) {
	events, known := eventsOf[d.Object]
	switch {
	case !known:
		in.Fault("must be list or contact", "object")
	case slices.Contains(events, d.Event):
	case slices.Contains(slices.Concat(eventsOf["list"], eventsOf["contact"]), d.Event):
		in.Fault("does not apply to this object", "event")
	default:
		in.Fault("must be one of the events of the object", "event")
	}
}

// webhook is a webhook of these details; what details do not speak of comes from old.
func (d *details) webhook(old *schemas.Webhook) (*schemas.Webhook, error) {
	stored, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	w := &schemas.Webhook{State: schemas.StateActive}
	if old != nil {
		*w = *old
	}
	w.Endpoint, w.Document = d.URL, stored
	w.Match = schemas.Match{Types: []string{d.Object + "." + d.Event}}
	if d.ListID != 0 {
		w.Match.Attributes = []schemas.Constraint{{Name: listID, Values: []string{strconv.FormatInt(d.ListID, 10)}}}
	}
	return w, nil
}

// detailsOf reads back what was registered.
func detailsOf(w *schemas.Webhook) details {
	var d details
	_ = json.Unmarshal(w.Document, &d) // our own Marshal; a webhook without a document shows empty details
	return d
}
