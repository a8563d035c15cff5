package delivery

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// loopback is what tests allow.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func testSender(t *testing.T, roots *x509.CertPool) *sender {
	t.Helper()
	s := newSender(newDialler(newGuard(loopback()), nil, nil), "Hookswitch/test", 8, roots)
	t.Cleanup(s.close)
	return s
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSenderSendsHeadersAsSpelledAndOnlyOnce(t *testing.T) {
	t.Parallel()
	raw := make(chan string, 2)
	listener := listen(t, func(conn net.Conn) {
		b := make([]byte, 4096)
		n, _ := conn.Read(b)
		raw <- string(b[:n])
		_ = conn.Close() // no answer: net/http would send a replayable request again
	})
	got := testSender(t, nil).send(t.Context(), mustURL(t, "http://"+listener+"/path?q=1"), Request{
		Header: http.Header{
			"x-lower": {"1"}, "X-UPPER": {"2"}, "Idempotency-Key": {"k"}, "host": {"evil.example"}, "content-length": {"999"},
			"user-agent": {"mine"},
		},
		Body: []byte("body"),
	}, 5*time.Second)
	if got.answer.Error != schemas.ErrorProtocol || got.answer.Status != 0 {
		t.Errorf("the answer is %+v", got.answer)
	}
	text := <-raw
	for _, line := range []string{"POST /path?q=1 HTTP/1.1\r\n", "x-lower: 1\r\n", "X-UPPER: 2\r\n", "Content-Length: 4\r\n", "user-agent: mine\r\n", "\r\n\r\nbody"} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	if strings.Contains(text, "evil") || strings.Contains(text, "999") || strings.Contains(text, "Go-http-client") {
		t.Errorf("a header that is the sender's own was taken over:\n%s", text)
	}
	select {
	case again := <-raw:
		t.Errorf("sent twice:\n%s", again)
	default:
	}
}

// listen serves connections with handle and returns the address.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { handle(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

func TestSenderDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer target.Close()
	server := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	got := testSender(t, nil).send(t.Context(), mustURL(t, server.URL), Request{}, 5*time.Second)
	if got.answer.Status != 307 || hits.Load() != 0 {
		t.Errorf("status %d, the target was called %d times", got.answer.Status, hits.Load())
	}
}

func TestSenderKeepsTheBeginningOfALongAnswer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 { // 4 MiB
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	got := testSender(t, nil).send(t.Context(), mustURL(t, server.URL), Request{}, 5*time.Second)
	if got.answer.Status != 200 || len(got.body) != schemas.MaxResponseBody || got.message != "" {
		t.Errorf("status %d, %d bytes kept, %q", got.answer.Status, len(got.body), got.message)
	}
}

func TestSenderNamesWhatWentWrong(t *testing.T) {
	t.Parallel()
	closed := func() string {
		l, _ := net.Listen("tcp", "127.0.0.1:0")
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	garbage := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "SSH-2.0-nothing\r\n\r\n")
		_ = c.Close()
	})
	large := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 100<<10)+"\r\n\r\n")
		_ = c.Close()
	})
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
	for name, c := range map[string]struct {
		endpoint string
		roots    *x509.CertPool
		header   http.Header
		timeout  time.Duration // 0: long enough
		want     schemas.AttemptError
	}{
		"private address":   {endpoint: "http://10.1.2.3/secret", want: schemas.ErrorRefused},
		"metadata":          {endpoint: "http://169.254.169.254/latest/secret", want: schemas.ErrorRefused},
		"unspecified":       {endpoint: "http://0.0.0.0:80/secret", want: schemas.ErrorRefused},
		"unknown host":      {endpoint: "http://no-such-host.invalid/secret", want: schemas.ErrorDNS},
		"nobody listens":    {endpoint: "http://" + closed + "/secret", want: schemas.ErrorConnect},
		"unknown authority": {endpoint: secure.URL + "/secret", want: schemas.ErrorTLS},
		"other host":        {endpoint: strings.Replace(secure.URL, "127.0.0.1", "localhost", 1) + "/secret", roots: roots, want: schemas.ErrorTLS},
		"no TLS":            {endpoint: "https://" + garbage + "/secret", want: schemas.ErrorTLS},
		"no HTTP":           {endpoint: "http://" + garbage + "/secret", want: schemas.ErrorProtocol},
		"large header":      {endpoint: "http://" + large + "/secret", want: schemas.ErrorProtocol},
		"silence":           {endpoint: "http://" + silent + "/secret", timeout: 100 * time.Millisecond, want: schemas.ErrorTimeout},
		"bad header":        {endpoint: "http://" + silent + "/secret", header: http.Header{"X": {"a\r\nb"}}, want: schemas.ErrorFormat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := mustURL(t, c.endpoint)
			got := testSender(t, c.roots).send(t.Context(), u, Request{Header: c.header, Body: []byte("x")}, cmp.Or(c.timeout, 20*time.Second))
			if got.answer.Error != c.want || got.answer.Status != 0 {
				t.Errorf("got %q (%s), want %q", got.answer.Error, got.message, c.want)
			}
			if got.message == "" || strings.Contains(got.message, "secret") || strings.Contains(got.message, u.Hostname()) {
				t.Errorf("the message is %q", got.message)
			}
		})
	}
}

func TestSenderVerifiesAndReusesTLSConnections(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s := testSender(t, roots)
	for range 5 {
		if got := s.send(t.Context(), mustURL(t, server.URL), Request{Body: []byte("x")}, 5*time.Second); got.answer.Status != 200 {
			t.Fatalf("no answer: %s", got.message)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	if tr := s.ways.Load().transport; tr.TLSClientConfig.MinVersion < tls.VersionTLS12 || tr.Proxy != nil {
		t.Error("the transport is not as strict as it should be")
	}
}

// answers resolves every name to a list of addresses, a new one at each look.
type answers struct{ left [][]netip.Addr }

func (a *answers) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if len(a.left) == 0 {
		return nil, errors.New("no more answers")
	}
	next := a.left[0]
	a.left = a.left[1:]
	return next, nil
}

func TestDiallerConnectsToTheAddressItChecked(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr
	var dialled []string
	dial := func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		if strings.HasPrefix(address, "8.8.8.8") {
			return nil, errors.New("down")
		}
		a, b := net.Pipe()
		_ = b.Close()
		return a, nil
	}
	resolver := &answers{left: [][]netip.Addr{
		{addr("10.0.0.1"), addr("::ffff:8.8.8.8"), addr("1.1.1.1")},
		{addr("10.0.0.1"), addr("fd00::1")}, // the name was rebound
		{},
	}}
	d := newDialler(newGuard(nil), resolver, dial)
	conn, err := d.connect(t.Context(), "tcp", "rebound.example:443")
	if err != nil || strings.Join(dialled, " ") != "8.8.8.8:443 1.1.1.1:443" {
		t.Fatalf("dialled %v, %v", dialled, err)
	}
	_ = conn.Close()
	for _, want := range []schemas.AttemptError{schemas.ErrorRefused, schemas.ErrorDNS, schemas.ErrorDNS} {
		_, err = d.connect(t.Context(), "tcp", "rebound.example:443")
		if f, ok := errors.AsType[*failure](err); !ok || f.kind != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if len(dialled) != 2 {
		t.Errorf("a refused address was dialled: %v", dialled)
	}
	if err := d.control(t.Context(), "tcp4", "127.0.0.1:80", nil); err == nil {
		t.Error("the check at the socket lets loopback pass")
	}
}

func TestSlowBodyDoesNotTurnASuccessIntoAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNet()
		network.serve("93.184.216.34:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "so far")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		defer network.close()
		s := newSender(newDialler(newGuard(nil), nil, network.dial), "test", 8, nil)
		got := s.send(t.Context(), mustURL(t, "http://93.184.216.34/"), Request{}, 15*time.Second)
		if got.answer.Status != 202 || got.body != "so far" || got.message == "" || got.duration != 15*time.Second {
			t.Errorf("got %+v", got)
		}
		s.close()
	})
}
