package bolt

import (
	"context"
	"errors"

	"github.com/hookswitch/hookswitch/storage"
)

// reopenJob makes a closed delivery due.
type reopenJob struct {
	ref storage.Ref
	err error
}

// Reopen makes a delivery that is dead, delivered or discarded due now.
func (s *Store) Reopen(ctx context.Context, r storage.Ref) error {
	job := &reopenJob{ref: r}
	if err := s.do(ctx, job, 1, 0); err != nil {
		return err
	}
	return job.err
}

func (j *reopenJob) run(t *txn) error {
	d, p, err := t.delivery(j.ref)
	if err == nil {
		err = t.again(j.ref, d, p)
	}
	j.err = err
	t.store.harm.note(err)
	return t.err
}

// again makes a delivery due that is closed.
func (t *txn) again(ref storage.Ref, d deliveryRow, p *partition) error {
	switch {
	case d.open():
		return storage.ErrConflict
	case p.doomed.Load():
		return storage.ErrAbsent // it is older than the retention
	}
	d = t.plan(ref, d, t.now.wall)
	t.numbers.open++
	t.effects = append(t.effects, effect{what: effectReopened, ref: ref, spot: spot{due: d.due, seq: ref.Seq}})
	return nil
}

func (j *reopenJob) fail(err error) { j.err = err }

// dropJob discards a step's worth of a lane's open deliveries.
type dropJob struct {
	lane storage.Lane
	more bool
	err  error
}

// dropStep is how many deliveries one Drop discards.
const dropStep = 1000

// Drop discards open deliveries of a lane.
func (s *Store) Drop(ctx context.Context, l storage.Lane) (more bool, err error) {
	job := &dropJob{lane: l}
	if err := s.do(ctx, job, dropStep, 0); err != nil {
		return false, err
	}
	return job.more, job.err
}

func (j *dropJob) run(t *txn) error {
	seqs := t.store.board.flights(j.lane, dropStep)
	prefix := laneKey(nil, j.lane)
	ascend(t.place(inDue), prefix, prefix, func(k, _ []byte) bool {
		if at, ok := parseDueKey(k); ok {
			seqs = append(seqs, at.seq)
		}
		return len(seqs) <= dropStep
	})
	j.more = len(seqs) > dropStep
	for _, seq := range seqs[:min(len(seqs), dropStep)] {
		ref := storage.Ref{Account: j.lane.Account, Webhook: j.lane.Webhook, Seq: seq}
		d, _, err := t.delivery(ref)
		switch {
		case errors.Is(err, storage.ErrAbsent):
		case err != nil:
			j.err = err
			t.store.harm.note(err)
		case d.open():
			t.close(ref, d, stateDiscarded)
		}
	}
	return t.err
}

func (j *dropJob) fail(err error) { j.more, j.err = false, err }
