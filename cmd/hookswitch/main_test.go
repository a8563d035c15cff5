package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts a real hookswitch, this test binary under another name, on the PATH of the tests.
func TestMain(m *testing.M) {
	_ = os.Setenv("PEBBLE_VA_NOSLEEP", "1") // the authority of acme_test.go; it only takes longer without
	// A program under the race detector sleeps a second before it exits, and the tests run hundreds.
	_ = os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	testscript.Main(m, map[string]func(){"hookswitch": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			s := startServer(t, e.WorkDir+"/served", adminKey)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Setenv("HOOKSWITCH_SERVER", s.address)
			e.Setenv("ADMIN_KEY", adminKey)
			return nil
		},
	})
}

// adminKey is the admin key of the servers that tests start.
const adminKey = "testadminkeytestadminkeytestadminkeytestadminkeytestadminkey0123"

// server is a hookswitch process.
type server struct {
	address string
	process *exec.Cmd
	ended   chan error // the process's end; also the end of its log

	mu   sync.Mutex
	said []string      // lines of the log; guarded by mu
	more chan struct{} // closed when there is another line; guarded by mu
}

// hear adds a line of the log.
func (s *server) hear(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, line)
	close(s.more)
	s.more = make(chan struct{})
}

// await waits for the first line with a text that comes, or came, after the first n lines; it says how many lines there
// were by then.
func (s *server) await(t testing.TB, n int, text string) (line string, after int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		said, more := s.said, s.more
		s.mu.Unlock()
		for ; n < len(said); n++ {
			if strings.Contains(said[n], text) {
				return said[n], n + 1
			}
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("the server never said %q: %q", text, said)
		}
	}
}

// startServer runs `hookswitch serve` on dir until the test ends; its endpoints may be on this machine.
func startServer(t testing.TB, dir, key string, flags ...string) *server {
	t.Helper()
	return startBare(t, key, append([]string{"--data", dir, "--allow-endpoint", "127.0.0.0/8", "--log-level", "info"}, flags...)...)
}

// startBare runs `hookswitch serve` with these flags until the test ends.
func startBare(t testing.TB, key string, flags ...string) *server {
	t.Helper()
	return startWith(t, key, func(*exec.Cmd) {}, flags...)
}

// startWith is startBare with a change to how the process is started.
func startWith(t testing.TB, key string, change func(*exec.Cmd), flags ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)
	s := &server{process: exec.Command("hookswitch", args...), ended: make(chan error, 1), more: make(chan struct{})}
	s.process.Env = append(s.process.Environ(), "HOOKSWITCH_ADMIN_KEY="+key)
	change(s.process)
	log, err := s.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.kill(t) })
	serving := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			s.hear(lines.Text())
			var line struct {
				Message string `json:"message"`
				Address string `json:"address"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "serving" {
				serving <- line.Address
			}
		}
		close(serving)
		s.ended <- s.process.Wait()
	}()
	address, ok := <-serving
	if !ok {
		t.Fatalf("hookswitch ended before it served: %q", s.said)
	}
	s.address = address
	return s
}

// kill ends the process as a power cut does.
func (s *server) kill(t testing.TB) {
	t.Helper()
	_ = s.process.Process.Kill() // it may have ended already
	select {
	case err := <-s.ended:
		s.ended <- err
	case <-time.After(20 * time.Second):
		t.Error("a killed server does not end")
	}
}

// stop asks the process to end, as Ctrl-C does, and returns how it ended.
func (s *server) stop(t testing.TB) error {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		s.ended <- err
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not end when asked")
		return nil
	}
}

func TestServeEndsCleanlyWhenAsked(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	if err := s.stop(t); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestFirstStartShowsAnAdminKeyOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shown := regexp.MustCompile(`(?m)^  [a-z0-9]{64}$`)
	for start, want := range []bool{true, false} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		c := exec.CommandContext(ctx, "hookswitch", "serve", "--listen", "127.0.0.1:0", "--data", dir)
		c.Env = append(c.Environ(), "HOOKSWITCH_ADMIN_KEY=")
		var out bufferWithSignal
		out.wanted = "serving"
		out.found = make(chan struct{})
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-out.found:
		case <-ctx.Done():
			t.Fatalf("start %d never served: %s", start, out.String())
		}
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("start %d: %v", start, err)
		}
		if got := shown.MatchString(out.String()); got != want {
			t.Errorf("start %d: key shown: %v, want %v:\n%s", start, got, want, out.String())
		}
		cancel()
	}
}
