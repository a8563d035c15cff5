package bolt

import (
	"bytes"
	"context"
	"errors"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// recordJob changes one record of the configuration, and registers its companions.
type recordJob struct {
	what    recordVerb
	record  storage.Record
	with    []storage.Companion
	created bool
	err     error
}

type recordVerb uint8

const (
	register recordVerb = iota
	amend
	remove
)

// Register adds a record.
func (s *Store) Register(
	ctx context.Context, r storage.Record, with ...storage.Companion,
) (got storage.Record, created bool, err error) {
	job, err := s.change(ctx, register, r, with)
	if err != nil {
		return storage.Record{}, false, err
	}
	return job.record, job.created, nil
}

// Amend replaces fingerprint and body of a record.
func (s *Store) Amend(ctx context.Context, r storage.Record, with ...storage.Companion) (storage.Record, error) {
	job, err := s.change(ctx, amend, r, with)
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return storage.Record{}, err
	}
	return job.record, err
}

// Remove deletes a record.
func (s *Store) Remove(
	ctx context.Context, k storage.Kind, a schemas.AccountID, id int64, seen uint64, with ...storage.Companion,
) (revision uint64, err error) {
	job, err := s.change(ctx, remove, storage.Record{Kind: k, Account: a, ID: id, Revision: seen}, with)
	if err != nil {
		return 0, err
	}
	return job.record.Revision, nil
}

// companionSize is what a companion is taken to have in bytes: it is made when the commit is under way.
const companionSize = 512

func (s *Store) change(ctx context.Context, what recordVerb, r storage.Record, with []storage.Companion) (*recordJob, error) {
	if err := placed(&r); err != nil {
		return nil, err
	}
	r.Body = bytes.Clone(r.Body)
	job := &recordJob{what: what, record: r, with: with}
	if err := s.do(ctx, job, 4*(1+len(with)), len(r.Body)+len(r.Fingerprint)+companionSize*len(with)); err != nil {
		return nil, err
	}
	return job, job.err
}

func placed(r *storage.Record) error {
	if r.Kind == 0 || r.Account < 0 {
		return errors.New("a record must have a kind and an account")
	}
	return nil
}

func (j *recordJob) fail(err error) { j.err = err }

func (j *recordJob) run(t *txn) error {
	j.err = j.change(t)
	t.store.harm.note(j.err)
	return t.err
}

// change makes sure of everything before it writes anything but counters, whose numbers may have gaps: the commit is shared
// with others, so that a change can't be undone alone.
func (j *recordJob) change(t *txn) error {
	var was storage.Record
	var err error
	switch j.what {
	case register:
		j.created, err = t.enrol(&j.record)
	case amend:
		was, err = t.amendable(&j.record)
	case remove:
		was, err = t.removable(&j.record)
	}
	if err != nil || j.what == register && !j.created {
		return err
	}
	companions, err := t.companions(j.record.ID, j.with)
	if err != nil {
		return err
	}
	if j.what == remove {
		t.erase(&j.record, &was)
	} else {
		t.replace(&j.record, &was)
	}
	for i := range companions {
		t.write(&companions[i], 0)
	}
	return nil
}

// companions are the records to be written along with the change of a record.
func (t *txn) companions(id int64, with []storage.Companion) ([]storage.Record, error) {
	if len(with) == 0 {
		return nil, nil
	}
	made := make([]storage.Record, len(with))
	for i, companion := range with {
		r := &made[i]
		*r = companion(id)
		r.Fingerprint = ""
		if err := placed(r); err != nil {
			return nil, err
		}
		if err := t.number(r); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// enrol gives r its number, or returns with r as the record that has the fingerprint already.
func (t *txn) enrol(r *storage.Record) (created bool, err error) {
	other, err := t.byFingerprint(r)
	if err != nil {
		return false, err
	}
	if other != 0 {
		*r, err = t.record(r.Kind, r.Account, other)
		return false, err
	}
	err = t.number(r)
	return err == nil, err
}

// number gives r the next number of its kind and account.
func (t *txn) number(r *storage.Record) error {
	counter := kindKey(nil, r.Kind, r.Account)
	last, err := getCounter(t.place(inCounters), counter)
	if err != nil {
		return damaged("counter of records of kind %d of account %d", r.Kind, r.Account)
	}
	r.ID = int64(last + 1)
	t.put(t.place(inCounters), counter, appendNumber(make([]byte, sumLen), last+1))
	return nil
}

// amendable is the record that r may take the place of. With ErrExists r is the one that has its fingerprint.
func (t *txn) amendable(r *storage.Record) (was storage.Record, err error) {
	was, err = t.record(r.Kind, r.Account, r.ID)
	if err == nil && was.Revision != r.Revision {
		err = storage.ErrConflict
	}
	if err != nil || r.Fingerprint == was.Fingerprint {
		return was, err
	}
	other, err := t.byFingerprint(r)
	if err != nil || other == 0 {
		return was, err
	}
	if *r, err = t.record(r.Kind, r.Account, other); err == nil {
		err = storage.ErrExists
	}
	return was, err
}

// removable is the record that r names.
func (t *txn) removable(r *storage.Record) (was storage.Record, err error) {
	was, err = t.record(r.Kind, r.Account, r.ID)
	if err == nil && r.Revision != 0 && was.Revision != r.Revision {
		err = storage.ErrConflict
	}
	return was, err
}

func (t *txn) erase(r, was *storage.Record) {
	t.forgetFingerprint(was)
	t.delete(t.place(inRecords), recordKey(nil, r.Kind, r.Account, r.ID))
	t.log(r, was.Revision, true)
}

// replace writes r in the place of was, which is empty for a new record.
func (t *txn) replace(r, was *storage.Record) {
	if r.Fingerprint != was.Fingerprint {
		t.forgetFingerprint(was)
	}
	t.write(r, was.Revision)
}

func (t *txn) write(r *storage.Record, was uint64) {
	t.log(r, was, false)
	t.put(t.place(inRecords), recordKey(nil, r.Kind, r.Account, r.ID), appendRecordRow(nil, r))
	if r.Fingerprint != "" {
		t.put(t.place(inPrints), fingerprintKey(nil, r.Kind, r.Account, r.Fingerprint),
			appendNumber(make([]byte, sumLen), uint64(r.ID)))
	}
}

// log gives the record its new revision. The change log has one entry for each record, its latest; Follow reads it.
func (t *txn) log(r *storage.Record, was uint64, removed bool) {
	if was != 0 {
		t.delete(t.place(inChanges), appendNumber(nil, was))
	}
	t.numbers.revision++
	r.Revision = t.numbers.revision
	row := make([]byte, changeRowLen)
	changeRow{removed, r.Kind, r.Account, r.ID}.write(row)
	t.put(t.place(inChanges), appendNumber(nil, r.Revision), row)
	t.changed = true
}

func (t *txn) forgetFingerprint(r *storage.Record) {
	if r.Fingerprint != "" {
		t.delete(t.place(inPrints), fingerprintKey(nil, r.Kind, r.Account, r.Fingerprint))
	}
}

// byFingerprint is the number of the record with r's fingerprint, 0 without one.
func (t *txn) byFingerprint(r *storage.Record) (int64, error) {
	if r.Fingerprint == "" {
		return 0, nil
	}
	id, err := getCounter(t.place(inPrints), fingerprintKey(nil, r.Kind, r.Account, r.Fingerprint))
	if err != nil {
		return 0, damaged("a fingerprint of kind %d of account %d", r.Kind, r.Account)
	}
	return int64(id), nil
}

func (t *txn) record(k storage.Kind, a schemas.AccountID, id int64) (storage.Record, error) {
	return getRecord(t.place(inRecords), k, a, id)
}
