package schemas

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is what went wrong, in terms every layer shares. Faces (RPC codes, HTTP statuses) are mapped from it.
type Kind string

// The kinds of error a caller can meet. Anything without a kind is an internal error and its text is not shown.
const (
	KindUnauthorized    Kind = "unauthorized"     // missing, unknown or revoked credential
	KindInvalidParams   Kind = "invalid_params"   // Faults says which
	KindDuplicate       Kind = "duplicate"        // exactly such a webhook exists
	KindNoWebhook       Kind = "no_webhook"       // no such webhook
	KindNoEvent         Kind = "no_event"         // no such event
	KindNoDelivery      Kind = "no_delivery"      // no such delivery
	KindNoReplay        Kind = "no_replay"        // no such replay
	KindForbidden       Kind = "forbidden"        // the key's access level is too low
	KindWrongState      Kind = "wrong_state"      // not possible in the state it is in
	KindFilterRefused   Kind = "filter_refused"   // a filter that cannot be compiled or does not match its sample
	KindEndpointRefused Kind = "endpoint_refused" // an endpoint that may not be called
	KindTooLarge        Kind = "too_large"
	KindSchemaRefused   Kind = "schema_refused" // the event type's schema refuses the event
	KindNoRoom          Kind = "no_room"        // the server's disk is full; nothing was taken
	KindTooMany         Kind = "too_many"       // too many requests
)

// Fault is one thing wrong with a call's parameters.
type Fault struct {
	// Pointer is an RFC 6901 JSON pointer to the member, in the caller's own form: "/params/1/url".
	Pointer string `json:"pointer"`
	// Message is one sentence. It never quotes the value.
	Message string `json:"message"`
}

// Error is a refusal with a kind. Message is one sentence for the caller; it holds no secret and no cause.
type Error struct {
	Kind    Kind
	Message string
	Faults  []Fault
	// Webhook is the id, in its dialect's form, of the caller's webhook that stands in the way; nil: none does.
	Webhook any
	// RetryAfter is how long to wait before the same can succeed; 0 when nobody knows.
	RetryAfter time.Duration
}

// RetryIn is RetryAfter, for faces that know errors only.
func (e *Error) RetryIn() time.Duration { return e.RetryAfter }

func (e *Error) Error() string {
	if len(e.Faults) == 0 {
		return e.Message
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Faults {
		fmt.Fprintf(&b, "; %s: %s", f.Pointer, f.Message)
	}
	return b.String()
}

// Refuse makes an [Error].
func Refuse(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes the error for faulty parameters.
func Invalid(faults ...Fault) *Error {
	return &Error{Kind: KindInvalidParams, Message: "Invalid Method Parameters", Faults: faults}
}

// KindOf returns the kind of the first [Error] in err's chain, "" if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
