package native

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// masked stands for a value that the caller may not see.
const masked = schemas.Masked

// Subscription is what a read answers with, in the wire's order.
type Subscription struct {
	ID        string             `json:"id"`
	Endpoint  string             `json:"endpoint"`
	Events    []string           `json:"events"`
	Filter    json.RawMessage    `json:"filter,omitempty"`
	Name      string             `json:"name,omitempty"`
	State     schemas.State      `json:"state"`
	Format    string             `json:"format"`
	Signature delivery.Signature `json:"signature"`
	Headers   map[string]string  `json:"headers,omitempty"`
	// Authentication and ClientCertificate never show their secrets.
	Authentication    *schemas.Authentication    `json:"authentication,omitempty"`
	ClientCertificate *Certificate               `json:"clientCertificate,omitempty"`
	Properties        map[string]json.RawMessage `json:"properties,omitempty"`
	Metadata          map[string]string          `json:"metadata,omitempty"`
	Retry             []schemas.Seconds          `json:"retry,omitzero"` // absent: the dialect's policy; empty: one attempt
	MaxInFlight       int                        `json:"maxInFlight,omitempty"`
	Ordered           bool                       `json:"ordered,omitempty"`
	RateLimit         float64                    `json:"rateLimit,omitempty"` // deliveries per second
	Timeout           float64                    `json:"timeout,omitempty"`   // seconds
	IdleTimeout       float64                    `json:"idleTimeout,omitempty"`
	Stats             Stats                      `json:"stats"`
	Created           time.Time                  `json:"created"`
	Updated           time.Time                  `json:"updated"`
	// PublicKey is what verifies deliveries with the signature ed25519.
	PublicKey string `json:"publicKey,omitempty"`
	// FormerSecretsEnd is until when a former secret signs too.
	FormerSecretsEnd time.Time `json:"formerSecretsEnd,omitzero"`
	// Secret is in the answers to createSubscription and rotateSecret only, and never the secret half of a key pair.
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
		ID:                w.PublicID,
		Endpoint:          showEndpoint(w.Endpoint, view.Secrets),
		Events:            w.Match.Types,
		Filter:            w.Match.Filter,
		Name:              w.Name,
		State:             w.State,
		Format:            cmp.Or(w.Format, formatStandard),
		Signature:         delivery.SignatureOf(w.CurrentSecret()),
		Headers:           showHeaders(w.Headers, view.Secrets),
		Authentication:    showAuthentication(w.Authentication),
		ClientCertificate: showCertificate(w.ClientCertificate),
		Properties:        w.Properties,
		Metadata:          w.Metadata,
		Retry:             w.Retry,
		MaxInFlight:       w.MaxInFlight,
		Ordered:           w.Ordered,
		RateLimit:         w.RateLimit,
		Timeout:           w.Timeout.Seconds(),
		IdleTimeout:       w.IdleTimeout.Seconds(),
		Stats:             showStats(&view.Tally),
		Created:           w.Created.UTC(),
		Updated:           w.Updated.UTC(),
		PublicKey:         delivery.PublicKey(w.CurrentSecret()),

		FormerSecretsEnd: formerSecretsEnd(w, time.Now()),
	}
}

// created is show with the secret, which no later answer repeats. Of a key pair the public half is enough.
func created(w *schemas.Webhook, view methods.View) Subscription {
	view.Secrets = true
	s := show(w, view)
	if s.Signature == delivery.SignatureHMAC {
		s.Secret = w.CurrentSecret()
	}
	return s
}

// formerSecretsEnd is when the last of the former secrets that still sign expires; zero when none does.
func formerSecretsEnd(w *schemas.Webhook, now time.Time) time.Time {
	var end time.Time
	for _, s := range w.Secrets {
		if s.Expires.After(now) && s.Expires.After(end) {
			end = s.Expires.UTC()
		}
	}
	return end
}

func showEndpoint(endpoint string, secrets bool) string {
	if secrets {
		return endpoint
	}
	return schemas.MaskQuery(endpoint)
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
