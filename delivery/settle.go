package delivery

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/storage"
)

// maxSettle is how many outcomes go into one call of the store.
const maxSettle = 1024

// outcome is what became of one delivery, on its way to the store.
type outcome struct {
	storage.Outcome
	item   *item
	cause  *exchange // nil when no attempt was made
	gone   bool      // the receiver wants nothing any more
	unsure bool      // an earlier call may have settled it
}

// settler writes outcomes to the store. While one call is under way the next ones gather, so that many share a commit and
// a single one waits for nothing.
type settler struct {
	store storage.Queue
	log   zerolog.Logger
	// done is told of every outcome the store has answered for good, in the order of the answers.
	done func([]*outcome, []storage.Settled)

	ctx    context.Context
	cancel context.CancelFunc
	kick   chan struct{}

	mu      sync.Mutex
	waiting []*outcome
	closing bool

	// Of run alone: what the store did not take, and when it is offered again.
	later   []*outcome
	backOff time.Duration
}

func newSettler(store storage.Queue, log zerolog.Logger, done func([]*outcome, []storage.Settled)) *settler {
	s := &settler{store: store, log: log, done: done, kick: make(chan struct{}, 1), backOff: minBackOff}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// add hands outcomes in. It never waits.
func (s *settler) add(list ...*outcome) {
	if len(list) == 0 {
		return
	}
	s.mu.Lock()
	s.waiting = append(s.waiting, list...)
	s.mu.Unlock()
	s.wake()
}

func (s *settler) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// closeGrace is how long outcomes may still be written after the time for closing has run out: what was delivered
// should not be delivered again for want of a few milliseconds.
const closeGrace = 2 * time.Second

// finish lets run end when all is settled, or closeGrace after ctx.
func (s *settler) finish(ctx context.Context) {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.wake()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(closeGrace, s.cancel) })
	context.AfterFunc(s.ctx, func() { stop() })
}

// run settles until finish.
func (s *settler) run() {
	defer s.cancel()
	var retry <-chan time.Time
	for s.ctx.Err() == nil {
		batch, last := s.next()
		if len(batch) == 0 {
			if last && len(s.later) == 0 {
				return
			}
			select {
			case <-s.kick:
			case <-retry:
				s.again()
			case <-s.ctx.Done():
			}
			continue
		}
		if failed := s.settle(batch); failed {
			retry = time.After(s.backOff)
			s.backOff = min(2*s.backOff, maxBackOff)
		} else if len(s.later) == 0 {
			s.backOff = minBackOff
		}
	}
}

// next takes what waits, a bounded part of it; last says that nothing will be added any more.
func (s *settler) next() (batch []*outcome, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), maxSettle)
	batch, s.waiting = s.waiting[:n:n], s.waiting[n:]
	return batch, s.closing && len(s.waiting) == 0
}

// again offers what failed once more.
func (s *settler) again() {
	list := s.later
	s.later = nil
	s.add(list...)
}

// settle makes one call and reports whether some of it has to be tried again, with the same tokens.
func (s *settler) settle(batch []*outcome) (failed bool) {
	out := make([]storage.Outcome, len(batch))
	for i, o := range batch {
		out[i] = o.Outcome
	}
	var answered []*outcome
	var answers []storage.Settled
	var last error
	for i, answer := range s.store.Settle(s.ctx, out) {
		err := answer.Err
		if err == nil || errors.Is(err, storage.ErrStale) || errors.Is(err, storage.ErrAbsent) || errors.Is(err, storage.ErrClosed) {
			answered, answers = append(answered, batch[i]), append(answers, answer)
			continue
		}
		batch[i].unsure, last = true, err
		s.later = append(s.later, batch[i])
	}
	if last != nil {
		s.log.Warn().Err(last).Int("deliveries", len(s.later)).Msg("outcomes could not be settled; trying again")
	}
	s.done(answered, answers)
	return last != nil
}

// conclude lets settled deliveries go and does to their webhooks what follows from the outcomes.
func (e *Engine) conclude(list []*outcome, answers []storage.Settled) {
	items := make([]*item, len(list))
	for i, o := range list {
		items[i] = o.item
		if answers[i].Err != nil {
			e.dispatcher.doubt(o.item)
		}
	}
	e.dispatcher.settled(items)
	for i, o := range list {
		if (o.Next == storage.Retry || o.Next == storage.Release) && o.In < e.o.Poll {
			e.dispatcher.wakeClaim() // it is due before the claimer would look by itself
			e.due.ring(o.item.held.Lane())
		}
		if o.cause == nil || errors.Is(answers[i].Err, storage.ErrClosed) {
			continue
		}
		// A stale or absent delivery is another's affair, unless our own former call settled it.
		counts := answers[i].Err == nil || o.unsure
		e.weigh(o, answers[i], counts)
	}
}

// giveBack returns deliveries to the store, due again after in.
func (e *Engine) giveBack(items []*item, in time.Duration) { e.unattempted(items, storage.Release, in) }

// discard closes deliveries whose webhook is gone.
func (e *Engine) discard(items []*item) { e.unattempted(items, storage.Discard, 0) }

func (e *Engine) unattempted(items []*item, next storage.Next, in time.Duration) {
	list := make([]*outcome, len(items))
	for i, it := range items {
		list[i] = &outcome{Outcome: storage.Outcome{Held: it.held, Next: next, In: in}, item: it}
	}
	e.settler.add(list...)
}
