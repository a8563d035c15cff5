package native

import (
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Name is the dialect's name in every webhook of it.
const Name = "native"

// New is the dialect. It holds no state and is safe for concurrent use.
func New() methods.Dialect {
	d := methods.Dialect{
		Name:      Name,
		Format:    Format{},
		Registers: "createSubscription",
		Form:      Name,
		Pulls:     true,
		Parse:     Parse,
		Identity:  methods.IdentityOf,
		Show:      func(w *schemas.Webhook, view methods.View) any { return show(w, view) },
		Created:   func(w *schemas.Webhook, view methods.View) any { return created(w, view) },

		EventFilters: true,
	}
	d.Methods = rows(&d)
	return d
}
