package bolt

import (
	"context"
	"errors"
	"slices"

	"github.com/hookswitch/hookswitch/storage"
)

// replayJob makes deliveries due, among them such as never were.
type replayJob struct {
	refs []storage.Ref
	errs []error
}

// Replay makes deliveries of stored events due now, in steps that leave room for others in a commit.
func (s *Store) Replay(ctx context.Context, refs []storage.Ref) []error {
	errs := make([]error, 0, len(refs))
	for at := 0; at < len(refs); at += s.tuning.requestItems {
		part := slices.Clone(refs[at:min(at+s.tuning.requestItems, len(refs))])
		job := &replayJob{refs: part, errs: make([]error, len(part))}
		if err := s.do(ctx, job, len(part), 0); err != nil {
			job = &replayJob{errs: make([]error, len(part))} // the committer may still have the other
			job.fail(err)
		}
		errs = append(errs, job.errs...)
	}
	return errs
}

func (j *replayJob) run(t *txn) error {
	for i, ref := range j.refs {
		d, p, err := t.delivery(ref)
		switch {
		case err == nil:
			err = t.again(ref, d, p)
		case errors.Is(err, storage.ErrAbsent):
			err = t.owe(ref)
		}
		if t.err != nil {
			return t.err
		}
		if t.store.harm.note(err); errors.Is(err, ErrDamaged) {
			err = storage.ErrAbsent // nobody can use it
		}
		j.errs[i] = err
	}
	return nil
}

func (j *replayJob) fail(err error) {
	for i := range j.errs {
		j.errs[i] = err
	}
}

// owe makes a delivery of an event to a webhook that it was not owed to when it was accepted.
func (t *txn) owe(ref storage.Ref) error {
	p := t.calendar.partition(ref.Seq)
	if _, err := getEvent(t.part(p, ofEvents), ref.Account, ref.Seq); err != nil {
		return err
	}
	if err := t.again(ref, deliveryRow{state: stateDiscarded}, p); err != nil {
		return err
	}
	t.key = lineKey(t.key[:0], ref.Lane(), ref.Seq)
	t.put(t.part(p, ofLines), t.key, t.row(sumLen))
	return nil
}
