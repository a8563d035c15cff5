package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Engine matches events to webhooks and carries the deliveries out. See the package comment for how it goes about it.
// All methods are safe for concurrent use.
type Engine struct {
	o          Options
	log        zerolog.Logger
	store      storage.Store
	index      *index
	dispatcher *dispatcher
	settler    *settler
	sender     *sender
	replays    *replays
	guard      *guard
	news       bells[schemas.AccountID] // an account has a new event
	due        bells[storage.Lane]      // a lane that is pulled may have something due, or is not pulled any more
	pullsEnd   chan struct{}            // closed when nobody may wait in Pull any more
	endPulls   func()
	hands      *hands
	// destinations is what webhooks with credentials have beside the sender.
	destinations *destinations

	life      context.Context // of the loops; ends when Close begins
	endLife   context.CancelFunc
	effort    context.Context // of attempts under way and what follows from them; ends when Close runs out of time
	endEffort context.CancelFunc

	loops     sync.WaitGroup // follow, claim, extend, replays, untaken, idle
	workers   sync.WaitGroup
	settles   sync.WaitGroup
	publishes sync.WaitGroup
	tasks     sync.WaitGroup // what follows from outcomes and changes

	published atomic.Uint64 // events accepted

	mu       sync.Mutex
	closed   bool                      // no publishes
	settled  bool                      // no tasks
	stopping map[storage.Lane]struct{} // webhooks a measure is being taken against
}

// New makes an engine. It does nothing until [Engine.Start].
func New(o Options) (*Engine, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	e := &Engine{
		o: o, log: o.Log, store: o.Store,
		index:      newIndex(o.Log),
		dispatcher: newDispatcher(o),
		replays:    newReplays(),
		hands:      newHands(),
		stopping:   map[storage.Lane]struct{}{},
	}
	e.guard = newGuard(o.Allow)
	e.sender = newSender(newDialler(e.guard, o.Resolver, o.Dial), o.UserAgent, o.LaneInFlight, o.Roots)
	e.settler = newSettler(o.Store, o.Log, e.conclude)
	e.dispatcher.start = func() { e.workers.Go(e.work) }
	e.dispatcher.abandon = e.abandon
	e.dispatcher.spill = func(items []*item) { e.giveBack(items, 0) }
	e.pullsEnd = make(chan struct{})
	e.endPulls = sync.OnceFunc(func() { close(e.pullsEnd) })
	e.life, e.endLife = context.WithCancel(context.Background())
	e.effort, e.endEffort = context.WithCancel(context.Background())
	e.destinations = newDestinations(e.sender, e.effort)
	return e, nil
}

// Start reads every webhook and begins to deliver; it returns when the index is complete. ctx bounds the start only. To
// be called once. After an error the engine is closed.
func (e *Engine) Start(ctx context.Context) error {
	ready := make(chan error, 1)
	e.loops.Go(func() { e.follow(ready) })
	var err error
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		e.refuse()
		e.endLife()
		e.endEffort()
		e.loops.Wait()
		return fmt.Errorf("read the webhooks: %w", err)
	}
	e.settles.Go(e.settler.run)
	e.loops.Go(e.claimLoop)
	e.loops.Go(e.extendLoop)
	e.loops.Go(e.followReplays)
	e.loops.Go(e.replayLoop)
	e.loops.Go(e.untakenLoop)
	e.loops.Go(e.idleLoop)
	return nil
}

// Close stops the engine: nothing new is claimed or begun, attempts under way may finish until ctx ends and are broken off
// then, what is queued is given back to the store and all outcomes are settled. It returns ctx's error when it had to
// break off. A second Close waits for nothing.
func (e *Engine) Close(ctx context.Context) error {
	if !e.refuse() {
		return nil
	}
	stop := context.AfterFunc(ctx, e.endEffort)
	defer stop()
	e.endLife()
	e.loops.Wait()
	queued := e.dispatcher.drain()
	e.workers.Wait()
	e.giveBack(queued, 0)
	err := waitFor(ctx, &e.publishes)
	e.settler.finish(ctx)
	e.settles.Wait()
	e.mu.Lock()
	e.settled = true
	e.mu.Unlock()
	e.tasks.Wait()
	e.endEffort()
	e.destinations.close()
	e.sender.close()
	return errors.Join(err, ctx.Err())
}

// Allow replaces the networks that deliveries may go to besides public addresses. No attempt that begins after it has
// returned uses a connection that was made before.
func (e *Engine) Allow(networks []netip.Prefix) {
	e.guard.allow(networks)
	e.sender.renew()
	e.destinations.close()
}

// SetMaxInFlight replaces [Options].MaxInFlight, 0 means its default. Exchanges beyond a smaller number go on to their end.
func (e *Engine) SetMaxInFlight(n int) {
	setDefault(&n, defaultInFlight)
	e.dispatcher.resize(n)
}

// refuse ends intake and reports whether this call did it.
func (e *Engine) refuse() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.closed
	e.closed = true
	return !was
}

// enter counts a publish among those that Close waits for; false when the engine is closed. publishes.Done ends it.
func (e *Engine) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.publishes.Add(1)
	}
	return !e.closed
}

// task runs f in the background and reports that; false when all is settled and Close is about to return.
func (e *Engine) task(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.settled {
		e.tasks.Go(f)
	}
	return !e.settled
}

// waitFor waits for a group until ctx ends.
func waitFor(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// PublicIDs are the string forms of webhooks' ids, "" of those that have none and of those that were removed.
func (e *Engine) PublicIDs(a schemas.AccountID, ids []schemas.WebhookID) []string {
	return e.index.publicIDs(a, ids)
}

// ByPublicID finds a webhook by the string form of its id.
func (e *Engine) ByPublicID(a schemas.AccountID, publicID string) (schemas.WebhookID, bool) {
	return e.index.byPublicID(a, publicID)
}

// Reopen makes a delivery that is dead, delivered or discarded due now. Its errors are the store's.
func (e *Engine) Reopen(ctx context.Context, r storage.Ref) error {
	e.dispatcher.reopen(r.Lane()) // before it can be claimed
	err := e.store.Reopen(ctx, r)
	e.dispatcher.wakeClaim()
	e.due.ring(r.Lane())
	return err
}

// Watch is for who follows an account's events: news receives after one was accepted by this node, which Store.EventsAfter
// then shows. A hint, one for all that came while nobody received. end stops it.
func (e *Engine) Watch(a schemas.AccountID) (news <-chan struct{}, end func()) { return e.news.hang(a) }

// Bounds of the waits before a failed call of the store is made again.
const (
	minBackOff = 20 * time.Millisecond
	maxBackOff = 5 * time.Second
)

// persist calls f until it succeeds, ctx ends or the store is closed.
func (e *Engine) persist(ctx context.Context, doing string, l storage.Lane, f func(context.Context) error) bool {
	for wait := minBackOff; ; wait = min(2*wait, maxBackOff) {
		err := f(ctx)
		if err == nil {
			return true
		}
		if errors.Is(err, storage.ErrClosed) || !pause(ctx, wait) {
			return false
		}
		e.log.Warn().Str("doing", doing).Int64("account", int64(l.Account)).Str("webhook", e.index.title(l)).Err(err).
			Msg("the store failed; trying again")
	}
}

// pause waits; false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Stats is what the engine holds at this moment.
type Stats struct {
	Published uint64 // events accepted since the start, the engine's own too
	Webhooks  States // in the index
	Lanes     int    // in memory, with or without deliveries
	Held      int    // deliveries in memory
	InFlight  int    // exchanges
	Silent    int    // origins that do not answer and are only probed
}

// Stats counts what the engine holds.
func (e *Engine) Stats() Stats {
	d := e.dispatcher
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Stats{
		Published: e.published.Load(), Webhooks: e.index.states(),
		Lanes: len(d.lanes), Held: len(d.items), InFlight: d.workers + d.slow,
	}
	for _, o := range d.origins {
		if o.open() {
			s.Silent++
		}
	}
	return s
}
