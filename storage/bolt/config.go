package bolt

import (
	"bytes"
	"context"
	"errors"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// recordJob changes one record of the configuration.
type recordJob struct {
	what    recordVerb
	record  storage.Record
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
func (s *Store) Register(ctx context.Context, r storage.Record) (got storage.Record, created bool, err error) {
	job, err := s.change(ctx, register, r)
	if err != nil {
		return storage.Record{}, false, err
	}
	return job.record, job.created, nil
}

// Amend replaces fingerprint and body of a record.
func (s *Store) Amend(ctx context.Context, r storage.Record) (storage.Record, error) {
	job, err := s.change(ctx, amend, r)
	if err != nil {
		return storage.Record{}, err
	}
	return job.record, nil
}

// Remove deletes a record.
func (s *Store) Remove(
	ctx context.Context, k storage.Kind, a schemas.AccountID, id int64, seen uint64,
) (revision uint64, err error) {
	job, err := s.change(ctx, remove, storage.Record{Kind: k, Account: a, ID: id, Revision: seen})
	if err != nil {
		return 0, err
	}
	return job.record.Revision, nil
}

func (s *Store) change(ctx context.Context, what recordVerb, r storage.Record) (*recordJob, error) {
	if r.Kind == 0 || r.Account < 0 {
		return nil, errors.New("a record must have a kind and an account")
	}
	r.Body = bytes.Clone(r.Body)
	job := &recordJob{what: what, record: r}
	if err := s.do(ctx, job, 4, len(r.Body)+len(r.Fingerprint)); err != nil {
		return nil, err
	}
	return job, job.err
}

func (j *recordJob) fail(err error) { j.err = err }

func (j *recordJob) run(t *txn) error {
	r := &j.record
	switch j.what {
	case register:
		j.err = t.register(r, &j.created)
	case amend:
		j.err = t.amend(r)
	case remove:
		j.err = t.remove(r)
	}
	t.store.harm.note(j.err)
	return t.err
}

// register returns with r as the record that has the fingerprint, whichever it is.
func (t *txn) register(r *storage.Record, created *bool) error {
	other, err := t.byFingerprint(r)
	if err != nil {
		return err
	}
	if other != 0 {
		*r, err = t.record(r.Kind, r.Account, other)
		return err
	}
	counter := kindKey(nil, r.Kind, r.Account)
	last, err := getCounter(t.place(inCounters), counter)
	if err != nil {
		return damaged("counter of records of kind %d of account %d", r.Kind, r.Account)
	}
	r.ID, *created = int64(last+1), true
	t.put(t.place(inCounters), counter, appendNumber(make([]byte, sumLen), last+1))
	t.write(r, 0)
	return nil
}

func (t *txn) amend(r *storage.Record) error {
	was, err := t.record(r.Kind, r.Account, r.ID)
	if err == nil && was.Revision != r.Revision {
		err = storage.ErrConflict
	}
	if err != nil {
		return err
	}
	if r.Fingerprint != was.Fingerprint {
		switch other, err := t.byFingerprint(r); {
		case err != nil:
			return err
		case other != 0:
			return storage.ErrExists
		}
		t.forgetFingerprint(&was)
	}
	t.write(r, was.Revision)
	return nil
}

func (t *txn) remove(r *storage.Record) error {
	was, err := t.record(r.Kind, r.Account, r.ID)
	if err == nil && r.Revision != 0 && was.Revision != r.Revision {
		err = storage.ErrConflict
	}
	if err != nil {
		return err
	}
	t.forgetFingerprint(&was)
	t.delete(t.place(inRecords), recordKey(nil, r.Kind, r.Account, r.ID))
	t.log(r, was.Revision, true)
	return nil
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
