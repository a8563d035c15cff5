package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/hookswitch/hookswitch/rpc"
)

// receive reads one text from an in-process connection.
func receive(t *testing.T, frames rpc.Frames) string {
	t.Helper()
	r, err := frames.NextFrame()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// send sends one text over an in-process connection.
func send(t *testing.T, frames rpc.Frames, text string) {
	t.Helper()
	if err := frames.WriteFrame([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// request is a call of a method without parameters.
func request(method string, id int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"id":%d}`, method, id)
}

func TestASlowCallHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		frames := newServer(t, testOptions(nil)).Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("wait", 1))
		send(t, frames, request("ping", 2))
		expectContains(t, receive(t, frames), `"pong","id":2`)
		expectContains(t, receive(t, frames), `-32002`)
	})
}

func TestRunningCallsPerSocketAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		release := make(chan struct{})
		server := newServer(t, testOptions(map[string]rpc.Handler{
			"block": func(context.Context, *rpc.Call) (any, error) {
				running.Add(1)
				<-release
				return nil, nil
			},
		}))
		frames := server.Pipe(t.Context(), rpc.LocalOptions{})
		var sender sync.WaitGroup
		sender.Go(func() {
			for id := range 200 {
				send(t, frames, request("block", id))
			}
		})
		synctest.Wait()
		if n := running.Load(); n != 64 {
			t.Errorf("%d calls run at a time, expected 64", n)
		}
		close(release)
		seen := map[string]bool{}
		for range 200 {
			seen[receive(t, frames)] = true
		}
		sender.Wait()
		if len(seen) != 200 {
			t.Errorf("%d different answers", len(seen))
		}
	})
}

func TestAPeerThatAsksButDoesNotReadIsNotReadFromEither(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		server := newServer(t, testOptions(map[string]rpc.Handler{
			"count": func(context.Context, *rpc.Call) (any, error) { return runs.Add(1), nil },
		}))
		frames := server.Pipe(t.Context(), rpc.LocalOptions{})
		go func() {
			for frames.WriteFrame([]byte(request("count", 1))) == nil {
				continue
			}
		}()
		synctest.Wait()
		// What the connection itself holds, one being written, and one for each of the 64 slots.
		if n := runs.Load(); n > 16+1+64 {
			t.Errorf("%d calls ran unread", n)
		}
		time.Sleep(11 * time.Second) // of the bubble's time: past the write timeout
		if _, err := drain(frames); !errors.Is(err, io.EOF) {
			t.Errorf("the connection lives on: %v", err)
		}
	})
}

// drain reads until the connection ends.
func drain(frames rpc.Frames) (n int, err error) {
	for {
		if _, err := frames.NextFrame(); err != nil {
			return n, err
		}
		n++
	}
}

func TestCallsSeeTheEndOfTheirConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		server := newServer(t, testOptions(map[string]rpc.Handler{
			"watch": func(ctx context.Context, call *rpc.Call) (any, error) {
				<-ctx.Done()
				<-call.Session.Done()
				ended <- ctx.Err()
				return nil, ctx.Err()
			},
		}))
		frames := server.Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("watch", 1))
		synctest.Wait()
		frames.Close(1000, "")
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// webServer serves a server over real connections.
func webServer(t *testing.T, server *rpc.Server) (url string) {
	t.Helper()
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return web.URL
}

// dialWeb opens a WebSocket.
func dialWeb(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closeStatus reads until the connection ends and returns the status it ended with.
func closeStatus(t *testing.T, conn *websocket.Conn) int {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			if e, ok := errors.AsType[*websocket.CloseError](err); ok {
				return e.Code
			}
			t.Fatal(err)
		}
	}
}

func TestCloseStatusOfAWebSocket(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	options.Limits.Text = 1000
	url := webServer(t, newServer(t, options))
	for _, c := range []struct {
		name   string
		kind   int
		size   int
		status int
	}{
		{"a binary frame", websocket.BinaryMessage, 10, 1003},
		{"a text over the limit", websocket.TextMessage, 1001, 1009},
		{"a text far over the limit", websocket.TextMessage, 1 << 20, 1009},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := dialWeb(t, url)
			if err := conn.WriteMessage(c.kind, make([]byte, c.size)); err != nil {
				t.Fatal(err)
			}
			if got := closeStatus(t, conn); got != c.status {
				t.Errorf("status %d, expected %d", got, c.status)
			}
		})
	}
	t.Run("a text at the limit", func(t *testing.T) {
		t.Parallel()
		conn := dialWeb(t, url)
		text := pingText + strings.Repeat(" ", 1000-len(pingText))
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, answer, err := conn.ReadMessage(); err != nil || !strings.Contains(string(answer), "pong") {
			t.Errorf("%s %v", answer, err)
		}
	})
}

func TestSilentPeerIsTakenForDead(t *testing.T) {
	t.Parallel()
	sessions := make(chan *rpc.Session, 1)
	options := testOptions(pusher(sessions))
	options.Limits.PingEvery, options.Limits.PongWait = 10*time.Millisecond, 2*time.Second // a busy machine may stand still for a while
	url := webServer(t, newServer(t, options))

	// A peer that reads answers pings by itself, and outlives the wait.
	pings := make(chan struct{}, 1000)
	lively := dialWeb(t, url)
	pong := lively.PingHandler()
	lively.SetPingHandler(func(data string) error {
		pings <- struct{}{}
		return pong(data)
	})
	ended := make(chan error, 1)
	go func() {
		_, _, err := lively.ReadMessage()
		ended <- err
	}()

	dead := dialWeb(t, url) // never reads, so it never answers a ping
	if err := dead.WriteMessage(websocket.TextMessage, []byte(request("open", 1))); err != nil {
		t.Fatal(err)
	}
	<-(<-sessions).Done()
	for range len(pings) + 5 { // those of before, and some that come now
		select {
		case <-pings:
		case err := <-ended:
			t.Fatalf("a peer that answers was taken for dead: %v", err)
		}
	}
}

func TestUpgradeKeepsHeadersAndLimitsConnections(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	options.Limits.Sockets = 1
	server := newServer(t, options)
	url := webServer(t, server)
	for range 3 { // a failed handshake takes no place
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/rpc", nil)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"7"}}
		w := httptest.NewRecorder()
		if server.ServeHTTP(w, r); w.Code != 400 {
			t.Errorf("a bad handshake: status %d", w.Code)
		}
	}
	header := http.Header{"Authorization": {"Bearer up"}, "Hookswitch-Account": {"9"}}
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http"), header)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(request("whoami", 1))); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Result map[string]string }
	if err := conn.ReadJSON(&answer); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"credential": "Bearer up", "account": "9", "base": url}
	if fmt.Sprint(answer.Result) != fmt.Sprint(want) {
		t.Errorf("got %v, expected %v", answer.Result, want)
	}
	dial := func() error {
		conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http"), nil)
		if err != nil {
			if resp == nil || resp.StatusCode != 503 {
				t.Fatalf("refused with %v", err)
			}
			return err
		}
		return conn.Close()
	}
	if dial() == nil {
		t.Error("a connection beyond the limit is let in")
	}
	conn.Close()
	for dial() != nil { // the place is free once the server has noticed
		continue
	}
}
