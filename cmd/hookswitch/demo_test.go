package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemoShowsAVerifiedDeliveryForEachDocument runs what `make run` runs, twice in one directory, as a newcomer would. It
// keeps away from the store of a service, also where a variable names that.
func TestDemoShowsAVerifiedDeliveryForEachDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		out := &bufferWithSignal{wanted: "# what became of it", found: make(chan struct{})}
		c := exec.Command("hookswitch", "demo", "--listen", "127.0.0.1:0")
		c.Dir, c.Env = dir, append(c.Environ(), "HOOKSWITCH_DATA=data")
		c.Stdout, c.Stderr = out, out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case <-out.found:
		case err := <-ended:
			t.Fatalf("the demo ended (%v):\n%s", err, out)
		case <-time.After(60 * time.Second):
			_ = c.Process.Kill()
			t.Fatalf("the demo did not get to its end:\n%s", out)
		}
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("after SIGTERM: %v\n%s", err, out)
		}
		text := out.String()
		for _, s := range scenes("") {
			if !strings.Contains(text, "✓ "+s.name) {
				t.Errorf("no verified delivery of %s:\n%s", s.name, text)
			}
		}
		if !strings.Contains(text, "6 of 6 webhooks received a delivery that verified") || strings.Contains(text, "✗") {
			t.Errorf("not all verified:\n%s", text)
		}
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 1 || made[0].Name() != "hookswitch-demo" {
		t.Errorf("the demo made %v, %v", made, err)
	}
}

// TestDemoCurlsWork pastes each command that the demo prints into a shell.
func TestDemoCurlsWork(t *testing.T) {
	t.Parallel()
	curlsWork(t, startServer(t, t.TempDir(), adminKey).address)
}

// curlsWork pastes the commands for a server at an address.
func curlsWork(t *testing.T, address string) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	for _, scene := range scenes("http://127.0.0.1:1" + demoPath) {
		t.Run(scene.name, func(t *testing.T) {
			pasted := exec.Command("sh", "-c", scene.curl(address))
			pasted.Env = append(pasted.Environ(), "KEY="+adminKey)
			out, err := pasted.Output()
			if err != nil || !strings.Contains(string(out), `"result"`) || strings.Contains(string(out), `"error":{`) {
				t.Errorf("%v: %s\n%s", err, out, scene.curl(address))
			}
		})
	}
}
