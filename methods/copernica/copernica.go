package copernica

import "github.com/hookswitch/hookswitch/methods"

// Name is the dialect's name in every webhook of it.
const Name = "copernica"

// DefaultKeyID is the name in the vendor's own example; its verifier accepts no domain but copernica.com. A receiver that
// uses it needs a private view of that name in its DNS, with this server's key.
const DefaultKeyID = "one._domainkey.copernica.com"

// Options say how deliveries are signed.
type Options struct {
	// Keys sign. Without them nothing is sent.
	Keys *Keys
	// Nonce gives the value of X-Nonce; nil takes 16 random hex digits.
	Nonce func() string
}

// New is the dialect. It is safe for concurrent use if Nonce is.
func New(o Options) methods.Dialect {
	d := methods.Dialect{
		Name:       Name,
		Format:     newFormat(o),
		Registers:  "postWebhook",
		Form:       Name,
		Marks:      []string{"handler"},
		PartialPut: true,
		PutMerges:  true,
		Parse:      Parse,
		Identity:   methods.IdentityOf,
		Show:       Show,
		Created:    Created,
	}
	if o.Keys != nil {
		d.Prepare = func() { o.Keys.Ready() }
		d.Methods = rows(o.Keys)
	}
	return d
}
