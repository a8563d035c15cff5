package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hookswitch/hookswitch/rpc"
)

// TestABackupUnderLoadHasAllThatWasAcknowledged takes a backup from the real binary while 16 callers publish. Restored, and
// served by another process, it has every event that was acknowledged before the backup began. Cut or altered anywhere,
// it is refused.
func TestABackupUnderLoadHasAllThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	subscribe(t, s, "http://127.0.0.1:1/") // what is owed and can't be delivered is in it too
	l := &load{}
	l.start(t, s)
	for l.acknowledged.Load() < 2000 {
		<-l.more
	}
	before := l.all()
	file := filepath.Join(t.TempDir(), "under-load.backup")
	mustRun(t, "backup", "--server", s.address, "--key", adminKey, file)
	l.stop()
	t.Logf("%d events acknowledged before the backup, %d in all", len(before), len(l.all()))

	dir := filepath.Join(t.TempDir(), "restored")
	mustRun(t, "restore", "--data", dir, file)
	refuseSpoiled(t, file)
	restored := startServer(t, dir, adminKey)
	client := dial(t, restored)
	defer client.Close()
	for chunk := range chunks(before, 500) {
		calls := make([]rpc.BatchCall, len(chunk))
		for i, id := range chunk {
			calls[i] = rpc.BatchCall{Method: "getEvent", Params: []string{id}}
		}
		if err := client.Batch(t.Context(), calls); err != nil {
			t.Fatal(err)
		}
		for i := range calls {
			if calls[i].Err != nil {
				t.Errorf("%s was acknowledged and is not in the backup: %v", chunk[i], calls[i].Err)
			}
		}
	}
}

// TestAKilledBackupLeavesNothingForEver kills a backup in the middle. The next one to the same file cleans up after it.
func TestAKilledBackupLeavesNothingForEver(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	stalled := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer stalled.Close()
	file := filepath.Join(t.TempDir(), "nightly.backup")
	process := exec.Command("hookswitch", "backup", "--server", stalled.URL, "--key", adminKey, file)
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	_ = process.Process.Kill()
	_ = process.Wait() // by the signal
	left := func() []string {
		found, _ := filepath.Glob(file + "*")
		return found
	}
	if len(left()) != 1 || left()[0] == file {
		t.Fatalf("a killed backup left %q", left())
	}
	s := startServer(t, t.TempDir(), adminKey)
	mustRun(t, "backup", "--server", s.address, "--key", adminKey, file)
	if got := left(); len(got) != 1 || got[0] != file {
		t.Errorf("left: %q", got)
	}
}

// refuseSpoiled checks that spoiled copies of a backup are refused.
func refuseSpoiled(t *testing.T, file string) {
	t.Helper()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, spoiled := range map[string][]byte{"flipped": flipped, "cut": whole[:len(whole)-1], "half": whole[:len(whole)/2]} {
		path, dir := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), "refused")
		if err := os.WriteFile(path, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("hookswitch", "restore", "--data", dir, path).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "this is no whole backup") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: left the directory behind: %v", name, err)
		}
	}
}

func mustRun(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("hookswitch", args...).CombinedOutput(); err != nil {
		t.Fatalf("hookswitch %v: %v\n%s", args, err, out)
	}
}

// chunks yields list in parts of n.
func chunks(list []string, n int) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for len(list) > 0 {
			m := min(n, len(list))
			if !yield(list[:m]) {
				return
			}
			list = list[m:]
		}
	}
}

// load publishes until it is stopped.
type load struct {
	acknowledged atomic.Int64
	more         chan struct{} // receives now and then
	stop         func()

	mu  sync.Mutex
	ids []string // guarded by mu; acknowledged
}

func (l *load) start(t *testing.T, s *server) {
	t.Helper()
	client := dial(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	var next atomic.Int64
	l.more = make(chan struct{}, 1)
	for range 16 {
		callers.Go(func() {
			for ctx.Err() == nil {
				id := fmt.Sprintf("event-%d", next.Add(1))
				event := map[string]any{"type": "crash.test", "id": id, "data": strings.Repeat("x", 200)}
				if client.Call(ctx, "publishEvent", event, nil) != nil {
					return // stopped: nobody knows whether this one was taken
				}
				l.mu.Lock()
				l.ids = append(l.ids, id)
				l.mu.Unlock()
				l.acknowledged.Add(1)
				select {
				case l.more <- struct{}{}:
				default:
				}
			}
		})
	}
	l.stop = func() { cancel(); callers.Wait(); client.Close() }
	t.Cleanup(l.stop)
}

func (l *load) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.ids...)
}
