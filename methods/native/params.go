package native

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// publicIDPrefix begins the id that callers see; a ULID follows.
const publicIDPrefix = "sub_"

// Parse turns a subscription document into a webhook, as methods.Dialect asks. It lists every fault it finds.
//
// For a new webhook (old is nil) endpoint and events are required, a secret is generated unless one is given. For an
// update only the members given change. Members it does not know are the schema's affair and are passed over.
func Parse(doc json.RawMessage, old *schemas.Webhook) (*schemas.Webhook, error) {
	d := draft{Document: methods.ReadDocument(doc, false), webhook: begin(old)}
	for _, m := range members {
		switch raw := d.Raw(m.name); {
		case raw != nil:
			m.set(&d, raw)
		case d.Has(m.name) && m.remove != nil:
			m.remove(d.webhook)
		case d.Has(m.name):
			d.Fault("must not be null", m.name)
		case m.required && old == nil:
			d.Fault("is required", m.name)
		}
	}
	delivery.CheckCredentials(d.webhook, d.Fault)
	if err := d.refusal(); err != nil {
		return nil, err
	}
	if len(d.webhook.Secrets) == 0 {
		d.webhook.Secrets = []schemas.Secret{{Value: delivery.NewSecretFor(delivery.SignatureHMAC)}}
	}
	return d.webhook, nil
}

// begin is what the document's members are put into: a fresh webhook, or a copy of old.
func begin(old *schemas.Webhook) *schemas.Webhook {
	if old != nil {
		w := *old
		return &w
	}
	return &schemas.Webhook{PublicID: methods.NewPublicID(publicIDPrefix), State: schemas.StateActive}
}

// member is one member of the document.
type member struct {
	name     string
	required bool
	set      func(d *draft, raw json.RawMessage)
	remove   func(w *schemas.Webhook) // what null does; nil: null is a fault
}

// members are all members of the document, in the order their faults are listed.
var members = []member{
	{name: "endpoint", required: true, set: (*draft).setEndpoint},
	{name: "events", required: true, set: (*draft).setEvents},
	{name: "filter", set: (*draft).setFilter, remove: func(w *schemas.Webhook) { w.Match.Filter = nil }},
	{name: "name", set: (*draft).setName, remove: func(w *schemas.Webhook) { w.Name = "" }},
	{name: "state", set: (*draft).setState},
	{name: "secret", set: (*draft).setSecret},
	{name: "signature", set: (*draft).setSignature}, // after the secret, which it has to fit
	{name: "format", set: (*draft).setFormat, remove: func(w *schemas.Webhook) { w.Format = "" }},
	{name: "headers", set: (*draft).setHeaders, remove: func(w *schemas.Webhook) { w.Headers = nil }},
	{name: "authentication", set: (*draft).setAuthentication, remove: func(w *schemas.Webhook) { w.Authentication = nil }},
	{name: "clientCertificate", set: (*draft).setClientCertificate, remove: func(w *schemas.Webhook) { w.ClientCertificate = nil }},
	{name: "properties", set: (*draft).setProperties, remove: func(w *schemas.Webhook) { w.Properties = nil }},
	{name: "metadata", set: (*draft).setMetadata, remove: func(w *schemas.Webhook) { w.Metadata = nil }},
	{name: "retry", set: (*draft).setRetry, remove: func(w *schemas.Webhook) { w.Retry = nil }},
	{name: "maxInFlight", set: (*draft).setMaxInFlight, remove: func(w *schemas.Webhook) { w.MaxInFlight = 0 }},
	{name: "ordered", set: (*draft).setOrdered, remove: func(w *schemas.Webhook) { w.Ordered = false }},
	{name: "rateLimit", set: (*draft).setRateLimit, remove: func(w *schemas.Webhook) { w.RateLimit = 0 }},
	{name: "timeout", set: (*draft).setTimeout, remove: func(w *schemas.Webhook) { w.Timeout = 0 }},
	{name: "idleTimeout", set: (*draft).setIdleTimeout, remove: func(w *schemas.Webhook) { w.IdleTimeout = 0 }}, // after the endpoint
}

// draft is a webhook in the making, and the document it is made from.
type draft struct {
	*methods.Document
	webhook       *schemas.Webhook
	filterRefused bool // one of the faults is the filter's
}

// refusal is the error for the faults, nil without one: a filter that is the only one has its own kind.
func (d *draft) refusal() error {
	err := d.Err()
	if e, ok := errors.AsType[*schemas.Error](err); ok && d.filterRefused && len(e.Faults) == 1 {
		return &schemas.Error{Kind: schemas.KindFilterRefused, Message: "The filter can't be used", Faults: e.Faults}
	}
	return err
}

// decode reads a member of type T; a value of another type becomes a fault.
func decode[T any](d *draft, name string, raw json.RawMessage, mustBe string) (value T, ok bool) {
	if json.Unmarshal(raw, &value) != nil {
		d.Fault("must be "+mustBe, name)
		return value, false
	}
	return value, true
}

func (d *draft) setEndpoint(raw json.RawMessage) {
	endpoint, ok := decode[string](d, "endpoint", raw, "a string")
	if !ok {
		return
	}
	check := delivery.CheckEndpoint
	if delivery.Pulled(endpoint) {
		check = delivery.CheckPull
	}
	if problem := check(endpoint); problem != "" {
		d.Fault(problem, "endpoint")
		return
	}
	d.webhook.Endpoint = endpoint
}

func (d *draft) setEvents(raw json.RawMessage) {
	types, ok := decode[[]string](d, "events", raw, "an array of strings")
	if !ok {
		return
	}
	if len(types) == 0 || len(types) > maxEvents {
		d.Fault("must name 1 to 100 event types", "events")
		return
	}
	for i, pattern := range types {
		if problem := schemas.CheckEventPattern(pattern); problem != "" {
			d.Fault(problem, "events", strconv.Itoa(i))
		}
	}
	d.webhook.Match.Types = types
}

func (d *draft) setFilter(raw json.RawMessage) {
	if _, err := delivery.CompileEventFilter(raw); err != nil {
		d.Fault(err.Error(), "filter")
		d.filterRefused = true
		return
	}
	d.webhook.Match.Filter = slices.Clone(raw)
}

func (d *draft) setName(raw json.RawMessage) {
	name, ok := decode[string](d, "name", raw, "a string")
	if !ok {
		return
	}
	if utf8.RuneCountInString(name) > maxName {
		d.Fault("must have at most 200 characters", "name")
		return
	}
	d.webhook.Name = name
}

func (d *draft) setState(raw json.RawMessage) {
	state, ok := decode[schemas.State](d, "state", raw, "a string")
	if !ok {
		return
	}
	if state != schemas.StateActive && state != schemas.StateStopped {
		d.Fault("must be active or stopped", "state")
		return
	}
	d.webhook.State = state
}

func (d *draft) setSecret(raw json.RawMessage) {
	secret, ok := decode[string](d, "secret", raw, "a string")
	if !ok {
		return
	}
	if err := delivery.CheckSecret(secret); err != nil {
		d.Fault(err.Error(), "secret")
		return
	}
	d.webhook.Secrets = []schemas.Secret{{Value: secret}}
}

// setSignature makes a secret of the scheme for a new subscription. What there is already has to be of that scheme: only
// rotateSecret changes it, because only its answer shows the new secret or key.
func (d *draft) setSignature(raw json.RawMessage) {
	scheme, ok := decode[delivery.Signature](d, "signature", raw, "a string")
	switch {
	case !ok:
	case scheme != delivery.SignatureHMAC && scheme != delivery.SignatureEd25519:
		d.Fault("must be hmac-sha256 or ed25519", "signature")
	case len(d.webhook.Secrets) == 0:
		d.webhook.Secrets = []schemas.Secret{{Value: delivery.NewSecretFor(scheme)}}
	case delivery.SignatureOf(d.webhook.CurrentSecret()) == scheme:
	case d.Has("secret"):
		d.Fault("does not fit the secret", "signature")
	default:
		d.Fault("is changed by rotateSecret only", "signature")
	}
}

func (d *draft) setFormat(raw json.RawMessage) {
	format, ok := decode[string](d, "format", raw, "a string")
	if !ok {
		return
	}
	switch format {
	case formatStandard:
		d.webhook.Format = ""
	case formatCloudEvents, formatCloudEventsBinary:
		d.webhook.Format = format
	default:
		d.Fault("must be standard, cloudevents or cloudevents-binary", "format")
	}
}

func (d *draft) setHeaders(raw json.RawMessage) {
	headers, ok := decode[map[string]string](d, "headers", raw, "an object of strings")
	if !ok {
		return
	}
	if len(headers) > maxHeaders {
		d.Fault("must have at most 32 members", "headers")
		return
	}
	checkHeaders(headers, func(name, message string) { d.Fault(message, "headers", name) })
	d.webhook.Headers = headers
}
