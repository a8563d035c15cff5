package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/rs/zerolog"
	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
)

// errKnown is an error of the application that options maps.
var errKnown = errors.New("known")

// testMethods are the methods of the transcripts: those of the specification's examples and one for each thing a
// handler can do.
func testMethods() map[string]rpc.Handler {
	methods := map[string]rpc.Handler{
		"subtract": subtract,
		"sum":      sum,
		"get_data": func(context.Context, *rpc.Call) (any, error) { return []any{"hello", 5}, nil },
		"ping":     func(context.Context, *rpc.Call) (any, error) { return "pong", nil },
		"echo":     func(_ context.Context, call *rpc.Call) (any, error) { return rpc.Raw(call.Params), nil },
		"refuse": func(context.Context, *rpc.Call) (any, error) {
			return nil, fmt.Errorf("wrapped: %w", rpc.Error(351, "Duplicate", map[string]int{"id": 7}))
		},
		"refuseMapped": func(context.Context, *rpc.Call) (any, error) { return nil, fmt.Errorf("wrapped: %w", errKnown) },
		"fail":         func(context.Context, *rpc.Call) (any, error) { return nil, errors.New("secret of the house") },
		"panic":        func(context.Context, *rpc.Call) (any, error) { panic("secret of the house") },
		"panicLater":   func(context.Context, *rpc.Call) (any, error) { return explosive{}, nil },
		"unencodable":  func(context.Context, *rpc.Call) (any, error) { return make(chan int), nil },
		"whoami":       whoami,
		"authenticate": authenticate,
		"subscribe":    subscribe,
		"wait": func(ctx context.Context, _ *rpc.Call) (any, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("wait: %w", ctx.Err())
		},
	}
	for _, silent := range []string{"update", "notify_hello", "notify_sum"} {
		methods[silent] = func(context.Context, *rpc.Call) (any, error) { return nil, nil }
	}
	return methods
}

// explosive is a result that panics when it is encoded.
type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("secret of the house") }

func subtract(_ context.Context, call *rpc.Call) (any, error) {
	if call.Params[0] == '[' {
		var p [2]int
		err := json.Unmarshal(call.Params, &p)
		return p[0] - p[1], err
	}
	var p struct{ Minuend, Subtrahend int }
	err := json.Unmarshal(call.Params, &p)
	return p.Minuend - p.Subtrahend, err
}

func sum(_ context.Context, call *rpc.Call) (any, error) {
	var p []int
	err := json.Unmarshal(call.Params, &p)
	total := 0
	for _, n := range p {
		total += n
	}
	return total, err
}

func whoami(_ context.Context, call *rpc.Call) (any, error) {
	return map[string]string{
		"credential": call.Session.Credential(),
		"account":    call.Session.Header("Hookswitch-Account"),
		"base":       call.Session.BaseURL(),
	}, nil
}

func authenticate(_ context.Context, call *rpc.Call) (any, error) {
	var p [1]string
	err := json.Unmarshal(call.Params, &p)
	call.Session.SetCredential(p[0])
	return nil, err
}

// subscribe pushes as many events as it is told before it answers, and one after.
func subscribe(_ context.Context, call *rpc.Call) (any, error) {
	var p [1]int
	if err := json.Unmarshal(call.Params, &p); err != nil {
		return nil, err
	}
	call.AfterReply(func() {
		// On HTTP the handler has failed already.
		_ = call.Session.Notify("event", rpc.Raw(`["after"]`))
	})
	for i := range p[0] {
		if err := call.Session.Notify("event", rpc.Raw(fmt.Sprintf(`[%d]`, i))); err != nil {
			return nil, err
		}
	}
	return "subscribed", nil
}

// testOptions are options over the test's methods, and more of them.
func testOptions(more map[string]rpc.Handler) rpc.Options {
	methods := testMethods()
	for name, handler := range more {
		methods[name] = handler
	}
	return rpc.Options{
		Lookup: func(method string) (rpc.Handler, bool) {
			handler, ok := methods[method]
			return handler, ok
		},
		ErrorOf: func(err error) *jsonrpc2.Error {
			if errors.Is(err, errKnown) {
				return rpc.Error(352, `No such "webhook"`, nil)
			}
			return nil
		},
		Discovery: []byte(`{"openrpc":"1.2.6"}`),
		Log:       zerolog.Nop(),
	}
}

// newServer makes a server that ends with the test.
func newServer(t testing.TB, options rpc.Options) *rpc.Server {
	t.Helper()
	server, err := rpc.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // calls still running at the end of a test are not waited for
		_ = server.Shutdown(ctx)
	})
	return server
}
