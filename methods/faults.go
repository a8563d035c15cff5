package methods

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// code is what a kind of error looks like over RPC.
type code struct {
	number  int64
	message string
}

// codes is the one table of application error codes. 300, 310, 351 and 399 and their texts are Vision6's own
// (its standard error codes and the page of addWebhook); the rest is ours.
var codes = map[schemas.Kind]code{
	schemas.KindUnauthorized:    {300, "Authorisation Failed"},
	schemas.KindInvalidParams:   {310, "Invalid Method Parameters"},
	schemas.KindDuplicate:       {351, "Duplicate Webhook details not allowed"},
	schemas.KindNoWebhook:       {352, "No such webhook"},
	schemas.KindNoEvent:         {353, "No such event"},
	schemas.KindNoDelivery:      {354, "No such delivery"},
	schemas.KindForbidden:       {355, "Access level too low"},
	schemas.KindWrongState:      {356, "Not possible in this state"},
	schemas.KindFilterRefused:   {357, "Filter refused"},
	schemas.KindEndpointRefused: {358, "Endpoint refused"},
	schemas.KindTooLarge:        {359, "Too large"},
	schemas.KindSchemaRefused:   {360, "Event refused by the schema of its type"},
	schemas.KindNoReplay:        {361, "No such replay"},
	schemas.KindNoRoom:          {362, "No room on the server's disk"},
	schemas.KindTooMany:         {399, "Too many requests"},
}

// ErrorOf turns an error of a method into its JSON-RPC form, nil for one that is internal: the caller learns nothing of
// its text.
func ErrorOf(err error) *jsonrpc2.Error {
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok {
		return nil
	}
	c, ok := codes[e.Kind]
	if !ok {
		return nil
	}
	out := &jsonrpc2.Error{Code: c.number, Message: c.message}
	out.SetError(errorData{
		Kind: e.Kind, Message: e.Message, Webhook: e.Webhook, Faults: e.Faults,
		RetryAfter: int64((e.RetryAfter + time.Second - 1) / time.Second),
	})
	return out
}

// errorData is the data member of an application error.
type errorData struct {
	Kind    schemas.Kind    `json:"kind"`
	Message string          `json:"message"`
	Webhook any             `json:"webhook,omitempty"`
	Faults  []schemas.Fault `json:"faults,omitempty"`
	// RetryAfter is in whole seconds, rounded up.
	RetryAfter int64 `json:"retryAfter,omitempty"`
}

// errNoRoom is the refusal while the store has no room. Whoever tries again that much later finds the server ready, if it is.
var errNoRoom = &schemas.Error{
	Kind: schemas.KindNoRoom, Message: "The server's disk has no room: nothing was taken; try again later", RetryAfter: 15 * time.Second,
}

// refusal is an error of a method with what a caller may know of the store's own errors as a refusal.
func refusal(err error) error {
	if errors.Is(err, storage.ErrNoRoom) {
		return errNoRoom
	}
	return err
}

// errUnauthorized says no more than that: what exactly was wrong with a credential helps only an attacker.
var errUnauthorized = schemas.Refuse(schemas.KindUnauthorized, "The key is missing, unknown or revoked")

// invalid makes the 310 for one member.
func invalid(pointer, message string) error {
	return schemas.Invalid(schemas.Fault{Pointer: pointer, Message: message})
}

// prefixed puts the caller's own pointer in front of the faults of a document.
func prefixed(err error, prefix string) error {
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok || prefix == "" {
		return err
	}
	out := *e
	out.Faults = make([]schemas.Fault, len(e.Faults))
	for i, f := range e.Faults {
		out.Faults[i] = schemas.Fault{Pointer: prefix + f.Pointer, Message: f.Message}
	}
	return &out
}

// withFaults adds to a refusal what another look at the same document found, except at places that have a fault already:
// what is wrong with those is known.
func withFaults(err, more error) error {
	e, ok := errors.AsType[*schemas.Error](err)
	m, also := errors.AsType[*schemas.Error](more)
	if !ok || !also || e.Kind != schemas.KindInvalidParams || m.Kind != schemas.KindInvalidParams {
		return err
	}
	out := *e
	out.Faults = slices.Clone(e.Faults)
	for _, f := range m.Faults {
		near := func(g schemas.Fault) bool {
			return strings.HasPrefix(f.Pointer+"/", g.Pointer+"/") || strings.HasPrefix(g.Pointer+"/", f.Pointer+"/")
		}
		if len(out.Faults) < maxFaults && !slices.ContainsFunc(e.Faults, near) {
			out.Faults = append(out.Faults, f)
		}
	}
	return &out
}

// maxFaults is how many faults one refusal lists; the schemas stop at the same number.
const maxFaults = 16

// raw is the JSON of a value of our own, which always can be written.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
