package rpc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/hookswitch/hookswitch/rpc"
)

func TestShutdown(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	server := newServer(t, testOptions(map[string]rpc.Handler{
		"block": func(context.Context, *rpc.Call) (any, error) {
			entered <- struct{}{}
			<-release
			return "finished", nil
		},
	}))
	url := webServer(t, server)
	busy, idle := dialWeb(t, url), dialWeb(t, url)
	local := server.Local(t.Context(), rpc.LocalOptions{})
	if err := busy.WriteMessage(websocket.TextMessage, []byte(request("block", 1))); err != nil {
		t.Fatal(err)
	}
	posted := make(chan string)
	go func() { posted <- post(t, url, request("block", 2)) }()
	<-entered
	<-entered

	down := make(chan error)
	go func() { down <- server.Shutdown(context.WithoutCancel(t.Context())) }()
	if got := closeStatus(t, idle); got != 1001 {
		t.Errorf("the idle socket was closed with %d", got)
	}
	expectContains(t, post(t, url, request("ping", 3)), `{"code":-32004,"message":"Server shutting down"},"id":3}`)
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http"), nil)
	if err == nil || resp == nil || resp.StatusCode != 503 {
		t.Errorf("upgrade while shutting down: %v", err)
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown did not wait for running calls: %v", err)
	default:
	}
	close(release)
	if _, answer, err := busy.ReadMessage(); err != nil || !strings.Contains(string(answer), "finished") {
		t.Errorf("the running call: %s %v", answer, err)
	}
	if got := closeStatus(t, busy); got != 1001 {
		t.Errorf("the busy socket was closed with %d", got)
	}
	expectContains(t, <-posted, "finished")
	if err := <-down; err != nil {
		t.Error(err)
	}
	if err := local.Call(t.Context(), "ping", nil, nil); !errors.Is(err, rpc.ErrClosed) {
		t.Errorf("in-process call after the end: %v", err)
	}
	if err := server.Local(t.Context(), rpc.LocalOptions{}).Call(t.Context(), "ping", nil, nil); !errors.Is(err, rpc.ErrClosed) {
		t.Errorf("in-process client after the end: %v", err)
	}
}

// post posts a text and returns the answer.
func post(t *testing.T, url, text string) string {
	resp, err := http.Post(url, "application/json", strings.NewReader(text))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(answer)
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, testOptions(nil))
		local := server.Local(t.Context(), rpc.LocalOptions{})
		var call sync.WaitGroup
		call.Go(func() {
			if err := local.Call(t.Context(), "wait", nil, nil); !errors.Is(err, rpc.ErrClosed) {
				t.Errorf("the call that was cut off: %v", err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		call.Wait()
	})
}
