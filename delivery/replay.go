package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// replays are the running replays of this node. One goroutine takes a step of each in turn (replayLoop), another reads
// from the store which there are (followReplays). Where nodes share a store each runs them all: a step that another took
// too finds its deliveries open, and the revision of the record says who was quicker.
type replays struct {
	mu      sync.Mutex
	jobs    map[replayKey]*replay
	stirred chan struct{} // buffered 1: there is another job, or news of one
}

type replayKey struct {
	account schemas.AccountID
	id      int64
}

// replay is one running job. All but news is of the goroutine that runs it.
type replay struct {
	*schemas.Replay
	news  *schemas.Replay // its record as somebody else left it; guarded by replays.mu
	due   time.Time       // of its next step
	wait  time.Duration   // before the step that follows one that could do nothing
	saved time.Time       // when its record was amended
	turn  int             // of Passes, whose turn it is
}

func newReplays() *replays {
	return &replays{jobs: map[replayKey]*replay{}, stirred: make(chan struct{}, 1)}
}

// Waits of a replay whose webhooks have enough to deliver: the first, and the longest.
const (
	minReplayWait = 50 * time.Millisecond
	maxReplayWait = 5 * time.Second
)

// replaySave is how often the record of a replay is amended that finds nothing to make due.
const replaySave = time.Second

// learn takes in a record: a new job, or what somebody else made of one.
func (rs *replays) learn(r *schemas.Replay) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	key := replayKey{r.Account, r.ID}
	switch job := rs.jobs[key]; {
	case job != nil:
		job.news = r
	case r.State == schemas.ReplayRunning:
		rs.jobs[key] = &replay{Replay: r}
	default:
		return
	}
	select {
	case rs.stirred <- struct{}{}:
	default:
	}
}

func (rs *replays) forget(key replayKey) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.jobs, key)
}

// next is the job whose step is due first, and how long until then; nil without jobs. A job that somebody else has ended is
// let go.
func (rs *replays) next() (first *replay, wait time.Duration) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for key, job := range rs.jobs {
		if job.news != nil && job.news.Revision > job.Revision {
			job.Replay, job.turn = job.news, 0
		}
		job.news = nil
		if job.State != schemas.ReplayRunning {
			delete(rs.jobs, key)
			continue
		}
		if first == nil || job.due.Before(first.due) {
			first = job
		}
	}
	if first == nil {
		return nil, 0
	}
	return first, time.Until(first.due)
}

// followReplays learns of replays until the engine ends.
func (e *Engine) followReplays() {
	for wait := minBackOff; ; wait = min(2*wait, maxBackOff) {
		for change, err := range e.store.Follow(e.life, storage.KindReplay) {
			switch r := change.Record; {
			case err != nil:
				if errors.Is(err, storage.ErrClosed) || e.life.Err() != nil {
					return
				}
				e.log.Warn().Err(err).Msg("the stream of replays broke; reading it anew")
			case change.CaughtUp:
				wait = minBackOff
			case change.Removed:
				e.replays.forget(replayKey{r.Account, r.ID})
			default:
				e.learnReplay(r)
			}
		}
		if !pause(e.life, wait) {
			return
		}
	}
}

func (e *Engine) learnReplay(r storage.Record) {
	got, err := schemas.DecodeReplay(r.Body, r.Account, r.ID, r.Revision)
	if err != nil {
		e.log.Error().Int64("account", int64(r.Account)).Str("replay", schemas.ReplayTitle(r.ID)).Err(err).
			Msg("a replay's record cannot be read; it does not run")
		return
	}
	e.replays.learn(got)
}

// replayLoop takes steps of the replays until the engine ends.
func (e *Engine) replayLoop() {
	for {
		job, wait := e.replays.next()
		if job != nil && wait <= 0 {
			if e.life.Err() != nil {
				return
			}
			e.runReplay(job)
			continue
		}
		var timer <-chan time.Time
		if job != nil {
			timer = time.After(wait)
		}
		select {
		case <-timer:
		case <-e.replays.stirred:
		case <-e.life.Done():
			return
		}
	}
}

// runReplay takes one step of a job, keeps where it is, and plans the next.
func (e *Engine) runReplay(job *replay) {
	ctx, cancel := context.WithTimeout(e.effort, e.o.Timeout) // a step that has begun is kept when the engine is closed
	defer cancel()
	moved, err := e.stepReplay(ctx, job)
	ended := job.State != schemas.ReplayRunning
	if err == nil && (moved || ended || time.Since(job.saved) >= replaySave) {
		err = e.saveReplay(ctx, job)
	}
	key := replayKey{job.Account, job.ID}
	switch {
	case errors.Is(err, storage.ErrConflict):
		err = e.reviseReplay(ctx, job)
	case errors.Is(err, storage.ErrAbsent):
		e.replays.forget(key)
		return
	case err == nil && ended:
		e.replays.forget(key)
		e.log.Info().Int64("account", int64(job.Account)).Str("replay", schemas.ReplayTitle(job.ID)).Str("state", string(job.State)).
			Str("reason", job.Reason).Int64("looked", job.Looked).Int64("replayed", job.Replayed).Msg("a replay has ended")
		return
	}
	if err != nil {
		if e.life.Err() == nil {
			e.log.Warn().Int64("account", int64(job.Account)).Str("replay", schemas.ReplayTitle(job.ID)).Err(err).
				Msg("a step of a replay failed; trying again")
		}
		job.idle()
		_ = e.reviseReplay(ctx, job) // what the step did to the job in memory does not count
	}
}

// saveReplay amends the record of a job.
func (e *Engine) saveReplay(ctx context.Context, job *replay) error {
	job.Updated = time.Now().UTC()
	body, err := schemas.EncodeReplay(job.Replay)
	if err != nil {
		return fmt.Errorf("encode replay: %w", err)
	}
	got, err := e.store.Amend(ctx, storage.Record{
		Kind: storage.KindReplay, Account: job.Account, ID: job.ID, Revision: job.Revision, Body: body,
	})
	if err == nil {
		job.Revision, job.saved = got.Revision, time.Now()
	}
	return err
}

// reviseReplay puts the record of a job in the place of what is in memory.
func (e *Engine) reviseReplay(ctx context.Context, job *replay) error {
	r, err := e.store.Get(ctx, storage.KindReplay, job.Account, job.ID)
	if err != nil {
		return err
	}
	got, err := schemas.DecodeReplay(r.Body, r.Account, r.ID, r.Revision)
	if err == nil {
		job.Replay, job.turn = got, 0
	}
	return err
}

// idle puts the next step off, the longer the more steps could do nothing.
func (job *replay) idle() {
	job.wait = min(max(2*job.wait, minReplayWait), maxReplayWait)
	job.due = time.Now().Add(job.wait)
}
