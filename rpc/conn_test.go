package rpc_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"testing"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
)

// plainConn serves a server over a plain jsonrpc2.Conn and returns the client's end.
func plainConn(t *testing.T, server *rpc.Server) *jsonrpc2.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	quiet := jsonrpc2.SetLogger(log.New(io.Discard, "", 0))
	stream := func(c net.Conn) jsonrpc2.ObjectStream {
		return jsonrpc2.NewBufferedStream(c, jsonrpc2.VSCodeObjectCodec{})
	}
	serving := jsonrpc2.NewConn(t.Context(), stream(ours), server, quiet)
	client := jsonrpc2.NewConn(t.Context(), stream(theirs), server, quiet)
	t.Cleanup(func() {
		client.Close()
		serving.Close()
	})
	return client
}

func TestPlainConnIsServed(t *testing.T) {
	t.Parallel()
	conn := plainConn(t, newServer(t, testOptions(nil)))
	ctx := t.Context()
	var total int
	if err := conn.Call(ctx, "sum", []int{1, 2, 4}, &total); err != nil || total != 7 {
		t.Errorf("sum: %d %v", total, err)
	}
	if err := conn.Call(ctx, "authenticate", []string{"Bearer later"}, nil); err != nil {
		t.Error(err)
	}
	var who map[string]string
	if err := conn.Call(ctx, "whoami", nil, &who); err != nil || who["credential"] != "Bearer later" {
		t.Errorf("whoami: %v %v", who, err)
	}
	if err := conn.Notify(ctx, "panic", nil); err != nil {
		t.Error(err)
	}
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for _, c := range []struct {
		method string
		params any
		code   int64
	}{
		{"foobar", nil, -32601},
		{"panic", nil, -32603},
		{"refuse", nil, 351},
		{"sum", "x", -32600},
		{"sum", rpc.Raw(deep), -32600},
		{strings.Repeat("m", 257), nil, -32600},
		{"subscribe", []int{1}, -32601}, // it cannot push
	} {
		err := conn.Call(ctx, c.method, c.params, nil)
		if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != c.code {
			t.Errorf("%.20s: %v, expected code %d", c.method, err, c.code)
		}
	}
}

func TestPlainConnRunsABoundedNumberOfCalls(t *testing.T) {
	t.Parallel()
	running := make(chan struct{}, 100)
	release := make(chan struct{})
	options := testOptions(map[string]rpc.Handler{
		"block": func(context.Context, *rpc.Call) (any, error) {
			running <- struct{}{}
			<-release
			return nil, nil
		},
	})
	options.Limits.RunningPerSocket = 2
	conn := plainConn(t, newServer(t, options))
	results := make(chan error, 5)
	for range 5 {
		go func() { results <- conn.Call(t.Context(), "block", nil, nil) }()
	}
	<-running
	<-running
	if n := len(running); n != 0 {
		t.Errorf("%d calls too many are running", n)
	}
	close(release)
	for range 5 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
