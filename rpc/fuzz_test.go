package rpc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rpc"
)

// FuzzServe checks that every text gets an answer that is JSON, or none, and none that reveals a cause.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{
		``, `1`, `[]`, `[1,{"foo":"boo"}]`, pingText, nested(101), `{"id":1,"method":"sum","params":[1,2]}`,
		`{"jsonrpc":"2.0","method":"echo","params":{"a":"\ud800"},"id":"\u0041"}`, `{"jsonrpc":"2.0","method":"panic","id":1}`,
		`[{"method":"echo","params":[1]},{"jsonrpc":"2.0","method":"fail","id":null},{"jsonrpc":"2.0","method":"refuse"}]`,
		`{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1},"id":-1.50e2}`, "{\"method\":\"\xff\"}",
		`{"jsonrpc":"2.0","method":"whoami","params":null,"id":9e401}`,
	} {
		f.Add([]byte(seed))
	}
	options := testOptions(nil)
	lookup := options.Lookup
	options.Lookup = func(method string) (rpc.Handler, bool) {
		if method == "wait" {
			return nil, false // it waits for the call timeout
		}
		return lookup(method)
	}
	options.Limits.Answer = 1 << 12
	server := newServer(f, options)
	f.Fuzz(func(t *testing.T, text []byte) {
		before := string(text)
		answer := server.Serve(t.Context(), nil, text, []byte("kept"))
		if string(text) != before {
			t.Fatal("the text was changed")
		}
		answer, ok := cutPrefix(answer, "kept")
		if !ok {
			t.Fatal("the answer was not appended")
		}
		if len(answer) > 0 && !json.Valid(answer) {
			t.Fatalf("the answer is not JSON: %s", answer)
		}
		if strings.Contains(string(answer), "secret of the house") && !strings.Contains(before, "secret of the house") {
			t.Fatalf("the answer tells a cause: %s", answer)
		}
		if len(answer) == 0 && !json.Valid(text) {
			t.Fatal("a broken text was not answered")
		}
	})
}

func cutPrefix(b []byte, prefix string) ([]byte, bool) {
	rest, ok := strings.CutPrefix(string(b), prefix)
	return []byte(rest), ok
}
