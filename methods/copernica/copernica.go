package copernica

import (
	"crypto/rsa"

	"github.com/hookswitch/hookswitch/methods"
)

// Name is the dialect's name in every webhook of it.
const Name = "copernica"

// DefaultKeyID is the name in the vendor's own example; its verifier accepts no domain but copernica.com. A receiver that
// uses it needs a private view of that name in its DNS, with this server's key.
const DefaultKeyID = "one._domainkey.copernica.com"

// Options say how deliveries are signed.
type Options struct {
	// Key gives the RSA key that signs, 1024 bits at least. It is called once per delivery, by many goroutines, and
	// should not do I/O; a key may be replaced at any time. Required: without a key nothing is sent.
	Key func() (*rsa.PrivateKey, error)
	// KeyID names the DNS TXT record with the public key; "" means DefaultKeyID. It may not hold a quote.
	KeyID string
	// Nonce gives the value of X-Nonce; nil takes 16 random hex digits.
	Nonce func() string
}

// New is the dialect. It is safe for concurrent use if the functions of o are.
func New(o Options) methods.Dialect {
	return methods.Dialect{
		Name:      Name,
		Format:    newFormat(o),
		Registers: "postWebhook",
		Form:      Name,
		Marks:     []string{"handler"},
		Parse:     Parse,
		Identity:  methods.IdentityOf,
		Show:      Show,
		Created:   Created,
	}
}
