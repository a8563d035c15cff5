package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/service"
)

func open(t *testing.T) *service.Service {
	t.Helper()
	s, err := service.Open(t.Context(), service.Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestRunPublishes(t *testing.T) {
	t.Parallel()
	s := open(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	args := []string{"-server", server.URL, "-type", "order.paid", "-id", "order-7-paid", `{"order":7}`}
	for _, duplicate := range []bool{false, true} {
		var out strings.Builder
		if err := run(t.Context(), args, s.GeneratedKey(), &out); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("order-7-paid is owed to 0 webhooks (an earlier try was taken: %v)\n", duplicate); out.String() != want {
			t.Errorf("printed %q, want %q", out.String(), want)
		}
	}
}

// TestPublishGoesOnWhenTheAnswerIsLost has the service take the event and the network lose the answer, twice.
func TestPublishGoesOnWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := open(t)
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 2 {
			s.Handler().ServeHTTP(w, r)
			return
		}
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	client, err := rpc.Dial(t.Context(), server.URL+"/rpc", rpc.DialOptions{Credential: "Bearer " + s.GeneratedKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p, err := publish(t.Context(), client, event{Type: "order.paid", ID: "order-7-paid"}, time.Millisecond)
	if err != nil || !p.Duplicate || calls.Load() != 3 {
		t.Errorf("%+v after %d calls: %v", p, calls.Load(), err)
	}
}

func TestRetryIsForWhatSaysNothingAgainstTheEvent(t *testing.T) {
	t.Parallel()
	refused := func(code int64) error {
		return fmt.Errorf("call: %w", rpc.Error(code, "", map[string]int{"retryAfter": 3}))
	}
	for _, c := range []struct {
		err   error
		asked time.Duration
		again bool
	}{
		{errors.New("connection reset"), 0, true},
		{refused(-32000), 0, true}, {refused(-32002), 0, true}, {refused(-32004), 0, true}, {refused(-32005), 0, true}, {refused(jsonrpc2.CodeInternalError), 0, true},
		{refused(362), 3 * time.Second, true}, {refused(399), 3 * time.Second, true},
		{refused(300), 0, false}, {refused(310), 0, false}, {refused(355), 0, false}, {refused(359), 0, false}, {refused(360), 0, false},
	} {
		if asked, again := retry(c.err); asked != c.asked || again != c.again {
			t.Errorf("%v: %v, %v", c.err, asked, again)
		}
	}
}

func TestRunRefusesWhatCannotBePublished(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-type", "order.paid"}, {"-type", "order.paid", "-id", "a", "{"}, {"-type", "order paid", "-id", "a"}} {
		if err := run(t.Context(), append([]string{"-server", "http://127.0.0.1:1", "-patience", "1ns"}, args...), "", io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
