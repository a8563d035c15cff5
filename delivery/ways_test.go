package delivery

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A request says the same over sockets and with a transport, byte for byte.
func TestBothWaysSendTheSameBytes(t *testing.T) {
	t.Parallel()
	raw := make(chan string, 1)
	address := listen(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		var b bytes.Buffer
		request, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &b)))
		if err == nil {
			_, _ = io.Copy(io.Discard, request.Body)
		}
		raw <- b.String()
	})
	for name, r := range map[string]Request{
		"plain":       {Header: http.Header{"Content-Type": {"application/json"}, "webhook-id": {"1"}}, Body: []byte(`{"a":1}`)},
		"no body":     {},
		"own headers": {Header: http.Header{"x-many": {"1", "2"}, "X-Empty": {""}, "Accept": {"*/*"}}, Body: bytes.Repeat([]byte("x"), maxDirect)},
	} {
		for _, path := range []string{"", "/", "/a%2Fb?q=ü&r=%20#part", "//double"} {
			s := testSender(t, nil)
			u := mustURL(t, "http://"+address+path)
			s.send(t.Context(), u, Request{Header: r.Header.Clone(), Body: r.Body}, 5*time.Second)
			direct := <-raw
			s.ways.Load().sockets = nil
			s.send(t.Context(), u, Request{Header: r.Header.Clone(), Body: r.Body}, 5*time.Second)
			if other := <-raw; direct != other || direct == "" {
				t.Errorf("%s, %q: over sockets\n%s\nwith a transport\n%s", name, path, direct, other)
			}
		}
	}
}

// A host is reached over sockets as long as it speaks HTTP/1.1 over TLS, and by the transport when it takes to HTTP/2.
func TestWhatIsSpokenOverTLSIsLearned(t *testing.T) {
	t.Parallel()
	var speaks atomic.Pointer[[]string]
	speaks.Store(&[]string{"http/1.1"})
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{}
	server.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		wanted := *speaks.Load()
		if !slices.Contains(hello.SupportedProtos, wanted[0]) {
			return nil, errors.New("nobody speaks that here")
		}
		c := server.TLS.Clone()
		c.GetConfigForClient, c.NextProtos = nil, wanted
		return c, nil
	}
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s := testSender(t, roots)
	send := func() (protocol string) {
		got := s.send(t.Context(), mustURL(t, server.URL), Request{Body: []byte("x")}, 20*time.Second)
		if got.message != "" {
			return got.message
		}
		return got.body
	}
	for range 4 {
		if protocol := send(); protocol != "HTTP/1.1" {
			t.Errorf("spoke %s", protocol)
		}
	}
	if n := opened.Load(); n != 2 || idleSocket(s) == nil {
		t.Errorf("%d connections, want the transport's and one", n)
	}
	speaks.Store(&[]string{"h2"})
	s.ways.Load().transport.CloseIdleConnections()
	server.CloseClientConnections()
	until(t, func() bool { return !idleSocket(s).alive(time.Time{}) })
	if refused := send(); !strings.HasPrefix(refused, "TLS failed") {
		t.Errorf("a host that speaks HTTP/2 only answered %q", refused)
	}
	for range 2 {
		if protocol := send(); protocol != "HTTP/2.0" {
			t.Errorf("spoke %s", protocol)
		}
	}
	if idleSocket(s) != nil {
		t.Error("a socket is kept")
	}
}

// piped is a network whose every connection is a pipe to a receiver that says a text after each request.
func piped(t testing.TB, says []byte) DialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer func() { _ = there.Close() }()
			in := bufio.NewReader(there)
			if r, err := http.ReadRequest(in); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			_, _ = there.Write(says)
		}()
		return here, nil
	}
}

// FuzzAnswers gives arbitrary answers to both ways, which must make the same of them.
func FuzzAnswers(f *testing.F) {
	for _, text := range []string{
		fine, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nto the end", "HTTP/1.1 103 Hints\r\n\r\n" + fine, "", "HTTP/1.1 200",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nfree", "HTTP/1.1 099 Low\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxResponseHeader) + "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		transport := &http.Transport{DialContext: piped(t, answer), MaxResponseHeaderBytes: maxResponseHeader, DisableCompression: true}
		defer transport.CloseIdleConnections()
		u := mustURL(t, "http://receiver.example/")
		take := func(sockets *sockets) exchanged {
			s := &sender{}
			s.ways.Store(&ways{transport: transport, sockets: sockets})
			return s.send(t.Context(), u, Request{Body: []byte("x")}, 2*time.Second)
		}
		theirs, ours := take(nil), take(newSockets(piped(t, answer), &tls.Config{MinVersion: tls.VersionTLS12}, 1))
		if bytes.Count(answer, []byte("HTTP/")) > 5 || len(answer) > maxResponseHeader/2 {
			return // they count the interim answers and the header in other units
		}
		if theirs.answer.Status == http.StatusSwitchingProtocols {
			theirs.body, theirs.message = "", "" // ours reads nothing of another protocol
		}
		if a, b := brief(theirs), brief(ours); a != b {
			t.Errorf("a transport makes\n%s\nof it, sockets\n%s", a, b)
		}
	})
}

// brief is what an exchange came to, without its times.
func brief(e exchanged) string {
	var header []string
	for name, values := range e.answer.Header {
		header = append(header, fmt.Sprint(name, values))
	}
	slices.Sort(header)
	return fmt.Sprintf("%d %q %q %q %q", e.answer.Status, e.answer.Error, e.message, header, e.body)
}

// counting counts what is written to a connection.
type counting struct {
	net.Conn
	writes *atomic.Int32
}

// Write implements net.Conn.
func (c counting) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// A short request leaves in one piece, and so in one packet, on both ways.
func TestHeaderAndBodyLeaveInOnePiece(t *testing.T) {
	t.Parallel()
	var writes atomic.Int32
	answering := piped(t, []byte(fine))
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := answering(ctx, network, address)
		return counting{conn, &writes}, err
	}
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	for name, sockets := range map[string]*sockets{"a transport": nil, "sockets": newSockets(dial, &tls.Config{MinVersion: tls.VersionTLS12}, 1)} {
		s := &sender{}
		s.ways.Store(&ways{transport: transport, sockets: sockets})
		writes.Store(0)
		got := s.send(t.Context(), mustURL(t, "http://receiver.example/"), Request{Body: bytes.Repeat([]byte("x"), 2000)}, time.Minute)
		if n := writes.Load(); got.answer.Status != 200 || n != 1 {
			t.Errorf("%s: %d writes, %d %s", name, n, got.answer.Status, got.message)
		}
	}
}
