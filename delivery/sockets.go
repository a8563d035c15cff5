package delivery

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxDirect is the longest body that is sent by the goroutine that waits for the answer, in bytes. The kernel takes so
// much at once, so that a receiver which answers before it has read everything is heard.
const maxDirect = 16 << 10

// sweepEvery is how often idle connections are looked through for those that are old or were closed by the other side.
const sweepEvery = 15 * time.Second

// sockets makes exchanges in HTTP/1.1, each from beginning to end in the goroutine that asks for it, over connections that it
// keeps. An http.Transport has two goroutines more for every connection, and wakes both in every exchange (decision 10).
// What is said, and how it is read, is net/http's here too: socket.go. Safe for concurrent use.
type sockets struct {
	dial    DialFunc
	tls     *tls.Config
	perHost int // connections kept to one host

	mu      sync.Mutex
	idle    map[host][]*socket // by host, the one used last at the end
	kept    int                // of them, in all
	retired bool               // keeps none any more
	timer   *time.Timer        // calls sweep, while there are any
}

// host is whom a connection leads to.
type host struct {
	tls     bool
	address string // as the URL of an endpoint has it, with a port or without
}

func hostOf(u *url.URL) host { return host{u.Scheme == "https", u.Host} }

// newSockets has connections made by dial, and TLS spoken as config says.
func newSockets(dial DialFunc, config *tls.Config, perHost int) *sockets {
	return &sockets{dial: dial, tls: config, perHost: perHost, idle: map[host][]*socket{}}
}

// RoundTrip implements http.RoundTripper. The deadline of the request's context, which it must have, holds for the answer's
// body too, and need not be kept by the context itself.
//
// A request is sent once, but for one case: a kept connection may be closed by the other side just when it is used again.
// When it breaks before anything of an answer came, the request is sent once more over a new one, in the same attempt: the
// receiver has not seen it, or has closed without an answer and gets it again, as it would after the wait of a retry.
func (s *sockets) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	deadline, _ := ctx.Deadline()
	if c := s.waiting(hostOf(r.URL), deadline); c != nil {
		response, err := c.carry(ctx, r)
		if err == nil || !c.unheard(err) || !rewind(r) {
			return response, err
		}
	}
	c, err := s.connect(ctx, r.URL, deadline)
	if err != nil {
		return nil, err
	}
	return c.carry(ctx, r)
}

// rewind makes a request's body ready to be sent again, if it can be.
func rewind(r *http.Request) bool {
	if r.Body == http.NoBody {
		return true
	}
	if r.GetBody == nil {
		return false
	}
	body, err := r.GetBody()
	r.Body = body
	return err == nil
}

// waiting is a kept connection that the other side has not closed; nil without one.
func (s *sockets) waiting(to host, deadline time.Time) *socket {
	for c := s.pop(to); c != nil; c = s.pop(to) {
		if c.alive(deadline) {
			return c
		}
		c.cut()
	}
	return nil
}

// connect makes a connection.
func (s *sockets) connect(ctx context.Context, u *url.URL, deadline time.Time) (*socket, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	to, address := hostOf(u), u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[bool]string{false: "80", true: "443"}[to.tls])
	}
	conn, err := s.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := newSocket(s, to, conn)
	if to.tls {
		err = c.secure(ctx, u.Hostname())
	}
	if err == nil {
		err = c.SetDeadline(deadline)
	}
	if err != nil {
		c.cut()
		return nil, err
	}
	return c, nil
}

// pop takes the connection to a host that was used last; nil without one.
func (s *sockets) pop(to host) *socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.idle[to]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	s.idle[to] = list[:len(list)-1]
	s.kept--
	return c
}

// put keeps a connection for the next exchange, if there is room.
func (s *sockets) put(c *socket) (kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.idle[c.to]
	if s.retired || s.kept >= maxIdleConns || len(list) >= s.perHost {
		return false
	}
	c.since = time.Now()
	s.idle[c.to] = append(list, c)
	s.kept++
	if s.timer == nil {
		s.timer = time.AfterFunc(sweepEvery, s.sweep)
	}
	return true
}

// sweep closes idle connections that are old, or that the other side has closed.
func (s *sockets) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for to, list := range s.idle {
		s.kept -= len(list)
		list = slices.DeleteFunc(list, func(c *socket) bool {
			useless := now.Sub(c.since) >= idleConnTimeout || !c.alive(time.Time{})
			if useless {
				c.close()
			}
			return useless
		})
		s.kept += len(list)
		if s.idle[to] = list; len(list) == 0 {
			delete(s.idle, to)
		}
	}
	if s.timer = nil; s.kept > 0 && !s.retired {
		s.timer = time.AfterFunc(sweepEvery, s.sweep)
	}
}

// retire closes all idle connections, and those under way at the end of their exchanges.
func (s *sockets) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired = true
	for _, list := range s.idle {
		for _, c := range list {
			c.close()
		}
	}
	clear(s.idle)
	if s.kept = 0; s.timer != nil {
		s.timer.Stop()
	}
}
