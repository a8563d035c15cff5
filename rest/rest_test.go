package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/rpc"
)

// serve is a face at /v9 over a server whose method "echo" answers with its parameters and the caller's credential.
func serve(t *testing.T, change ...func(*rest.Face)) http.Handler {
	t.Helper()
	server, err := rpc.NewServer(rpc.Options{Lookup: func(method string) (rpc.Handler, bool) {
		return func(_ context.Context, c *rpc.Call) (any, error) {
			return map[string]any{"params": c.Params, "credential": c.Session.Credential()}, nil
		}, method == "echo"
	}})
	if err != nil {
		t.Fatal(err)
	}
	echo := func(from string) func(*rest.Request) (rest.Call, error) {
		return func(r *rest.Request) (rest.Call, error) {
			return rest.Call{Method: "echo", Params: map[string]string{"from": from, "id": r.Value("id"), "body": string(r.Body)}}, nil
		}
	}
	reply := func(_ *rest.Request, result json.RawMessage) (rest.Reply, error) {
		return rest.Reply{Status: http.StatusOK, Header: http.Header{"X-created": {"7"}}, Body: result}, nil
	}
	face := &rest.Face{
		Below: func(path string) (string, bool) { return strings.CutPrefix(path, "/v9") },
		Routes: []rest.Route{
			{Verb: "GET", Path: "/thing/{id}", Call: echo("id"), Reply: reply},
			{Verb: "GET", Path: "/thing/default", Call: echo("default"), Reply: reply},
			{Verb: "PUT", Path: "/thing/{id}", Call: echo("put"), Reply: reply},
			{Verb: "POST", Path: "/missing", Reply: reply, Call: func(*rest.Request) (rest.Call, error) {
				return rest.Call{Method: "no such method"}, nil
			}},
		},
		Fault: func(_ *rest.Request, err error) rest.Reply {
			return rest.Reply{Status: http.StatusTeapot, Body: []byte(err.Error())}
		},
		MaxBody: func() int64 { return 16 },
	}
	for _, f := range change {
		f(face)
	}
	return rest.New(server, face)
}

func ask(h http.Handler, verb, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(verb, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	h.ServeHTTP(out, r)
	return out
}

func TestRoutesReachTheirMethod(t *testing.T) {
	t.Parallel()
	h := serve(t)
	for _, c := range []struct{ verb, path, body, want string }{
		{"GET", "/v9/thing/7", "", `"from":"id","id":"7"`},
		{"GET", "/v9/thing/a%2Fb", "", `"id":"a/b"`},
		{"GET", "/v9/thing/default", "", `"from":"default"`}, // a literal wins over {id}, whatever the order
		{"PUT", "/v9/thing/7", "hello", `"body":"hello","from":"put"`},
	} {
		got := ask(h, c.verb, c.path, c.body)
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %s in it", c.verb, c.path, got.Code, got.Body, c.want)
		}
	}
}

func TestWhatIsWrongGoesToTheFacesFault(t *testing.T) {
	t.Parallel()
	h := serve(t)
	for _, c := range []struct{ verb, path, body, want string }{
		{"GET", "/v9/nothing", "", rest.ErrNoRoute.Error()},
		{"GET", "/v9/THING/7", "", rest.ErrNoRoute.Error()},
		{"GET", "/v9/thing/", "", rest.ErrNoRoute.Error()},
		{"DELETE", "/v9/thing/7", "", "this address does not have that method"},
		{"PUT", "/v9/thing/7", strings.Repeat("x", 17), rest.ErrTooLarge.Error()},
		{"POST", "/v9/missing", "", "Method not found"},
	} {
		got := ask(h, c.verb, c.path, c.body)
		if got.Code != http.StatusTeapot || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %s", c.verb, c.path, got.Code, got.Body, c.want)
		}
	}
	if got := ask(h, "PUT", "/v9/thing/7", "x", "Content-Encoding", "gzip"); got.Code != http.StatusTeapot {
		t.Errorf("a compressed body: got %d", got.Code)
	}
	if got := ask(h, "GET", "/elsewhere", ""); got.Code != http.StatusNotFound {
		t.Errorf("nobody's path: got %d, want 404", got.Code)
	}
}

func TestVerbErrorSaysWhatWouldDo(t *testing.T) {
	t.Parallel()
	var allow []string
	h := serve(t, func(f *rest.Face) {
		f.Fault = func(_ *rest.Request, err error) rest.Reply {
			if e, ok := errors.AsType[*rest.VerbError](err); ok {
				allow = e.Allow
			}
			return rest.Reply{Status: http.StatusMethodNotAllowed}
		}
	})
	ask(h, "DELETE", "/v9/thing/default", "")
	if got := strings.Join(allow, " "); got != "GET PUT" {
		t.Errorf("got %q, want GET PUT", got)
	}
}

func TestHeadersAreWrittenAsTheDialectSpellsThem(t *testing.T) {
	t.Parallel()
	const spelled = "X-created" // not the canonical form, on purpose
	got := ask(serve(t), "GET", "/v9/thing/7", "", "Authorization", "Bearer k")
	if keys := slices.Collect(maps.Keys(got.Header())); !slices.Contains(keys, spelled) {
		t.Errorf("got %v, want the key %s", got.Header(), spelled)
	}
	if !strings.Contains(got.Body.String(), `"credential":"Bearer k"`) {
		t.Errorf("the credential did not arrive: %s", got.Body)
	}
	folded := ask(serve(t, func(f *rest.Face) {
		f.Fold = true
		f.Credential = func(r *http.Request) string { return "Bearer " + r.URL.Query().Get("access_token") }
	}), "GET", "/v9/Thing/DEFAULT?access_token=k2", "")
	if !strings.Contains(folded.Body.String(), `"credential":"Bearer k2"`) || !strings.Contains(folded.Body.String(), `"from":"default"`) {
		t.Errorf("got %s", folded.Body)
	}
}

func TestARouteMayCallAgain(t *testing.T) {
	t.Parallel()
	h := serve(t, func(f *rest.Face) {
		f.Routes = []rest.Route{{
			Verb: "GET", Path: "/pages",
			Call: func(*rest.Request) (rest.Call, error) {
				return rest.Call{Method: "echo", Params: json.RawMessage(`{"first":1}`)}, nil
			},
			Reply: func(r *rest.Request, first json.RawMessage) (rest.Reply, error) {
				second, err := r.Invoke(rest.Call{Method: "echo", Params: map[string]int{"second": 2}})
				if err != nil {
					return rest.Reply{}, err
				}
				if _, err := r.Invoke(rest.Call{Method: "no such method"}); err == nil {
					t.Error("a further call that fails has no error")
				}
				return rest.Reply{Status: http.StatusOK, Body: append(first, second...)}, nil
			},
		}}
	})
	got := ask(h, "GET", "/v9/pages", "", "Authorization", "Bearer k").Body.String()
	if want := `{"credential":"Bearer k","params":{"first":1}}{"credential":"Bearer k","params":{"second":2}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRawParametersReachTheMethodByteForByte(t *testing.T) {
	t.Parallel()
	var params string
	server, err := rpc.NewServer(rpc.Options{Lookup: func(string) (rpc.Handler, bool) {
		return func(_ context.Context, c *rpc.Call) (any, error) {
			params = string(c.Params)
			return nil, nil
		}, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	const text = `{ "data":"<&>" }`
	ask(rest.New(server, &rest.Face{
		Below: func(path string) (string, bool) { return path, true },
		Routes: []rest.Route{{
			Verb: "GET", Path: "/raw",
			Call: func(*rest.Request) (rest.Call, error) {
				return rest.Call{Method: "m", Params: json.RawMessage(text)}, nil
			},
			Reply: func(*rest.Request, json.RawMessage) (rest.Reply, error) {
				return rest.Reply{Status: http.StatusOK}, nil
			},
		}},
		Fault: func(_ *rest.Request, err error) rest.Reply {
			t.Error(err)
			return rest.Reply{Status: http.StatusInternalServerError}
		},
	}), "GET", "/raw", "")
	if params != text {
		t.Errorf("the method got %s, want %s", params, text)
	}
}

func TestAStrangerHearsOfTheKeyFirst(t *testing.T) {
	t.Parallel()
	h := serve(t, func(f *rest.Face) {
		f.Whose = "no such method" // stands for one that refuses the caller
		f.Routes = append(f.Routes, rest.Route{Verb: "POST", Path: "/unreadable", Call: func(*rest.Request) (rest.Call, error) {
			return rest.Call{}, errors.New("the body is nonsense")
		}})
	})
	if got := ask(h, "POST", "/v9/unreadable", "?"); !strings.Contains(got.Body.String(), "Method not found") {
		t.Errorf("got %s, want the refusal of the caller", got.Body)
	}
}
