package superoffice

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Webhook is the vendor's entity, with the members of its documents in their order.
type Webhook struct {
	WebhookID           schemas.WebhookID          `json:"WebhookId"`
	Name                *string                    `json:"Name"`
	Events              []string                   `json:"Events"`
	TargetURL           string                     `json:"TargetUrl"`
	Secret              *string                    `json:"Secret"`
	State               string                     `json:"State"`
	Type                string                     `json:"Type"`
	Headers             map[string]string          `json:"Headers"`
	Properties          map[string]json.RawMessage `json:"Properties"`
	Registered          string                     `json:"Registered"`
	RegisteredAssociate any                        `json:"RegisteredAssociate"` // always null
	Updated             string                     `json:"Updated"`
	UpdatedAssociate    any                        `json:"UpdatedAssociate"` // always null
	// Links are in REST's answers for one webhook only; nil leaves them out.
	Links *Links `json:"_Links,omitempty"`
}

// Links are addresses of the REST face.
type Links struct {
	Self    string `json:"Self"`
	Archive string `json:"Archive"`
}

// masked stands for a header's value that the caller may not see.
const masked = "********"

// Show is the document of a read, a [Webhook]. Without view.PublicURL it has no links.
func Show(w *schemas.Webhook, view methods.View) any {
	r := registrationOf(w)
	out := Webhook{
		WebhookID:  w.ID,
		Name:       nullable(r.Name),
		Events:     r.Events,
		TargetURL:  r.TargetURL,
		State:      stateName(w.State),
		Type:       r.Type,
		Headers:    r.Headers,
		Properties: r.Properties,
		Registered: dateTime(w.Created),
		Updated:    dateTime(w.Updated),
	}
	if view.Secrets {
		out.Secret = nullable(w.CurrentSecret())
	} else {
		for name := range out.Headers { // a copy of its own, fresh from the stored document
			out.Headers[name] = masked
		}
	}
	if view.PublicURL != "" {
		archive := view.PublicURL + "/api/v1/Webhook"
		out.Links = &Links{Self: archive + "/" + strconv.FormatInt(int64(w.ID), 10), Archive: archive}
	}
	return out
}

// stateName is the vendor's name of a state.
func stateName(state schemas.State) string {
	for _, s := range states {
		if s.state == state {
			return s.name
		}
	}
	return states[0].name
}

// stateNumber is the vendor's number of a state, as its enumeration has it (its page of state events counts from 0).
func stateNumber(state schemas.State) int {
	return slices.IndexFunc(states[:], func(s stateOf) bool { return s.state == state })
}

// nullable is nil for "", which the vendor shows as null.
func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// dateTime is a time as the entity shows it: UTC, and .NET's zero for none.
func dateTime(t time.Time) string {
	if t.IsZero() {
		return "0001-01-01T00:00:00"
	}
	return timestamp(t)
}

// timestamp is UTC with up to 7 digits of a second, zeros at the end left out, as .NET writes it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z") }
