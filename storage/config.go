package storage

import (
	"context"
	"iter"

	"github.com/hookswitch/hookswitch/schemas"
)

// Kind is a sort of configuration record.
type Kind uint8

// The kinds of record. The numbers are stored; do not change them.
const (
	KindAccount   Kind = 1 // Record.Account is 0, Record.ID the account's number
	KindKey       Kind = 2
	KindWebhook   Kind = 3
	KindEventType Kind = 4
	KindReplay    Kind = 5
	KindMaterial  Kind = 6 // key material of the server; Account is 0
	KindAudit     Kind = 7
)

// Record is one piece of configuration. The store does not look into Body.
type Record struct {
	Kind     Kind
	Account  schemas.AccountID
	ID       int64  // given out by the store, unique and increasing in (Kind, Account), never reused
	Revision uint64 // given out by the store at every change, increasing over the whole store
	// Fingerprint is unique in (Kind, Account) among existing records; "" takes part in no comparison.
	// Engines index a hash of it, so it may be long.
	Fingerprint string
	Body        []byte
}

// Companion makes a record that is new whenever a change is made, such as an entry of the audit log: it is registered in the
// commit of the change. Both are durable or neither is, and a refused change, or one that writes nothing, has none. id is the
// number of the changed record, which nobody knows before it is registered. ID, Revision and Fingerprint of what it returns are
// ignored. It is called under the engine's locks and may be called more than once: it must be quick and must not call the
// store. When its record can't be written the change is refused.
type Companion func(id int64) Record

// Config changes records.
type Config interface {
	// Register adds a record; ID and Revision of r are ignored. When a record of the same kind and account has r's
	// fingerprint, that one is returned with created false and nothing is written.
	Register(ctx context.Context, r Record, with ...Companion) (got Record, created bool, err error)
	// Amend replaces fingerprint and body of the record (Kind, Account, ID). ErrConflict when Revision is not the
	// present one, ErrExists and that record when another has the new fingerprint, ErrAbsent when it is gone.
	Amend(ctx context.Context, r Record, with ...Companion) (Record, error)
	// Remove deletes a record; seen 0 means whatever its revision. It returns the revision of the removal.
	Remove(ctx context.Context, k Kind, a schemas.AccountID, id int64, seen uint64, with ...Companion) (revision uint64, err error)
}

// Change is one step of [Catalog.Follow].
type Change struct {
	Record  Record // without Body and Fingerprint when Removed
	Removed bool
	// CaughtUp is set on one change without a record: everything that existed when Follow began has been yielded.
	CaughtUp bool
}

// Catalog reads records.
type Catalog interface {
	Get(ctx context.Context, k Kind, a schemas.AccountID, id int64) (Record, error)
	// List yields up to n records with ID > after, by increasing ID.
	List(ctx context.Context, k Kind, a schemas.AccountID, after int64, n int) ([]Record, error)
	// Follow yields every record of the kinds, once, in no particular order, then one change with CaughtUp, then
	// changes in the order of their revisions, until ctx ends or the store closes (the last yield carries the
	// error). A change may be yielded again or be overtaken by a newer one of the same record; it is never lost.
	// A slow consumer does not hold up writers.
	Follow(ctx context.Context, kinds ...Kind) iter.Seq2[Change, error]
}
