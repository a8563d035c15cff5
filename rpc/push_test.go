package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/hookswitch/hookswitch/rpc"
)

// pusher is a method that hands out its session.
func pusher(sessions chan *rpc.Session) map[string]rpc.Handler {
	return map[string]rpc.Handler{
		"open": func(_ context.Context, call *rpc.Call) (any, error) {
			sessions <- call.Session
			return nil, nil
		},
	}
}

func TestPushesToASlowReaderEndTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := make(chan *rpc.Session, 1)
		server := newServer(t, testOptions(pusher(sessions)))
		frames := server.Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("open", 1))
		session := <-sessions
		receive(t, frames)
		began := time.Now()
		pushed := 0
		for session.Notify("event", rpc.Raw(`[]`)) == nil {
			pushed++
		}
		synctest.Wait()
		if pushed < 256 || pushed > 256+17 {
			t.Errorf("%d pushes were taken", pushed)
		}
		if time.Since(began) != 0 {
			t.Error("Notify blocked")
		}
		<-session.Done()
		if err := session.Notify("event", nil); !errors.Is(err, rpc.ErrClosed) {
			t.Errorf("push after the end: %v", err)
		}
		if err := session.WaitRoom(t.Context()); !errors.Is(err, rpc.ErrClosed) {
			t.Errorf("room after the end: %v", err)
		}
	})
}

func TestWaitRoomPacesPushes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := make(chan *rpc.Session, 1)
		server := newServer(t, testOptions(pusher(sessions)))
		frames := server.Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("open", 1))
		session := <-sessions
		receive(t, frames)
		const n = 5000
		go func() {
			for i := range n {
				if err := session.WaitRoom(t.Context()); err != nil {
					t.Error(err)
				}
				if err := session.Notify("event", rpc.Raw(fmt.Sprintf(`[%d]`, i))); err != nil {
					t.Error(err)
				}
			}
		}()
		for i := range n {
			want := fmt.Sprintf(`{"jsonrpc":"2.0","method":"event","params":[%d]}`, i)
			if got := receive(t, frames); got != want {
				t.Fatalf("got %s, expected %s", got, want)
			}
		}
	})
}

func TestWaitRoomCountsPushesThatAreHeldForAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := make(chan *rpc.Session, 1)
		release := make(chan struct{})
		methods := pusher(sessions)
		methods["block"] = func(context.Context, *rpc.Call) (any, error) { <-release; return "released", nil }
		options := testOptions(methods)
		options.Pushing = []string{"block"}
		frames := newServer(t, options).Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("open", 1))
		session := <-sessions
		receive(t, frames)
		send(t, frames, request("block", 2))
		synctest.Wait()
		const n = 1000
		pushed := make(chan struct{})
		go func() {
			defer close(pushed)
			for range n {
				if err := session.WaitRoom(t.Context()); err != nil {
					t.Error(err)
				}
				if err := session.Notify("event", rpc.Raw(`[]`)); err != nil {
					t.Error(err)
				}
			}
		}()
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := session.WaitRoom(hurried); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("there is room while pushes are held: %v", err)
		}
		close(release)
		if got := receive(t, frames); !strings.Contains(got, "released") {
			t.Errorf("got %s ahead of the answer", got)
		}
		for range n {
			receive(t, frames)
		}
		<-pushed
	})
}

func TestPushesWaitForTheAnswersOfSubscribingCallsOnly(t *testing.T) {
	t.Parallel()
	for _, pushing := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			sessions := make(chan *rpc.Session, 1)
			release := make(chan struct{})
			methods := pusher(sessions)
			methods["block"] = func(context.Context, *rpc.Call) (any, error) { <-release; return "released", nil }
			options := testOptions(methods)
			if pushing {
				options.Pushing = []string{"open"}
			}
			frames := newServer(t, options).Pipe(t.Context(), rpc.LocalOptions{})
			send(t, frames, request("block", 1))
			synctest.Wait()
			send(t, frames, request("open", 2))
			session := <-sessions
			if got := receive(t, frames); !strings.Contains(got, `"id":2`) {
				t.Fatal(got)
			}
			if err := session.Notify("event", rpc.Raw(`[1]`)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			close(release)
			first, second := receive(t, frames), receive(t, frames)
			if got := strings.Contains(first, "event"); got != pushing {
				t.Errorf("pushing %v: first %s, then %s", pushing, first, second)
			}
		})
	}
}

func TestSessionAfterReplyWaitsForAllThatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sessions := make(chan *rpc.Session, 1)
		release := make(chan struct{})
		methods := pusher(sessions)
		methods["block"] = func(context.Context, *rpc.Call) (any, error) { <-release; return nil, nil }
		frames := newServer(t, testOptions(methods)).Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("open", 1))
		session := <-sessions
		receive(t, frames)
		synctest.Wait()
		ran := make(chan int, 2)
		session.AfterReply(func() { ran <- 0 })
		if len(ran) != 1 {
			t.Error("an idle session does not run it at once")
		}
		<-ran
		send(t, frames, request("block", 2))
		send(t, frames, request("block", 3))
		synctest.Wait()
		session.AfterReply(func() { ran <- 1 })
		for range 2 {
			if len(ran) != 0 {
				t.Error("ran too early")
			}
			release <- struct{}{}
			receive(t, frames)
			synctest.Wait()
		}
		if len(ran) != 1 {
			t.Error("did not run")
		}
	})
}

func TestSlowReaderIsClosedWith1008(t *testing.T) {
	t.Parallel()
	sessions := make(chan *rpc.Session, 1)
	conn := dialWeb(t, webServer(t, newServer(t, testOptions(pusher(sessions)))))
	if err := conn.WriteMessage(websocket.TextMessage, []byte(request("open", 1))); err != nil {
		t.Fatal(err)
	}
	session := <-sessions
	params := rpc.Raw(`["` + strings.Repeat("x", 10_000) + `"]`)
	for session.Notify("event", params) == nil {
		continue
	}
	<-session.Done()
	if got := closeStatus(t, conn); got != 1008 {
		t.Errorf("status %d", got)
	}
}

func TestPushesFromManyGoroutinesArriveWhole(t *testing.T) {
	t.Parallel()
	sessions := make(chan *rpc.Session, 1)
	options := testOptions(pusher(sessions))
	options.Limits.PushFrames = 10_000
	conn := dialWeb(t, webServer(t, newServer(t, options)))
	if err := conn.WriteMessage(websocket.TextMessage, []byte(request("open", 1))); err != nil {
		t.Fatal(err)
	}
	session := <-sessions
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 200
	for w := range writers {
		go func() {
			for i := range each {
				if err := session.Notify("event", rpc.Raw(fmt.Sprintf(`{"w":%d,"i":%d}`, w, i))); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	next := [writers]int{}
	for range writers * each {
		_, text, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		var push struct{ Params struct{ W, I int } }
		if err := json.Unmarshal(text, &push); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if push.Params.I != next[push.Params.W] {
			t.Fatalf("writer %d: got %d, expected %d", push.Params.W, push.Params.I, next[push.Params.W])
		}
		next[push.Params.W]++
	}
}

func TestPushesHeldForAnAnswerAreBoundedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pushed := 0
		server := newServer(t, testOptions(map[string]rpc.Handler{
			"flood": func(_ context.Context, call *rpc.Call) (any, error) {
				for call.Session.Notify("event", nil) == nil {
					pushed++
				}
				<-call.Session.Done()
				return nil, call.Session.Notify("event", nil)
			},
		}))
		frames := server.Pipe(t.Context(), rpc.LocalOptions{})
		send(t, frames, request("flood", 1))
		if n, err := drain(frames); n != 0 || pushed != 256 {
			t.Errorf("%d of %d pushes arrived before the end: %v", n, pushed, err)
		}
	})
}
