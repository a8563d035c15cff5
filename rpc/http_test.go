package rpc_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rpc"
)

const pingText = `{"jsonrpc":"2.0","method":"ping","id":1}`

// httpCase is one HTTP request and what has to come back.
type httpCase struct {
	name    string
	method  string // POST if empty
	header  map[string]string
	body    string
	options func(*rpc.Options)

	status   int
	contains string
	headers  map[string]string // "" for absent
}

func (c httpCase) run(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	if c.options != nil {
		c.options(&options)
	}
	method := c.method
	if method == "" {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "http://hooks.example:8080/rpc", strings.NewReader(c.body))
	r.Header.Set("Content-Type", "application/json")
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	newServer(t, options).ServeHTTP(w, r)
	if w.Code != c.status {
		t.Errorf("status %d, expected %d", w.Code, c.status)
	}
	if body := w.Body.String(); !strings.Contains(body, c.contains) || c.contains == "" && body != "" {
		t.Errorf("body %q, expected %q in it", body, c.contains)
	}
	for name, want := range c.headers {
		if got := w.Header().Get(name); got != want {
			t.Errorf("header %s is %q, expected %q", name, got, want)
		}
	}
}

func TestStatusOfAnHTTPRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []httpCase{
		{
			name: "a call", body: pingText, status: 200, contains: `"pong"`,
			headers: map[string]string{
				"Content-Type": "application/json", "Content-Length": "40", "Cache-Control": "no-store",
				"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "",
			},
		},
		{name: "a parse error", body: `{`, status: 200, contains: `-32700`},
		{name: "an empty body", status: 200, contains: `-32700`},
		{name: "a refusal", body: `{"id":1,"method":"refuse"}`, status: 200, contains: `351`},
		{
			name: "a notification", body: `{"jsonrpc":"2.0","method":"ping"}`, status: 204,
			headers: map[string]string{"Content-Type": "", "Cache-Control": "no-store"},
		},
		{name: "JSON with a charset", header: map[string]string{"Content-Type": "Application/JSON; charset=utf-8"},
			body: pingText, status: 200, contains: "pong"},
		{name: "json-rpc", header: map[string]string{"Content-Type": "application/json-rpc"},
			body: pingText, status: 200, contains: "pong"},
		{name: "jsonrequest", header: map[string]string{"Content-Type": "application/jsonrequest"},
			body: pingText, status: 200, contains: "pong"},
		{name: "text, which a form can send", header: map[string]string{"Content-Type": "text/plain"},
			body: pingText, status: 415, contains: "application/json"},
		{name: "no content type", header: map[string]string{"Content-Type": ""},
			body: pingText, status: 415, contains: "application/json"},
		{name: "a compressed body", header: map[string]string{"Content-Encoding": "gzip"},
			body: pingText, status: 415, contains: "compressed"},
		{name: "GET", method: "GET", status: 405, contains: "POST", headers: map[string]string{"Allow": "POST, OPTIONS"}},
		{name: "HEAD", method: "HEAD", status: 405, contains: "POST"},
		{name: "PUT", method: "PUT", body: pingText, status: 405, contains: "POST"},
		{name: "DELETE", method: "DELETE", status: 405, contains: "POST"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestOriginAndHostRules(t *testing.T) {
	t.Parallel()
	listed := func(o *rpc.Options) {
		o.Origins = []string{"https://app.example"}
		o.OriginHeaders = []string{"Hookswitch-Account"}
	}
	named := func(o *rpc.Options) { o.Hosts = []string{"hooks.example:8080"} }
	other := func(o *rpc.Options) { o.Hosts = []string{"other.example"} }
	everyone := func(o *rpc.Options) { o.Origins = []string{"*"} }
	from := func(origin string) map[string]string { return map[string]string{"Origin": origin} }
	allow := func(origin string) map[string]string {
		return map[string]string{"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": ""}
	}
	upgrade := map[string]string{"Origin": "https://evil.example", "Connection": "Upgrade", "Upgrade": "websocket"}
	for _, c := range []httpCase{
		{name: "same host", header: from("http://hooks.example:8080"), body: pingText, status: 200, contains: "pong",
			headers: allow("")},
		{name: "foreign origin", header: from("https://evil.example"), body: pingText, status: 403, contains: "origin"},
		{name: "null origin", header: from("null"), body: pingText, status: 403, contains: "origin"},
		{name: "foreign upgrade", method: "GET", header: upgrade, status: 403, contains: "origin"},
		{name: "listed origin", header: from("https://app.example"), options: listed, body: pingText, status: 200,
			contains: "pong", headers: map[string]string{"Access-Control-Allow-Origin": "https://app.example", "Vary": "Origin"}},
		{name: "unlisted origin", header: from("https://evil.example"), options: listed, body: pingText, status: 403,
			contains: "origin", headers: allow("")},
		{name: "everyone", header: from("https://evil.example"), options: everyone, body: pingText, status: 200,
			contains: "pong", headers: allow("*")},
		{name: "preflight from nowhere", method: "OPTIONS", status: 204, headers: allow("")},
		{name: "preflight, unlisted", method: "OPTIONS", header: from("https://evil.example"), options: listed,
			status: 204, headers: map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Headers": ""}},
		{name: "preflight, listed", method: "OPTIONS", header: from("https://app.example"), options: listed,
			status: 204, headers: map[string]string{
				"Access-Control-Allow-Origin":  "https://app.example",
				"Access-Control-Allow-Methods": "POST, GET, OPTIONS",
				"Access-Control-Allow-Headers": "Content-Type, Authorization, Hookswitch-Account",
			}},
		{name: "known host", options: named, body: pingText, status: 200, contains: "pong"},
		{name: "unknown host", options: other, body: pingText, status: 403, contains: "host"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestNewServerRefusesBadOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*rpc.Options){
		"no lookup":             func(o *rpc.Options) { o.Lookup = nil },
		"broken document":       func(o *rpc.Options) { o.Discovery = []byte("{") },
		"an origin with a path": func(o *rpc.Options) { o.Origins = []string{"https://app.example/"} },
		"an origin that's none": func(o *rpc.Options) { o.Origins = []string{"app.example"} },
	} {
		options := testOptions(nil)
		change(&options)
		if _, err := rpc.NewServer(options); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBodyOverTheLimitIsRefusedUnread(t *testing.T) {
	t.Parallel()
	options := testOptions(nil)
	options.Limits.Text = 1 << 20
	web := httptest.NewServer(newServer(t, options))
	t.Cleanup(web.Close)
	padded := func(size int) string { return pingText + strings.Repeat(" ", size-len(pingText)) }

	post := func(body io.Reader) (int, string) {
		resp, err := http.Post(web.URL, "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	const refusal = `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":"larger than 1048576 bytes"},"id":null}`
	if status, text := post(strings.NewReader(padded(1 << 20))); status != 200 || !strings.Contains(text, "pong") {
		t.Errorf("at the limit: %d %s", status, text)
	}
	if status, text := post(strings.NewReader(padded(1<<20 + 1))); status != 413 || text != refusal {
		t.Errorf("declared too large: %d %s", status, text)
	}
	// Without a declared length it has to be read to be found too large, but not further than that.
	endless := io.MultiReader(strings.NewReader(pingText), io.LimitReader(blanks{}, 64<<20))
	if status, text := post(endless); status != 413 || text != refusal {
		t.Errorf("found too large: %d %s", status, text)
	}
}

// blanks is endless white space.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestSessionOfAnHTTPRequest(t *testing.T) {
	t.Parallel()
	var order []string
	done := make(chan struct{})
	server := newServer(t, testOptions(map[string]rpc.Handler{
		"look": func(ctx context.Context, call *rpc.Call) (any, error) {
			session := call.Session
			order = append(order, session.Credential(), session.Header("x-thing"), session.BaseURL())
			session.AfterReply(func() { order = append(order, "after"); close(done) })
			if err := session.Notify("event", nil); err != rpc.ErrNoPush || session.CanPush() {
				t.Errorf("Notify: %v", err)
			}
			if err := session.WaitRoom(ctx); err != rpc.ErrNoPush {
				t.Errorf("WaitRoom: %v", err)
			}
			return nil, nil
		},
	}))
	w := &watchedWriter{ResponseRecorder: httptest.NewRecorder(), wrote: func() { order = append(order, "reply") }}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "https://hooks.example/rpc",
		strings.NewReader(`{"jsonrpc":"2.0","method":"look","id":1}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("X-Thing", "thing")
	server.ServeHTTP(w, r)
	<-done
	if got := strings.Join(order, " "); got != "Bearer x thing https://hooks.example reply after" {
		t.Error(got)
	}
}

// watchedWriter tells when the answer is written.
type watchedWriter struct {
	*httptest.ResponseRecorder
	wrote func()
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	w.wrote()
	return w.ResponseRecorder.Write(p)
}

func TestDiscoveryByGET(t *testing.T) {
	t.Parallel()
	server := newServer(t, testOptions(nil))
	get := func(server *rpc.Server, method, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/openrpc.json", nil)
		r.Header.Set("Origin", "https://playground.open-rpc.org")
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		server.ServeDiscovery(w, r)
		return w
	}
	w := get(server, "GET", "")
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), []byte(`{"openrpc":"1.2.6"}`)) {
		t.Errorf("GET: %d %s", w.Code, w.Body)
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", w.Header())
	}
	if w := get(server, "GET", w.Header().Get("ETag")); w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("GET of the known: %d %s", w.Code, w.Body)
	}
	if w := get(server, "POST", ""); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
	bare := testOptions(nil)
	bare.Discovery = nil
	if w := get(newServer(t, bare), "GET", ""); w.Code != 404 {
		t.Errorf("without a document: %d", w.Code)
	}
}
