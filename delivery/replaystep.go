package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// Bounds of a replay.
const (
	// replayStep is how many events one step looks at: a step must be short, for the other jobs and for whoever cancels this.
	replayStep = 200
	// replayOpen is how many open deliveries a webhook may have for a replay to add to them: what is published meanwhile
	// waits behind no more than that, and a dead endpoint does not get everything at once.
	replayOpen = 256
	// replayPasses is how many webhooks the pass for all of them may leave behind. Then it waits for them.
	replayPasses = 64
)

// stepReplay looks at the next events of a job and makes due what it asks for. It reports whether anything was. The passes
// take turns; one whose webhook has enough to deliver gives its turn away.
func (e *Engine) stepReplay(ctx context.Context, job *replay) (moved bool, err error) {
	if reason := e.obstacle(job.Replay); reason != "" {
		job.State, job.Reason = schemas.ReplayFailed, reason
		return false, nil
	}
	onward := false
	for tries := len(job.Passes); tries > 0 && !onward; tries-- {
		job.turn %= len(job.Passes)
		s := replayStepping{engine: e, job: job, pass: job.Passes[job.turn], rooms: map[schemas.WebhookID]int{}}
		if err := s.run(ctx); err != nil {
			return false, err
		}
		moved, onward = s.made > 0, s.over || s.after > s.pass.After
		job.Passes[job.turn].After = s.after
		if s.over {
			job.Passes = slices.Delete(job.Passes, job.turn, job.turn+1)
		} else {
			job.turn++
		}
	}
	switch {
	case len(job.Passes) == 0:
		job.State = schemas.ReplayDone
	case onward:
		job.due, job.wait = time.Now(), 0
	default:
		job.idle()
	}
	return moved, nil
}

// obstacle is why a job for one webhook cannot go on, "" if it can.
func (e *Engine) obstacle(r *schemas.Replay) string {
	if r.Webhook == 0 {
		return ""
	}
	switch known, active := e.index.standing(storage.Lane{Account: r.Account, Webhook: r.Webhook}); {
	case !known:
		return "The webhook was removed"
	case !active:
		return "The webhook is not active any more"
	}
	return ""
}

// replayStepping is one step of one pass.
type replayStepping struct {
	engine *Engine
	job    *replay
	pass   schemas.ReplayPass
	rooms  map[schemas.WebhookID]int // how many deliveries each webhook may get; -1: none, because it is not active

	refs  []storage.Ref
	after uint64 // where the pass is then
	made  int
	over  bool
}

func (s *replayStepping) run(ctx context.Context) error {
	from, job := s.pass.After, s.job
	s.after = from
	if s.pass.Webhook != 0 {
		if room, err := s.room(ctx, s.pass.Webhook); err != nil || room == 0 {
			return err
		}
	}
	events, next, err := s.engine.store.EventsAfter(ctx, job.Account, from, replayStep)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	events = slices.DeleteFunc(events, func(r storage.EventRecord) bool { return r.Seq > job.Through })
	s.after = min(next, job.Through)
	s.over = next == from || next >= job.Through
	owed, err := s.owed(ctx, storage.Range{After: from, Through: s.after})
	if err != nil {
		return err
	}
	looked := 0
	for _, event := range events {
		whole, err := s.look(ctx, event, owed[event.Seq])
		if err != nil {
			return err
		}
		if !whole { // it comes first in the next step
			s.after, s.over = event.Seq-1, false
			break
		}
		looked++
	}
	if err := s.replay(ctx); err != nil {
		return err
	}
	if looked > 0 && s.pass.Webhook == job.Webhook { // else the pass for all has counted it
		job.Looked += int64(looked)
		job.Position = events[looked-1].Accepted
	}
	return nil
}

// owed lists the closed and the open deliveries in a range that the job may be about, by event.
func (s *replayStepping) owed(ctx context.Context, r storage.Range) (map[uint64][]schemas.Delivery, error) {
	states := s.job.States
	if s.job.Unowed {
		states = []schemas.DeliveryState{""} // those that are open must be known from those that never were
	}
	out := map[uint64][]schemas.Delivery{}
	if r.Through <= r.After {
		return out, nil
	}
	for _, state := range states {
		q := storage.DeliveryQuery{Webhook: s.pass.Webhook, State: state, Sound: true, Range: r, Page: storage.Page{Limit: 1000}}
		for {
			got, cursor, err := s.engine.store.Deliveries(ctx, s.job.Account, q)
			if err != nil {
				return nil, fmt.Errorf("read deliveries: %w", err)
			}
			for _, d := range got {
				out[d.Seq] = append(out[d.Seq], d)
			}
			if q.Cursor = cursor; cursor == "" {
				break
			}
		}
	}
	return out, nil
}

// look chooses what of an event is to be due; false when a webhook has no room for it now, and nothing was chosen.
func (s *replayStepping) look(ctx context.Context, r storage.EventRecord, owed []schemas.Delivery) (whole bool, err error) {
	named := func(pattern string) bool { return schemas.MatchEventType(pattern, r.Type) }
	if len(s.job.Types) > 0 && !slices.ContainsFunc(s.job.Types, named) {
		return true, nil
	}
	chosen := len(s.refs)
	for _, webhook := range s.candidates(r, owed) {
		if s.pass.Webhook == 0 && s.ownPass(webhook) {
			continue
		}
		room, err := s.room(ctx, webhook)
		if err != nil {
			return false, err
		}
		switch {
		case room > 0:
			s.rooms[webhook]--
			s.refs = append(s.refs, storage.Ref{Account: s.job.Account, Webhook: webhook, Seq: r.Seq})
		case room < 0:
			s.job.Skipped++
		case s.pass.Webhook == 0 && len(s.job.Passes) <= replayPasses:
			s.job.Passes = append(s.job.Passes, schemas.ReplayPass{Webhook: webhook, After: r.Seq - 1})
		default:
			s.refs = s.refs[:chosen]
			return false, nil
		}
	}
	return true, nil
}

// candidates are the webhooks that an event may be made due for.
func (s *replayStepping) candidates(r storage.EventRecord, owed []schemas.Delivery) (webhooks []schemas.WebhookID) {
	if !s.job.Unowed {
		for _, d := range owed {
			webhooks = append(webhooks, d.Webhook)
		}
		return webhooks
	}
	if len(owed) > 0 && !slices.Contains(s.job.States, owed[0].State) {
		return nil
	}
	event, err := schemas.DecodeEvent(r.Body)
	if err != nil {
		s.engine.log.Error().Int64("account", int64(s.job.Account)).Uint64("event", r.Seq).Err(err).
			Msg("an event cannot be read; it is not replayed")
		return nil
	}
	event.Account, event.Seq = s.job.Account, r.Seq
	if s.engine.index.wants(storage.Lane{Account: s.job.Account, Webhook: s.pass.Webhook}, event) {
		webhooks = append(webhooks, s.pass.Webhook)
	}
	return webhooks
}

// ownPass reports whether a webhook was left behind by the pass for all.
func (s *replayStepping) ownPass(w schemas.WebhookID) bool {
	return slices.ContainsFunc(s.job.Passes, func(p schemas.ReplayPass) bool { return p.Webhook == w })
}

// room is how many deliveries a webhook may get in this step; -1: none, because it is not active.
func (s *replayStepping) room(ctx context.Context, w schemas.WebhookID) (int, error) {
	if room, ok := s.rooms[w]; ok {
		return room, nil
	}
	lane := storage.Lane{Account: s.job.Account, Webhook: w}
	room := -1
	if _, active := s.engine.index.standing(lane); active {
		open, _, err := s.engine.store.Backlog(ctx, replayOpen, lane)
		if err != nil {
			return 0, fmt.Errorf("count what a webhook has to deliver: %w", err)
		}
		room = max(0, replayOpen-open)
	}
	s.rooms[w] = room
	return room, nil
}

// replay makes due what was chosen. What is open already, or gone, is left alone.
func (s *replayStepping) replay(ctx context.Context) error {
	if len(s.refs) == 0 {
		return nil
	}
	for _, ref := range s.refs {
		s.engine.dispatcher.reopen(ref.Lane()) // before they can be claimed
	}
	for _, err := range s.engine.store.Replay(ctx, s.refs) {
		switch {
		case err == nil:
			s.made++
		case !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrAbsent):
			return fmt.Errorf("make deliveries due: %w", err)
		}
	}
	s.job.Replayed += int64(s.made)
	s.engine.dispatcher.wakeClaim()
	for _, ref := range s.refs {
		s.engine.due.ring(ref.Lane())
	}
	return nil
}
