package methods

import (
	"context"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// period is what lists take that can keep to a time: that of the events' acceptance, from Since on and before Until. The
// zero time sets no bound.
type period struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// events finds the numbers of the events of a period; none says that there is not one, which a range cannot.
func (p period) events(ctx context.Context, c *Call) (r storage.Range, none bool, err error) {
	if !p.Until.IsZero() && !p.Since.Before(p.Until) {
		return r, false, invalid(c.Pointer("since"), "must be before until")
	}
	if p.Since.IsZero() && p.Until.IsZero() {
		return r, false, nil
	}
	if r.After, err = c.store.SeqBefore(ctx, c.Caller.Account, p.Since); err == nil && !p.Until.IsZero() {
		r.Through, err = c.store.SeqBefore(ctx, c.Caller.Account, p.Until)
	}
	if err != nil {
		return r, false, fmt.Errorf("find the place of a time: %w", err)
	}
	return r, !p.Until.IsZero() && r.Through <= r.After, nil
}
