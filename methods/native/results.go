package native

import (
	"encoding/json"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// masked stands for a header's value that the caller may not see.
const masked = "***"

// Subscription is what a read answers with, in the wire's order.
type Subscription struct {
	ID          string                     `json:"id"`
	Endpoint    string                     `json:"endpoint"`
	Events      []string                   `json:"events"`
	Filter      json.RawMessage            `json:"filter,omitempty"`
	Name        string                     `json:"name,omitempty"`
	State       schemas.State              `json:"state"`
	Headers     map[string]string          `json:"headers,omitempty"`
	Properties  map[string]json.RawMessage `json:"properties,omitempty"`
	Metadata    map[string]string          `json:"metadata,omitempty"`
	Retry       []schemas.Seconds          `json:"retry,omitzero"` // absent: the dialect's policy; empty: one attempt
	MaxInFlight int                        `json:"maxInFlight,omitempty"`
	Timeout     float64                    `json:"timeout,omitempty"` // seconds
	Stats       Stats                      `json:"stats"`
	Created     time.Time                  `json:"created"`
	Updated     time.Time                  `json:"updated"`
	// Secret is in the answer to createSubscription only.
	Secret string `json:"secret,omitempty"`
}

// Stats says how a subscription fares.
type Stats struct {
	Calls             int64     `json:"calls"`             // attempts made
	Errors            int64     `json:"errors"`            // attempts that failed
	ConsecutiveErrors int64     `json:"consecutiveErrors"` // failed attempts since the last success
	Dropped           int64     `json:"dropped"`           // deliveries given up since the last success
	FailingSince      time.Time `json:"failingSince,omitzero"`
	LastError         string    `json:"lastError,omitempty"`
	LastErrorAt       time.Time `json:"lastErrorAt,omitzero"`
	LastSuccess       time.Time `json:"lastSuccess,omitzero"`
}

func show(w *schemas.Webhook, view methods.View) Subscription {
	return Subscription{
		ID:          w.PublicID,
		Endpoint:    w.Endpoint,
		Events:      w.Match.Types,
		Filter:      w.Match.Filter,
		Name:        w.Name,
		State:       w.State,
		Headers:     showHeaders(w.Headers, view.Secrets),
		Properties:  w.Properties,
		Metadata:    w.Metadata,
		Retry:       w.Retry,
		MaxInFlight: w.MaxInFlight,
		Timeout:     w.Timeout.Seconds(),
		Stats:       showStats(&view.Tally),
		Created:     w.Created.UTC(),
		Updated:     w.Updated.UTC(),
	}
}

// created is show with the secret, which no later answer repeats.
func created(w *schemas.Webhook, view methods.View) Subscription {
	view.Secrets = true
	s := show(w, view)
	s.Secret = w.CurrentSecret()
	return s
}

func showHeaders(headers map[string]string, secrets bool) map[string]string {
	if secrets || len(headers) == 0 {
		return headers
	}
	names := make(map[string]string, len(headers))
	for name := range headers {
		names[name] = masked
	}
	return names
}

func showStats(t *schemas.Tally) Stats {
	return Stats{
		Calls: t.Calls, Errors: t.Errors, ConsecutiveErrors: t.Consecutive, Dropped: t.Dropped,
		FailingSince: t.FailingSince, LastError: t.LastError, LastErrorAt: t.LastErrorAt, LastSuccess: t.LastSuccess,
	}
}
