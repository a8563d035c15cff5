package methods

import (
	"encoding/json"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
)

// Dialect is what one vendor's folder supplies. The operations themselves (register, read, amend, remove) are written
// once, here in methods, and call these functions for what differs.
type Dialect struct {
	Name   string // "vision6": stored in every webhook of the dialect; never change it
	Format delivery.Format

	// Registers is the RPC method that takes this dialect's registration document, and Form the name of its form in
	// that method's schema file, "" where it has only one.
	Registers, Form string
	// Marks are top-level members of a document by which it is known as this dialect's when several share the
	// method; they are compared without regard to case. None: the dialect that gets what no other one claims.
	Marks []string

	// Pulls says that a webhook's endpoint may be one that is delivery.Pulled.
	Pulls bool
	// EventFilters says that a webhook's filter may ask for the event's type and attributes (delivery.CompileEventFilter), not
	// for its data alone.
	EventFilters bool

	// PartialPut says that the vendor's PUT takes a document that lacks required members, which stay as they were.
	PartialPut bool
	// PutMerges says that what a PUT's document does not name stays as it was. Else secrets and state alone do.
	PutMerges bool

	// Parse turns a registration document (a JSON object that has passed the schema of its method) into a webhook:
	// Endpoint, Match, State, Name, Secrets, Headers, Properties, PublicID, Document and Metadata; methods fills in
	// the rest. old is nil for a new webhook; for an update it is the present one, whose PublicID, Created… must not
	// be lost and whose Secrets stay when the document names none. The error is a *schemas.Error; pointers of its
	// faults begin at the document ("/url"), methods puts the caller's prefix in front.
	Parse func(doc json.RawMessage, old *schemas.Webhook) (*schemas.Webhook, error)

	// Patch makes the document that a webhook becomes by a patch, whole, for Parse with the webhook as the old one. nil:
	// webhooks of the dialect are not patched. The error is a *schemas.Error; pointers of its faults begin at the patch,
	// and KindWrongState says that a test in the patch does not hold.
	Patch func(w *schemas.Webhook, patch json.RawMessage) (doc json.RawMessage, err error)

	// TestType is the type of the event that tests a webhook; "" takes the first type that the webhook matches.
	TestType string
	// TestFirst has the receiver of an active webhook take such an event before the webhook is saved (358).
	TestFirst bool

	// Identity lists what makes two registrations the same (351): endpoint and what is matched, never ids, secrets,
	// states or sample payloads. methods adds account and dialect.
	Identity func(w *schemas.Webhook) []string

	// Show is the document a read answers with. Secrets only when view.Secrets.
	Show func(w *schemas.Webhook, view View) any

	// Created is the answer to a registration; nil means the same as Show with secrets.
	Created func(w *schemas.Webhook, view View) any

	// Prepare is told that a webhook of the dialect has been registered, so that what its deliveries need can be made
	// beforehand. It must not block. nil: nothing to prepare.
	Prepare func()

	// Methods are the RPC methods that only this dialect has.
	Methods []Method
}

// View says who reads a webhook and how it fares.
type View struct {
	Secrets   bool          // the caller may see secrets
	Tally     schemas.Tally // counters of the webhook
	PublicURL string        // base of the links given out, "http://127.0.0.1:8080", without a slash at the end
}
