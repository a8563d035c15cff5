package delivery

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// follow keeps the index up to date with what other nodes, and calls whose Apply was lost, did. ready receives once: nil
// when the index is complete, or why it cannot be. When the store's stream breaks later, it begins anew.
func (e *Engine) follow(ready chan<- error) {
	wait := minBackOff
	for round := uint32(1); ; round++ {
		caughtUp, err := e.followRound(round, ready)
		switch {
		case round == 1 && !caughtUp:
			ready <- errors.Join(err, e.life.Err())
			return
		case caughtUp:
			wait = minBackOff
		}
		if errors.Is(err, storage.ErrClosed) || !pause(e.life, wait) {
			return
		}
		wait = min(2*wait, maxBackOff)
		e.log.Warn().Err(err).Msg("the stream of changed webhooks broke; reading it anew")
	}
}

// followRound reads one stream to its end. What there is at its beginning, a million webhooks perhaps, is decoded by as many
// goroutines as there are processors: their order does not matter, since revisions decide.
func (e *Engine) followRound(round uint32, ready chan<- error) (caughtUp bool, err error) {
	readers := newReaders(func(r storage.Record) { e.read(r, round) })
	defer readers.wait()
	for change, err := range e.store.Follow(e.life, storage.KindWebhook) {
		switch {
		case err != nil:
			return caughtUp, err
		case change.CaughtUp:
			readers.wait()
			caughtUp = true
			if round == 1 {
				ready <- nil
			} else {
				e.sweep(round)
			}
		case change.Removed:
			e.Forget(change.Record.Account, schemas.WebhookID(change.Record.ID), change.Record.Revision)
		case caughtUp:
			e.read(change.Record, round)
		default:
			readers.records <- change.Record
		}
	}
	return caughtUp, nil
}

// readers call a function with records, side by side, until wait.
type readers struct {
	records chan storage.Record
	all     sync.WaitGroup
	end     sync.Once
}

func newReaders(read func(storage.Record)) *readers {
	r := &readers{records: make(chan storage.Record, 256)}
	for range runtime.GOMAXPROCS(0) {
		r.all.Go(func() {
			for record := range r.records {
				read(record)
			}
		})
	}
	return r
}

// wait returns when all records have been read; there will be no more.
func (r *readers) wait() {
	r.end.Do(func() { close(r.records) })
	r.all.Wait()
}

func (e *Engine) read(r storage.Record, round uint32) {
	if e.index.knows(storage.Lane{Account: r.Account, Webhook: schemas.WebhookID(r.ID)}, r.Revision, round) {
		return // the call that registered it was quicker
	}
	w, err := schemas.OutlineWebhook(r.Body, r.Account, schemas.WebhookID(r.ID), r.Revision) // all that the index needs
	if err != nil {
		e.log.Error().Int64("account", int64(r.Account)).Int64("webhook", r.ID).Err(err).
			Msg("a webhook's record cannot be read; it gets nothing")
		return
	}
	e.apply(w, round)
}

// sweep removes webhooks that were removed while no stream was read. Those that only a call brought are not in every
// stream's listing, so the store is asked about each.
func (e *Engine) sweep(round uint32) {
	for _, l := range e.index.unseen(round) {
		ctx, cancel := context.WithTimeout(e.life, maxBackOff)
		_, err := e.store.Get(ctx, storage.KindWebhook, l.Account, int64(l.Webhook))
		cancel()
		if errors.Is(err, storage.ErrAbsent) {
			e.Forget(l.Account, l.Webhook, 0)
		}
	}
}
