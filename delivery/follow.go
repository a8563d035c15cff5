package delivery

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"time"

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
			readers.add(change.Record)
		}
	}
	return caughtUp, nil
}

// readers call a function with records, side by side, until wait.
type readers struct {
	batches chan []storage.Record
	batch   []storage.Record
	all     sync.WaitGroup
	end     sync.Once
}

// readersBatch is how many records go to a reader at a time: one by one the goroutines would mostly wake each other.
const readersBatch = 128

func newReaders(read func(storage.Record)) *readers {
	r := &readers{batches: make(chan []storage.Record, 8)}
	for range runtime.GOMAXPROCS(0) {
		r.all.Go(func() {
			for batch := range r.batches {
				for _, record := range batch {
					read(record)
				}
			}
		})
	}
	return r
}

func (r *readers) add(record storage.Record) {
	if r.batch = append(r.batch, record); len(r.batch) == readersBatch {
		r.flush()
	}
}

func (r *readers) flush() {
	r.batches <- r.batch
	r.batch = make([]storage.Record, 0, readersBatch)
}

// wait returns when all records have been read; there will be no more.
func (r *readers) wait() {
	r.end.Do(func() {
		r.flush()
		close(r.batches)
	})
	r.all.Wait()
}

func (e *Engine) read(r storage.Record, round uint32) {
	if e.index.knows(storage.Lane{Account: r.Account, Webhook: schemas.WebhookID(r.ID)}, r.Revision, round) {
		return // the call that registered it was quicker
	}
	w, err := schemas.OutlineWebhook(r.Body, r.Account, schemas.WebhookID(r.ID), r.Revision) // all that the index needs
	if err != nil {
		e.log.Error().Int64("account", int64(r.Account)).Str("webhook", strconv.FormatInt(r.ID, 10)).Err(err).
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

// unseen lists the webhooks that an earlier round of Follow, or a call, brought and this one did not.
func (x *index) unseen(round uint32) []storage.Lane {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var list []storage.Lane
	for account, a := range x.accounts {
		for id, e := range a.byID {
			if e.round < round {
				list = append(list, storage.Lane{Account: account, Webhook: id})
			}
		}
	}
	return list
}

// Apply takes a webhook that was registered or amended into the index: once it returns, the next publish meets it. An
// older revision than is known changes nothing. w must not be changed afterwards.
func (e *Engine) Apply(w *schemas.Webhook) {
	e.destinations.forget(storage.Lane{Account: w.Account, Webhook: w.ID}, w)
	e.apply(w, 0)
}

func (e *Engine) apply(w *schemas.Webhook, round uint32) {
	l := storage.Lane{Account: w.Account, Webhook: w.ID}
	anew := e.index.put(w, round)
	e.dispatcher.changed(l, w.Revision)
	e.due.ring(l)
	if anew {
		e.task(func() { e.lift(l) })
	}
}

// lift lets the deliveries of a webhook that is active again go on, and keeps those that are pulled from the dispatcher.
func (e *Engine) lift(l storage.Lane) {
	e.persist(e.life, "lift", l, func(ctx context.Context) error {
		for {
			wait, pulled := time.Duration(0), e.index.pulled(l)
			if pulled {
				wait = untilTaken
			}
			if err := e.store.Postpone(ctx, l, wait); err != nil || pulled == e.index.pulled(l) {
				return err
			}
		}
	})
	e.dispatcher.wakeClaim()
}

// Forget takes a removed webhook out of the index. Its open deliveries are dropped in the background. Numbers are never
// reused, so it stays removed whatever revision arrives later; revision is that of the removal.
func (e *Engine) Forget(a schemas.AccountID, id schemas.WebhookID, revision uint64) {
	l := storage.Lane{Account: a, Webhook: id}
	e.dispatcher.changed(l, revision)
	e.destinations.forget(l, nil)
	if e.index.remove(l) {
		e.task(func() { e.drop(l) })
	}
	e.due.ring(l)
}

// drop discards all that is owed to a webhook that is gone.
func (e *Engine) drop(l storage.Lane) {
	e.discard(e.dispatcher.halt(l))
	e.persist(e.life, "drop", l, func(ctx context.Context) error {
		for more := true; more; {
			var err error
			if more, err = e.store.Drop(ctx, l); err != nil {
				return err
			}
		}
		return nil
	})
	e.dispatcher.resume(l)
}

// Webhooks lists the webhooks of an account by increasing number, and counts them by state.
func (e *Engine) Webhooks(a schemas.AccountID) ([]schemas.WebhookID, States) {
	return e.index.ofAccount(a)
}

// States counts the webhooks of an account, from memory.
func (e *Engine) States(a schemas.AccountID) States { return e.index.statesOf(a) }

// Traces reports whether events keep the trace they belong to.
func (e *Engine) Traces() bool { return e.o.Tracer != nil }
