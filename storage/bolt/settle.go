package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// settleJob is a part of a list of outcomes on its way to the committer. It owns all it points to, except for strings,
// because its caller may stop waiting.
type settleJob struct {
	items []ending
	out   []storage.Settled
	rows  []byte // of the attempts, one after the other
}

// ending is an outcome with its attempt encoded.
type ending struct {
	ref     storage.Ref
	token   uint64
	next    storage.Next
	in      time.Duration
	tried   bool // there was an attempt
	ok      bool
	message string
	row     []byte
	done    bool // has its answer
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
	var one [1]sent
	parts := one[:0]
	for at := 0; at < len(out); at += s.tuning.requestItems {
		part := out[at:min(at+s.tuning.requestItems, len(out))]
		job := s.newSettleJob(part)
		req, err := s.send(ctx, job, len(part), len(job.rows))
		parts = append(parts, sent{len(part), job, req, err})
	}
	for _, p := range parts {
		if p.err == nil {
			p.err = s.await(ctx, p.req)
		}
		if p.err == nil {
			answers = append(answers, p.job.out...)
			s.settleJobs.put(p.job)
			continue
		}
		for range p.n {
			answers = append(answers, storage.Settled{Err: p.err})
		}
	}
	return answers
}

func (s *Store) newSettleJob(out []storage.Outcome) *settleJob {
	job := s.settleJobs.get()
	var begins []int
	for i := range out {
		o := &out[i]
		job.items = append(job.items, ending{ref: o.Held.Ref, token: o.Held.Token, next: o.Next, in: o.In})
		job.out = append(job.out, storage.Settled{})
		begins = append(begins, len(job.rows))
		e := &job.items[i]
		if o.Next > storage.Release {
			job.out[i].Err, e.done = fmt.Errorf("settle: outcome %d is not known", o.Next), true
			continue
		}
		if o.Attempt == nil {
			continue
		}
		e.tried, e.ok, e.message = true, o.Attempt.OK, o.Attempt.Message
		job.rows = schemas.AppendAttempt(append(job.rows, make([]byte, sumLen)...), o.Attempt)
	}
	for i, end := len(out)-1, len(job.rows); i >= 0; i-- { // the rows do not move any more
		job.items[i].row, end = job.rows[begins[i]:end:end], begins[i]
	}
	return job
}

func (j *settleJob) write(d *draft) error {
	for i := range j.items {
		if e := &j.items[i]; !e.done {
			if err := d.settle(e, &j.out[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *settleJob) reset() {
	clear(j.items)
	clear(j.out)
	j.items, j.out, j.rows = j.items[:0], j.out[:0], j.rows[:0]
	if cap(j.rows) > maxPooled {
		j.rows = nil
	}
}

func (j *settleJob) fail(err error) {
	for i := range j.items {
		if !j.items[i].done {
			j.out[i] = storage.Settled{Err: err}
		}
	}
}

// settle takes one outcome in.
func (d *draft) settle(e *ending, out *storage.Settled) error {
	was, err := d.entry(e.ref)
	switch {
	case errors.Is(err, storage.ErrAbsent), errors.Is(err, ErrDamaged):
		d.store.harm.note(err)
		out.Err = err
		return nil
	case err != nil:
		return err
	case !was.now.open():
		out.Err = storage.ErrAbsent
		return nil
	}
	lease, holds := d.store.board.pin(e.ref, e.token)
	if holds {
		d.pinned = append(d.pinned, lease)
	} else if e.next != storage.Done {
		out.Err = storage.ErrStale
		return nil
	}
	out.Tally, err = d.conclude(e, was, lease)
	return err
}

// count adds an attempt to a webhook's counters. The times are the store's.
func (e *ending) count(t *schemas.Tally, now int64) {
	t.Calls++
	if e.ok {
		t.Consecutive, t.Dropped, t.FailingSince, t.LastSuccess = 0, 0, instantTime(0), instantTime(now)
		return
	}
	t.Errors++
	t.Consecutive++
	if t.FailingSince.IsZero() {
		t.FailingSince = instantTime(now)
	}
	t.LastError, t.LastErrorAt = e.message, instantTime(now)
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
