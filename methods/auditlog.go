package methods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

var auditMethods = []Method{
	{Name: "listAuditEntries", Access: schemas.AccessAdmin, Run: listAuditEntries},
}

// auditQuery chooses entries.
type auditQuery struct {
	page
	Account *schemas.AccountID `json:"account"`
	Action  string             `json:"action"`
	Since   time.Time          `json:"since"`
	Until   time.Time          `json:"until"`
}

func (q *auditQuery) wants(e *AuditEntry) bool {
	return (q.Account == nil || e.Account == *q.Account) && (q.Action == "" || e.Action == q.Action) &&
		(q.Until.IsZero() || e.At.Before(q.Until))
}

const (
	auditStep = 256     // entries read at once
	auditLook = 16 << 8 // entries a call looks at; a page may come back short then
)

// listAuditEntries answers the newest first. The entries of all accounts stand in one list of the store, without gaps but
// at its old end, so they are read in windows from the newest number down.
func listAuditEntries(ctx context.Context, c *Call) (any, error) {
	var q auditQuery
	if err := c.Decode(&q); err != nil {
		return nil, err
	}
	last, err := q.after(c)
	if err != nil {
		return nil, err
	}
	if q.Cursor == "" {
		if last, err = c.lastAudit(ctx); err != nil {
			return nil, err
		}
	}
	out := list{Items: []any{}}
	for looked := 0; last > 0 && looked < auditLook; looked += auditStep {
		entries, err := c.auditWindow(ctx, last)
		if err != nil {
			return nil, err
		}
		for i := len(entries) - 1; i >= 0; i-- {
			e := &entries[i]
			if !q.Since.IsZero() && e.At.Before(q.Since) {
				return out, nil
			}
			if q.wants(e) {
				out.Items = append(out.Items, e)
			}
			if last = e.ID - 1; len(out.Items) == q.size() {
				return c.auditPage(ctx, out, last)
			}
		}
		if len(entries) == 0 {
			return out, nil
		}
	}
	return c.auditPage(ctx, out, last)
}

// auditPage ends a page, with a cursor when there are older entries.
func (c *Call) auditPage(ctx context.Context, out list, last int64) (any, error) {
	older, err := c.auditWindow(ctx, last)
	if len(older) > 0 {
		out.Cursor = strconv.FormatInt(last, 10)
	}
	return out, err
}

// auditWindow reads the entries just up to a number, oldest first.
func (c *Call) auditWindow(ctx context.Context, last int64) ([]AuditEntry, error) {
	records, err := c.store.List(ctx, storage.KindAudit, 0, last-auditStep, auditStep)
	if err != nil {
		return nil, fmt.Errorf("list audit entries: %w", err)
	}
	entries := make([]AuditEntry, 0, len(records))
	for _, r := range records {
		if r.ID > last {
			break
		}
		var e AuditEntry
		if err := json.Unmarshal(r.Body, &e); err != nil {
			return nil, fmt.Errorf("decode audit entry %d: %w", r.ID, err)
		}
		e.ID = r.ID
		entries = append(entries, e)
	}
	return entries, nil
}

// lastAudit is the number of the newest entry, 0 without one. The store lists records upwards only, so it is searched for:
// some forty short reads.
func (c *Call) lastAudit(ctx context.Context) (int64, error) {
	beyond := func(n int64) (bool, error) {
		got, err := c.store.List(ctx, storage.KindAudit, 0, n, 1)
		return len(got) > 0, err
	}
	low, high := int64(0), int64(1) // something is beyond low, if there is anything; nothing beyond high
	for {
		more, err := beyond(high)
		if err != nil {
			return 0, fmt.Errorf("find the newest audit entry: %w", err)
		}
		if !more {
			break
		}
		low, high = high, 2*high
	}
	for low < high {
		middle := low + (high-low)/2
		more, err := beyond(middle)
		if err != nil {
			return 0, fmt.Errorf("find the newest audit entry: %w", err)
		}
		if more {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// maxAuditEntries bounds the audit log, whatever its age.
const maxAuditEntries = 100_000

// ExpireAudit removes up to n entries that are older than keep, or beyond the most that are kept.
func (o *Operations) ExpireAudit(ctx context.Context, keep time.Duration, n int) (removed int, err error) {
	c := &Call{Operations: o}
	last, err := c.lastAudit(ctx)
	if err != nil {
		return 0, err
	}
	records, err := o.store.List(ctx, storage.KindAudit, 0, 0, n)
	if err != nil {
		return 0, fmt.Errorf("list audit entries: %w", err)
	}
	horizon := time.Now().Add(-keep)
	for _, r := range records {
		var e AuditEntry
		if err := json.Unmarshal(r.Body, &e); err != nil {
			return removed, fmt.Errorf("decode audit entry %d: %w", r.ID, err)
		}
		if !e.At.Before(horizon) && last-r.ID < maxAuditEntries {
			return removed, nil
		}
		if _, err := o.store.Remove(ctx, storage.KindAudit, 0, r.ID, 0); err != nil && !errors.Is(err, storage.ErrAbsent) {
			return removed, fmt.Errorf("remove audit entry %d: %w", r.ID, err)
		}
		removed++
	}
	return removed, nil
}
