package rpc

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
)

// registry knows the sockets being served, in-process ones too. http.Server forgets connections that were upgraded, so
// somebody has to say goodbye to them.
type registry struct {
	ctx    context.Context // parent of every socket's
	cancel context.CancelFunc

	mu       sync.Mutex
	limit    int // WebSockets
	closing  bool
	reserved int
	sockets  map[*socket]bool // true for a WebSocket, which has a place reserved
}

func (g *registry) start() {
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.sockets = map[*socket]bool{}
}

func (g *registry) bound(limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit = limit
}

// reserve takes a place for one WebSocket.
func (g *registry) reserve() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reserved >= g.limit {
		return false
	}
	g.reserved++
	return true
}

func (g *registry) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reserved--
}

// add registers a socket and reports whether it may live: not when the server is shutting down.
func (g *registry) add(c *socket, web bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sockets[c] = web
	return !g.closing
}

func (g *registry) remove(c *socket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sockets[c] {
		g.reserved--
	}
	delete(g.sockets, c)
}

// close lets no socket live that is added from now on, and returns those that do.
func (g *registry) close() []*socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing = true
	return slices.Collect(maps.Keys(g.sockets))
}

// Shutdown takes no new calls (they are answered with -32004, upgrades with status 503), lets those that are running
// finish and be answered, and closes the sockets with status 1001. It returns ctx's error if ctx ends first; then the
// contexts of what still runs are cancelled and the sockets closed all the same.
func (s *Server) Shutdown(ctx context.Context) error {
	s.flow.stop()
	sockets := s.sockets.close()
	errs := make([]error, len(sockets))
	var retiring sync.WaitGroup
	for i, c := range sockets {
		retiring.Go(func() { errs[i] = c.retire(ctx) })
	}
	retiring.Wait()
	defer s.sockets.cancel()
	if err := s.flow.wait(ctx); err != nil {
		return err
	}
	return cmp.Or(errs...)
}
