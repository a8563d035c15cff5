package bolt

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// flip changes one byte of the last row of a bucket, as a bad disk would.
func flip(t *testing.T, s *Store, bucket []byte) {
	t.Helper()
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		k, v := b.Cursor().Last()
		if k == nil {
			return errors.New("the bucket is empty")
		}
		row := bytes.Clone(v)
		row[len(row)-1] ^= 0x10
		return b.Put(bytes.Clone(k), row)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// damageCase is a row to damage and a question that meets it.
type damageCase struct {
	bucket func(*Store) []byte
	ask    func(ctx context.Context, s *Store) error
	words  string // of the error
}

// Each sort of record is damaged, then asked for. The error names it, and Check reports it.
func TestADamagedRecordIsNamedAndNeverAnswered(t *testing.T) {
	t.Parallel()
	cases := historyDamage()
	maps.Copy(cases, recordDamage())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fillStore(t, dir, 1)
			s := mustOpen(t, dir, defaultTuning())
			defer mustClose(t, s)
			flip(t, s, c.bucket(s))
			err := c.ask(t.Context(), s)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("error %v, want one of damage with %q", err, c.words)
			}
			if _, err := s.Check(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("Check says %v", err)
			}
		})
	}
}

func inPart(letter byte) func(*Store) []byte {
	return func(s *Store) []byte { return s.calendar.Load().latest().bucketName(nil, letter) }
}

func inSpan(s *Store) []byte { return s.calendar.Load().latestSpan().bucketName(nil) }

func inPlace(p place) func(*Store) []byte { return func(*Store) []byte { return []byte(p.String()) } }

func historyDamage() map[string]damageCase {
	ref, page := storage.Ref{Account: 1, Webhook: 1, Seq: 1}, storage.Page{Limit: 10}
	return map[string]damageCase{
		"event": {inPart(ofEvents), func(ctx context.Context, s *Store) error {
			_, err := s.Event(ctx, 1, "e0")
			return err
		}, "event 1 of account 1"},
		"event in a list": {inPart(ofEvents), func(ctx context.Context, s *Store) error {
			_, _, err := s.Events(ctx, 1, storage.EventQuery{Page: page})
			return err
		}, "event 1 of account 1"},
		"delivery": {inPart(ofDeliveries), func(ctx context.Context, s *Store) error {
			_, _, err := s.Deliveries(ctx, 1, storage.DeliveryQuery{Webhook: 1, Page: page})
			return err
		}, "delivery of event 1 to webhook 1 of account 1"},
		"delivery that is reopened": {inPart(ofDeliveries), func(ctx context.Context, s *Store) error {
			return s.Reopen(ctx, ref)
		}, "delivery of event 1"},
		"delivery that is settled": {inPart(ofDeliveries), func(ctx context.Context, s *Store) error {
			return s.Settle(ctx, []storage.Outcome{{Held: storage.Held{Ref: ref}}})[0].Err
		}, "delivery of event 1"},
		"attempt": {inPart(ofAttempts), func(ctx context.Context, s *Store) error {
			_, err := s.Attempts(ctx, ref, storage.MaxAttempts)
			return err
		}, "attempt of event 1"},
		"public id": {inSpan, func(ctx context.Context, s *Store) error {
			_, err := s.Event(ctx, 1, "e0")
			return err
		}, "public id"},
		"public id of a repeat": {inSpan, func(ctx context.Context, s *Store) error {
			e := testEvent("e0", false)
			e.Window = time.Hour
			return s.Accept(ctx, []storage.NewEvent{e})[0].Err
		}, "public id"},
	}
}

func recordDamage() map[string]damageCase {
	lane := storage.Lane{Account: 1, Webhook: 1}
	return map[string]damageCase{
		"tally": {inPlace(inTallies), func(ctx context.Context, s *Store) error {
			_, err := s.Tally(ctx, lane)
			return err
		}, "counters of webhook 1"},
		"record": {inPlace(inRecords), func(ctx context.Context, s *Store) error {
			_, err := s.Get(ctx, storage.KindWebhook, 1, 1)
			return err
		}, "record 1 of kind 3"},
		"record in a list": {inPlace(inRecords), func(ctx context.Context, s *Store) error {
			_, err := s.List(ctx, storage.KindWebhook, 1, 0, 10)
			return err
		}, "record 1 of kind 3"},
		"record that is amended": {inPlace(inRecords), func(ctx context.Context, s *Store) error {
			_, err := s.Amend(ctx, storage.Record{Kind: storage.KindWebhook, Account: 1, ID: 1})
			return err
		}, "record 1 of kind 3"},
		"fingerprint": {inPlace(inPrints), func(ctx context.Context, s *Store) error {
			_, _, err := s.Register(ctx, storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: "f"})
			return err
		}, "fingerprint"},
		"counter": {inPlace(inCounters), func(ctx context.Context, s *Store) error {
			_, _, err := s.Register(ctx, storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: "g"})
			return err
		}, "counter of records"},
		"change": {inPlace(inChanges), func(ctx context.Context, s *Store) error {
			for _, err := range s.Follow(ctx, storage.KindWebhook) {
				return err
			}
			return nil
		}, "change log"},
	}
}

// A companion that can't be numbered refuses the change, and neither is written.
func TestAChangeWhoseCompanionMeetsDamageIsRefused(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	entry := func(int64) storage.Record { return storage.Record{Kind: storage.KindAudit, Account: 9} }
	was := storage.Record{Kind: storage.KindWebhook, Account: 1, Fingerprint: "there"}
	was, _, err := s.Register(t.Context(), was, entry)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, s, []byte(inCounters.String())) // the last is that of account 9
	_, _, registered := s.Register(t.Context(), storage.Record{Kind: storage.KindWebhook, Account: 1}, entry)
	_, amended := s.Amend(t.Context(), was, entry)
	_, removed := s.Remove(t.Context(), storage.KindWebhook, 1, was.ID, 0, entry)
	for _, err := range []error{registered, amended, removed} {
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "counter of records of kind 7") {
			t.Errorf("changed with error %v", err)
		}
	}
	left, err := s.List(t.Context(), storage.KindWebhook, 1, 0, 10)
	if err != nil || len(left) != 1 || left[0].Revision != was.Revision {
		t.Errorf("left are %+v, %v", left, err)
	}
	if entries, err := s.List(t.Context(), storage.KindAudit, 9, 0, 10); err != nil || len(entries) != 1 {
		t.Errorf("entries are %+v, %v", entries, err)
	}
	if r, _, err := s.Register(t.Context(), storage.Record{Kind: storage.KindWebhook, Account: 1}); err != nil || r.ID <= was.ID {
		t.Errorf("a change without a companion: %+v, %v", r, err)
	}
}

func TestCheckFindsDamageThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 3000)
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	for range 20 {
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	flip(t, s, s.calendar.Load().latest().bucketName(nil, ofEvents))
	for range 20 {
		health, err := s.Check(t.Context())
		if err == nil {
			continue
		}
		named := strings.Contains(err.Error(), "events from number 1 on")
		if !errors.Is(err, ErrDamaged) || !named || health.FileBytes == 0 {
			t.Fatalf("Check says %v, %+v", err, health)
		}
		return
	}
	t.Error("Check did not find the damage")
}

func TestARowUnderAnotherKeyIsDamaged(t *testing.T) {
	t.Parallel()
	row := appendTallyRow(nil, &schemas.Tally{Calls: 1})
	seal([]byte("its key"), row)
	if _, ok := unseal([]byte("its key"), row); !ok {
		t.Error("a sound row is called damaged")
	}
	if _, ok := unseal([]byte("another"), row); ok {
		t.Error("a row of another key is called sound")
	}
	if _, ok := unseal([]byte("its key"), row[:3]); ok {
		t.Error("a row without a checksum is called sound")
	}
}
