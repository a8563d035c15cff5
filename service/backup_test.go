package service

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/methods"
)

// The method writes a backup that can be restored, under a name that appears only when it is whole.
func TestCreateBackupWritesWhereTheOperatorSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, func(o *Options) { o.BackupDir = dir })
	s.call(t, s.LocalKey(), "publishEvent", map[string]any{"type": "order.paid", "id": "o-1"}, nil)
	var made methods.Backup
	if err := os.WriteFile(filepath.Join(dir, "hookswitch-20260101T000000.000Z.backup.partial-1"), nil, 0o600); err != nil { // of one that was killed
		t.Fatal(err)
	}
	s.call(t, s.LocalKey(), "createBackup", nil, &made)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != made.Name {
		t.Fatalf("%v, %v; want %s alone", entries, err, made.Name)
	}
	f, err := os.Open(filepath.Join(dir, made.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != made.Size || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want %d bytes for the owner alone", info, err, made.Size)
	}
	found, err := Restore(t.Context(), Restoration{Dir: t.TempDir(), Backup: f})
	if err != nil || found.Events != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

// Backups come one at a time, and to admins only, over either way.
func TestBackupsAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.BackupDir = t.TempDir() })
	full := s.fullKey(t, "tenant")
	get := func(key string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+backupPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var text strings.Builder
		if err := answer.Write(&text); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, text.String()
	}
	if status, text := get(full); status != http.StatusForbidden || !strings.Contains(text, "admin access") {
		t.Errorf("with a full key: %d %s", status, text)
	}
	if status, _ := get("nonsense"); status != http.StatusUnauthorized {
		t.Errorf("with no key: %d", status)
	}
	if err := s.try(t, full, "createBackup", nil, nil); codeOf(err) != 355 {
		t.Errorf("the method, with a full key: %v", err)
	}
	if err := s.backups.begin(); err != nil {
		t.Fatal(err)
	}
	if status, text := get(s.LocalKey()); status != http.StatusConflict || !strings.Contains(text, "Another backup") {
		t.Errorf("beside another: %d %s", status, text)
	}
	if err := s.try(t, s.LocalKey(), "createBackup", nil, nil); codeOf(err) != 356 {
		t.Errorf("the method, beside another: %v", err)
	}
}

// codeOf is the code with which a call was refused, 0 when it was not.
func codeOf(err error) int64 {
	if refusal, ok := errors.AsType[*jsonrpc2.Error](err); ok {
		return refusal.Code
	}
	return 0
}
