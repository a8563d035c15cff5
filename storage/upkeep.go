package storage

import (
	"context"
	"io"
	"time"
)

// Health is what Check found.
type Health struct {
	Open      int64         // deliveries owed, all accounts (may be an estimate)
	Oldest    time.Duration // how long the most overdue one has been due; what Postpone keeps back is not
	FileBytes int64         // size of the files that records end up in, 0 if unknown
	UsedBytes int64         // what of that is in use; the rest is used again before the files grow
	// JournalBytes is the size of what stands in front of these files, 0 where nothing does.
	JournalBytes int64
}

// Retention says what Expire may delete.
type Retention struct {
	Events time.Duration // events accepted longer ago, with their deliveries and attempts, unless one is open; 0: none
	// Bytes makes the oldest events go, whatever their age, while more than that is in use; 0: none. It is a rough bound:
	// what is open stays, and so does the latest part of what an engine deletes as a whole.
	Bytes int64
	// IDs is how long a repeat of an event is known that went for its bytes.
	IDs time.Duration
}

// Upkeep keeps a store in shape.
type Upkeep interface {
	// Expire deletes what is older, for about budget; call it again while more.
	Expire(ctx context.Context, keep Retention, budget time.Duration) (more bool, err error)
	// Check reports whether the engine can serve.
	Check(ctx context.Context) (Health, error)
	// Backup writes a whole, consistent copy.
	Backup(ctx context.Context, w io.Writer) error
}
