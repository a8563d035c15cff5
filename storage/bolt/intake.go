package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// acceptJob is a part of a batch on its way to the committer. It owns all it points to, except for the strings.
type acceptJob struct {
	items []arrival
	to    []storage.Target
	rows  []byte // the items' event rows, one after the other
	out   []storage.Accepted
}

// arrival is an event with its row written as far as can be before it has a number.
type arrival struct {
	account schemas.AccountID
	id      string
	window  time.Duration
	row     []byte
	to      []storage.Target
	// looked is the beginning of the first span in which a repeat was not looked for yet.
	looked int64
	done   bool // has its answer
}

// maxPublicID bounds what becomes a key. The methods allow much less.
const maxPublicID = 1 << 10

// Accept makes events and their deliveries durable.
func (s *Store) Accept(ctx context.Context, batch []storage.NewEvent) []storage.Accepted {
	if len(batch) <= s.tuning.requestItems {
		return s.accept(ctx, batch)
	}
	// Parts of a big batch travel side by side, so that it neither fills a commit nor waits for many.
	out := make([]storage.Accepted, 0, len(batch))
	type sent struct {
		part []storage.NewEvent
		job  *acceptJob
		req  *request
		err  error
	}
	var parts []sent
	for at := 0; at < len(batch); at += s.tuning.requestItems {
		p := sent{part: batch[at:min(at+s.tuning.requestItems, len(batch))]}
		p.job, p.req, p.err = s.sendAccept(ctx, p.part)
		parts = append(parts, p)
	}
	for _, p := range parts {
		out = append(out, s.awaitAccept(ctx, p.part, p.job, p.req, p.err)...)
	}
	return out
}

func (s *Store) accept(ctx context.Context, batch []storage.NewEvent) []storage.Accepted {
	job, req, err := s.sendAccept(ctx, batch)
	return s.awaitAccept(ctx, batch, job, req, err)
}

// sendAccept does what can be done beside the committer: rows, refusals, and repeats of events in closed spans. req is
// nil when nothing is left to commit.
func (s *Store) sendAccept(ctx context.Context, batch []storage.NewEvent) (*acceptJob, *request, error) {
	if err := s.usable(ctx); err != nil {
		return nil, nil, err
	}
	job := s.newAcceptJob(batch)
	if err := s.lookBack(ctx, job); err != nil {
		return nil, nil, err
	}
	left := 0
	for i := range job.items {
		if !job.items[i].done {
			left += 1 + len(job.items[i].to)
		}
	}
	if left == 0 {
		return job, nil, nil
	}
	req, err := s.send(ctx, job, left, len(job.rows))
	return job, req, err
}

func (s *Store) awaitAccept(
	ctx context.Context, batch []storage.NewEvent, job *acceptJob, req *request, err error,
) []storage.Accepted {
	if err == nil && req != nil {
		err = s.await(ctx, req)
	}
	if err == nil {
		out := job.out
		s.acceptJobs.put(job)
		return out
	}
	out := make([]storage.Accepted, len(batch))
	for i := range out {
		out[i].Err = err
	}
	return out
}

func (s *Store) newAcceptJob(batch []storage.NewEvent) *acceptJob {
	size, targets, holds := 0, 0, 0
	for i := range batch {
		e := &batch[i]
		size += sumLen + 8 + 20 + len(e.Type) + 10*len(e.To) + len(e.Body)
		targets += len(e.To)
		for _, t := range e.To {
			if t.Hold > 0 {
				holds++
			}
		}
	}
	job := s.acceptJobs.get()
	job.items = slices.Grow(job.items, len(batch))
	job.to, job.rows = slices.Grow(job.to, targets), slices.Grow(job.rows, size)
	job.out = make([]storage.Accepted, len(batch))
	held := make([]storage.Held, 0, holds)
	for i := range batch {
		e := &batch[i]
		job.items = append(job.items, arrival{account: e.Account, id: e.ID, window: e.Window})
		it := &job.items[i]
		if err := checkEvent(e); err != nil {
			job.out[i].Err, it.done = err, true
			continue
		}
		begin, first, firstHeld := len(job.rows), len(job.to), len(held)
		job.rows, job.to = appendEventRow(job.rows, e), append(job.to, e.To...)
		it.row, it.to = job.rows[begin:len(job.rows):len(job.rows)], job.to[first:len(job.to):len(job.to)]
		for _, t := range e.To {
			if t.Hold > 0 {
				held = append(held, storage.Held{Ref: storage.Ref{Account: e.Account, Webhook: t.Webhook}})
			}
		}
		if len(held) > firstHeld {
			job.out[i].Held = held[firstHeld:len(held):len(held)]
		}
	}
	return job
}

// reset forgets what belongs to the caller now, or is the caller's.
func (j *acceptJob) reset() {
	clear(j.items)
	j.items, j.to, j.rows, j.out = j.items[:0], j.to[:0], j.rows[:0], nil
	if cap(j.rows) > maxPooled {
		j.rows = nil
	}
}

// checkEvent refuses what cannot be stored.
func checkEvent(e *storage.NewEvent) error {
	switch {
	case e.Account <= 0:
		return errors.New("the event has no account")
	case e.ID == "" || len(e.ID) > maxPublicID:
		return fmt.Errorf("the event's id must have 1 to %d bytes", maxPublicID)
	case len(e.Body) > math.MaxInt32/2:
		return errors.New("the event is too large")
	}
	for i, t := range e.To {
		if t.Webhook <= 0 {
			return fmt.Errorf("target %d of the event is no webhook", i)
		}
	}
	if hasTwice(e.To) {
		return errors.New("a target of the event is there twice")
	}
	return nil
}

func hasTwice(to []storage.Target) bool {
	if len(to) < 2 {
		return false
	}
	sorted := slices.Clone(to)
	slices.SortFunc(sorted, func(a, b storage.Target) int { return cmp.Compare(a.Webhook, b.Webhook) })
	distinct := slices.CompactFunc(sorted, func(a, b storage.Target) bool { return a.Webhook == b.Webhook })
	return len(distinct) < len(to)
}

func (j *acceptJob) write(d *draft) error {
	for i := range j.items {
		if it := &j.items[i]; !it.done {
			if err := d.accept(it, &j.out[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *acceptJob) fail(err error) {
	for i := range j.items {
		if !j.items[i].done {
			j.out[i] = storage.Accepted{Err: err}
		}
	}
}

// accept takes one event in, unless it is a repeat.
func (d *draft) accept(it *arrival, out *storage.Accepted) error {
	if it.window > 0 {
		first, found, err := d.findRepeat(it)
		switch {
		case errors.Is(err, ErrDamaged):
			d.store.harm.note(err)
			*out = storage.Accepted{Err: err}
			return nil
		case err != nil:
			return err
		case found:
			*out = storage.Accepted{Seq: first.seq, Repeat: true, Matched: int(first.matched)}
			return nil
		}
	}
	out.Matched = len(it.to)
	out.Seq = d.enter(publicID{it.account, it.id}, it.row, it.to, out.Held)
	return nil
}
