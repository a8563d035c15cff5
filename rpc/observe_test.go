package rpc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"github.com/hookswitch/hookswitch/rpc"
)

// logged is a log whose lines can be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// calls are the lines of calls, without their durations.
func (l *logged) calls(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for line := range strings.Lines(l.buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m["message"] == "call" {
			out = append(out, fmt.Sprint(m["level"], " ", m["request"], " ", m["method"], " ", m["code"]))
		}
	}
	return out
}

func TestEveryCallHasALineWithItsRequestID(t *testing.T) {
	t.Parallel()
	log := &logged{}
	options := testOptions(nil)
	options.Log = zerolog.New(log)
	server := httptest.NewServer(newServer(t, options))
	defer server.Close()
	post := func(id, text string) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if id != "" {
			request.Header.Set("X-Request-Id", id)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.Header.Get("X-Request-Id")
	}
	if got := post("order-17/a", `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"panic"}]`); got != "order-17/a" {
		t.Errorf("the answer names the request %q", got)
	}
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for _, bad := range []string{"", "two words", `quote"`, strings.Repeat("a", 129)} {
		if got := post(bad, `{"jsonrpc":"2.0","id":1,"method":"refuse"}`); !made.MatchString(got) {
			t.Errorf("a request with the id %q is answered with %q", bad, got)
		}
	}
	conn, answer, err := websocket.DefaultDialer.Dial(strings.Replace(server.URL, "http", "ws", 1), http.Header{"X-Request-Id": {"socket"}})
	if err != nil || answer.Header.Get("X-Request-Id") != "socket" {
		t.Fatalf("%v, the upgrade's answer names %q", err, answer.Header.Get("X-Request-Id"))
	}
	defer conn.Close()
	for range 2 {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"noSuch\nMethod"}`)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	got := log.calls(t)
	want := []string{
		"debug order-17/a ping 0", "warn order-17/a panic -32603",
		"info socket-1 unknown -32601", "info socket-2 unknown -32601",
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("no line %q in %q", line, got)
		}
	}
	if len(got) != 8 {
		t.Errorf("%d lines for 8 calls: %q", len(got), got)
	}
}

func TestTheObserverHearsOfEverything(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	options := testOptions(nil)
	options.Limits = rpc.Limits{Batch: 5}
	options.Observe = func(method string, code int64, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		seen[fmt.Sprint(method, " ", code)]++
	}
	server := newServer(t, options)
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","method":"ping"}`, `{`, `[1,{"jsonrpc":"2.0","id":1,"method":"nosuch"}]`,
		`[1,2,3,4,5,6]`, `{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}`, `{"jsonrpc":"2.0","id":1,"method":"refuse"}`,
	} {
		server.Serve(t.Context(), nil, []byte(text), nil)
	}
	want := map[string]int{
		"ping 0": 2, "unknown -32700": 1, "unknown -32600": 2, "unknown -32601": 1, "rpc.discover 0": 1, "refuse 351": 1,
	}
	if !maps.Equal(seen, want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
	if stats := server.Stats(); stats != (rpc.Stats{}) {
		t.Errorf("an idle server has %+v", stats)
	}
}
