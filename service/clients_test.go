package service

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// TestClientsOfOthers runs JSON-RPC clients that nobody here wrote against the server: each registers webhooks, publishes
// an event and sees refusals. `make clients` installs the npm ones.
func TestClientsOfOthers(t *testing.T) {
	t.Parallel()
	needNPM(t)
	s := open(t)
	arrivals := &paths{}
	receiver := httptest.NewServer(arrivals)
	t.Cleanup(receiver.Close)
	key := s.LocalKey()
	for _, client := range []struct {
		name string
		dir  string
		argv []string
		want []string // paths that must have had a delivery
	}{
		{"jayson", "../clients/npm", []string{"node", "jayson.js"}, []string{"/jayson-1/vision6", "/jayson-1/native", "/jayson-2/vision6", "/jayson-2/native"}},
		{"json-rpc-2.0", "../clients/npm", []string{"node", "json-rpc-2.0.js"}, []string{"/json-rpc-2.0/vision6", "/json-rpc-2.0/native"}},
		{"rpc-websockets", "../clients/npm", []string{"node", "rpc-websockets.js"}, []string{"/rpc-websockets/vision6", "/rpc-websockets/native"}},
		{"@superoffice/webapi", "../clients/npm", []string{"node", "superoffice.js"}, nil}, // has a receiver of its own
		{"go-ethereum", "../clients/geth", []string{"go", "run", "."}, []string{"/geth/http", "/geth/ws"}},
	} {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, client.argv[0], append(client.argv[1:], s.url, key, receiver.URL)...)
			c.Dir = client.dir
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, path := range client.want {
				if !arrivals.await(ctx, path) {
					t.Errorf("no delivery at %s", path)
				}
			}
		})
	}
}

// needNPM skips a test that needs the npm clients, or fails it on CI, where they are not installed.
func needNPM(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("../clients/npm/node_modules"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("the npm clients are not installed: run make clients")
	}
	t.Skip("the npm clients are not installed: run make clients")
}

// paths is a receiver that remembers where it was called.
type paths struct {
	mu    sync.Mutex
	seen  map[string]bool            // guarded by mu
	waits map[string][]chan struct{} // guarded by mu
}

func (p *paths) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[r.URL.Path] = true
	for _, wait := range p.waits[r.URL.Path] {
		close(wait)
	}
	delete(p.waits, r.URL.Path)
}

// await reports whether a call at path came before ctx ended.
func (p *paths) await(ctx context.Context, path string) bool {
	p.mu.Lock()
	if p.seen[path] {
		p.mu.Unlock()
		return true
	}
	came := make(chan struct{})
	if p.waits == nil {
		p.waits = map[string][]chan struct{}{}
	}
	p.waits[path] = append(p.waits[path], came)
	p.mu.Unlock()
	select {
	case <-came:
		return true
	case <-ctx.Done():
		return false
	}
}
