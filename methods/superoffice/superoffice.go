package superoffice

import (
	"slices"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Name is the dialect's name in every webhook of it.
const Name = "superoffice"

// Options are what an operator may change.
type Options struct {
	// RequireHTTPS refuses endpoints that are not https, as SuperOffice itself does.
	RequireHTTPS bool
}

// New is the dialect. It holds no state and is safe for concurrent use.
func New(o Options) methods.Dialect {
	return methods.Dialect{
		Name:      Name,
		Format:    Format{},
		Registers: "postWebhook",
		Form:      Name,
		Marks:     []string{"TargetUrl"},
		Parse:     o.parse,
		Identity:  identity,
		Show:      Show,
	}
}

// identity is name, type, endpoint and the set of events.
func identity(w *schemas.Webhook) []string {
	parts := []string{w.Endpoint, w.Name, registrationOf(w).Type}
	return append(parts, slices.Compact(slices.Sorted(slices.Values(w.Match.Types)))...)
}
