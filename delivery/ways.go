package delivery

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
	"unicode/utf8"
)

// ways are the two that an exchange can take: over sockets, when its request is short and its endpoint is known to speak
// HTTP/1.1, and with a transport. What is spoken over TLS is for the transport to learn, which prefers HTTP/2.
type ways struct {
	transport *http.Transport
	sockets   *sockets // nil: the transport takes all

	mu    sync.RWMutex
	first map[string]struct{} // hosts that spoke HTTP/1.1 over TLS
}

// maxFirst bounds ways.first. Beyond it all is learned anew.
const maxFirst = 16 << 10

// newWays takes the ways of a transport. kernel says that what that dials are the kernel's sockets: others, an embedder's
// pipes for one, need not take anything before the other side reads it.
func newWays(t *http.Transport, kernel bool) *ways {
	t.DialTLSContext = dialTLS(t)
	w := &ways{transport: t, first: map[string]struct{}{}}
	if kernel && canListen {
		w.sockets = newSockets(t.DialContext, t.TLSClientConfig, t.MaxIdleConnsPerHost)
	}
	return w
}

// timed is a context with a deadline that is for others to keep, without a timer.
type timed struct {
	context.Context
	at time.Time
}

// Deadline implements context.Context.
func (t timed) Deadline() (time.Time, bool) { return t.at, true }

// RoundTrip implements http.RoundTripper. The request's context has a deadline, which may be timed; it holds for the
// answer's body too.
func (w *ways) RoundTrip(r *http.Request) (*http.Response, error) {
	if !w.direct(r) {
		return w.transported(r)
	}
	response, err := w.sockets.RoundTrip(r)
	if err != nil && r.URL.Scheme == "https" {
		w.learn(r.URL, false) // it may speak otherwise by now
	}
	return response, err
}

// direct reports whether a request goes over sockets.
func (w *ways) direct(r *http.Request) bool {
	if w.sockets == nil || r.ContentLength > maxDirect || !plainHost(r.URL.Host) {
		return false
	}
	if r.URL.Scheme != "https" {
		return r.URL.Scheme == "http"
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	_, is := w.first[r.URL.Host]
	return is
}

// plainHost reports whether a host is written in ASCII. Others are the transport's to spell.
func plainHost(name string) bool {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return false
		}
	}
	return name != ""
}

// transported sends a request with the transport, and learns from the answer. The transport is not told how to read the body
// again: it would send a POST once more on some broken connections, and always with a header Idempotency-Key.
func (w *ways) transported(r *http.Request) (*http.Response, error) {
	at, _ := r.Context().Deadline()
	ctx, cancel := context.WithDeadline(r.Context(), at)
	var witness witness
	once := r.WithContext(witness.of(ctx, r.URL))
	once.GetBody = nil
	response, err := w.transport.RoundTrip(once)
	if err != nil {
		cancel()
		return nil, witness.cause(err)
	}
	if r.URL.Scheme == "https" && w.sockets != nil {
		w.learn(r.URL, response.ProtoMajor == 1)
	}
	response.Body = endingBody{response.Body, cancel}
	return response, nil
}

// endingBody ends a context with an answer.
type endingBody struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close implements io.Closer.
func (b endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// learn notes what a host speaks over TLS.
func (w *ways) learn(u *url.URL, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !first {
		delete(w.first, u.Host)
		return
	}
	if len(w.first) >= maxFirst {
		clear(w.first)
	}
	w.first[u.Host] = struct{}{}
}

// retire closes all idle connections. Exchanges under way go on, and nobody uses their connections after them.
func (w *ways) retire() {
	w.transport.CloseIdleConnections()
	if w.sockets != nil {
		w.sockets.retire()
	}
}
