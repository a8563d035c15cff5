package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestServeOnAUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "hs") // the path of a socket may have about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	s := startBare(t, adminKey, "--data", t.TempDir(), "--listen", "unix:"+path)
	if s.address != "unix:"+path {
		t.Errorf("serving on %s", s.address)
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}
	alive := func() {
		response, err := client.Get("http://hookswitch/livez")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("status %d", response.StatusCode)
		}
	}
	alive()
	for _, address := range []string{s.address, "ws+" + s.address} {
		commandsReach(t, address)
	}
	t.Run("curl", func(t *testing.T) { curlsWork(t, s.address) })
	if _, err := listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a socket in use: %v", err)
	}
	s.kill(t) // leaves the socket
	s = startBare(t, adminKey, "--data", t.TempDir(), "--listen", "unix:"+path)
	alive()
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

// commandsReach runs commands of each kind with a server's address.
func commandsReach(t *testing.T, address string, environment ...string) {
	t.Helper()
	for _, args := range [][]string{{"call", "ping"}, {"keys", "list"}, {"backup", filepath.Join(t.TempDir(), "backup")}} {
		c := exec.Command("hookswitch", args...)
		c.Env = append(append(c.Environ(), "HOOKSWITCH_SERVER="+address, "HOOKSWITCH_KEY="+adminKey), environment...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v at %s: %v\n%s", args, address, err, out)
		}
	}
}
