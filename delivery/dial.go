package delivery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// Resolver finds the addresses of a host; [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// DialFunc connects to an address of the form "ip:port".
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// failure is why an exchange has no answer. Its text names no host, address or secret.
type failure struct {
	kind schemas.AttemptError
	text string
}

func (f *failure) Error() string { return f.text }

// dialler opens connections to permitted addresses only. The address is checked after DNS and the connection is made to
// that very address, so a name that changes between the two gains nothing.
type dialler struct {
	guard    *guard
	resolver Resolver
	dial     DialFunc
	kernel   bool // what dial makes are the kernel's sockets
}

func newDialler(g *guard, resolver Resolver, dial DialFunc) *dialler {
	d := &dialler{guard: g, resolver: resolver, dial: dial}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	if d.dial == nil {
		// The check runs once more on the address the socket is about to use.
		nd := &net.Dialer{KeepAlive: 30 * time.Second, ControlContext: d.control}
		d.dial, d.kernel = nd.DialContext, true
	}
	return d
}

// connect dials host:port. Its errors are all of type failure.
func (d *dialler) connect(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &failure{schemas.ErrorConnect, "the endpoint names no host and port"}
	}
	candidates, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var last error
	for i, a := range candidates {
		conn, err := d.connectOne(ctx, network, a, port, i == len(candidates)-1)
		if err == nil {
			return conn, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// addressWait is how long one of several addresses of a host is tried before the next is: long enough for a lost packet,
// which is sent again after 1 s. net/http dials without the deadline of the exchange, so it can't be shared out.
const addressWait = 3 * time.Second

// connectOne tries one address, as long as ctx lasts when it is the last.
func (d *dialler) connectOne(ctx context.Context, network string, a netip.Addr, port string, last bool) (net.Conn, error) {
	if !last {
		short, cancel := context.WithTimeout(ctx, addressWait)
		defer cancel()
		ctx = short
	}
	conn, err := d.dial(ctx, network, net.JoinHostPort(a.String(), port))
	if err != nil {
		return nil, connectFailure(err)
	}
	return lastWord{conn}, nil
}

// resolve returns the permitted addresses of a host, at least one.
func (d *dialler) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	literal, err := netip.ParseAddr(host)
	found := []netip.Addr{literal}
	if err != nil {
		if found, err = d.resolver.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, lookupFailure(err)
		}
		for i := range found {
			found[i] = found[i].Unmap() // resolvers give IPv4 addresses in either form
		}
	}
	permitted := found[:0:0]
	for _, a := range found {
		if d.guard.permits(a) {
			permitted = append(permitted, a)
		}
	}
	switch {
	case len(found) == 0:
		return nil, &failure{schemas.ErrorDNS, "the endpoint's host has no address"}
	case len(permitted) == 0:
		return nil, errNotPermitted
	}
	return permitted, nil
}

var errNotPermitted = &failure{schemas.ErrorRefused, "the endpoint's address is not public and is not allowed by the server"}

// control is called with the address of the socket, just before it connects.
func (d *dialler) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err != nil || !d.guard.permits(at.Addr()) {
		return errNotPermitted
	}
	return nil
}

func lookupFailure(err error) error {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && dns.IsNotFound:
		return &failure{schemas.ErrorDNS, "the endpoint's host is not known to DNS"}
	case ok && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return &failure{schemas.ErrorDNS, "DNS did not answer in time"}
	}
	return &failure{schemas.ErrorDNS, "DNS could not be asked for the endpoint's host"}
}

func connectFailure(err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return &failure{schemas.ErrorTimeout, "the endpoint could not be connected to in time"}
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return &failure{schemas.ErrorConnect, fmt.Sprintf("the endpoint could not be connected to: %s", number.Error())}
	}
	return &failure{schemas.ErrorConnect, "the endpoint could not be connected to"}
}
