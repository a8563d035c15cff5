package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// Bounds of one exchange and of the pool of connections.
const (
	maxResponseHeader = 64 << 10  // bytes of the answer's header; more is a protocol error
	maxDrain          = 128 << 10 // bytes read past what is kept, so that the connection can be used again
	maxIdleConns      = 8192      // over all endpoints; a pool smaller than the number of live ones means a storm of connects
	minIdlePerHost    = 32
	idleConnTimeout   = 90 * time.Second
)

// sender makes HTTP exchanges: one POST, one answer, no redirects, nothing sent twice (but see [sockets.RoundTrip]).
type sender struct {
	ways      atomic.Pointer[ways]
	userAgent string
}

// newSender tunes a transport for many endpoints. lane is the usual number of exchanges at once with one of them.
func newSender(d *dialler, userAgent string, lane int, roots *x509.CertPool) *sender {
	s := &sender{userAgent: userAgent}
	s.ways.Store(newWays(&http.Transport{
		Proxy:                  nil, // never from the environment: a proxy would undo the guard
		DialContext:            d.connect,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    max(lane, minIdlePerHost),
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true, // what is kept of an answer is what was sent
	}, d.kernel))
	return s
}

func (s *sender) close() { s.ways.Load().retire() }

// with is a sender that shows a client certificate. It always does, whatever authorities the endpoint names as its own: an
// endpoint that does not take it says so better than one that gets none.
func (s *sender) with(certificate *tls.Certificate) *sender {
	mine := s.ways.Load()
	transport := mine.transport.Clone()
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	other := &sender{userAgent: s.userAgent}
	other.ways.Store(newWays(transport, mine.sockets != nil))
	return other
}

// RoundTrip makes other requests than deliveries, under the same guard.
func (s *sender) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", s.userAgent)
	return s.ways.Load().transport.RoundTrip(r)
}

// renew has every exchange from now on dial anew. Those under way end on their old connections, which nobody uses again.
func (s *sender) renew() {
	old := s.ways.Load()
	s.ways.Store(newWays(old.transport.Clone(), old.sockets != nil))
	old.retire()
}

// exchanged is what came of one exchange.
type exchanged struct {
	answer Answer
	sent   http.Header // as sent
	size   int         // of the body sent
	sum    uint32      // of it; see sumOf
	body   string      // of the answer, its first schemas.MaxResponseBody bytes
	// credential is what the header Authorization said after its scheme, for being masked; "" without authentication.
	credential string
	message    string // one sentence when there is no answer, or it broke off
	started    time.Time
	duration   time.Duration
}

// send posts a request, whose header is its own from then on, and reads the answer. The whole takes at most timeout.
//
// An answer counts from its header on: when only its body breaks off or comes too late, the status still says what the
// receiver did with the delivery.
func (s *sender) send(ctx context.Context, endpoint *url.URL, r Request, timeout time.Duration) (got exchanged) {
	got = exchanged{started: time.Now(), sent: s.header(r.Header)}
	defer func() {
		got.duration = time.Since(got.started)
		got.answer.Now = got.started.Add(got.duration)
	}()
	if !sendable(got.sent) {
		got.fail(&failure{schemas.ErrorFormat, "a header of the delivery cannot be sent"})
		return got
	}
	response, err := s.ways.Load().RoundTrip(s.request(timed{ctx, got.started.Add(timeout)}, endpoint, got.sent, r.Body))
	if err != nil {
		got.fail(exchangeFailure(err))
		return got
	}
	defer func() { _ = response.Body.Close() }()
	got.answer.Status, got.answer.Header = response.StatusCode, response.Header
	if response.ContentLength == 0 {
		return got
	}
	kept, err := io.ReadAll(io.LimitReader(response.Body, schemas.MaxResponseBody))
	if err == nil {
		_, err = io.CopyN(io.Discard, response.Body, maxDrain)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		got.message = "the answer's body broke off or took too long"
	}
	got.body = strings.ToValidUTF8(string(kept), "\uFFFD")
	return got
}

func (e *exchanged) fail(f *failure) {
	e.answer.Error, e.message = f.kind, f.text
}

// request is made by hand, of a URL that is parsed. Its body is of a kind that net/http knows to be in memory and sends along with
// the header, and GetBody gives it again.
func (s *sender) request(ctx context.Context, endpoint *url.URL, header http.Header, body []byte) *http.Request {
	r := &http.Request{
		Method: http.MethodPost, URL: endpoint, Host: endpoint.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, ContentLength: int64(len(body)),
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return r.WithContext(ctx)
}

// connectionHeaders belong to the connection, and are net/http's to set.
var connectionHeaders = []string{
	"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// header takes what belongs to the connection out of h, and adds the User-Agent unless there is one.
func (s *sender) header(h http.Header) http.Header {
	if h == nil {
		h = http.Header{}
	}
	named := false
	for name := range h {
		switch {
		case slices.ContainsFunc(connectionHeaders, func(theirs string) bool { return strings.EqualFold(theirs, name) }):
			delete(h, name)
		case strings.EqualFold(name, "User-Agent"):
			named = true
		}
	}
	if _, canonical := h["User-Agent"]; !canonical {
		h["User-Agent"] = nil // keeps net/http from adding its own beside another spelling
		if !named {
			h["User-Agent"] = []string{s.userAgent}
		}
	}
	return h
}

// sendable reports whether HTTP allows the names and values of a header (RFC 9110, 5.1 and 5.5).
func sendable(h http.Header) bool {
	foreign := func(r rune) bool { return !isTokenRune(r) }
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	for name, values := range h {
		if name == "" || strings.ContainsFunc(name, foreign) {
			return false
		}
		if slices.ContainsFunc(values, func(v string) bool { return strings.ContainsFunc(v, control) }) {
			return false
		}
	}
	return true
}
