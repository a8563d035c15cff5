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

// upkeep deletes what retention no longer keeps, until ctx ends.
func (s *Service) upkeep(ctx context.Context, keep time.Duration) {
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
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
