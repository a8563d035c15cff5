package delivery

import (
	"errors"
	"time"

	"github.com/hookswitch/hookswitch/storage"
)

// claimLoop fetches what is due from the store: retries, what found no room when it was published, what another node or
// an earlier process left. It asks when the store wakes it, when its hint says so, when room is there again, and every
// Options.Poll in any case.
func (e *Engine) claimLoop() {
	failing := minBackOff
	for e.life.Err() == nil {
		wait, err := e.claimOnce()
		switch {
		case errors.Is(err, storage.ErrClosed):
			return
		case err != nil && e.life.Err() == nil:
			e.log.Warn().Err(err).Msg("deliveries cannot be claimed; trying again")
			pause(e.life, failing)
			failing = min(2*failing, maxBackOff)
			continue
		}
		failing = minBackOff
		if wait > 0 {
			e.awaitWork(wait)
		}
	}
}

// minClaimWait keeps a store whose hints are over-hopeful from being asked in a loop.
const minClaimWait = 5 * time.Millisecond

// claimOnce makes one claim and says how long to wait before the next; 0: at once.
func (e *Engine) claimOnce() (wait time.Duration, err error) {
	n, number, again := e.dispatcher.claim()
	if n == 0 {
		return e.o.Poll, nil
	}
	asked := time.Now()
	ordered := map[storage.Lane]bool{} // what the store was told, whatever changes meanwhile
	var waiting []storage.Lane
	held, next, err := e.store.Claim(e.life, storage.Ask{
		Max: n, PerLane: perLane, Hold: e.o.Hold, Share: e.dispatcher.share, Again: again,
		Skip: func(l storage.Lane) time.Duration {
			if e.index.waits(l) {
				waiting = append(waiting, l)
				return e.o.Poll
			}
			return e.dispatcher.skip(l)
		},
		InOrder: func(l storage.Lane) bool {
			is, told := ordered[l]
			if !told {
				is = e.index.ordered(l)
				ordered[l] = is
			}
			return is
		},
	})
	e.dispatcher.claimedAll(held, n, number)
	for _, l := range waiting {
		e.leave(l)
	}
	if len(held) > 0 {
		items := make([]*item, 0, len(held))
		for _, h := range held {
			raw := h.Event
			h.Event = nil
			items = append(items, &item{
				held: h, raw: raw, size: itemSize(len(raw)), until: asked.Add(e.o.Hold), inOrder: ordered[h.Lane()],
			})
		}
		e.giveBack(e.dispatcher.admit(items), 0)
	}
	switch {
	case err != nil || len(held) > 0:
		return 0, err
	case next < 0:
		return e.o.Poll, nil
	}
	return min(max(next, minClaimWait), e.o.Poll), nil
}

// leave has the store not offer the deliveries of a webhook that is not active, nor call them overdue. One that was made
// active meanwhile is lifted here, should the postponement have come after its own lift.
func (e *Engine) leave(l storage.Lane) {
	if err := e.store.Postpone(e.life, l, parkFor); err != nil {
		return // it is passed over all the same
	}
	if !e.index.waits(l) {
		e.task(func() { e.lift(l) })
	}
}

func (e *Engine) awaitWork(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.store.Wake():
	case <-e.dispatcher.hungry:
	case <-e.life.Done():
	}
}

// extendLoop lengthens the leases of all that is held, well before they end.
func (e *Engine) extendLoop() {
	third := e.o.Hold / 3
	for pause(e.life, third) {
		e.extend(time.Now(), 2*third+third/2)
	}
}

// extend renews leases that end within horizon from now. A delivery whose lease is lost is forgotten.
func (e *Engine) extend(now time.Time, horizon time.Duration) {
	items := e.dispatcher.expiring(now.Add(horizon))
	if len(items) == 0 {
		return
	}
	held := make([]storage.Held, len(items))
	for i, it := range items {
		held[i] = it.held
	}
	var kept []*item
	for i, err := range e.store.Extend(e.life, held, e.o.Hold) {
		switch {
		case err == nil:
			kept = append(kept, items[i])
		case errors.Is(err, storage.ErrStale), errors.Is(err, storage.ErrAbsent):
			e.dispatcher.lose(items[i])
		}
		// Any other error: the lease still runs, and the next round comes before it ends.
	}
	e.dispatcher.extended(kept, now.Add(e.o.Hold))
}
