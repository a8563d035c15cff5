package airstack

import (
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

// Name is the dialect's name in every webhook of it.
const Name = "airstack"

// Options connect the dialect with the rest of the server.
type Options struct {
	// PortalLink makes the portal_link of a creation answer: a link to the portal for account, below publicURL, that is
	// valid from now. It must be safe for concurrent use. Nil, or an empty result, leaves the member out.
	PortalLink func(account schemas.AccountID, publicURL string, now time.Time) string
}

// New is the dialect. It holds no state and is safe for concurrent use.
func New(options Options) methods.Dialect {
	return methods.Dialect{
		Name:      Name,
		Format:    Format{},
		Registers: "createSubscription",
		Form:      Name,
		Marks:     []string{"filter_config", "eventTypes", "event_type"},
		Parse:     Parse,
		Identity:  methods.IdentityOf,
		Show:      func(w *schemas.Webhook, _ methods.View) any { return show(w) },
		Created: func(w *schemas.Webhook, view methods.View) any {
			link := ""
			if options.PortalLink != nil {
				link = options.PortalLink(w.Account, view.PublicURL, time.Now())
			}
			return created(w, link)
		},
	}
}
