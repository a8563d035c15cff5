package service

import (
	"net"
	"sync"
)

// places bounds how many connections are open at once, over all listeners that it limits. The bound may change: what is open
// beyond a smaller one stays, and as many have to end before another is accepted.
type places struct {
	mu    sync.Mutex
	most  int
	taken int
	freed chan struct{} // closed when there may be a place; nil while nobody waits
}

// bound changes how many places there are.
func (p *places) bound(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
	p.wake()
}

// wake has all who wait look again. The lock is held.
func (p *places) wake() {
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// take waits for a place, or for ended, and reports whether it has one.
func (p *places) take(ended <-chan struct{}) bool {
	for {
		freed := p.try()
		if freed == nil {
			return true
		}
		select {
		case <-freed:
		case <-ended:
			return false
		}
	}
}

// try takes a place; without one it returns what is closed when there may be one.
func (p *places) try() (freed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken < p.most {
		p.taken++
		return nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}

func (p *places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.wake()
}

// limit is a listener that accepts only what there is a place for.
func (p *places) limit(l net.Listener) net.Listener {
	return &gate{Listener: l, places: p, ended: make(chan struct{})}
}

// gate is a listener whose connections take places.
type gate struct {
	net.Listener
	places *places
	once   sync.Once
	ended  chan struct{} // closed by Close
}

func (g *gate) Accept() (net.Conn, error) {
	if !g.places.take(g.ended) {
		return nil, net.ErrClosed
	}
	conn, err := g.Listener.Accept()
	if err != nil {
		g.places.leave()
		return nil, err
	}
	return &placed{Conn: conn, places: g.places}, nil
}

func (g *gate) Close() error {
	g.once.Do(func() { close(g.ended) })
	return g.Listener.Close()
}

// placed is a connection that has a place until it is closed.
type placed struct {
	net.Conn
	places *places
	once   sync.Once
}

func (c *placed) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.places.leave)
	return err
}
