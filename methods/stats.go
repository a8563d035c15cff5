package methods

import (
	"context"
	"fmt"
	"slices"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var statsMethods = []Method{
	{Name: "getStats", Access: schemas.AccessRead, Run: getStats},
}

// maxCounted is up to how many deliveries getStats counts a backlog: who has more learns that it is that.
const maxCounted = 100_000

// lanesAtOnce is of how many webhooks the backlog is asked in one look into the store.
const lanesAtOnce = 1000

// stats is an account in numbers.
type stats struct {
	Webhooks      delivery.States `json:"webhooks"`
	Backlog       int             `json:"backlog"`
	Complete      bool            `json:"complete"`      // the backlog was counted to its end
	OldestPending float64         `json:"oldestPending"` // seconds since the acceptance of the oldest event that is owed
	Attempts      int64           `json:"attempts"`      // of webhooks that there are
	Failed        int64           `json:"failedAttempts"`
}

func getStats(ctx context.Context, c *Call) (any, error) {
	ids, states := c.engine.Webhooks(c.Caller.Account)
	out := stats{Webhooks: states}
	lanes := make([]storage.Lane, len(ids))
	for i, id := range ids {
		lanes[i] = storage.Lane{Account: c.Caller.Account, Webhook: id}
		tally, err := c.store.Tally(ctx, lanes[i])
		if err != nil {
			return nil, fmt.Errorf("read tally of webhook %d: %w", id, err)
		}
		out.Attempts += tally.Calls
		out.Failed += tally.Errors
	}
	for some := range slices.Chunk(lanes, lanesAtOnce) {
		open, oldest, err := c.store.Backlog(ctx, maxCounted-out.Backlog, some...)
		if err != nil {
			return nil, fmt.Errorf("count backlog: %w", err)
		}
		out.Backlog += open
		if out.OldestPending = max(out.OldestPending, oldest.Seconds()); out.Backlog >= maxCounted {
			return out, nil
		}
	}
	out.Complete = true
	return out, nil
}
