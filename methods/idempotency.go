package methods

import (
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
)

// IdempotencyHeader makes a publishEvent over HTTP idempotent: its value is the event's id where the event names none.
const IdempotencyHeader = "Idempotency-Key"

// idempotencyKey is the key that the caller's request carries, "" without one. On a socket, whose header is that of the
// upgrade, there is none. A quoted key is taken without its quotes: the IETF's draft of the header has it so.
func (c *Call) idempotencyKey() (string, error) {
	if c.session.CanPush() || !c.session.HasHeader(IdempotencyHeader) {
		return "", nil
	}
	key := c.session.Header(IdempotencyHeader)
	if inner, quoted := strings.CutPrefix(key, `"`); quoted {
		key = strings.TrimSuffix(inner, `"`)
	}
	switch problem := schemas.CheckEventID(key); {
	case problem != "":
		return "", schemas.Refuse(schemas.KindInvalidParams, "The header %s becomes the event's id: it %s", IdempotencyHeader, problem)
	case c.inBatch:
		return "", schemas.Refuse(schemas.KindInvalidParams, "The header %s is for one call: in a batch, give each event an id", IdempotencyHeader)
	}
	return key, nil
}

// identifyEvent gives an event the id that the header names; given says whether it has one of its own.
func (c *Call) identifyEvent(e *schemas.Event, given bool) (identified bool, err error) {
	key, err := c.idempotencyKey()
	switch {
	case err != nil || key == "":
		return given, err
	case given && e.ID != key:
		member := "/params/id"
		if positional(c.Params) {
			member = "/params/2"
		}
		return given, invalid(member, "is not what the header "+IdempotencyHeader+" says: give one of the two, or the same twice")
	}
	e.ID = key
	return true, nil
}
