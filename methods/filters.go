package methods

import (
	"context"
	"encoding/json"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// testFilter says whether data satisfies a filter, by the rules that deliveries are matched with.
func testFilter(_ context.Context, c *Call) (any, error) {
	var p struct {
		Filter json.RawMessage `json:"filter"`
		Data   json.RawMessage `json:"data"`
	}
	if err := c.Decode(&p); err != nil {
		return nil, err
	}
	filter, err := delivery.CompileFilter(p.Filter)
	if err != nil {
		return nil, filterRefused(c, err)
	}
	return map[string]bool{"matches": filter.Match(p.Data)}, nil
}

// filterRefused is the refusal of the parameter filter.
func filterRefused(c *Call, err error) error {
	return &schemas.Error{
		Kind: schemas.KindFilterRefused, Message: "The filter can't be used",
		Faults: []schemas.Fault{{Pointer: c.Pointer("filter"), Message: err.Error()}},
	}
}
