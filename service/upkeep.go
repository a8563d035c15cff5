package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// How often old events are looked for, and how long one step of deleting them may take: short steps leave the store to
// the callers. To look costs next to nothing, and under load the file grows by hundreds of megabytes between two looks.
const (
	upkeepEvery = 10 * time.Second
	upkeepStep  = 50 * time.Millisecond
)

// auditEvery is how often old entries of the audit log are looked for.
const auditEvery = 10 * time.Minute

// auditStep is how many entries of the audit log go at a time, each by a commit of its own.
const auditStep = 500

// upkeep deletes what retention no longer keeps, events and entries of the audit log, until ctx ends.
func (s *Service) upkeep(ctx context.Context, keep storage.Retention, keepAudit time.Duration) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	var audited time.Time
	for {
		more, err := s.store.Expire(ctx, keep, upkeepStep)
		if err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("delete old events")
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		if time.Since(audited) >= auditEvery {
			audited = time.Now()
			if _, err := s.core.ExpireAudit(ctx, keepAudit, auditStep); err != nil && ctx.Err() == nil {
				s.log.Error().Err(err).Msg("delete old entries of the audit log")
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
