package delivery

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
)

// memoryNet is a network of pipes, for tests with a fake clock: real sockets keep a synctest bubble awake.
type memoryNet struct {
	mu      sync.Mutex
	at      map[string]*pipeListener
	servers []*http.Server
	wg      sync.WaitGroup
}

func newMemoryNet() *memoryNet { return &memoryNet{at: map[string]*pipeListener{}} }

// serve answers at an address, until close.
func (n *memoryNet) serve(address string, h http.Handler) {
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h}
	n.mu.Lock()
	n.at[address] = l
	n.servers = append(n.servers, server)
	n.mu.Unlock()
	n.wg.Go(func() { _ = server.Serve(l) })
}

func (n *memoryNet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.at[address]
	n.mu.Unlock()
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *memoryNet) close() {
	n.mu.Lock()
	servers := n.servers
	n.mu.Unlock()
	for _, s := range servers {
		_ = s.Close()
	}
	n.wg.Wait()
}

type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, errors.New("closed")
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// fixed resolves every name to the same addresses, or fails without any.
type fixed []netip.Addr

func (f fixed) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if len(f) == 0 {
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	return slices.Clone(f), nil
}

// moving resolves every name to one address, which changes.
type moving struct{ to atomic.Pointer[netip.Addr] }

func (m *moving) point(address string) {
	a := netip.MustParseAddr(address)
	m.to.Store(&a)
}

func (m *moving) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{*m.to.Load()}, nil
}
