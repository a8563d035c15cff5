package native

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// setAuthentication replaces what was there: members that are not named are not taken over, since no read shows them all.
func (d *draft) setAuthentication(raw json.RawMessage) {
	a, ok := decode[*schemas.Authentication](d, "authentication", raw, "an object of strings, but for a list of scopes")
	if ok {
		delivery.CheckAuthentication(a, d.below("authentication"))
		d.webhook.Authentication = a
	}
}

func (d *draft) setClientCertificate(raw json.RawMessage) {
	c, ok := decode[*schemas.ClientCertificate](d, "clientCertificate", raw, "an object of strings")
	if ok {
		delivery.CheckClientCertificate(c, time.Now(), d.below("clientCertificate"))
		d.webhook.ClientCertificate = c
	}
}

// below takes faults of what is inside a member.
func (d *draft) below(member string) func(message string, path ...string) {
	return func(message string, path ...string) { d.Fault(message, slices.Concat([]string{member}, path)...) }
}

// Certificate is what a read shows of a client certificate.
type Certificate struct {
	Certificate string    `json:"certificate"`
	PrivateKey  string    `json:"privateKey"` // masked
	Subject     string    `json:"subject"`
	Expires     time.Time `json:"expires"`
}

// showAuthentication masks the secret members, for every caller.
func showAuthentication(a *schemas.Authentication) *schemas.Authentication {
	if a == nil {
		return nil
	}
	shown := *a
	for _, secret := range []*string{&shown.Password, &shown.Token, &shown.ClientSecret} {
		if *secret != "" {
			*secret = masked
		}
	}
	return &shown
}

func showCertificate(c *schemas.ClientCertificate) *Certificate {
	if c == nil {
		return nil
	}
	shown := &Certificate{Certificate: c.Certificate, PrivateKey: masked}
	if leaf, problem := delivery.CertificateOf(c); problem == "" {
		shown.Subject, shown.Expires = leaf.Subject.String(), leaf.NotAfter.UTC()
	}
	return shown
}
