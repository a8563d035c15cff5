package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// backupOf is a backup of a store with some of everything.
func backupOf(t testing.TB, events int) []byte {
	t.Helper()
	dir := t.TempDir()
	fillStore(t, dir, events)
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	var backup bytes.Buffer
	if err := s.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	return backup.Bytes()
}

func restoreInto(t testing.TB, dir string, backup []byte, replace bool) (Found, error) {
	t.Helper()
	return Restore(t.Context(), Restoration{Dir: dir, Backup: bytes.NewReader(backup), Replace: replace})
}

func mustVerify(t testing.TB, dir string) Found {
	t.Helper()
	found, err := Verify(t.Context(), dir, nil)
	if err := errors.Join(err, found.Err()); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(found.Problems, "\n"))
	}
	return found
}

func TestABackupIsRestoredAndSound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := restoreInto(t, dir, backupOf(t, 300), false); err != nil {
		t.Fatal(err)
	}
	found := mustVerify(t, dir)
	want := Found{FileBytes: found.FileBytes, Rows: found.Rows, Records: 1, Events: 300, Deliveries: 300, Open: 150, Attempts: 150}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %+v, want %+v", found, want)
	}
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	if _, err := s.Event(t.Context(), 1, "e299"); err != nil {
		t.Error(err)
	}
}

// A flipped bit anywhere, a missing end, something behind the end, another file: none becomes a store, and what was there
// stays.
func TestADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	whole := backupOf(t, 50)
	dir := t.TempDir()
	fillStore(t, dir, 1)
	random := rand.New(rand.NewPCG(1, 2))
	cases := map[string][]byte{
		"empty":         {},
		"cut":           whole[:len(whole)-1],
		"half":          whole[:len(whole)/2],
		"without seal":  whole[:len(whole)-sealSize],
		"longer":        append(bytes.Clone(whole), 0),
		"another file":  bytes.Repeat([]byte("no backup\n"), 10_000),
		"a page absent": append(bytes.Clone(whole[:4096*3]), whole[4096*4:]...),
	}
	for range 40 {
		at := random.IntN(len(whole))
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << random.IntN(8)
		cases[fmt.Sprint("byte ", at)] = flipped
	}
	for name, backup := range cases {
		if _, err := restoreInto(t, dir, backup, true); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found := mustVerify(t, dir); found.Events != 1 {
		t.Errorf("the former store has %d events", found.Events)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.restoring")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What was wrong when the backup was made has a seal that fits.
func TestABackupOfADamagedStoreIsRefused(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), defaultTuning())
	defer mustClose(t, s)
	accept(t, s, testEvent("e", false, 1))
	var whole, backup bytes.Buffer
	if err := s.Backup(t.Context(), &whole); err != nil { // brings all into the file
		t.Fatal(err)
	}
	flip(t, s, inPart(ofEvents)(s))
	if err := s.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	found, err := restoreInto(t, t.TempDir(), backup.Bytes(), false)
	if !errors.Is(err, ErrDamaged) || found.Wrong == 0 {
		t.Errorf("%v, %+v", err, found)
	}
}

func TestRestoreReplacesOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	backup, dir := backupOf(t, 3), t.TempDir()
	fillStore(t, dir, 1)
	if _, err := restoreInto(t, dir, backup, false); !errors.Is(err, ErrOccupied) {
		t.Errorf("over a store: %v", err)
	}
	s := mustOpen(t, dir, defaultTuning())
	if _, err := restoreInto(t, dir, backup, true); !errors.Is(err, errInUse) {
		t.Errorf("over a store in use: %v", err)
	}
	mustClose(t, s)
	if err := os.WriteFile(filepath.Join(dir, JournalNames[0]), []byte("of the former store"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := restoreInto(t, dir, backup, true); err != nil {
		t.Error(err)
	}
	if found := mustVerify(t, dir); found.Events != 3 {
		t.Errorf("%d events", found.Events)
	}
}

// spoiled are ways in which rows can stop agreeing with each other, and what Verify says of them.
var spoiled = map[string]struct {
	spoil func(tx *bbolt.Tx, s *Store) error
	words string
}{
	"due row gone": {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPlace(inDue)(s)) },
		"is open and has to stand in exactly one index"},
	"event gone":       {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPart(ofEvents)(s)) }, "is of an event that is not there"},
	"delivery gone":    {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPart(ofDeliveries)(s)) }, "and has no delivery to it"},
	"line gone":        {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPart(ofLines)(s)) }, "missing from its webhook's line"},
	"record gone":      {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPlace(inRecords)(s)) }, "a fingerprint leads to record 1"},
	"fingerprint gone": {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPlace(inPrints)(s)) }, "can't be found by its fingerprint"},
	"counter gone":     {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPlace(inCounters)(s)) }, "beyond the last number given out"},
	"change gone":      {func(tx *bbolt.Tx, s *Store) error { return deleteLast(tx, inPlace(inChanges)(s)) }, "missing from the change log"},
	"wrong count": {func(tx *bbolt.Tx, s *Store) error { return writeNumber(tx.Bucket(inPlace(inMeta)(s)), metaOpen, 99) },
		"the store's counter says 99"},
	"strange bucket": {func(tx *bbolt.Tx, s *Store) error { _, err := tx.CreateBucket([]byte("attic")); return err }, `a bucket "attic"`},
	"in two indexes": {func(tx *bbolt.Tx, s *Store) error {
		return putRow(tx, inPlace(inFlights)(s), deliveryKey(nil, storage.Ref{Account: 1, Webhook: 2, Seq: 2}), nil)
	}, "stands among the flights"},
	"attempt too many": {func(tx *bbolt.Tx, s *Store) error {
		return putRow(tx, inPart(ofAttempts)(s), attemptKey(nil, storage.Ref{Account: 1, Webhook: 2, Seq: 2}, 7), []byte("{}"))
	}, "attempt 7 of"},
}

func deleteLast(tx *bbolt.Tx, bucket []byte) error {
	b := tx.Bucket(bucket)
	k, _ := b.Cursor().Last()
	return b.Delete(bytes.Clone(k))
}

func putRow(tx *bbolt.Tx, bucket, key, payload []byte) error {
	row := append(make([]byte, sumLen), payload...)
	seal(key, row)
	return tx.Bucket(bucket).Put(key, row)
}

func TestVerifyFindsRowsThatDoNotAgree(t *testing.T) {
	t.Parallel()
	for name, c := range spoiled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			fillStore(t, dir, 4)
			s := mustOpen(t, dir, defaultTuning())
			if err := s.db.Update(func(tx *bbolt.Tx) error { return c.spoil(tx, s) }); err != nil {
				t.Fatal(err)
			}
			path := s.db.Path()
			mustClose(t, s)
			found, err := verifyFile(t.Context(), path, nil)
			if err != nil || !strings.Contains(strings.Join(found.Problems, "\n"), c.words) {
				t.Errorf("%v, %q; want %q", err, found.Problems, c.words)
			}
		})
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 4)
	s := mustOpen(t, dir, defaultTuning())
	flip(t, s, inPart(ofAttempts)(s))
	mustClose(t, s)
	found, err := Verify(t.Context(), dir, nil)
	if err != nil || found.Wrong == 0 || !errors.Is(found.Err(), ErrDamaged) {
		t.Errorf("%v, %+v", err, found)
	}
	if _, err := Verify(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "there is no store in") {
		t.Errorf("of an empty directory: %v", err)
	}
}

func TestCompactGivesRoomBackAndLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 2000)
	s := mustOpen(t, dir, defaultTuning())
	lane := storage.Lane{Account: 1, Webhook: 1}
	for i := range 200 { // rows that come and go leave room behind
		if _, err := s.Remove(t.Context(), storage.KindEventType, 1, mustRegister(t, s, i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Drop(t.Context(), lane); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	was := mustVerify(t, dir)
	var told int64
	before, after, err := Compact(t.Context(), dir, func(done, total int64) { told = max(told, done) })
	if err != nil || after >= before || told == 0 {
		t.Fatalf("from %d to %d bytes, %d told, %v", before, after, told, err)
	}
	is := mustVerify(t, dir)
	was.FileBytes, is.FileBytes = 0, 0
	if fmt.Sprint(was) != fmt.Sprint(is) {
		t.Errorf("before %+v, after %+v", was, is)
	}
	s = mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	if _, _, err := Compact(t.Context(), dir, nil); !errors.Is(err, errInUse) {
		t.Errorf("of a store in use: %v", err)
	}
}

func mustRegister(t testing.TB, s *Store, n int) int64 {
	t.Helper()
	r, _, err := s.Register(t.Context(), storage.Record{Kind: storage.KindEventType, Account: 1, Body: make([]byte, 1000+n)})
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}
