package service

import (
	"context"
	"errors"
	"io"

	"github.com/hookswitch/hookswitch/storage/bolt"
)

// Care of a data directory that no service has open.

type (
	// Found is what a look at a whole store saw.
	Found = bolt.Found
	// Restoration says what to make a data directory of.
	Restoration = bolt.Restoration
	// Progress is told how much of a long piece of work is done, of how much (0: nobody knows).
	Progress = bolt.Progress
)

// The errors about backups and directories, for those who say what to do about them.
var (
	ErrOccupied = bolt.ErrOccupied
	ErrBackup   = bolt.ErrBackup
	ErrDamaged  = bolt.ErrDamaged
)

// Backup writes a backup of the data directory dir to w.
func Backup(ctx context.Context, dir string, w io.Writer) error {
	if err := bolt.MustExist(dir); err != nil {
		return err
	}
	store, err := bolt.Open(bolt.Options{Dir: dir})
	if err != nil {
		return err
	}
	return errors.Join(store.Backup(ctx, w), store.Close())
}

// Restore makes a data directory of a backup, once it has found it sound.
func Restore(ctx context.Context, r Restoration) (Found, error) { return bolt.Restore(ctx, r) }

// Check looks at all of a data directory. What is wrong is in Found; the error says that it could not look.
func Check(ctx context.Context, dir string, progress Progress) (Found, error) {
	return bolt.Verify(ctx, dir, progress)
}

// ForgoJournal makes a data directory usable that is refused for its journal, without what that held, and reports whether it
// did; one that can be opened stays as it is.
func ForgoJournal(dir string) (forgone bool, err error) { return bolt.ForgoJournal(dir) }

// Compact gives back the room of what was deleted in a data directory, and returns its bytes before and after.
func Compact(ctx context.Context, dir string, progress Progress) (before, after int64, err error) {
	return bolt.Compact(ctx, dir, progress)
}
