package airstack

import (
	"encoding/json"

	"github.com/hookswitch/hookswitch/schemas"
)

// Authentication is the check a receiver makes: this header has this value in every delivery.
type Authentication struct {
	HeaderName  string `json:"header_name"`
	HeaderValue string `json:"header_value"`
}

// Creation is the answer to a registration, in the order of the vendor's examples.
type Creation struct {
	WebhookID      string         `json:"webhook_id"` // a ULID
	PortalLink     string         `json:"portal_link,omitempty"`
	Authentication Authentication `json:"authentication"`
	Status         bool           `json:"status"`
	Message        string         `json:"message"`
}

// Subscription is what a read answers with.
type Subscription struct {
	WebhookID    string          `json:"webhook_id"`
	Endpoint     string          `json:"endpoint"`
	FilterConfig json.RawMessage `json:"filter_config,omitempty"` // as registered
	EventTypes   json.RawMessage `json:"eventTypes,omitempty"`    // as registered, where it stood beside filter_config
	EventType    json.RawMessage `json:"event_type,omitempty"`    // likewise
	State        schemas.State   `json:"state"`
	Status       bool            `json:"status"` // of the call: always true
}

func created(w *schemas.Webhook, portalLink string) Creation {
	return Creation{
		WebhookID:      w.PublicID,
		PortalLink:     portalLink,
		Authentication: Authentication{HeaderName: headerName, HeaderValue: w.CurrentSecret()},
		Status:         true,
		Message:        "Successfully created subscription",
	}
}

func show(w *schemas.Webhook) Subscription {
	var registered map[string]json.RawMessage
	_ = json.Unmarshal(w.Document, &registered) // Parse took it, so it is an object
	return Subscription{
		WebhookID:    w.PublicID,
		Endpoint:     w.Endpoint,
		FilterConfig: registered["filter_config"],
		EventTypes:   registered["eventTypes"],
		EventType:    registered["event_type"],
		State:        w.State,
		Status:       true,
	}
}
