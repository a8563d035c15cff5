package methods

import (
	"context"
	"encoding/json"
)

// signalEvent is publishEvent under the names of SuperOffice's document, whose dialect reads its event's attributes.
func signalEvent(ctx context.Context, c *Call) (any, error) {
	in := c.Read()
	var event struct {
		Type       string                     `json:"type"`
		Data       json.RawMessage            `json:"data,omitempty"`
		Attributes map[string]json.RawMessage `json:"attributes"`
	}
	in.Text("event", &event.Type)
	if reservedType(event.Type) {
		in.Fault(reservedMessage, "event")
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	event.Data = in.Raw("data")
	event.Attributes = map[string]json.RawMessage{}
	for _, name := range []string{"primaryKey", "contextIdentifier"} {
		if value := in.Raw(name); value != nil {
			event.Attributes[name] = value
		}
	}
	e, _, err := c.readEvent(c, raw(event), "/params")
	if err != nil {
		return nil, err
	}
	if t := c.types.find(e.Account, e.Type); t != nil {
		if err := t.check(e.Data, c.Pointer("data")); err != nil {
			return nil, err
		}
	}
	return c.publish(ctx, e, 0)
}
