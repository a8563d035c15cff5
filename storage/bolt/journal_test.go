package bolt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

const testNonce = 77

// writeJournal makes the journal of a directory, by turns: each text is a frame, and "" changes the file.
func writeJournal(t testing.TB, dir string, nonce uint64, texts ...string) {
	t.Helper()
	j := testJournal(t, dir)
	if err := j.begin(nonce, 0); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if text == "" {
			j.change()
		} else if err := j.append(append(make([]byte, frameHead), text...)); err != nil {
			t.Fatal(err)
		}
	}
}

func testJournal(t testing.TB, dir string) *journal {
	t.Helper()
	j, err := openJournal(dir, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	return j
}

// replayed is what the journal of a directory gives back.
func replayed(t testing.TB, dir string, applied uint64) (texts []string, err error) {
	t.Helper()
	err = testJournal(t, dir).replay(testNonce, applied, func(_ uint64, payload []byte) error {
		texts = append(texts, string(payload))
		return nil
	})
	return texts, err
}

// change rewrites a file of the journal.
func change(t testing.TB, dir string, file int, f func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, JournalNames[file])
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheJournalGivesBackWhatTheFileHasNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts   []string
		applied uint64
		want    []string
	}{
		"nothing":                     {nil, 0, nil},
		"all":                         {[]string{"one", "two"}, 0, []string{"one", "two"}},
		"what follows":                {[]string{"one", "two", "three"}, 2, []string{"three"}},
		"none, when the file has all": {[]string{"one", "two"}, 2, nil},
		"from both files":             {[]string{"one", "", "two", "three"}, 0, []string{"one", "two", "three"}},
		"from the second on":          {[]string{"one", "", "two"}, 1, []string{"two"}},
		"not what was overwritten":    {[]string{"one", "two", "", "three", "", "4"}, 2, []string{"three", "4"}},
		"however often they changed":  {[]string{"a", "", "b", "", "c", "", "d", "e"}, 3, []string{"d", "e"}},
		"long behind short":           {[]string{strings.Repeat("x", 500), "", "b", "", "c"}, 1, []string{"b", "c"}},
	} {
		dir := t.TempDir()
		writeJournal(t, dir, testNonce, c.texts...)
		got, err := replayed(t, dir, c.applied)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

// Wherever the last frame was cut off, or left with bytes of what stood there before, it is as if it had not been written.
func TestATornTailIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, dir, testNonce, "one", "two", "three")
	whole, err := os.ReadFile(filepath.Join(dir, JournalNames[0]))
	if err != nil {
		t.Fatal(err)
	}
	last := len(whole) - frameHead - len("three")
	for cut := last; cut < len(whole); cut++ {
		for _, tail := range [][]byte{whole[:cut], append(bytes.Clone(whole[:cut]), make([]byte, 100)...)} {
			change(t, dir, 0, func([]byte) []byte { return tail })
			got, err := replayed(t, dir, 0)
			if err != nil || !slices.Equal(got, []string{"one", "two"}) {
				t.Fatalf("cut at %d: %q, %v", cut, got, err)
			}
		}
	}
}

func TestADamagedJournalIsNotReadAsAShorterOne(t *testing.T) {
	t.Parallel()
	flipAt := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[at] ^= 1
			return b
		}
	}
	frame := frameHead + len("one")
	for name, c := range map[string]struct {
		texts   []string
		file    int
		f       func([]byte) []byte
		applied uint64
		want    error
	}{
		"a flipped payload":            {[]string{"one", "two", "six"}, 0, flipAt(frame + frameHead), 0, errJournalDamaged},
		"a flipped head":               {[]string{"one", "two", "six"}, 0, flipAt(frame + 9), 0, errJournalDamaged},
		"a flipped length":             {[]string{"one", "two", "six"}, 0, flipAt(frame + 7), 0, errJournalDamaged},
		"the first of all":             {[]string{"one", "two"}, 0, flipAt(frameHead), 0, errJournalDamaged},
		"the end of the former file":   {[]string{"one", "two", "", "six"}, 0, flipAt(2*frame - 1), 0, errJournalForeign},
		"a former file that is gone":   {[]string{"one", "", "two"}, 0, func([]byte) []byte { return nil }, 0, errJournalForeign},
		"the begin of the former file": {[]string{"one", "two", "", "six"}, 0, flipAt(0), 0, errJournalDamaged},
		"a file of another time":       {[]string{"one", "two"}, 0, func(b []byte) []byte { return b }, 7, nil},
		"damage that the file has it":  {[]string{"one", "two", "six"}, 0, flipAt(frameHead), 3, nil},
	} {
		dir := t.TempDir()
		writeJournal(t, dir, testNonce, c.texts...)
		change(t, dir, c.file, c.f)
		if _, err := replayed(t, dir, c.applied); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	dir := t.TempDir()
	writeJournal(t, dir, testNonce+1, "of another store")
	if _, err := replayed(t, dir, 0); !errors.Is(err, errJournalForeign) {
		t.Errorf("a journal of another store: %v", err)
	}
}

func TestOpenRefusesAJournalThatDoesNotFit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustClose(t, mustOpen(t, dir, defaultTuning()))
	writeJournal(t, dir, testNonce, "one")
	refuses(t, dir, "--without-journal")
	forgoJournal(t, dir, true)
	if _, err := os.Stat(filepath.Join(dir, JournalNames[0]+".forgone")); err != nil {
		t.Error(err)
	}
	mustClose(t, mustOpen(t, dir, defaultTuning()))
	forgoJournal(t, dir, false)
}

// The journal of a store that was only opened is another's all the same.
func TestOpenRefusesTheJournalOfAnIdleStore(t *testing.T) {
	t.Parallel()
	dir, idle := t.TempDir(), t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	accept(t, s, testEvent("last", false, 1))
	mixed := copyFiles(t, dir, FileName)
	mustClose(t, mustOpen(t, idle, defaultTuning()))
	for _, name := range JournalNames {
		text, err := os.ReadFile(filepath.Join(idle, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(mixed, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, mixed, "the journal does not continue the file")
}

func forgoJournal(t *testing.T, dir string, want bool) {
	t.Helper()
	if got, err := ForgoJournal(dir); err != nil || got != want {
		t.Errorf("forgone: %v, %v; want %v", got, err, want)
	}
}

// copyFiles is a directory with some of a store's files, as they are at this moment.
func copyFiles(t *testing.T, dir string, names ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// What was acknowledged last is in the journal alone until it is brought into the file: an unclean store is not whole
// without it, a closed one is.
func TestOpenMissesTheJournalOfAStoreThatWasNotClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tune := defaultTuning()
	tune.ledgerAge = time.Hour
	s := mustOpen(t, dir, tune)
	accept(t, s, testEvent("last", false, 1))
	whole := copyFiles(t, dir, FileName, JournalNames[0], JournalNames[1])
	without := copyFiles(t, dir, FileName)
	half := copyFiles(t, dir, FileName, JournalNames[1])
	mustClose(t, s)
	closed := copyFiles(t, dir, FileName)

	for _, dir := range []string{without, half} {
		refuses(t, dir, "the journal is missing")
		if _, err := Verify(t.Context(), dir, nil); !errors.Is(err, errJournalMissing) {
			t.Errorf("verified: %v", err)
		}
		forgoJournal(t, dir, true)
		if found := mustVerify(t, dir); found.Events != 0 {
			t.Errorf("%d events without a journal", found.Events)
		}
	}
	for _, dir := range []string{whole, closed} {
		forgoJournal(t, dir, false)
		if found := mustVerify(t, dir); found.Events != 1 {
			t.Errorf("%d events", found.Events)
		}
	}
}

// A backup is of a store that is open, and is whole.
func TestARestoredBackupNeedsNoJournal(t *testing.T) {
	t.Parallel()
	s, dir := mustOpen(t, t.TempDir(), defaultTuning()), t.TempDir()
	defer mustClose(t, s)
	accept(t, s, testEvent("e", false, 1))
	var backup bytes.Buffer
	if err := s.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if _, err := restoreInto(t, dir, backup.Bytes(), false); err != nil {
		t.Fatal(err)
	}
	restored := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, restored)
	if restored.epoch == s.epoch {
		t.Error("the copy goes on in the epoch of the store that was backed up")
	}
}

// A sync that fails leaves open what the disk has: the callers are told so, and no more is written.
func TestAFailedSyncOfTheJournalIsUnsure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	kept := accept(t, s, testEvent("kept", true, 1))
	inFile(t, s)
	s.journal.sync = func(*os.File) error { return syscall.EIO } // the committer reads it at its next commit
	out := []storage.Outcome{{Held: kept.Held[0], Next: storage.Done}}
	if got := s.Settle(t.Context(), out); !errors.Is(got[0].Err, storage.ErrUnsure) {
		t.Errorf("settled with %v, want %v", got[0].Err, storage.ErrUnsure)
	}
	isStopped(t, s, kept)
	keptAfterStop(t, s, dir)
}

// A store of the format before, which had no journal, is taken over.
func TestOpenTakesOverTheFormatWithoutAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 3)
	s := mustOpen(t, dir, defaultTuning())
	if err := s.db.Update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket([]byte(inMeta.String()))
		return errors.Join(meta.Delete([]byte(metaSerial)), meta.Delete([]byte(metaNonce)), writeNumber(meta, metaFormat, 1))
	}); err != nil {
		t.Fatal(err)
	}
	s.written.serial = 0
	mustClose(t, s)
	for _, name := range JournalNames {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s = mustOpen(t, dir, defaultTuning())
	accept(t, s, testEvent("new", false, 1))
	mustClose(t, s)
	s = mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	for _, id := range []string{"e0", "new"} {
		if _, err := s.Event(t.Context(), 1, id); err != nil {
			t.Errorf("event %s: %v", id, err)
		}
	}
	checkOwed(t, s)
}

// FuzzJournal reads any bytes as a journal, and any bytes as a frame of a store: neither may panic, and only frames whose
// checksums fit are read.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	writeJournal(f, dir, testNonce, "one", "two")
	text, err := os.ReadFile(filepath.Join(dir, JournalNames[0]))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, text[:20])
	s := mustOpen(f, f.TempDir(), defaultTuning())
	f.Cleanup(func() { mustClose(f, s) })
	d := &draft{}
	d.reset(s, 0)
	to := []storage.Target{{Webhook: 2, Hold: 1}, {Webhook: 3}}
	d.enter(publicID{1, "e"}, appendEventRow(nil, &storage.NewEvent{Type: "a.b", To: to}), to, nil)
	f.Add([]byte(nil), bytes.Clone(d.frame[frameHead:]))
	f.Fuzz(func(t *testing.T, journal, payload []byte) {
		for len(journal) > 0 {
			frame := wholeFrame(journal)
			if frame == nil {
				break
			}
			journal = journal[len(frame):]
		}
		_ = beyond(journal, testNonce, 1)
		d := &draft{}
		if err := d.restore(s, 1, payload); err == nil && len(payload) > 8 && d.empty() && !bytes.Contains(payload, []byte{lineEnding}) {
			t.Errorf("%q was read as nothing", payload)
		}
		d.done()
	})
}
