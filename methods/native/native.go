package native

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Name is the dialect's name in every webhook of it.
const Name = "native"

// Options are what an operator may change.
type Options struct {
	// FailFor is how long a webhook may only fail before it becomes schemas.StateFailing; 0 means [DefaultFailFor].
	FailFor time.Duration
}

// New is the dialect. It holds no state and is safe for concurrent use.
func New(options Options) methods.Dialect {
	return methods.Dialect{
		Name:      Name,
		Format:    NewFormat(options),
		Registers: "createSubscription",
		Form:      Name,
		Parse:     Parse,
		Identity:  identity,
		Show:      func(w *schemas.Webhook, view methods.View) any { return show(w, view) },
		Created:   func(w *schemas.Webhook, view methods.View) any { return created(w, view) },
	}
}

// identity is the endpoint and what is matched; neither the order of the types nor the filter's layout counts.
func identity(w *schemas.Webhook) []string {
	parts := []string{"endpoint " + w.Endpoint}
	types := slices.Sorted(slices.Values(w.Match.Types))
	for _, t := range slices.Compact(types) {
		parts = append(parts, "type "+t)
	}
	if len(w.Match.Filter) > 0 {
		parts = append(parts, "filter "+canonical(w.Match.Filter))
	}
	return parts
}

// canonical is doc with sorted keys and no spaces; numbers stay as written. What is not JSON stays as it is.
func canonical(doc json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return string(doc)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return string(doc)
	}
	return string(text)
}
