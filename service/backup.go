package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

// backups makes backups of a running service: into the directory that the operator named, and over HTTP. There is one at
// a time, because the store keeps what is replaced meanwhile for each.
type backups struct {
	service *Service
	dir     string // "": none is allowed
	busy    atomic.Bool
}

// writable makes a file in dir and removes it. A directory that is missing is not made: it may be a disk that is not mounted.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, "hookswitch-*.partial")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there; make it first", dir)
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

var (
	errNoBackups  = schemas.Refuse(schemas.KindWrongState, "The operator has named no directory for backups (--backup-dir)")
	errBackupRuns = schemas.Refuse(schemas.KindWrongState, "Another backup is being made")
)

func (b *backups) begin() error {
	if !b.busy.CompareAndSwap(false, true) {
		return errBackupRuns
	}
	return nil
}

// create is methods.Options.Backup. A large backup outlasts the call: it is made all the same, and has its name once it is
// whole.
func (b *backups) create(ctx context.Context, begun func()) (methods.Backup, error) {
	if b.dir == "" {
		return methods.Backup{}, errNoBackups
	}
	if err := b.begin(); err != nil {
		return methods.Backup{}, err
	}
	begun()
	type made struct {
		backup methods.Backup
		err    error
	}
	done := make(chan made, 1)
	b.service.running.Go(func() { // ends with the backup or with the service
		backup, err := b.write(b.service.life, time.Now().UTC())
		b.busy.Store(false)
		if err != nil {
			b.service.log.Error().Err(err).Msg("backup")
		}
		done <- made{backup, err}
	})
	select {
	case m := <-done:
		return m.backup, m.err
	case <-ctx.Done():
		return methods.Backup{}, ctx.Err()
	}
}

// leftBackups are the names of backups that a service was making when it was killed.
var leftBackups = regexp.MustCompile(`^hookswitch-[0-9TZ.]+\.backup\.partial(-\d+)?$`)

// write makes the file. It has its name once it is whole and on the disk; see [WriteWhole].
func (b *backups) write(ctx context.Context, now time.Time) (out methods.Backup, err error) {
	name := "hookswitch-" + now.Format("20060102T150405.000Z") + ".backup"
	counted := &counter{}
	err = writeWhole(filepath.Join(b.dir, name), func(w io.Writer) error {
		counted.w = w
		return b.service.store.Backup(ctx, counted)
	}, leftBackups)
	if err != nil {
		return out, fmt.Errorf("make a backup: %w", err)
	}
	b.service.log.Info().Str("name", name).Int64("bytes", counted.n).Dur("took", time.Since(now)).Msg("backup made")
	return methods.Backup{Name: name, Size: counted.n, Created: now}, nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// backupPath is where a backup is streamed from.
const backupPath = "/backup"

// stallLimit is how long the receiver of a backup may take none of it: the store can't use space again meanwhile.
const stallLimit = 30 * time.Second

// ServeHTTP streams a backup to an admin. One that breaks off lacks its seal, and the connection ends without the end of
// the body.
func (b *backups) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session := rpc.SessionOf(r)
	caller, err := b.service.core.Admit(session, schemas.AccessAdmin)
	if err == nil {
		err = b.begin()
	}
	if err != nil {
		refuse(w, err)
		return
	}
	defer b.busy.Store(false)
	b.service.core.Audit(r.Context(), methods.AuditEntry{Action: methods.AuditBackup, Method: "GET " + backupPath, By: caller.Auditor(session)})
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	patient := &stallWriter{w: w, control: http.NewResponseController(w)}
	out := bufio.NewWriterSize(patient, 1<<20)
	if err := errors.Join(b.service.store.Backup(r.Context(), out), out.Flush()); err != nil {
		b.service.log.Error().Err(err).Msg("stream a backup")
		panic(http.ErrAbortHandler) // else the receiver would see a proper end
	}
}

// refuse answers what the methods refuse, in the words they have for it.
func refuse(w http.ResponseWriter, err error) {
	status := map[schemas.Kind]int{
		schemas.KindUnauthorized: http.StatusUnauthorized, schemas.KindForbidden: http.StatusForbidden,
		schemas.KindWrongState: http.StatusConflict, schemas.KindTooMany: http.StatusTooManyRequests,
	}[schemas.KindOf(err)]
	if status == 0 {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, err.Error(), status)
}

// stallWriter gives each write its own deadline, in the place of the server's for the whole answer.
type stallWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (s *stallWriter) Write(p []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(stallLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return s.w.Write(p)
}
