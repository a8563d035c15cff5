package bolt

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// settleJob is a part of a list of outcomes on its way to the committer.
type settleJob struct {
	items []ending
	out   []storage.Settled
}

// ending is an outcome with its attempt encoded.
type ending struct {
	storage.Outcome
	attempt []byte // row without checksum; nil without an attempt
	done    bool   // has its answer
}

// Settle records outcomes.
func (s *Store) Settle(ctx context.Context, out []storage.Outcome) []storage.Settled {
	answers := make([]storage.Settled, 0, len(out))
	type sent struct {
		n   int
		job *settleJob
		req *request
		err error
	}
	parts := make([]sent, 0, 1)
	for at := 0; at < len(out); at += s.tuning.requestItems {
		part := out[at:min(at+s.tuning.requestItems, len(out))]
		job, bytes := newSettleJob(part)
		req, err := s.send(ctx, job, len(part), bytes)
		parts = append(parts, sent{len(part), job, req, err})
	}
	for _, p := range parts {
		if p.err == nil {
			p.err = s.await(ctx, p.req)
		}
		if p.err == nil {
			answers = append(answers, p.job.out...)
			continue
		}
		for range p.n {
			answers = append(answers, storage.Settled{Err: p.err})
		}
	}
	return answers
}

func newSettleJob(out []storage.Outcome) (job *settleJob, bytes int) {
	job = &settleJob{items: make([]ending, len(out)), out: make([]storage.Settled, len(out))}
	for i := range out {
		e := &job.items[i]
		e.Outcome = out[i]
		if out[i].Next > storage.Release {
			job.out[i].Err, e.done = fmt.Errorf("settle: outcome %d is not known", out[i].Next), true
			continue
		}
		if out[i].Attempt == nil {
			continue
		}
		text, err := json.Marshal(out[i].Attempt)
		if err != nil {
			job.out[i].Err, e.done = fmt.Errorf("encode attempt: %w", err), true
			continue
		}
		attempt := *out[i].Attempt // the caller's may change once it has stopped waiting
		e.Attempt = &attempt
		e.attempt = append(make([]byte, sumLen, sumLen+len(text)), text...)
		bytes += len(text)
	}
	return job, bytes
}

func (j *settleJob) run(t *txn) error {
	for i := range j.items {
		if e := &j.items[i]; !e.done {
			t.settle(e, &j.out[i])
		}
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

func (j *settleJob) fail(err error) {
	for i := range j.items {
		if !j.items[i].done {
			j.out[i] = storage.Settled{Err: err}
		}
	}
}

// settle writes one outcome.
func (t *txn) settle(e *ending, out *storage.Settled) {
	ref := e.Held.Ref
	d, p, err := t.delivery(ref)
	switch {
	case err != nil:
		t.store.harm.note(err)
		out.Err = err
		return
	case !d.open():
		out.Err = storage.ErrAbsent
		return
	}
	lease, holds := t.store.board.pin(ref, e.Held.Token)
	if holds {
		t.pinned = append(t.pinned, lease)
	} else if e.Next != storage.Done {
		out.Err = storage.ErrStale
		return
	}
	tally := t.tally(ref.Lane())
	if e.attempt != nil {
		d.attempts++
		t.key = attemptKey(t.key[:0], ref, d.attempts)
		t.put(t.part(p, ofAttempts), t.key, e.attempt)
		if p == t.calendar.latest() {
			t.volume += len(e.attempt) + 64
		}
		count(tally, e.Attempt, t.now.wall)
	}
	switch e.Next {
	case storage.Done:
		t.close(ref, d, stateDelivered)
	case storage.Dead:
		tally.Dropped++
		t.close(ref, d, stateDead)
	case storage.Discard:
		t.close(ref, d, stateDiscarded)
	case storage.Retry, storage.Release:
		t.unindex(ref, d)
		d = t.plan(ref, d, after(t.now.wall, e.In))
		t.effects = append(t.effects, effect{what: effectDue, ref: ref, spot: spot{due: d.due, seq: ref.Seq}, was: lease})
	}
	out.Tally = *tally
}

// count adds an attempt to a webhook's counters. The times are the store's.
func count(t *schemas.Tally, a *schemas.Attempt, now int64) {
	t.Calls++
	if a.OK {
		t.Consecutive, t.Dropped, t.FailingSince, t.LastSuccess = 0, 0, instantTime(0), instantTime(now)
		return
	}
	t.Errors++
	t.Consecutive++
	if t.FailingSince.IsZero() {
		t.FailingSince = instantTime(now)
	}
	t.LastError, t.LastErrorAt = a.Message, instantTime(now)
}

// tally is a lane's counters in this transaction; finish writes them, once a lane. Damaged ones begin again at zero:
// they must not keep the lane's deliveries from being settled.
func (t *txn) tally(l storage.Lane) *schemas.Tally {
	if tally := t.tallies[l]; tally != nil {
		return tally
	}
	t.key = laneKey(t.key[:0], l)
	tally, err := decodeTally(t.key, t.place(inTallies).Get(t.key), l)
	if err != nil {
		t.store.harm.note(err)
	}
	t.tallies[l] = &tally
	return &tally
}

func decodeTally(key, v []byte, l storage.Lane) (schemas.Tally, error) {
	if v == nil {
		return schemas.Tally{}, nil
	}
	if p, ok := unseal(key, v); ok {
		if tally, ok := parseTally(p); ok {
			return tally, nil
		}
	}
	return schemas.Tally{}, damaged("counters of webhook %d of account %d", l.Webhook, l.Account)
}
