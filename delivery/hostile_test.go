package delivery

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// readRequest reads a request to its end and returns it.
func readRequest(c net.Conn) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		return &http.Request{}
	}
	return r
}

// flood writes what next makes until the other side hangs up or it has written far more than anybody should take.
func flood(c net.Conn, next func() string) (written int64) {
	for written < 256<<20 {
		n, err := io.WriteString(c, next())
		written += int64(n)
		if err != nil {
			break
		}
	}
	return written
}

// maxTaken is the most that a receiver may get rid of when it answers without end: what is read of an answer at most, and
// what the two kernels hold.
const maxTaken = 32 << 20

// TestHostileReceivers gives each an exchange over a real socket: it ends in time, keeps a bounded part of what was sent, takes no
// more off the connection than that, and says in one sentence what happened.
func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	const (
		brief      = 2 * time.Second // real sockets have no fake clock
		brokenOff  = "the connection broke off before the answer was complete"
		brokenBody = "the answer's body broke off or took too long"
	)
	bomb := gzipBomb(t, 8<<20)
	for name, c := range map[string]struct {
		answer  func(c net.Conn) (written int64)
		timeout time.Duration
		status  int
		fault   schemas.AttemptError
		message string
	}{
		"header, a byte at a time": {timeout: brief, fault: schemas.ErrorTimeout, message: "the endpoint did not answer in time",
			answer: func(c net.Conn) int64 {
				readRequest(c)
				return drip(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 10000))
			}},
		"body, a byte at a time": {timeout: brief, status: 200, message: brokenBody,
			answer: func(c net.Conn) int64 {
				readRequest(c)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
				return drip(c, strings.Repeat("a", 10000))
			}},
		"request read never": {timeout: brief, fault: schemas.ErrorTimeout, message: "the endpoint did not answer in time",
			answer: func(c net.Conn) int64 {
				time.Sleep(brief + brief/4)
				return 0
			}},
		"endless body": {status: 200, answer: func(c net.Conn) int64 {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			return flood(c, func() string { return strings.Repeat("x", 64<<10) })
		}},
		"endless chunks": {status: 200, answer: func(c net.Conn) int64 {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			return flood(c, func() string { return strings.Repeat("1\r\nx\r\n", 10000) })
		}},
		"endless extension of a chunk": {status: 200, message: brokenBody, answer: func(c net.Conn) int64 {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
			return flood(c, func() string { return strings.Repeat("x", 64<<10) })
		}},
		"endless trailer": {status: 200, message: brokenBody, answer: func(c net.Conn) int64 {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
			return flood(c, func() string { return "X: " + strings.Repeat("x", 1000) + "\r\n" })
		}},
		"endless header": {fault: schemas.ErrorProtocol, message: "the answer's header is too large", answer: func(c net.Conn) int64 {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			return flood(c, func() string { return "X: " + strings.Repeat("x", 1000) + "\r\n" })
		}},
		"endless status line": {fault: schemas.ErrorProtocol, message: "the answer's header is too large", answer: func(c net.Conn) int64 {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 ")
			return flood(c, func() string { return strings.Repeat("x", 64<<10) })
		}},
		"endless interim answers": {fault: schemas.ErrorProtocol, answer: func(c net.Conn) int64 {
			readRequest(c)
			return flood(c, func() string { return "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n" })
		}},
		"gzip bomb": {status: 200, answer: func(c net.Conn) int64 {
			if r := readRequest(c); r.Header.Get("Accept-Encoding") != "" {
				return maxTaken + 1 // nobody asked for it
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
			_, _ = c.Write(bomb)
			return 0
		}},
		"answer before the request is read": {status: 413, answer: func(c net.Conn) int64 {
			_, _ = c.Read(make([]byte, 1))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			readRequest(c)
			return 0
		}},
		"two answers":              {status: 200, answer: says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")},
		"closed at once":           {fault: schemas.ErrorProtocol, message: brokenOff, answer: says("")},
		"closed within the header": {fault: schemas.ErrorProtocol, message: brokenOff, answer: says("HTTP/1.1 200 OK\r\nX: ")},
		"closed within the body":   {status: 200, message: brokenBody, answer: says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")},
		"reset": {fault: schemas.ErrorProtocol, message: brokenOff,
			answer: func(c net.Conn) int64 {
				readRequest(c)
				_ = c.(*net.TCPConn).SetLinger(0)
				return 0
			}},
		"HTTP/0.9":                  {fault: schemas.ErrorProtocol, message: "the answer is not HTTP", answer: says("<html>it works</html>\r\n\r\n")},
		"binary":                    {fault: schemas.ErrorProtocol, message: "the answer is not HTTP", answer: says(strings.Repeat("\x00\xff\n", 100))},
		"no status":                 {fault: schemas.ErrorProtocol, message: "the answer is not HTTP", answer: says("HTTP/1.1 -1 what\r\n\r\n")},
		"two lengths":               {fault: schemas.ErrorProtocol, message: "the answer is not HTTP", answer: says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
		"protocol nobody asked for": {status: 101, answer: says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")},
	} {
		for _, size := range []int{1 << 20, 1 << 10} { // with a transport, and over a socket of ours
			t.Run(fmt.Sprintf("%s, %d bytes", name, size), func(t *testing.T) {
				t.Parallel()
				var written atomic.Int64
				address := listen(t, func(conn net.Conn) {
					written.Store(c.answer(conn))
					_ = conn.Close()
				})
				timeout := c.timeout
				if timeout == 0 {
					timeout = 20 * time.Second
				}
				s := testSender(t, nil)
				got := s.send(t.Context(), mustURL(t, "http://"+address+"/"), Request{Body: bytes.Repeat([]byte("x"), size)}, timeout)
				s.close()
				if got.answer.Status != c.status || got.answer.Error != c.fault {
					t.Errorf("status %d, error %q: %s", got.answer.Status, got.answer.Error, got.message)
				}
				if c.message != "" && got.message != c.message || c.fault == schemas.ErrorNone && c.message == "" && got.message != "" {
					t.Errorf("the message is %q, want %q", got.message, c.message)
				}
				if len(got.body) > 3*schemas.MaxResponseBody || len(got.body) > 0 && c.status == 0 {
					t.Errorf("%d bytes of the body are kept", len(got.body))
				}
				if c.timeout > 0 && got.duration > 10*c.timeout {
					t.Errorf("it took %s", got.duration)
				}
				if n := written.Load(); n > maxTaken {
					t.Errorf("it could send %d bytes", n)
				}
			})
		}
	}
}

// says answers with a text.
func says(text string) func(net.Conn) int64 {
	return func(c net.Conn) int64 {
		readRequest(c)
		_, _ = io.WriteString(c, text)
		return 0
	}
}

// drip writes a text a byte at a time, until the other side hangs up.
func drip(c net.Conn, text string) (written int64) {
	for i := range text {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			break
		}
		written++
		time.Sleep(5 * time.Millisecond)
	}
	return written
}

// gzipBomb is n bytes of nothing, compressed.
func gzipBomb(t *testing.T, n int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}
