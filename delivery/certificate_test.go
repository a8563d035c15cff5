package delivery

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/methods/methodstest"
	"github.com/hookswitch/hookswitch/schemas"
)

// mutualServer takes clients with one of the certificates only, and says who came over how many connections.
type mutualServer struct {
	*httptest.Server
	connections atomic.Int32
	open        atomic.Int32
	names       chan string
}

func serveMutual(t *testing.T, http2 bool, version uint16, clients ...*schemas.ClientCertificate) *mutualServer {
	t.Helper()
	m := &mutualServer{names: make(chan string, 64)}
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.names <- r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	pool := x509.NewCertPool()
	for _, c := range clients {
		pool.AppendCertsFromPEM([]byte(c.Certificate))
	}
	m.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version}
	m.EnableHTTP2 = http2
	m.Config.ErrorLog = log.New(io.Discard, "", 0)
	m.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			m.connections.Add(1)
			m.open.Add(1)
		case http.StateClosed:
			m.open.Add(-1)
		default:
		}
	}
	m.StartTLS()
	t.Cleanup(m.Close)
	return m
}

func TestDeliveriesShowTheirClientCertificate(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		ann, bob, eve := methodstest.ClientPair(t, "ann", time.Now().Add(time.Hour)), methodstest.ClientPair(t, "bob", time.Now().Add(time.Hour)), methodstest.ClientPair(t, "eve", time.Now().Add(time.Hour))
		server := serveMutual(t, http2, tls.VersionTLS13, ann, bob)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		h := newHouse(t, Policy{}, func(h *house) {
			h.options.Dial, h.options.Allow, h.options.Roots = nil, loopback(), roots
		})
		t.Cleanup(h.close)
		w := h.register(&schemas.Webhook{
			Account: 1, Dialect: "test", Endpoint: server.URL, State: schemas.StateActive, Match: schemas.Match{Types: []string{"a"}},
			ClientCertificate: ann,
		})
		connections := int32(1)
		if !http2 {
			connections = 2 // one to learn what is spoken, and one for all the others
		}
		for range 5 { // one after the other
			h.publish(1, "a")
			if name := <-server.names; name != "ann" {
				t.Errorf("%s came", name)
			}
			h.settled(w)
		}
		if n := server.connections.Load(); n != connections {
			t.Errorf("%d connections", n)
		}
		try := func(c *schemas.ClientCertificate) schemas.Attempt {
			t.Helper()
			other := *w
			other.ClientCertificate = c
			got, err := h.engine.Try(t.Context(), &other, testEvent())
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := try(bob); !got.OK || <-server.names != "bob" || server.connections.Load() != connections+1 {
			t.Errorf("got %+v over %d connections", got, server.connections.Load())
		}
		strict := serveMutual(t, http2, tls.VersionTLS12, ann)
		w.Endpoint = strict.URL
		roots.AddCert(strict.Certificate())
		for what, test := range map[string]struct {
			certificate *schemas.ClientCertificate
			kind        schemas.AttemptError
			message     string
		}{
			"none":    {nil, schemas.ErrorTLS, "TLS failed: the endpoint answered \"handshake failure\""},
			"unknown": {eve, schemas.ErrorAuthentication, "the endpoint refused the client certificate: "},
			"expired": {methodstest.ClientPair(t, "old", time.Now().Add(-time.Hour)), schemas.ErrorAuthentication, "the client certificate has expired"},
			"broken":  {&schemas.ClientCertificate{Certificate: "x"}, schemas.ErrorAuthentication, "the client certificate cannot be read"},
		} {
			if got := try(test.certificate); got.OK || got.Error != test.kind || !strings.HasPrefix(got.Message, test.message) {
				t.Errorf("%s: %+v", what, got)
			}
		}
	}
}

func TestConnectionsOfAFormerCertificateAreClosed(t *testing.T) {
	t.Parallel()
	ann, bob := methodstest.ClientPair(t, "ann", time.Now().Add(time.Hour)), methodstest.ClientPair(t, "bob", time.Now().Add(time.Hour))
	server := serveMutual(t, false, tls.VersionTLS13, ann, bob)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	h := newHouse(t, Policy{}, func(h *house) { h.options.Dial, h.options.Allow, h.options.Roots = nil, loopback(), roots })
	defer h.close()
	w := h.register(&schemas.Webhook{
		Account: 1, Dialect: "test", Endpoint: server.URL, State: schemas.StateActive, Match: schemas.Match{Types: []string{"a"}},
		ClientCertificate: ann,
	})
	h.publish(1, "a")
	<-server.names
	h.settled(w)
	closed := func() {
		t.Helper()
		until(t, func() bool { return server.open.Load() == 0 })
	}
	h.amend(w, func(w *schemas.Webhook) { w.ClientCertificate = bob })
	closed()
	h.publish(1, "a")
	if name := <-server.names; name != "bob" {
		t.Errorf("%s came", name)
	}
	h.settled(w)
	h.engine.Forget(w.Account, w.ID, 1<<60)
	closed()
	for i := range maxDestinations + 10 {
		other := &schemas.Webhook{Account: 1, ID: schemas.WebhookID(100 + i), Authentication: oauth2Of("example.com")}
		if _, f := h.engine.destinations.of(other); f != nil {
			t.Fatal(f)
		}
	}
	if n, m := len(h.engine.destinations.byLane), h.engine.destinations.recent.Len(); n != maxDestinations || m != n {
		t.Errorf("%d and %d destinations are kept", n, m)
	}
}

// bigFormat sends the event's data as it is.
type bigFormat struct{ testFormat }

func (bigFormat) Build(job Job) (Request, error) { return Request{Body: job.Due[0].Event.Data}, nil }

// In TLS 1.3 the client sends its request before it is refused, and finds the connection gone before or after it reads why.
func TestARefusedClientCertificateIsNamedUnderTLS13(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		ann, eve := methodstest.ClientPair(t, "ann", time.Now().Add(time.Hour)), methodstest.ClientPair(t, "eve", time.Now().Add(time.Hour))
		server := serveMutual(t, http2, tls.VersionTLS13, ann)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		h := newHouse(t, Policy{}, func(h *house) {
			h.options.Dial, h.options.Allow, h.options.Roots = nil, loopback(), roots
			h.options.Formats = map[string]Format{"test": bigFormat{}}
		})
		t.Cleanup(h.close)
		for what, c := range map[string]struct {
			shown *schemas.ClientCertificate
			want  string
		}{
			"of another authority": {eve, "the endpoint refused the client certificate: unknown certificate authority"},
			"none":                 {nil, "the endpoint refused the client certificate: certificate required"},
		} {
			for i := range 20 {
				event := testEvent()
				event.Data = json.RawMessage(`"` + strings.Repeat("x", 300_000*(i%4)) + `"`)
				w := &schemas.Webhook{Account: 1, ID: 1, Dialect: "test", Endpoint: server.URL, ClientCertificate: c.shown}
				got, err := h.engine.Try(t.Context(), w, event)
				if err != nil || got.Error != schemas.ErrorAuthentication || got.Message != c.want {
					t.Errorf("%s, HTTP/2 %v, %d bytes: %s: %s, %v", what, http2, len(event.Data), got.Error, got.Message, err)
				}
			}
		}
		w := &schemas.Webhook{Account: 1, ID: 2, Dialect: "test", Endpoint: server.URL, ClientCertificate: ann}
		if got, err := h.engine.Try(t.Context(), w, testEvent()); err != nil || !got.OK {
			t.Errorf("the right one: %+v, %v", got, err)
		}
	}
}
