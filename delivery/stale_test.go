package delivery

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// gathering is a connection that writes in one piece, on letGo, what comes after hold.
type gathering struct {
	net.Conn
	held *bytes.Buffer // nil: it holds nothing back
}

func (c *gathering) hold() { c.held = &bytes.Buffer{} }

// Write implements net.Conn.
func (c *gathering) Write(b []byte) (int, error) {
	if c.held != nil {
		return c.held.Write(b)
	}
	return c.Conn.Write(b)
}

func (c *gathering) letGo() {
	_ = c.SetWriteDeadline(time.Time{}) // which the end of TLS has set
	_, _ = c.Conn.Write(c.held.Bytes())
}

// certified is a certificate for 127.0.0.1 and those who trust it.
func certified(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
}

// A receiver that closes TLS in one piece with its answer, and leaves the connection below open, has closed all the same.
func TestTheEndOfTLSThatCameWithTheAnswerIsHeard(t *testing.T) {
	t.Parallel()
	certificate, roots := certified(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var opened, requests atomic.Int32
		address := listen(t, func(conn net.Conn) {
			defer func() { _ = conn.Close() }()
			opened.Add(1)
			below := &gathering{Conn: conn}
			over := tls.Server(below, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: version, MaxVersion: version})
			in := bufio.NewReader(over)
			r, err := http.ReadRequest(in)
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			if err != nil {
				return
			}
			requests.Add(1)
			below.hold()
			_, _ = io.WriteString(over, fine)
			_ = over.CloseWrite()
			below.letGo()
			_, _ = io.Copy(io.Discard, conn)
		})
		s := testSender(t, roots)
		for range 6 {
			got := s.send(t.Context(), mustURL(t, "https://"+address), Request{Body: []byte("x")}, 20*time.Second)
			if got.answer.Status != 200 {
				t.Errorf("got %d %q", got.answer.Status, got.message)
			}
			if c := idleSocket(s); c != nil && c.alive(time.Time{}) {
				t.Error("a connection that was closed passes for a living one")
			}
		}
		if opened.Load() != 6 || requests.Load() != 6 {
			t.Errorf("6 exchanges took %d connections, and %d requests came", opened.Load(), requests.Load())
		}
		s.close()
	}
}

// When a kept connection turns out to be closed, the request goes over a new one; but not when its answer has begun.
func TestARequestOnAConnectionThatIsGoneIsSentAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last     string // what the second request on a connection gets before that is closed
		status   int
		message  string
		requests int32
	}{
		"without an answer":   {"", 200, "", 3},
		"within the header":   {"HTTP/1.1 200 O", 0, "the connection broke off before the answer was complete", 2},
		"something different": {"what?\r\n\r\n", 0, "the answer is not HTTP", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			address := listen(t, func(conn net.Conn) {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				for _, answer := range []string{fine, c.last} {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					if body, err := io.ReadAll(r.Body); err != nil || string(body) != "body" {
						t.Errorf("got %q, %v", body, err)
					}
					requests.Add(1)
					_, _ = io.WriteString(conn, answer)
				}
			})
			s := testSender(t, nil)
			defer s.close()
			var got exchanged
			for range 2 {
				got = s.send(t.Context(), mustURL(t, "http://"+address), Request{Body: []byte("body")}, 20*time.Second)
			}
			if got.answer.Status != c.status || got.message != c.message || requests.Load() != c.requests {
				t.Errorf("got %d %q, %d requests came", got.answer.Status, got.message, requests.Load())
			}
		})
	}
}

// A handshake that breaks off is a failure of TLS, on the first connection and on later ones.
func TestAHandshakeThatBreaksOffIsAFailureOfTLS(t *testing.T) {
	t.Parallel()
	certificate, roots := certified(t)
	var closes atomic.Bool
	closes.Store(true)
	address := listen(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		if closes.Load() {
			_, _ = conn.Read(make([]byte, 10))
			return
		}
		over := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
		_, _ = http.ReadRequest(bufio.NewReader(over))
		_, _ = io.WriteString(over, strings.Replace(fine, "\r\n", "\r\nConnection: close\r\n", 1))
	})
	s := testSender(t, roots)
	send := func() exchanged {
		return s.send(t.Context(), mustURL(t, "https://"+address), Request{Body: []byte("x")}, 20*time.Second)
	}
	for _, by := range []string{"the transport", "a socket"} {
		if got := send(); got.answer.Error != schemas.ErrorTLS || got.message != "TLS failed: the connection broke off in the handshake" {
			t.Errorf("by %s: %q %q", by, got.answer.Error, got.message)
		}
		closes.Store(false)
		if got := send(); got.answer.Status != 200 { // so that it is known to speak HTTP/1.1
			t.Errorf("by %s: %q", by, got.message)
		}
		closes.Store(true)
	}
}
