//go:build unix

package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// openBreakable opens a store and returns what closes some of the files under it: their next write fails as on a broken
// disk.
func openBreakable(t *testing.T, dir string, which func(name string) bool) (s *Store, breakFiles func()) {
	t.Helper()
	var files []*os.File
	tune := defaultTuning()
	tune.openFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode) //nolint:gosec // the store's own
		if which(filepath.Base(name)) {
			files = append(files, f)
		}
		return f, err
	}
	s = mustOpen(t, dir, tune)
	return s, func() {
		for _, f := range files {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAFullDiskFailsTheCommitAndNoMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startChild(t, "full", dir)
	c.expect("done")
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, defaultTuning())
	defer mustClose(t, s)
	checkOwed(t, s)
}

// playFullDisk writes until a limit on the size of files stops it, sees that nothing else is lost, and goes on when the
// limit is lifted.
func playFullDisk(dir string) error {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	s, err := Open(Options{Dir: dir})
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	lifted := limit
	limit.Cur = uint64(info.Size()) + 256<<10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	var kept []int // a write that found room may come after one that did not
	failed := 0
	big := make([]byte, 64<<10)
	write := func(i int) error {
		e := testEvent(fmt.Sprint("e", i), i%2 == 0, schemas.WebhookID(i%3+1))
		e.Body = big
		return s.Accept(ctx, []storage.NewEvent{e})[0].Err
	}
	for i := 0; failed < 3; i++ {
		switch err := write(i); {
		case err == nil:
			kept = append(kept, i)
		case errors.Is(err, storage.ErrNoRoom) && !errors.Is(err, storage.ErrUnsure):
			failed++
		default:
			return fmt.Errorf("a full disk is no reason for: %w", err)
		}
		if i > 10000 {
			return errors.New("the limit was never felt")
		}
	}
	for _, i := range []int{kept[0], kept[len(kept)/2], kept[len(kept)-1]} {
		// What is not in the file yet cannot be read now, and is not said to be absent.
		_, err := s.Event(ctx, 1, fmt.Sprint("e", i))
		if errors.Is(err, storage.ErrAbsent) || errors.Is(err, storage.ErrUnsure) {
			return fmt.Errorf("event %d while the disk is full: %w", i, err)
		}
	}
	if _, err := s.Check(ctx); !errors.Is(err, errNoRoom) {
		return fmt.Errorf("a store that refused a commit is ready: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lifted); err != nil {
		return err
	}
	s.refused.Add(-int64(roomWait)) // as if that were long ago
	for _, i := range kept {
		if _, err := s.Event(ctx, 1, fmt.Sprint("e", i)); err != nil {
			return fmt.Errorf("event %d after space returned: %w", i, err)
		}
	}
	for i := range 5 {
		if err := write(100000 + i); err != nil {
			return fmt.Errorf("after space returned: %w", err)
		}
	}
	if health, err := s.Check(ctx); err != nil || int(health.Open) != len(kept)+5 {
		return fmt.Errorf("%d open, want %d: %w", health.Open, len(kept)+5, err)
	}
	fmt.Println("done")
	return s.Close()
}

func TestOnlyWritesWithoutRoomMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&os.PathError{Op: "write", Err: syscall.ENOSPC}, true},
		{&os.PathError{Op: "write", Err: syscall.EDQUOT}, true},
		{&os.PathError{Op: "write", Err: syscall.EFBIG}, true},
		{berrors.ErrMaxSizeReached, true},
		{errors.New("file resize error: no space left on device"), true},
		{&os.PathError{Op: "write", Err: syscall.EIO}, false},
		{syscall.EIO, false},
		{syscall.ENOSPC, false}, // of fdatasync
		{errors.New("file sync error: no space left on device"), false},
		{errors.New("mmap too large"), false},
	} {
		if got := roomMissing(c.err); got != c.want {
			t.Errorf("roomMissing(%#v) is %v", c.err, got)
		}
	}
}

func TestAStoreThatReachedItsSizeTakesWritesAgainWhenRoomWasMade(t *testing.T) {
	t.Parallel()
	tune := defaultTuning()
	tune.maxFile, tune.ledgerAge = 40<<20, time.Hour // the committer alone reads MaxSize, when it is asked to write
	s := mustOpen(t, t.TempDir(), tune)
	defer mustClose(t, s)
	e := testEvent("e", true, 1)
	e.Body = make([]byte, 2<<20)
	var held []storage.Held
	for range 100 {
		got := s.Accept(t.Context(), []storage.NewEvent{e})[0]
		if got.Err != nil {
			break
		}
		held = append(held, got.Held...)
	}
	if len(held) == 0 || len(held) == 100 {
		t.Fatalf("%d events were accepted before the file had its size", len(held))
	}
	huge := &schemas.Attempt{Message: strings.Repeat("long ", 4<<20)}
	out := []storage.Outcome{{Held: held[0], Next: storage.Done, Attempt: huge}}
	if got := s.Settle(t.Context(), out); !errors.Is(got[0].Err, storage.ErrNoRoom) || errors.Is(got[0].Err, storage.ErrUnsure) {
		t.Errorf("an attempt that has no room: %v", got[0].Err)
	}
	s.db.MaxSize = 0
	if got := s.Settle(t.Context(), []storage.Outcome{{Held: held[0], Next: storage.Retry}}); got[0].Err != nil {
		t.Errorf("the lease after a failed commit: %v", got[0].Err)
	}
	held = append(held[1:], accept(t, s, e).Held...)
	for _, h := range held {
		settle(t, s, h, storage.Done)
	}
}
