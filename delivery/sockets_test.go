package delivery

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// scripted is a receiver that answers its connections' requests in turn, and then does with the connection what end says.
type scripted struct {
	answers []string
	end     func(net.Conn)
	opened  atomic.Int32
}

// serve answers each connection's requests. It waits for the other side to close unless end is set.
func (s *scripted) serve(t *testing.T) string {
	return listen(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		s.opened.Add(1)
		in := bufio.NewReader(conn)
		for _, answer := range s.answers {
			r, err := http.ReadRequest(in)
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, answer)
		}
		if s.end != nil {
			s.end(conn)
			return
		}
		_, _ = io.Copy(io.Discard, in)
	})
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// What the first answer says of the connection decides whether the second exchange uses it again.
func TestAConnectionIsUsedAgainOnlyAfterACleanAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		status int
		body   string
		again  bool
	}{
		"a length":                 {fine, 200, "ok", true},
		"nothing":                  {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
		"no content":               {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		"not modified":             {"HTTP/1.1 304 Not Modified\r\n\r\n", 304, "", true},
		"chunks":                   {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", 201, "abc", true},
		"a trailer":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\nX: 1\r\n\r\n", 200, "a", true},
		"an interim answer before": {"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + fine, 200, "ok", true},
		"the end is announced":     {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
		"HTTP/1.0":                 {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
		"HTTP/1.0, kept":           {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, "ok", true},
		"another answer at once":   {fine + "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 200, "ok", false},
		"a blank line too many":    {fine + "\r\n", 200, "ok", false},
		"another protocol":         {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101, "", false},
		"too long to read":         {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000000), 200, strings.Repeat("x", schemas.MaxResponseBody), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := &scripted{answers: []string{c.answer, fine}}
			u := mustURL(t, "http://"+receiver.serve(t))
			s := testSender(t, nil)
			defer s.close() // or the receiver waits for ever
			if got := s.send(t.Context(), u, Request{Body: []byte("1")}, 5*time.Second); got.answer.Status != c.status || got.body != c.body || got.message != "" {
				t.Errorf("got %d %.100q %q", got.answer.Status, got.body, got.message)
			}
			s.send(t.Context(), u, Request{Body: []byte("2")}, 5*time.Second)
			if n := receiver.opened.Load(); (n == 1) != c.again {
				t.Errorf("two exchanges took %d connections", n)
			}
		})
	}
}

// Whatever a receiver does with an idle connection, the next delivery is not lost on it, nor is anything of it taken for the answer.
func TestAnIdleConnectionThatIsNotSilentIsLeft(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(net.Conn){
		"closed": func(net.Conn) {},
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"an answer nobody asked for": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := &scripted{answers: []string{fine}}
			ended := make(chan struct{}, 1)
			receiver.end = func(c net.Conn) {
				if receiver.opened.Load() == 1 {
					end(c)
					ended <- struct{}{}
				}
			}
			u := mustURL(t, "http://"+receiver.serve(t))
			s := testSender(t, nil)
			defer s.close()
			for i := range int32(2) {
				if got := s.send(t.Context(), u, Request{Body: []byte("1")}, 5*time.Second); got.answer.Status != 200 {
					t.Errorf("got %d %q", got.answer.Status, got.message)
				}
				if n := receiver.opened.Load(); n != i+1 {
					t.Errorf("%d connections after %d exchanges", n, i+1)
				}
				if i == 0 && name != "an answer nobody asked for" {
					<-ended
				}
				until(t, func() bool { return i > 0 || idleSocket(s) == nil || !idleSocket(s).alive(time.Time{}) })
			}
		})
	}
}

// idleSocket is a sender's only idle connection.
func idleSocket(s *sender) *socket {
	all := s.ways.Load().sockets
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, list := range all.idle {
		if len(list) == 1 && len(all.idle) == 1 {
			return list[0]
		}
	}
	return nil
}

func TestIdleConnectionsAreSweptAndBounded(t *testing.T) {
	t.Parallel()
	const perHost = minIdlePerHost
	hold := make(chan struct{})
	var arrived sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		<-hold
	}))
	defer server.Close()
	s := testSender(t, nil)
	all := s.ways.Load().sockets
	kept := func() (n, counted int) {
		all.mu.Lock()
		defer all.mu.Unlock()
		for _, list := range all.idle {
			n += len(list)
		}
		return n, all.kept
	}
	var sends sync.WaitGroup
	arrived.Add(perHost + 5)
	for range perHost + 5 {
		sends.Go(func() { s.send(t.Context(), mustURL(t, server.URL), Request{}, 20*time.Second) })
	}
	arrived.Wait() // at once, so each over its own connection
	close(hold)
	sends.Wait()
	if n, counted := kept(); n != perHost || counted != n {
		t.Errorf("%d connections are kept and %d counted, want %d", n, counted, perHost)
	}
	all.mu.Lock()
	all.idle[hostOf(mustURL(t, server.URL))][3].since = time.Now().Add(-idleConnTimeout)
	all.mu.Unlock()
	all.sweep()
	if n, counted := kept(); n != perHost-1 || counted != n {
		t.Errorf("%d connections are left and %d counted when one was old", n, counted)
	}
	server.CloseClientConnections()
	until(t, func() bool {
		all.sweep()
		n, counted := kept()
		return n == 0 && counted == 0
	})
	if len(all.idle) != 0 {
		t.Errorf("hosts without connections are kept: %v", all.idle)
	}
}

func TestRenewedSendersUseNoConnectionFromBefore(t *testing.T) {
	t.Parallel()
	hold, arrived := make(chan struct{}), make(chan struct{})
	var opened, open atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			arrived <- struct{}{}
			<-hold
		}
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	defer server.Close()
	s := testSender(t, nil)
	send := func(path string) {
		if got := s.send(t.Context(), mustURL(t, server.URL+path), Request{}, 20*time.Second); got.answer.Status != 200 {
			t.Errorf("%s: %s", path, got.message)
		}
	}
	send("/")
	var held sync.WaitGroup
	held.Go(func() { send("/held") })
	<-arrived // over the connection of before
	send("/")
	s.renew()
	close(hold)
	held.Wait()
	until(t, func() bool { return open.Load() == 0 })
	if n := opened.Load(); n != 2 {
		t.Errorf("%d connections before", n)
	}
	send("/")
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections in all", n)
	}
}

// A receiver that has seen enough may answer before it has read a short request, and read no more of it.
func TestAnEarlyAnswerIsHeard(t *testing.T) {
	t.Parallel()
	heard := make(chan struct{})
	address := listen(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		_, _ = conn.Read(make([]byte, 1))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
		<-heard
	})
	s := testSender(t, nil)
	got := s.send(t.Context(), mustURL(t, "http://"+address), Request{Body: bytes.Repeat([]byte("x"), maxDirect)}, 20*time.Second)
	close(heard)
	if got.answer.Status != 413 {
		t.Errorf("got %d %q", got.answer.Status, got.message)
	}
	s.close()
	if c := idleSocket(s); c != nil {
		t.Error("a connection is kept after close")
	}
}

func TestACancelledExchangeEndsAtOnce(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	address := listen(t, func(conn net.Conn) {
		readRequest(conn)
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	s := testSender(t, nil)
	got := s.send(ctx, mustURL(t, "http://"+address), Request{Body: []byte("x")}, time.Hour)
	if got.answer.Error != schemas.ErrorTimeout || got.message != "the server stopped before the endpoint answered" {
		t.Errorf("got %q %q", got.answer.Error, got.message)
	}
}
