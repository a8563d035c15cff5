package rpc_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestLimitsChangeWhileTheServerAnswers(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	options.Limits.Sockets, options.Limits.Text, options.Limits.Batch = 1, 200, 2
	server := newServer(t, options)
	url := "ws" + strings.TrimPrefix(webServer(t, server), "http")
	dial := func() *websocket.Conn {
		conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
		if err != nil {
			return nil
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	post := func(text string) string {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/rpc", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Body.String()
	}
	three := "[" + request("whoami", 1) + "," + request("whoami", 2) + "," + request("whoami", 3) + "]"
	long := strings.Repeat(" ", 200) + request("whoami", 4)
	first := dial()
	if first == nil || dial() != nil {
		t.Fatal("one WebSocket is to be let in, and no other")
	}
	if got := post(three); !strings.Contains(got, "at most 2 requests") {
		t.Errorf("a batch of three: %s", got)
	}
	if got := post(long); strings.Contains(got, "result") {
		t.Errorf("a long text: %s", got)
	}

	limits := options.Limits
	limits.Sockets, limits.Text, limits.Batch = 2, 1000, 3
	server.SetLimits(limits)
	second := dial()
	if second == nil || dial() != nil {
		t.Fatal("two WebSockets are to be let in, and no third")
	}
	for _, text := range []string{three, long} {
		if got := post(text); !strings.Contains(got, "result") {
			t.Errorf("%q: %s", text, got)
		}
	}
	if err := second.WriteMessage(websocket.TextMessage, []byte(long)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := second.ReadMessage(); err != nil || !strings.Contains(string(got), "result") {
		t.Errorf("a long text over the new WebSocket: %s, %v", got, err)
	}
	if err := first.WriteMessage(websocket.TextMessage, []byte(long)); err != nil {
		t.Fatal(err)
	}
	if status := closeStatus(t, first); status != websocket.CloseMessageTooBig {
		t.Errorf("a long text over the WebSocket that began with the former limits: status %d", status)
	}
}
