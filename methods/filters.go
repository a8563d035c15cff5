package methods

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// testFilter says whether an event, or data alone, satisfies a filter, by the rules that deliveries are matched with.
func testFilter(_ context.Context, c *Call) (any, error) {
	var p struct {
		Filter json.RawMessage `json:"filter"`
		Data   json.RawMessage `json:"data"`
		Event  *struct {
			Type       string                     `json:"type"`
			Attributes map[string]json.RawMessage `json:"attributes"`
			Data       json.RawMessage            `json:"data"`
		} `json:"event"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	alone := p.Event == nil
	switch given := len(p.Data) > 0 && (alone || string(p.Data) != "null"); {
	case alone && !given:
		return nil, schemas.Invalid(schemas.Fault{Pointer: c.Pointer("data"), Message: "is missing, and there is no event either"})
	case !alone && given:
		return nil, schemas.Invalid(schemas.Fault{Pointer: c.Pointer("data"), Message: "must not stand beside an event, which has its own"})
	}
	filter, err := delivery.CompileEventFilter(p.Filter)
	if err == nil && alone && filter.AsksEvent() {
		err = errors.New("it asks for $type or $attributes, which data alone can't answer: give an event")
	}
	if err != nil {
		return nil, filterRefused(c, err)
	}
	if alone {
		return map[string]bool{"matches": filter.Match(p.Data)}, nil
	}
	event := &schemas.Event{Type: p.Event.Type, Attributes: p.Event.Attributes, Data: p.Event.Data}
	return map[string]bool{"matches": filter.MatchEvent(event)}, nil
}

// filterRefused is the refusal of the parameter filter.
func filterRefused(c *Call, err error) error {
	return &schemas.Error{
		Kind: schemas.KindFilterRefused, Message: "The filter can't be used",
		Faults: []schemas.Fault{{Pointer: c.Pointer("filter"), Message: err.Error()}},
	}
}
