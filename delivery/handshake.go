package delivery

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// handshakeTimeout is how long a handshake may take, within the time of its exchange.
const handshakeTimeout = 10 * time.Second

// handshake begins to speak TLS with the host of that name, in one of the protocols. It leaves a connection that it fails on to
// the caller. What is only said to have broken off elsewhere is a failure of TLS here: nothing of a request was sent.
func handshake(ctx context.Context, conn net.Conn, config *tls.Config, name string, protocols ...string) (*tls.Conn, error) {
	short, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	config = config.Clone()
	config.ServerName, config.NextProtos = name, protocols
	over := tls.Client(conn, config)
	err := over.HandshakeContext(short)
	switch {
	case err == nil:
		return over, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case short.Err() != nil:
		return nil, &failure{schemas.ErrorTimeout, "the TLS handshake took too long"}
	case broken(err):
		return nil, &failure{schemas.ErrorTLS, "TLS failed: the connection broke off in the handshake"}
	}
	return nil, err
}

// dialTLS is what an http.Transport makes its connections for https with, by its own dialler and its own configuration.
func dialTLS(t *http.Transport) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		name, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, &failure{schemas.ErrorConnect, "the endpoint names no host and port"}
		}
		conn, err := t.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		over, err := handshake(ctx, conn, t.TLSClientConfig, name, "h2", "http/1.1")
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		return over, nil
	}
}
