package vision6

import "github.com/hookswitch/hookswitch/methods"

// Name is the dialect's name in every webhook of it, and the form of deleteWebhook that is its own.
const Name = "vision6"

// New is the dialect. It holds no state and is safe for concurrent use.
func New() methods.Dialect {
	d := methods.Dialect{
		Name:      Name,
		Format:    Format{},
		Registers: "addWebhook",
		Marks:     []string{"object"},
		Parse:     Parse,
		Identity:  methods.IdentityOf, // "the exact remarks" of the vendor: its four details
		Show:      Show,
		Created:   Created,
	}
	d.Methods = rows(&d)
	return d
}
