package bolt

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"
)

// withoutCounters makes a store's file, which nobody has open, what a version wrote that did not know these counters.
func withoutCounters(t *testing.T, dir string, keys ...string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(inMeta.String()))
		for _, key := range keys {
			if meta.Get([]byte(key)) == nil {
				t.Errorf("the store has no counter %q: this test tests nothing", key)
			}
			if err := meta.Delete([]byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// A store that a former version wrote is opened, with all it has, and from then on is one of this version.
func TestAStoreOfAFormerVersionIsOpened(t *testing.T) {
	t.Parallel()
	tune := defaultTuning()
	tune.ledgerAge = time.Hour // what is accepted stays in the journal alone
	dir := t.TempDir()
	s := mustOpen(t, dir, tune)
	accept(t, s, testEvent("first", false, 1))
	inFile(t, s)
	accept(t, s, testEvent("last", false, 1))
	killed := copyFiles(t, dir, FileName, JournalNames[0], JournalNames[1])
	mustClose(t, s)
	closed := copyFiles(t, dir, FileName, JournalNames[0], JournalNames[1])
	alone := copyFiles(t, dir, FileName)
	for name, c := range map[string]struct {
		dir     string
		unknown []string
	}{
		"of before the epochs, killed":      {killed, []string{metaBehind, metaEpoch}},
		"of before the epochs, closed":      {closed, []string{metaBehind, metaEpoch}},
		"of before the journal, and closed": {alone, []string{metaBehind, metaEpoch, metaNonce, metaSerial}},
	} {
		withoutCounters(t, c.dir, c.unknown...)
		s := mustOpen(t, c.dir, tune)
		newest, epoch := s.Numbering()
		for _, id := range []string{"first", "last"} {
			if _, err := s.Event(t.Context(), 1, id); err != nil {
				t.Errorf("%s: event %s: %v", name, id, err)
			}
		}
		if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 2 {
			t.Errorf("%s: %d deliveries are owed, %v", name, len(held), err)
		}
		if epoch == 0 {
			t.Errorf("%s: its numbers have no epoch", name)
		}
		if got := accept(t, s, testEvent("next", false, 1)); got.Seq <= newest {
			t.Errorf("%s: the next event has number %d, after %d", name, got.Seq, newest)
		}
		refuses(t, copyFiles(t, c.dir, FileName), "the journal is missing") // as any that was not closed
		mustClose(t, s)
		s = mustOpen(t, c.dir, tune)
		if _, again := s.Numbering(); again != epoch {
			t.Errorf("%s: opened again its numbers have another epoch", name)
		}
		mustClose(t, s)
		if found := mustVerify(t, c.dir); found.Events != 3 || found.Wrong != 0 {
			t.Errorf("%s: verified as %+v", name, found)
		}
	}
}
