package storage

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// Archive goes through what was from any point on, oldest first, and makes it due again.
type Archive interface {
	// EventsAfter reads up to n events, 1 to 1000, whose number is greater than after, by increasing number; fewer when
	// they are large. next is where to go on: it equals after when there is nothing newer yet, and may be greater though
	// none came; so it is where an event is damaged, which is passed over. An event never turns up later below a next that was answered.
	EventsAfter(ctx context.Context, a schemas.AccountID, after uint64, n int) (got []EventRecord, next uint64, err error)
	// SeqBefore is a number which events accepted before t do not exceed, and all accepted since do, as far as the
	// clock was never set back: what EventsAfter begins after, to begin at a time. It need not be an event's.
	SeqBefore(ctx context.Context, a schemas.AccountID, t time.Time) (uint64, error)
	// Numbering is the number of the newest event of all accounts, 0 without any, and the epoch of all numbers. In another
	// epoch, as after a backup was restored, the same number may be another event's.
	Numbering() (newest, epoch uint64)
	// Replay makes deliveries of stored events due now: one that is closed as Reopen does, one that never was is made.
	// The answers stand in the order of refs, which name each delivery once: ErrConflict when it is open, ErrAbsent when
	// the event is gone, or about to be, or damaged.
	Replay(ctx context.Context, refs []Ref) []error
}
