package superoffice

import (
	"context"
	"slices"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// Name is the dialect's name in every webhook of it.
const Name = "superoffice"

// Options are what an operator may change.
type Options struct {
	// RequireHTTPS refuses endpoints that are not https, as SuperOffice itself does.
	RequireHTTPS bool
	// Ping has the receiver of an active webhook answer the event test with 200 before the webhook is saved, as
	// SuperOffice does.
	Ping bool
}

// New is the dialect. It holds no state and is safe for concurrent use.
func New(o Options) methods.Dialect {
	return methods.Dialect{
		Name:      Name,
		Format:    Format{},
		Registers: "postWebhook",
		Form:      Name,
		Marks:     []string{"TargetUrl"},
		PutMerges: true,
		Parse:     o.parse,
		Patch:     patch,
		TestType:  testEvent,
		TestFirst: o.Ping,
		Identity:  identity,
		Show:      Show,
		Methods:   []methods.Method{{Name: "createDefaultWebhook", Access: schemas.AccessRead, Run: createDefault}},
	}
}

// defaultWebhook is the entity that the vendor hands out to be filled in, byte for byte. It holds ErrorsEmail, which the
// other answers, after the documented entity, do not.
const defaultWebhook = `{"WebhookId":0,"Name":null,"Events":["contact.created","contact.deleted"],"ErrorsEmail":null,` +
	`"TargetUrl":null,"Secret":null,"State":"Active","Type":"webhook","Headers":null,"Properties":null,` +
	`"Registered":"0001-01-01T00:00:00","RegisteredAssociate":null,"Updated":"0001-01-01T00:00:00","UpdatedAssociate":null}`

func createDefault(context.Context, *methods.Call) (any, error) { return rpc.Raw(defaultWebhook), nil }

// identity is name, type, endpoint and the set of events.
func identity(w *schemas.Webhook) []string {
	parts := []string{w.Endpoint, w.Name, registrationOf(w).Type}
	return append(parts, slices.Compact(slices.Sorted(slices.Values(w.Match.Types)))...)
}
