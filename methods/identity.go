package methods

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/schemas"
)

// IdentityOf is the identity of webhooks that are the same when endpoint and match are: the order of the types and the
// layout of the filter do not count.
func IdentityOf(w *schemas.Webhook) []string {
	parts := []string{w.Endpoint}
	for _, t := range slices.Compact(slices.Sorted(slices.Values(w.Match.Types))) {
		parts = append(parts, "type "+t)
	}
	for _, c := range w.Match.Attributes {
		parts = append(parts, c.Name+"="+strings.Join(c.Values, ","))
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
