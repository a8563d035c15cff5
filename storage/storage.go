// Package storage is the contract between Hookswitch and what keeps its records.
//
// It speaks in domain verbs, not transactions, so that one process on bbolt and many nodes on PostgreSQL can both keep
// it. Rules every engine follows; storagetest checks them:
//
//   - A nil error means durable: it survives kill -9 and power loss. An outcome the engine cannot know is [ErrUnsure];
//     the caller repeats with the same fingerprint, event id or token.
//   - Each item of a batch is atomic by itself, or has its own error. Nothing is atomic between items. A change of a record and
//     its [Companion] are one item.
//   - Everything belongs to an account; numbers are given out by the store and increase in it, gaps allowed.
//   - Who works on a delivery holds a lease with a fencing token. There is no list of nodes. A lease that ran out may be
//     taken by another; the former holder's word then counts only if it is "delivered", because that is a fact.
//   - The engine's clock decides what is due; callers give durations, never instants.
//   - [Queue.Wake] and [Catalog.Follow] are hints on top of state that can be read again: all works by polling alone.
//   - Every method is safe for concurrent use, honours ctx while it waits, and copies what it returns.
package storage

import (
	"context"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// The errors of every engine; anything else is a fault of the engine.
var (
	ErrAbsent   = errors.New("no such record")
	ErrExists   = errors.New("another record has the same fingerprint")
	ErrConflict = errors.New("the record was changed meanwhile")
	ErrStale    = errors.New("the lease was lost")
	ErrUnsure   = errors.New("it is not known whether the write happened")
	ErrNoRoom   = errors.New("there is no room to write") // nothing was written; once there is room the same can succeed
	ErrClosed   = errors.New("the store is closed")
)

// Store is one open engine.
type Store interface {
	Config
	Catalog
	Intake
	Queue
	Lanes
	History
	Archive
	Upkeep
	// Close waits for writes under way and releases the files or connections. Later calls answer ErrClosed.
	Close() error
}

// NewEvent is an event to be accepted.
type NewEvent struct {
	Account schemas.AccountID
	ID      string // the event's public id
	Type    string
	// Window makes a repeated ID within that time a repeat of the first event; 0 does not look (a generated id).
	Window time.Duration
	Body   []byte // the event as schemas.AppendEvent writes it
	To     []Target
}

// Target is a webhook the event is owed to.
type Target struct {
	Webhook schemas.WebhookID
	// Hold > 0 leases the delivery to the caller at birth, for that long. 0 leaves it to Claim.
	Hold time.Duration
}

// Accepted is the answer for one NewEvent.
type Accepted struct {
	Seq     uint64
	Repeat  bool   // an event of that ID was there; nothing was written. Matched is the first one's.
	Matched int    // number of targets
	Held    []Held // the leases taken at birth, in the order of To; Event is nil, the caller has it
	Err     error
}

// Intake takes events in.
type Intake interface {
	// Accept makes events and their deliveries durable. Answers stand in the order of batch.
	Accept(ctx context.Context, batch []NewEvent) []Accepted
}

// Ref names a delivery.
type Ref struct {
	Account schemas.AccountID
	Webhook schemas.WebhookID
	Seq     uint64
}

// Lane names a webhook's line of deliveries.
type Lane struct {
	Account schemas.AccountID
	Webhook schemas.WebhookID
}

// Lane is the line the delivery stands in.
func (r Ref) Lane() Lane { return Lane{r.Account, r.Webhook} }

// Held is a delivery in the caller's hands until its lease runs out.
type Held struct {
	Ref
	Token    uint64 // fences: a later lease of the same delivery has a greater one
	Attempts int    // attempts recorded so far
	Accepted time.Time
	Event    []byte // the event's body; nil from Accept
}

// Ask is what a Claim wants.
type Ask struct {
	Max     int           // deliveries at most, in all
	PerLane int           // of one webhook at most
	Hold    time.Duration // length of the leases
	// Lane asks for this one only, nil: for all. Skip is not asked, Postpone does not keep such a Claim away, and next is
	// about this lane, leases that others hold on it included.
	Lane *Lane
	// Waited, with Lane, asks only for what has been due for so long, and next is until something may have been.
	Waited time.Duration
	// Skip is how long to leave a lane alone, of which something is due; 0 or less: serve it; nil: serve all. Until then no Claim
	// asks for the lane again, unless one names it in Again, or Postpone does: so a lane that has to wait costs nothing
	// meanwhile. It is called under the engine's locks: it must be quick and must not call the store.
	Skip func(Lane) time.Duration
	// Again are lanes that were to be left alone for longer.
	Again []Lane
	// Share is how many deliveries of a lane at most, 1 or more, if that is less than PerLane; nil: PerLane for all. Called
	// like Skip, once a lane.
	Share func(Lane) int
	// InOrder reports lanes that are handed out strictly in the order of their events' numbers; nil: none. Claim stops in such
	// a lane at the first open delivery that is not due or that somebody holds, whatever is due behind it: so nothing is
	// handed out before all that came earlier is closed or in the same caller's hands by the same Claim. Called like Skip.
	// When the answer for a lane changes, the caller says so by Postpone: an engine may remember what a lane waits for.
	InOrder func(Lane) bool
}

// Next is what becomes of a delivery.
type Next uint8

// What an Outcome can say.
const (
	Done    Next = iota // delivered
	Retry               // due again after Outcome.In
	Dead                // given up
	Discard             // its webhook is gone
	Release             // give the lease back, no attempt was made; due again after Outcome.In
)

// Outcome closes or re-plans one delivery.
type Outcome struct {
	Held    Held
	Next    Next
	In      time.Duration
	Attempt *schemas.Attempt // recorded in the same step, numbered by the store; nil with Release, and when there was none
}

// Settled answers one Outcome. Tally is the webhook's after this outcome; it counts attempts (one exchange that carries
// several deliveries counts for each).
type Settled struct {
	Err   error // nil, ErrStale, ErrAbsent (settled before), ErrUnsure, ErrClosed
	Tally schemas.Tally
}

// Queue hands out what is due and takes back what became of it.
type Queue interface {
	// Claim leases due deliveries, oldest due first within a lane unless Ask.InOrder says otherwise, lanes in turn so that none starves. Never blocks
	// for work: with nothing due it returns none. next is a hint how long until something may become due that is not
	// to be left alone by then (negative: nothing is waiting).
	Claim(ctx context.Context, ask Ask) (held []Held, next time.Duration, err error)
	// Extend lengthens leases, counted from now; the answers stand in the order of held. ErrStale when a lease ran out,
	// was taken by another, or its delivery was settled.
	Extend(ctx context.Context, held []Held, hold time.Duration) []error
	// Settle records outcomes. A stale holder's Done is accepted while the delivery is open; its Retry, Dead,
	// Discard and Release are refused with ErrStale. An outcome ends its lease: a second one of it is stale too.
	Settle(ctx context.Context, out []Outcome) []Settled
	// Reopen makes a delivery that is dead, delivered or discarded due now; attempts go on counting. ErrAbsent
	// without such a delivery, ErrConflict when it is open.
	Reopen(ctx context.Context, r Ref) error
	// Wake receives when something may have become due that the last Claim did not know of. A hint.
	Wake() <-chan struct{}
}

// Lanes treats all deliveries of one webhook together.
type Lanes interface {
	// Postpone keeps Claim away from a lane for d, counted from now; 0 lifts it. Either makes Claim look at the lane
	// anew. A hint for speed: it may be forgotten when the store is opened again.
	Postpone(ctx context.Context, l Lane, d time.Duration) error
	// Drop discards open deliveries of a lane, in bounded steps; call it again while more.
	Drop(ctx context.Context, l Lane) (more bool, err error)
	// Tally returns the webhook's counters, zero for one without attempts.
	Tally(ctx context.Context, l Lane) (schemas.Tally, error)
	// Backlog counts open deliveries of lanes together, up to a cap, and the age of the oldest of those counted.
	Backlog(ctx context.Context, limit int, lanes ...Lane) (open int, oldest time.Duration, err error)
}

// Page asks for a part of a list, newest first.
type Page struct {
	Limit  int    // 1 to 1000
	Cursor string // from the page before; "" begins at the newest. One the engine did not give is a *schemas.Error of KindInvalidParams
}

// EventRecord is a stored event.
type EventRecord struct {
	Seq      uint64
	Accepted time.Time
	Type     string
	Body     []byte
	To       []schemas.WebhookID
}

// Range bounds events by their numbers; see [Archive.SeqBefore] for times.
type Range struct {
	After   uint64 // only greater ones
	Through uint64 // only up to this one; 0: no bound
}

// EventQuery chooses events. Empty fields choose all.
type EventQuery struct {
	Types []string // of one of these types; patterns, see schemas.MatchEventType
	Range
	Page
}

// DeliveryQuery chooses deliveries.
type DeliveryQuery struct {
	Webhook schemas.WebhookID // 0: of all webhooks
	Seq     uint64            // of one event; 0: of all
	State   schemas.DeliveryState
	Types   []string // of events of one of these types, as in EventQuery
	// Sound passes over damaged records. Without it a list fails where one is.
	Sound bool
	Range
	Page
}

// History reads what was. A page may come back short, or empty with a cursor, when a query skips much: go on with the
// cursor until it is "".
type History interface {
	// Event finds an event by its public id; ErrAbsent.
	Event(ctx context.Context, a schemas.AccountID, id string) (EventRecord, error)
	// EventBySeq finds an event by its number; ErrAbsent.
	EventBySeq(ctx context.Context, a schemas.AccountID, seq uint64) (EventRecord, error)
	Events(ctx context.Context, a schemas.AccountID, q EventQuery) (got []EventRecord, cursor string, err error)
	Deliveries(ctx context.Context, a schemas.AccountID, q DeliveryQuery) (got []schemas.Delivery, cursor string, err error)
	// Attempts returns a delivery's attempts, oldest first, the newest most of them. ErrAbsent without the delivery.
	Attempts(ctx context.Context, r Ref, most int) ([]schemas.Attempt, error)
}

// MaxAttempts is how many attempts of a delivery are asked for where all are wanted: more are of no use to anybody.
const MaxAttempts = 100
