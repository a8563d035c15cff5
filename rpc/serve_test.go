package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
)

// serve answers one text with the test's methods.
func serve(t *testing.T, server *rpc.Server, text string) string {
	t.Helper()
	return string(server.Serve(t.Context(), nil, []byte(text), nil))
}

// nested is a request whose parameters make it levels deep.
func nested(levels int) string {
	open, shut := strings.Repeat("[", levels-1), strings.Repeat("]", levels-1)
	return `{"jsonrpc":"2.0","method":"ping","params":` + open + shut + `,"id":1}`
}

// expectContains checks that an answer contains a text.
func expectContains(t *testing.T, answer, part string) {
	t.Helper()
	if !strings.Contains(answer, part) {
		t.Errorf("answer %.300s, expected %s in it", answer, part)
	}
}

func TestDepthLimit(t *testing.T) {
	t.Parallel()
	server := newServer(t, testOptions(nil))
	const tooDeep = `{"code":-32600,"message":"Invalid Request","data":"nested deeper than 1000 levels"},"id":1}`
	expectContains(t, serve(t, server, nested(1000)), "pong")
	expectContains(t, serve(t, server, nested(1001)), tooDeep)
	expectContains(t, serve(t, server, nested(10_000)), tooDeep)
	// Deeper than encoding/json goes, it is read no further: whether it is JSON, and what its id is, is not known.
	const unread = `{"code":-32700,"message":"Parse error","data":"nested deeper than 10000 levels, and read no further"},"id":null}`
	expectContains(t, serve(t, server, nested(10_001)), unread)
	expectContains(t, serve(t, server, "["+nested(2)+","+nested(10_001)+"]"), unread)
	expectContains(t, serve(t, server, strings.Repeat("[", 1<<20)), unread)
	// A batch takes no level away, and one deep request does no harm to its neighbours.
	expectContains(t, serve(t, server, "["+nested(1000)+"]"), "pong")
	mixed := serve(t, server, "["+nested(1001)+","+nested(1000)+"]")
	expectContains(t, mixed, tooDeep)
	expectContains(t, mixed, "pong")
}

func TestSizesOfMethodAndID(t *testing.T) {
	t.Parallel()
	server := newServer(t, testOptions(nil))
	request := func(method, id string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"id":%q}`, method, id)
	}
	long := func(n int) string { return strings.Repeat("a", n) }
	expectContains(t, serve(t, server, request(long(256), "1")), "-32601")
	expectContains(t, serve(t, server, request(long(257), "1")), `method name may have at most 256 bytes"},"id":"1"}`)
	expectContains(t, serve(t, server, request("ping", long(254))), "pong")
	expectContains(t, serve(t, server, request("ping", long(255))), `id may have at most 256 bytes"},"id":null}`)
	expectContains(t, serve(t, server, request("ping", long(300))), `id may have at most 256 bytes"},"id":null}`)
}

func TestBatchLimitIsCheckedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	runs := 0
	server := newServer(t, testOptions(map[string]rpc.Handler{
		"count": func(context.Context, *rpc.Call) (any, error) { runs++; return runs, nil },
	}))
	batch := func(n int) string {
		one := `{"jsonrpc":"2.0","method":"count","id":1}`
		return "[" + one + strings.Repeat(","+one, n-1) + "]"
	}
	expectContains(t, serve(t, server, batch(1001)), `"data":"a batch may have at most 1000 requests"},"id":null}`)
	if runs != 0 {
		t.Errorf("%d calls of a refused batch ran", runs)
	}
	var answers []any
	if err := json.Unmarshal([]byte(serve(t, server, batch(1000))), &answers); err != nil || len(answers) != 1000 {
		t.Errorf("%d answers: %v", len(answers), err)
	}
	if runs != 1000 {
		t.Errorf("%d calls ran", runs)
	}
}

func TestAnswerTooLarge(t *testing.T) {
	t.Parallel()
	runs := 0
	options := testOptions(map[string]rpc.Handler{
		"big": func(_ context.Context, call *rpc.Call) (any, error) {
			runs++
			return strings.Repeat("x", 600), nil
		},
	})
	options.Limits.Answer = 1000
	server := newServer(t, options)
	one := `{"jsonrpc":"2.0","method":"big","id":%d}`
	expectContains(t, serve(t, server, fmt.Sprintf(one, 1)), "xxx")
	runs = 0
	answer := serve(t, server, fmt.Sprintf("["+one+","+one+","+one+"]", 1, 2, 3))
	expectContains(t, answer, `xxx","id":1},{"jsonrpc":"2.0","error":{"code":-32003,"message":"Answer too large"},"id":2},`+
		`{"jsonrpc":"2.0","error":{"code":-32003,"message":"Answer too large"},"id":3}]`)
	if runs != 2 {
		t.Errorf("%d calls ran; the one after the limit must not", runs)
	}
}

func TestErrorDataIsBounded(t *testing.T) {
	t.Parallel()
	server := newServer(t, testOptions(map[string]rpc.Handler{
		"much": func(context.Context, *rpc.Call) (any, error) {
			return nil, rpc.Error(310, "Invalid Method Parameters", strings.Repeat("x", 5000))
		},
		"broken": func(context.Context, *rpc.Call) (any, error) {
			raw := json.RawMessage(`{"x":`)
			return nil, &jsonrpc2.Error{Code: 310, Message: "é\n\"", Data: &raw}
		},
	}))
	for method, want := range map[string]string{
		"much":   `{"jsonrpc":"2.0","error":{"code":310,"message":"Invalid Method Parameters"},"id":1}`,
		"broken": `{"jsonrpc":"2.0","error":{"code":310,"message":"é\n\""},"id":1}`,
	} {
		if got := serve(t, server, `{"jsonrpc":"2.0","method":"`+method+`","id":1}`); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
}

func TestCallTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(t, testOptions(nil))
		began := time.Now()
		got := serve(t, server, `{"jsonrpc":"2.0","method":"wait","id":1}`)
		const timeout = `{"jsonrpc":"2.0","error":{"code":-32002,"message":"Call timed out"},"id":%d}`
		if got != fmt.Sprintf(timeout, 1) {
			t.Error(got)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("after %v", took)
		}
		// The calls of a batch share the time; what comes after it is over is not run.
		got = serve(t, server, `[{"jsonrpc":"2.0","method":"ping","id":1},{"jsonrpc":"2.0","method":"wait","id":2},`+
			`{"jsonrpc":"2.0","method":"panic"},{"jsonrpc":"2.0","method":"ping","id":3}]`)
		want := `[{"jsonrpc":"2.0","result":"pong","id":1},` + fmt.Sprintf(timeout+","+timeout, 2, 3) + `]`
		if got != want {
			t.Error(got)
		}
	})
}

func TestOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		options := testOptions(map[string]rpc.Handler{
			"block": func(context.Context, *rpc.Call) (any, error) { <-release; return nil, nil },
		})
		options.Limits.Running = 2
		server := newServer(t, options)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { serve(t, server, `{"jsonrpc":"2.0","method":"block","id":1}`) })
		}
		synctest.Wait()
		expectContains(t, serve(t, server, pingText), `{"code":-32000,"message":"Server overloaded"},"id":1}`)
		if got := serve(t, server, `{"jsonrpc":"2.0","method":"ping"}`); got != "" {
			t.Errorf("a notification was answered: %s", got)
		}
		close(release)
		wg.Wait()
		expectContains(t, serve(t, server, pingText), "pong")
	})
}

func TestResultsAreCopiedOrEncoded(t *testing.T) {
	t.Parallel()
	for want, result := range map[string]any{
		`null`:                        nil,
		` { "raw" : 1.0 } `:           rpc.Raw(` { "raw" : 1.0 } `),
		`[1 ]`:                        json.RawMessage(`[1 ]`),
		`"<a href=\"x?a=1&b=2\">"`:    `<a href="x?a=1&b=2">`,
		`{"u":"http://h/?a&b<>"}`:     map[string]string{"u": "http://h/?a&b<>"},
		`{"inner":{"x":1},"none":[]}`: map[string]any{"inner": rpc.Raw(`{"x":1}`), "none": []int{}},
		`[null,null]`:                 []any{rpc.Raw(nil), nil},
	} {
		server := newServer(t, testOptions(map[string]rpc.Handler{
			"give": func(context.Context, *rpc.Call) (any, error) { return result, nil },
		}))
		got := serve(t, server, `{"jsonrpc":"2.0","method":"give","id":1}`)
		if got != `{"jsonrpc":"2.0","result":`+want+`,"id":1}` {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}

func TestLogNeverShowsParametersOrTheCallerTheCause(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	type seen struct {
		method string
		code   int64
	}
	var observed []seen
	options := testOptions(nil)
	options.Log = zerolog.New(&log)
	options.Observe = func(method string, code int64, _ time.Duration) { observed = append(observed, seen{method, code}) }
	server := newServer(t, options)
	for _, method := range []string{"echo", "fail", "panic", "refuse", "foobar"} {
		answer := serve(t, server, `{"jsonrpc":"2.0","method":"`+method+`","params":["my key"],"id":1}`)
		if strings.Contains(answer, "secret") {
			t.Errorf("the caller is told the cause: %s", answer)
		}
	}
	text := log.String()
	if strings.Contains(text, "my key") {
		t.Error("the log shows parameters")
	}
	for _, want := range []string{
		`"method":"echo","code":0,"duration":`,
		`"method":"fail","error":"secret of the house","message":"call failed"}`,
		`"panic":"secret of the house","stack":"`,
		`"method":"refuse","code":351,`,
		`"method":"unknown","code":-32601,`,
	} {
		expectContains(t, text, want)
	}
	want := []seen{{"echo", 0}, {"fail", -32603}, {"panic", -32603}, {"refuse", 351}, {"unknown", -32601}}
	if fmt.Sprint(observed) != fmt.Sprint(want) {
		t.Errorf("observed %v", observed)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	server := newServer(t, testOptions(nil))
	session := rpc.NewSession(rpc.SessionOptions{Credential: "Basic x", BaseURL: "http://h"})
	invoke := func(method, params string) (string, error) {
		result, err := server.Invoke(t.Context(), session, method, json.RawMessage(params))
		return string(result), err
	}
	if got, err := invoke("whoami", ""); err != nil || got != `{"account":"","base":"http://h","credential":"Basic x"}` {
		t.Errorf("whoami: %s %v", got, err)
	}
	if got, err := invoke("sum", "[1,2]"); err != nil || got != "3" {
		t.Errorf("sum: %s %v", got, err)
	}
	if _, err := invoke("refuseMapped", ""); !errors.Is(err, errKnown) {
		t.Errorf("an application's error is not handed through: %v", err)
	}
	for method, code := range map[string]int64{"fail": -32603, "panic": -32603, "foobar": -32601, "refuse": 351} {
		_, err := invoke(method, "")
		if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != code {
			t.Errorf("%s: %v, expected code %d", method, err, code)
		}
	}
}

// A call whose caller has gone is no failure of the server's, neither in its log nor in its counters.
func TestACancelledCallIsNobodysFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		options := testOptions(nil)
		options.Log = zerolog.New(&log)
		server := newServer(t, options)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := server.Invoke(ctx, rpc.NewSession(rpc.SessionOptions{}), "wait", nil)
		if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != rpc.CodeCancelled {
			t.Errorf("got %v", err)
		}
		if strings.Contains(log.String(), `"error"`) {
			t.Errorf("the log says %s", log.String())
		}
	})
}

func TestAfterReplyPanicIsContained(t *testing.T) {
	t.Parallel()
	ran := false
	server := newServer(t, testOptions(map[string]rpc.Handler{
		"after": func(_ context.Context, call *rpc.Call) (any, error) {
			call.AfterReply(func() { panic("late") })
			call.AfterReply(func() { ran = true })
			return nil, nil
		},
	}))
	expectContains(t, serve(t, server, `{"jsonrpc":"2.0","method":"after","id":1}`), `"result":null`)
	if !ran {
		t.Error("a panic kept the next one from running")
	}
}
