package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
)

// forEachClient runs a test with a client over each kind of URL and in-process. make dials with the options given.
func forEachClient(t *testing.T, options rpc.Options, test func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client)) {
	t.Helper()
	for _, scheme := range []string{"http", "https", "ws", "wss", "unix", "ws+unix", "memory"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, options)
			web := httptest.NewUnstartedServer(server)
			web.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that tests cut
			address := scheme + "://" + web.Listener.Addr().String()
			if strings.HasSuffix(scheme, "unix") {
				path := socketPath(t)
				listenAt(t, web, path)
				address = scheme + ":" + path
			}
			if strings.HasSuffix(scheme, "s") && scheme != "ws" {
				web.StartTLS()
			} else {
				web.Start()
			}
			t.Cleanup(web.Close)
			test(t, func(o rpc.DialOptions) *rpc.Client {
				var client *rpc.Client
				var err error
				if scheme == "memory" {
					client = server.Local(t.Context(), rpc.LocalOptions{
						Credential: o.Credential, Header: o.Header, OnNotify: o.OnNotify,
					})
				} else {
					o.HTTPClient = web.Client()
					client, err = rpc.Dial(t.Context(), address, o)
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { client.Close() })
				return client
			})
		})
	}
}

// socketPath is where a Unix socket may be: its path may have about 100 bytes, those of t.TempDir are longer.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rpc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// listenAt has a server that is not started listen at a path instead.
func listenAt(t *testing.T, web *httptest.Server, path string) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	web.Listener.Close()
	web.Listener = listener
}

func TestClientCalls(t *testing.T) {
	t.Parallel()
	forEachClient(t, testOptions(nil), func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		ctx := t.Context()
		client := dial(rpc.DialOptions{Credential: "Bearer c", Header: http.Header{"Hookswitch-Account": {"3"}}})
		var total int
		if err := client.Call(ctx, "sum", []int{1, 2, 4}, &total); err != nil || total != 7 {
			t.Errorf("sum: %d %v", total, err)
		}
		if err := client.Call(ctx, "subtract", map[string]int{"minuend": 42, "subtrahend": 23}, &total); err != nil || total != 19 {
			t.Errorf("subtract: %d %v", total, err)
		}
		var who map[string]string
		if err := client.Call(ctx, "whoami", nil, &who); err != nil || who["credential"] != "Bearer c" || who["account"] != "3" {
			t.Errorf("whoami: %v %v", who, err)
		}
		// Parameters and results pass as they are written.
		var raw json.RawMessage
		if err := client.Call(ctx, "echo", json.RawMessage(`{"b":1.0,"a":"\u00e4"}`), &raw); err != nil ||
			string(raw) != `{"b":1.0,"a":"\u00e4"}` {
			t.Errorf("echo: %s %v", raw, err)
		}
		if err := client.Notify(ctx, "update", []int{1}); err != nil {
			t.Error(err)
		}
		if err := client.Call(ctx, "ping", nil, nil); err != nil {
			t.Error(err)
		}
		if err := client.Call(ctx, "sum", make(chan int), nil); err == nil {
			t.Error("parameters that cannot be encoded were sent")
		}
		if err := client.Call(ctx, "ping", nil, &total); err == nil {
			t.Error("a string was decoded into a number")
		}
	})
}

// Somebody may sign or compare the bytes that are published: the client sends raw JSON as it is.
func TestClientSendsRawJSONByteForByte(t *testing.T) {
	t.Parallel()
	const written = "{ \"u\":\"</b>&\u2028\", \"n\":1.0e2 }"
	raw := json.RawMessage(written)
	tests := []struct {
		params any
		want   string
	}{
		{raw, written},
		{&raw, written},
		{rpc.Raw(written), written},
		{map[string]json.RawMessage{"z": raw, "a": nil}, `{"a":null,"z":` + written + `}`},
		{map[string]any{"data": raw, "a&": []any{raw, nil, "<"}}, `{"a&":[` + written + `,null,"<"],"data":` + written + `}`},
		{[]json.RawMessage{raw, raw}, `[` + written + `,` + written + `]`},
		{struct { // encoding/json takes the white space, but no more
			T string          `json:"t"`
			D json.RawMessage `json:"d"`
		}{"<&>", raw}, `{"t":"<&>","d":` + "{\"u\":\"</b>&\u2028\",\"n\":1.0e2}" + `}`},
	}
	forEachClient(t, testOptions(nil), func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		client := dial(rpc.DialOptions{})
		for _, tt := range tests {
			var got json.RawMessage
			calls := []rpc.BatchCall{{Method: "echo", Params: tt.params, Result: &got}}
			if err := client.Batch(t.Context(), calls); err != nil || calls[0].Err != nil || string(got) != tt.want {
				t.Errorf("batch: %s %v %v, want %s", got, err, calls[0].Err, tt.want)
			}
			got = nil
			if err := client.Call(t.Context(), "echo", tt.params, &got); err != nil || string(got) != tt.want {
				t.Errorf("call: %s %v, want %s", got, err, tt.want)
			}
		}
		for _, broken := range []any{json.RawMessage(`{"a":`), json.RawMessage{}, map[string]any{"a": rpc.Raw(`]`)}} {
			if err := client.Call(t.Context(), "echo", broken, nil); err == nil {
				t.Errorf("%s was sent", broken)
			}
		}
	})
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	forEachClient(t, testOptions(nil), func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		client := dial(rpc.DialOptions{})
		for method, code := range map[string]int64{"refuse": 351, "foobar": -32601, "panic": -32603} {
			err := client.Call(t.Context(), method, nil, nil)
			e, ok := errors.AsType[*jsonrpc2.Error](err)
			if !ok || e.Code != code {
				t.Errorf("%s: %v, expected code %d", method, err, code)
			}
			if method == "refuse" && (e.Data == nil || string(*e.Data) != `{"id":7}`) {
				t.Errorf("the data of the error: %v", e.Data)
			}
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		if err := client.Call(t.Context(), "ping", nil, nil); !errors.Is(err, rpc.ErrClosed) {
			t.Errorf("call after Close: %v", err)
		}
		if err := client.Batch(t.Context(), []rpc.BatchCall{{Method: "ping"}}); !errors.Is(err, rpc.ErrClosed) {
			t.Errorf("batch after Close: %v", err)
		}
	})
}

func TestClientBatch(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	options.Limits.Batch = 5
	forEachClient(t, options, func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		client := dial(rpc.DialOptions{})
		if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
			t.Fatal(err)
		}
		var total, difference int
		calls := []rpc.BatchCall{
			{Method: "sum", Params: []int{1, 2}, Result: &total},
			{Method: "update", Notify: true},
			{Method: "refuse"},
			{Method: "subtract", Params: []int{5, 3}, Result: &difference},
		}
		if err := client.Batch(t.Context(), calls); err != nil {
			t.Fatal(err)
		}
		if total != 3 || difference != 2 || calls[0].Err != nil || calls[1].Err != nil || calls[3].Err != nil {
			t.Errorf("%d %d %v", total, difference, calls)
		}
		if e, ok := errors.AsType[*jsonrpc2.Error](calls[2].Err); !ok || e.Code != 351 {
			t.Errorf("refuse: %v", calls[2].Err)
		}
		if err := client.Batch(t.Context(), []rpc.BatchCall{{Method: "update", Notify: true}}); err != nil {
			t.Errorf("notifications only: %v", err)
		}
		for _, refused := range [][]rpc.BatchCall{make([]rpc.BatchCall, 6), {}} {
			err := client.Batch(t.Context(), refused)
			if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != jsonrpc2.CodeInvalidRequest {
				t.Errorf("a batch of %d: %v", len(refused), err)
			}
		}
		if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
			t.Errorf("after a refused batch: %v", err)
		}
	})
}

func TestClientGetsPushesInOrderAndVerbatim(t *testing.T) {
	t.Parallel()
	methods := map[string]rpc.Handler{
		"stream": func(_ context.Context, call *rpc.Call) (any, error) {
			for i := range 100 {
				if err := call.Session.Notify("event", rpc.Raw(fmt.Sprintf(`{"z":%d.0,"a":"\u00e4"}`, i))); err != nil {
					return nil, rpc.Error(1, "no push", nil)
				}
			}
			return "started", nil
		},
	}
	forEachClient(t, testOptions(methods), func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		pushes := make(chan string, 100)
		client := dial(rpc.DialOptions{OnNotify: func(method string, params json.RawMessage) {
			pushes <- method + string(params)
		}})
		err := client.Call(t.Context(), "stream", nil, nil)
		if scheme := t.Name()[strings.LastIndex(t.Name(), "/")+1:]; strings.HasPrefix(scheme, "http") || scheme == "unix" {
			if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != 1 {
				t.Errorf("over HTTP: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if got, want := <-pushes, fmt.Sprintf(`event{"z":%d.0,"a":"\u00e4"}`, i); got != want {
				t.Fatalf("got %s, expected %s", got, want)
			}
		}
	})
}

func TestClientCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	forEachClient(t, testOptions(nil), func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		client := dial(rpc.DialOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := client.Call(ctx, "wait", nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("call: %v", err)
		}
		if err := client.Batch(ctx, []rpc.BatchCall{{Method: "wait"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("batch: %v", err)
		}
		if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
			t.Errorf("after: %v", err)
		}
	})
}

func TestCloseWakesCallers(t *testing.T) {
	t.Parallel()
	forEachClient(t, testOptions(nil), func(t *testing.T, dial func(rpc.DialOptions) *rpc.Client) {
		client := dial(rpc.DialOptions{})
		result := make(chan error, 2)
		go func() { result <- client.Call(t.Context(), "wait", nil, nil) }()
		go func() { result <- client.Batch(t.Context(), []rpc.BatchCall{{Method: "wait"}}) }()
		if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
			t.Error(err)
		}
		client.Close()
		for range 2 {
			if err := <-result; !errors.Is(err, rpc.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestDialRefuses(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	options.Hosts = []string{"other.example"}
	web := httptest.NewServer(newServer(t, options))
	t.Cleanup(web.Close)
	for _, target := range []string{
		"ftp://h/", "h:80", "://", "ws" + strings.TrimPrefix(web.URL, "http"),
		"ws://127.0.0.1:1/?key=secret",
	} {
		client, err := rpc.Dial(t.Context(), target, rpc.DialOptions{})
		if err == nil {
			client.Close()
			t.Errorf("%s: no error", target)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the URL: %v", err)
		}
	}
	client, err := rpc.Dial(t.Context(), web.URL+"?key=secret", rpc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Call(t.Context(), "ping", nil, nil); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a refused call: %v", err)
	}
	web.Close()
	if err := client.Call(t.Context(), "ping", nil, nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a call to nobody: %v", err)
	}
}

func TestBodyOverTheLimitReachesTheHTTPClientAsAnError(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(newServer(t, testOptions(nil)))
	t.Cleanup(web.Close)
	client, err := rpc.Dial(t.Context(), web.URL, rpc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	err = client.Call(t.Context(), "ping", []string{strings.Repeat("x", 4<<20)}, nil)
	if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != jsonrpc2.CodeInvalidRequest {
		t.Error(err)
	}
}

func TestLocalClientEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client := newServer(t, testOptions(nil)).Local(ctx, rpc.LocalOptions{})
		if err := client.Call(t.Context(), "ping", nil, nil); err != nil {
			t.Error(err)
		}
		cancel()
		synctest.Wait()
		if err := client.Call(t.Context(), "ping", nil, nil); !errors.Is(err, rpc.ErrClosed) {
			t.Error(err)
		}
	})
}
