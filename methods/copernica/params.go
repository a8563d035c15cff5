package copernica

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// document is a registration, in the order of the vendor's page. It is also what is stored.
type document struct {
	Handler    string   `json:"handler"`
	Trigger    string   `json:"trigger"`
	Callers    []string `json:"callers"`
	Database   int64    `json:"database,omitempty"`   // 0: not limited to one
	Collection int64    `json:"collection,omitempty"` // 0: not limited to one
}

// typesOf are the event types of each trigger (the page of POST webhooks; create, update and delete "also cover
// subprofiles"). The last two are not on that page: see the package's comment.
var typesOf = map[string][]string{
	"create":      {"profile.created", "subprofile.created"},
	"update":      {"profile.updated", "subprofile.updated"},
	"delete":      {"profile.deleted", "subprofile.deleted"},
	"click":       {"message.clicked"},
	"open":        {"message.opened"},
	"delivery":    {"message.delivered"},
	"bounce":      {"message.bounced"},
	"failure":     {"message.failed"},
	"unsubscribe": {"profile.unsubscribed"},
	"abuse":       {"message.complained"},
}

// allCallers returns what may trigger a webhook: Marketing Suite and Publisher.
func allCallers() []string { return []string{"ms", "publisher"} }

// Parse turns a registration document into a webhook. With old, the rules of the vendor's PUT apply: see the package's
// comment.
func Parse(doc json.RawMessage, old *schemas.Webhook) (*schemas.Webhook, error) {
	in := methods.ReadDocument(doc, false)
	var d document
	if old != nil {
		d = documentOf(old)
	}
	in.Endpoint("handler", &d.Handler)
	in.Text("trigger", &d.Trigger)
	if typesOf[d.Trigger] == nil {
		in.Fault("must be create, update, delete, click, delivery, open, bounce, failure, unsubscribe or abuse", "trigger")
	}
	d.Callers = nil
	in.Decode("callers", &d.Callers, "must be a list of strings")
	for i, caller := range d.Callers {
		if !slices.Contains(allCallers(), caller) {
			in.Fault("must be ms or publisher", "callers", strconv.Itoa(i))
		}
	}
	if len(d.Callers) == 0 {
		d.Callers = allCallers()
	}
	in.Number("database", &d.Database)
	in.Number("collection", &d.Collection)
	if err := in.Err(); err != nil {
		return nil, err
	}
	return d.webhook(old)
}

// webhook is a webhook of this document; what the document does not speak of comes from old.
func (d *document) webhook(old *schemas.Webhook) (*schemas.Webhook, error) {
	stored, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	w := &schemas.Webhook{State: schemas.StateActive}
	if old != nil {
		*w = *old
		w.State = schemas.StateActive // the document has no state: a PUT is how an owner starts a stopped webhook again
	}
	w.Endpoint, w.Document = d.Handler, stored
	w.Match = schemas.Match{Types: slices.Clone(typesOf[d.Trigger])}
	limit := func(name, value string) {
		w.Match.Attributes = append(w.Match.Attributes, schemas.Constraint{Name: name, Values: []string{value}})
	}
	if one := slices.Compact(slices.Sorted(slices.Values(d.Callers))); len(one) == 1 {
		limit("caller", one[0])
	}
	if d.Database != 0 {
		limit("database", strconv.FormatInt(d.Database, 10))
	}
	if d.Collection != 0 {
		limit("collection", strconv.FormatInt(d.Collection, 10))
	}
	return w, nil
}

// documentOf reads back what was registered.
func documentOf(w *schemas.Webhook) document {
	var d document
	_ = json.Unmarshal(w.Document, &d) // our own Marshal; a webhook without a document shows an empty one
	return d
}
