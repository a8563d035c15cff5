package rpc_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The benchmarks report a ratio: our calls per second over those of a yardstick, which answers a fixed text over the
// same transport from the same process, in turns with ours. The load comes over raw TCP connections, by code that
// allocates nothing, so that the ratio is that of the servers. 1 would mean that JSON-RPC costs nothing.

const (
	benchConns = 8
	benchTurns = 10
	benchPing  = `{"jsonrpc":"2.0","method":"ping","params":["hello world"],"id":1}`
	benchPong  = `{"jsonrpc":"2.0","result":"pong","id":1}`
)

// exchange sends one request over a connection and reads its answer.
type exchange struct {
	conn    net.Conn
	request []byte
	answer  int // length of every answer; they are all alike
	buf     []byte
}

func (e *exchange) once() error {
	if _, err := e.conn.Write(e.request); err != nil {
		return err
	}
	_, err := io.ReadFull(e.conn, e.buf[:e.answer])
	return err
}

// load is connections to one server.
type load []*exchange

// run makes n exchanges, spread over the connections, and returns how long they took.
func (l load) run(b *testing.B, n int) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for _, e := range l {
		wg.Go(func() {
			for range max(n/len(l), 1) {
				if err := e.once(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// compare runs ours and the yardstick in turns.
func compare(b *testing.B, ours, yardstick load) {
	ours.run(b, 1000)
	yardstick.run(b, 1000)
	var took, base time.Duration
	rounds := min(b.N, benchTurns)
	b.ReportAllocs()
	b.ResetTimer()
	for range rounds {
		took += ours.run(b, b.N/rounds)
		b.StopTimer()
		base += yardstick.run(b, b.N/rounds)
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(base.Seconds()/took.Seconds(), "ratio")
}

// connect opens connections to a server and makes one exchange on each to learn how long an answer is.
func connect(b *testing.B, addr string, open func(conn net.Conn) (request []byte)) load {
	b.Helper()
	var l load
	for range benchConns {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		e := &exchange{conn: conn, buf: make([]byte, 4096), request: open(conn)}
		if _, err := conn.Write(e.request); err != nil {
			b.Fatal(err)
		}
		for !bytes.Contains(e.buf[:e.answer], []byte("pong")) || e.buf[e.answer-1] != '}' {
			n, err := conn.Read(e.buf[e.answer:])
			if err != nil {
				b.Fatal(err)
			}
			e.answer += n
		}
		l = append(l, e)
	}
	return l
}

// start serves a handler and returns its address.
func start(b *testing.B, h http.Handler) string {
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func BenchmarkRatioPingHTTP(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, benchPong)
	})
	open := func(net.Conn) []byte {
		return fmt.Appendf(nil, "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\n\r\n%s", len(benchPing), benchPing)
	}
	ours := connect(b, start(b, newServer(b, testOptions(nil))), open)
	compare(b, ours, connect(b, start(b, bare), open))
}

func BenchmarkRatioPingWebSocket(b *testing.B) {
	upgrader := websocket.Upgrader{}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, _, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if err := conn.WriteMessage(kind, []byte(benchPong)); err != nil {
				return
			}
		}
	})
	open := func(conn net.Conn) []byte {
		shakeHands(b, conn)
		return maskedFrame(benchPing)
	}
	ours := connect(b, start(b, newServer(b, testOptions(nil))), open)
	compare(b, ours, connect(b, start(b, echo), open))
}

// shakeHands upgrades a connection by hand, so that no client library stands between the load and the wire.
func shakeHands(b *testing.B, conn net.Conn) {
	var key [16]byte
	rand.Read(key[:])
	fmt.Fprintf(conn, "GET /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", base64.StdEncoding.EncodeToString(key[:]))
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		if _, err := conn.Read(one); err != nil {
			b.Fatal(err)
		}
	}
}

// maskedFrame is a text frame as a client sends it, masked with zeros.
func maskedFrame(text string) []byte {
	frame := []byte{0x81}
	if len(text) < 126 {
		frame = append(frame, 0x80|byte(len(text)))
	} else {
		frame = append(frame, 0x80|126, byte(len(text)>>8), byte(len(text)))
	}
	return append(append(frame, 0, 0, 0, 0), text...)
}

// BenchmarkIdleSocket reports what an idle WebSocket costs, the bare TCP connection at the other end included.
func BenchmarkIdleSocket(b *testing.B) {
	options := testOptions(nil)
	options.Limits.Sockets = 1 << 20
	addr := start(b, newServer(b, options))
	const n = 1000
	var grown uint64
	for b.Loop() {
		conns := make([]net.Conn, 0, n)
		before := memory()
		for range n {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			shakeHands(b, conn)
			conns = append(conns, conn)
		}
		grown += memory() - before
		for _, conn := range conns {
			conn.Close()
		}
	}
	b.ReportMetric(float64(grown)/float64(b.N*n), "B/conn")
}

// memory is what is in use of heap and stacks.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// BenchmarkServe is the protocol alone, without a transport.
func BenchmarkServe(b *testing.B) {
	server := newServer(b, testOptions(nil))
	for _, size := range []int{1, 100} {
		text := []byte(benchPing)
		if size > 1 {
			text = []byte("[" + benchPing + string(bytes.Repeat([]byte(","+benchPing), size-1)) + "]")
		}
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out = server.Serve(b.Context(), nil, text, out[:0])
			}
		})
	}
}
