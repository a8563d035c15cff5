package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"strings"
	"syscall"
)

// A receiver that refuses a client certificate in TLS 1.3 says so after its client has begun to send, and closes. The client
// then learns that it cannot write, mostly before it has read why. lastWord and witness bring to light what was said.

// lastWord is a connection to a receiver, whose last word is heard: a write that fails because the other side has closed counts
// as made. Reading goes on at the same time, and comes to what was said or to the same failure; so the exchange ends by
// that, and nothing is taken for an answer that is none.
type lastWord struct{ net.Conn }

// Write implements net.Conn.
func (c lastWord) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(b), nil
	}
	return n, err
}

// witness remembers the connection of one exchange.
type witness struct{ conn *tls.Conn }

// of is a context for an exchange with an endpoint that is to be witnessed: only one over TLS is.
func (w *witness) of(ctx context.Context, endpoint *url.URL) context.Context {
	if endpoint.Scheme != "https" {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { w.conn, _ = got.Conn.(*tls.Conn) },
	})
}

// cause is why an exchange failed: instead of an error that only says that its connection is gone, the alert that the other
// side sent, if there was one.
func (w *witness) cause(err error) error {
	if w.conn == nil || !broken(err) {
		return err
	}
	_ = w.conn.NetConn().Close() // it is of no use any more, and reading must not wait
	_, last := w.conn.Read(make([]byte, 1))
	if alert, ok := errors.AsType[*net.OpError](last); ok && alert.Op == "remote error" {
		return last
	}
	return err
}

// broken reports whether an error says that a connection is gone.
func broken(err error) bool {
	for _, gone := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, gone) {
			return true
		}
	}
	text := err.Error()
	return strings.Contains(text, "server closed idle connection") || strings.Contains(text, "http2: client conn")
}
