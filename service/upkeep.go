package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// How often old events are looked for, and how long one step of deleting them may take: short steps leave the store to
// the callers.
const (
	upkeepEvery = 10 * time.Minute
	upkeepStep  = 50 * time.Millisecond
)

// auditStep is how many entries of the audit log go at a time, each by a commit of its own.
const auditStep = 500

// upkeep deletes what retention no longer keeps, events and entries of the audit log, until ctx ends.
func (s *Service) upkeep(ctx context.Context, keep, keepAudit time.Duration) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		more, err := s.store.Expire(ctx, storage.Retention{Events: keep}, upkeepStep)
		if err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("delete old events")
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		if _, err := s.core.ExpireAudit(ctx, keepAudit, auditStep); err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("delete old entries of the audit log")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
