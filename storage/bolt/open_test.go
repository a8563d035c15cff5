//go:build unix

package bolt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/hookswitch/hookswitch/storage"
)

// refuses opens a directory and expects an error that says the words.
func refuses(t *testing.T, dir, words string) {
	t.Helper()
	s, err := Open(Options{Dir: dir, NoSync: true})
	if err == nil {
		s.Close()
		t.Fatalf("opened, want an error with %q", words)
	}
	if !strings.Contains(err.Error(), words) {
		t.Fatalf("error %q, want one with %q", err, words)
	}
}

func TestOpenMakesAPrivateDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	mustClose(t, mustOpen(t, dir, defaultTuning()))
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, FileName): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), info.Mode().Perm(), want)
		}
	}
}

func TestOpenWithoutDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	refuses(t, "", "no directory is given")
}

func TestOpenRefusesADirectoryThatIsAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, path, "not a directory")
}

func TestOpenRefusesADirectoryItMayNotRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) //nolint:gosec // so that it can be removed
	refuses(t, dir, "permission denied")
}

func TestOpenTwiceIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	refuses(t, dir, "already open")
	mustClose(t, s)
	mustClose(t, mustOpen(t, dir, defaultTuning()))
}

func TestOpenWhileAnotherProcessHasItIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child := startChild(t, "hold", dir)
	child.expect("ready")
	refuses(t, dir, "already open")
	child.kill()
	mustClose(t, mustOpen(t, dir, defaultTuning()))
}

func TestOpenRefusesAFormatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	err := s.db.Update(func(tx *bbolt.Tx) error {
		return writeNumber(tx.Bucket([]byte(inMeta.String())), metaFormat, format+1)
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	before := fileBytes(t, dir)
	refuses(t, dir, "format 3")
	if !bytes.Equal(before, fileBytes(t, dir)) {
		t.Error("the refused store was changed")
	}
}

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, bytes.Repeat([]byte("no store "), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "damaged or not a store")

	dir = t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("somebody else's"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "not a store of Hookswitch")
}

func TestOpenRefusesAFileThatIsCutShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 200)
	if err := os.Truncate(filepath.Join(dir, FileName), 64<<10); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, "its end is missing")
}

// Whatever page is overwritten, opening the file says so or works; it never takes the process down.
func TestOpenSurvivesOverwrittenPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillStore(t, dir, 300)
	whole := fileBytes(t, dir)
	page := os.Getpagesize()
	refused := 0
	for at := 2 * page; at < len(whole) && at < 200*page; at += 7 * page {
		broken := bytes.Clone(whole)
		for i := range 64 {
			broken[at+i] = 0xA5
		}
		into := t.TempDir()
		if err := os.WriteFile(filepath.Join(into, FileName), broken, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Dir: into, NoSync: true})
		if err == nil { // a page that is not in use
			mustClose(t, s)
			continue
		}
		refused++
		if !strings.Contains(err.Error(), "damaged") {
			t.Errorf("error %q does not say that the file is damaged", err)
		}
	}
	if refused == 0 {
		t.Error("no overwritten page was noticed")
	}
}

func TestOpenAgainMakesWhatWasHeldDue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	born := accept(t, s, testEvent("born", true, 1))
	accept(t, s, testEvent("claimed", false, 1))
	if held, _, err := s.Claim(t.Context(), everything); err != nil || len(held) != 1 {
		t.Fatalf("claimed %d, %v", len(held), err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	held, _, err := s.Claim(t.Context(), everything)
	if err != nil || len(held) != 2 {
		t.Fatalf("claimed %d of 2 after the restart, %v", len(held), err)
	}
	if held[0].Seq == born.Seq && held[0].Token <= born.Held[0].Token {
		t.Errorf("token %d after %d", held[0].Token, born.Held[0].Token)
	}
	n := 0
	if err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(inFlights.String())).ForEach(func(_, _ []byte) error { n++; return nil })
	}); err != nil || n != 0 {
		t.Errorf("%d flights are left, %v", n, err)
	}
}

func TestOpenForgetsRemovedRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, defaultTuning())
	for range 10 {
		r, _, err := s.Register(t.Context(), storage.Record{Kind: storage.KindKey, Account: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Remove(t.Context(), storage.KindKey, 1, r.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	s = mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	if err := s.db.View(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket([]byte(inChanges.String())).Cursor().First(); k != nil {
			t.Error("the change log still has entries of removed records")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func fileBytes(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
