package bolt

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/hookswitch/hookswitch/storage"
)

// blockCommitter keeps the committer inside a commit until release is called.
func blockCommitter(ctx context.Context, t *testing.T, s *Store) (release func(), done <-chan error) {
	t.Helper()
	inside, leave := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.upkeepDo(ctx, func(*txn) {
			close(inside)
			<-leave
		})
	}()
	<-inside
	return func() { close(leave) }, ended
}

func TestACallerThatGivesUpBeforeItsCommitLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		release, blocked := blockCommitter(t.Context(), t, s)
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() { answer <- s.Accept(ctx, []storage.NewEvent{testEvent("e", true, 1)})[0].Err }()
		synctest.Wait()
		cancel()
		if err := <-answer; !errors.Is(err, context.Canceled) || errors.Is(err, storage.ErrUnsure) {
			t.Errorf("error %v, want %v and no doubt", err, context.Canceled)
		}
		release()
		if err := <-blocked; err != nil {
			t.Error(err)
		}
		accept(t, s, testEvent("other", false, 1))
		if _, err := s.Event(t.Context(), 1, "e"); !errors.Is(err, storage.ErrAbsent) {
			t.Errorf("the event of the caller that gave up: %v", err)
		}
	})
}

func TestACallerThatGivesUpDuringItsCommitIsToldThatItIsUnsure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		release, blocked := blockCommitter(ctx, t, s)
		cancel()
		if err := <-blocked; !errors.Is(err, storage.ErrUnsure) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v and %v", err, storage.ErrUnsure, context.Canceled)
		}
		release()
		accept(t, s, testEvent("e", false, 1))
	})
}

// What comes in while a commit is under way shares the next one.
func TestWaitingCallersShareACommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, dir, defaultTuning())
		defer mustClose(t, s)
		release, blocked := blockCommitter(t.Context(), t, s)
		answers := make(chan storage.Accepted, 100)
		for range cap(answers) {
			go func() { answers <- s.Accept(t.Context(), []storage.NewEvent{testEvent("e", false, 1)})[0] }()
		}
		synctest.Wait()
		before := commits(s)
		release()
		if err := <-blocked; err != nil {
			t.Error(err)
		}
		for range cap(answers) {
			if got := <-answers; got.Err != nil {
				t.Error(got.Err)
			}
		}
		if n := commits(s) - before; n != 1 {
			t.Errorf("%d callers took %d commits", cap(answers), n)
		}
	})
}

// commits is how many commits the journal has.
func commits(s *Store) int { return int(s.logged.Load()) }
