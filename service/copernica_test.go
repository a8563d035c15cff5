package service

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// The requests of Copernica's own PHP class, CopernicaRestAPI("tok en/+", 4), as recorded; 1894 is the id of the webhook.
// Those of GET, PUT and DELETE have the head of the first, without what a request without a body lacks.
const (
	phpClassPost = `POST /v4/webhooks?access_token=tok+en%2F%2B HTTP/1.1
Host: api.copernica.com
Accept: */*
content-type: application/json
content-length: 106

{"handler":"https:\/\/my-webhook-url.com","trigger":"create","callers":["publisher","ms"],"database":1017}`
	phpClassGet = `GET /v4/webhook/1894?access_token=tok+en%2F%2B HTTP/1.1
Host: api.copernica.com
Accept: */*

`
	phpClassPut = `PUT /v4/webhook/1894?access_token=tok+en%2F%2B HTTP/1.1
Host: api.copernica.com
Accept: */*
content-type: application/json
content-length: 61

{"handler":"https:\/\/x","trigger":"create","callers":["ms"]}`
	phpClassDelete = `DELETE /v4/webhook/1894?access_token=tok+en%2F%2B HTTP/1.1
Host: api.copernica.com
Accept: */*
content-type: application/json
content-length: 2

[]`
)

func TestCopernicasPHPClassByteForByte(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.PublicURL = "https://hooks.example.com" })
	s.plant(t, "tok en/+")
	const common = "Cache-Control: no-store\n"
	got := s.replay(t, phpClassPost)
	if want := "HTTP/1.1 201 Created\n" + common + "Content-Length: 0\nX-Content-Type-Options: nosniff\nX-Created: 1\n" +
		"X-location: https://hooks.example.com/v4/webhook/1\n\n"; got != want {
		t.Fatalf("POST: got\n%s\nwant\n%s", got, want)
	}
	found := regexp.MustCompile(`(?i)X-Created:\s?(\d+)`).FindStringSubmatch(got) // the class's own way to the id
	if found == nil {
		t.Fatalf("the class finds no id in\n%s", got)
	}
	id := found[1]
	shown := func(handler, callers string) string {
		body := `{"ID":"` + id + `","handler":"` + handler + `","trigger":"create","callers":` + callers + `,"database":1017}`
		return fmt.Sprintf("HTTP/1.1 200 OK\n%sContent-Length: %d\nContent-Type: application/json\nX-Content-Type-Options: nosniff\n\n%s",
			common, len(body), body)
	}
	const done = "HTTP/1.1 204 No Content\n" + common + "X-Content-Type-Options: nosniff\n"
	const gone = `{"error":{"message":"No entity with supplied ID"}}`
	for _, step := range []struct{ request, want string }{
		{phpClassGet, shown("https://my-webhook-url.com", `["publisher","ms"]`)},
		{phpClassPut, done + "\n"},
		{phpClassGet, shown("https://x", `["ms"]`)},
		{phpClassDelete, done + "X-deleted: webhook " + id + "\n\n"},
		{phpClassDelete, fmt.Sprintf("HTTP/1.1 400 Bad Request\n%sContent-Length: %d\nContent-Type: application/json\nX-Content-Type-Options: nosniff\n\n%s", common, len(gone), gone)},
	} {
		if got := s.replay(t, strings.ReplaceAll(step.request, "1894", id)); got != step.want {
			t.Errorf("%.30s: got\n%s\nwant\n%s", step.request, got, step.want)
		}
	}
}

// copernica sends a request to the face with a token in the query. Its path may hold a query of its own.
func (s running) copernica(t *testing.T, token, verb, path, contentType, body string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		request.URL.RawQuery = url.Values{"access_token": {token}}.Encode()
	}
	return do(t, request)
}

// shownAt is what GET answers for a webhook; "" when it is not there.
func (s running) shownAt(t *testing.T, token, path string) string {
	t.Helper()
	got := s.copernica(t, token, "GET", path, "", "")
	if got.status != http.StatusOK {
		return ""
	}
	return got.body
}

const copernicaDocument = `{"handler":"https://my-webhook-url.com","trigger":"create","callers":["ms","publisher"],"database":1}`

func TestCopernicasVersionsHaveTheSameAddresses(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"/v2", "/v3", "/v4"} {
		s := open(t)
		key := s.fullKey(t, "copernica")
		got := s.copernica(t, key, "POST", version+"/webhooks", "application/json; charset=utf-8", copernicaDocument)
		if got.status != http.StatusCreated || got.body != "" || got.header.Get("X-Created") != "1" ||
			got.header.Get("X-location") != s.url+version+"/webhook/1" || got.header.Get("Content-Type") != "" {
			t.Errorf("POST: %+v", got)
		}
		// The same by header, and with more slashes than there have to be.
		request, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/"+version+"//webhook///1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		const shown = `{"ID":"1","handler":"https://my-webhook-url.com","trigger":"create","callers":["ms","publisher"],"database":1}`
		if got := do(t, request); got.status != http.StatusOK || got.body != shown || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("GET: %+v", got)
		}
		if got := s.copernica(t, key, "GET", version+"/identity", "", ""); got.status != http.StatusOK || got.body != `{"id":"2","name":"copernica"}` {
			t.Errorf("identity: %+v", got)
		}
		if got := s.copernica(t, key, "HEAD", version+"/webhook/1", "", ""); got.status != http.StatusOK || got.body != "" {
			t.Errorf("HEAD: %+v", got)
		}
		// A page at the vendor's own example of a PUT leaves out what is optional.
		if got := s.copernica(t, key, "PUT", version+"/webhook/1", "application/json", `{"trigger":"update"}`); got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("PUT: %+v", got)
		}
		if got := s.copernica(t, key, "DELETE", version+"/webhook/1", "text/plain", `not even JSON`); got.status != http.StatusNoContent ||
			got.header.Get("X-deleted") != "webhook 1" {
			t.Errorf("DELETE: %+v", got)
		}
	}
}

func TestCopernicasPutKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "copernica")
	s.copernica(t, key, "POST", "/v4/webhooks", "application/json", `{"handler":"https://a.nl","trigger":"create","callers":["ms"],"database":1,"collection":2}`)
	for _, step := range []struct{ contentType, body, want string }{
		{"application/json", `{"handler":"https://b.nl","callers":["ms"]}`, `{"ID":"1","handler":"https://b.nl","trigger":"create","callers":["ms"],"database":1,"collection":2}`},
		{"application/x-www-form-urlencoded", `trigger=click&callers[]=publisher`, `{"ID":"1","handler":"https://b.nl","trigger":"click","callers":["publisher"],"database":1,"collection":2}`},
		{"application/json", `[]`, `{"ID":"1","handler":"https://b.nl","trigger":"click","callers":["ms","publisher"],"database":1,"collection":2}`},
		{"", ``, `{"ID":"1","handler":"https://b.nl","trigger":"click","callers":["ms","publisher"],"database":1,"collection":2}`},
	} {
		if got := s.copernica(t, key, "PUT", "/v4/webhook/1", step.contentType, step.body); got.status != http.StatusNoContent {
			t.Errorf("PUT %s: %+v", step.body, got)
		}
		if got := s.shownAt(t, key, "/v4/webhook/1"); got != step.want {
			t.Errorf("after %s: %s, want %s", step.body, got, step.want)
		}
	}
	// Over RPC it is the same document, and the same method.
	s.call(t, key, "putWebhook", map[string]any{"id": 1, "webhook": map[string]any{"trigger": "open"}}, nil)
	if got := s.shownAt(t, key, "/v4/webhook/1"); !strings.Contains(got, `"trigger":"open"`) {
		t.Errorf("after putWebhook: %s", got)
	}
}

func TestCopernicasPostOnTheAddressOfAPut(t *testing.T) {
	t.Parallel()
	for version, puts := range map[string]bool{"/v2": true, "/v3": true, "/v4": false} {
		s := open(t)
		key := s.fullKey(t, "copernica")
		s.copernica(t, key, "POST", version+"/webhooks", "application/json", copernicaDocument)
		got := s.copernica(t, key, "POST", version+"/webhook/1", "application/json", `{"trigger":"delete"}`)
		if shown := s.shownAt(t, key, version+"/webhook/1"); (got.status == http.StatusNoContent) != puts || strings.Contains(shown, "delete") != puts {
			t.Errorf("POST %s/webhook/1: %+v, and then %s; want it done: %v", version, got, shown, puts)
		}
		// The slip in the vendor's Dutch page: an id where one is added. Without data there is nothing to add.
		got = s.copernica(t, key, "POST", version+"/webhooks/1894", "application/json", `{"handler":"https://x.nl","trigger":"open"}`)
		if (got.header.Get("X-Created") == "2") != puts || (got.status == http.StatusCreated) != puts {
			t.Errorf("POST %s/webhooks/1894: %+v; want a webhook: %v", version, got, puts)
		}
		if got = s.copernica(t, key, "POST", version+"/webhooks/1894", "application/json", `[]`); got.status != http.StatusBadRequest {
			t.Errorf("POST %s/webhooks/1894 without data: %+v", version, got)
		}
	}
}

func TestCopernicaTakesFormsLikePHPs(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "copernica")
	for i, form := range []string{
		`handler=https%3A%2F%2Fmy-webhook-url.com&trigger=create&callers%5B%5D=ms&database=1`,
		`handler=https://my-webhook-url.com&trigger=create&callers[0]=ms&database=2`,
		`handler=https%3a%2f%2fmy-webhook-url.com&trigger=x&trigger=create&callers[0]=ms&database=3&`,
	} {
		got := s.copernica(t, key, "POST", "/v3/webhooks", "application/x-www-form-urlencoded; charset=utf-8", form)
		id := fmt.Sprint(i + 1)
		if got.header.Get("X-Created") != id {
			t.Fatalf("%s: %+v", form, got)
		}
		want := `{"ID":"` + id + `","handler":"https://my-webhook-url.com","trigger":"create","callers":["ms"],"database":` + id + `}`
		if shown := s.shownAt(t, key, "/v3/webhook/"+id); shown != want {
			t.Errorf("%s is shown as %s", form, shown)
		}
	}
}

func TestCopernicaRefusesACompressedBody(t *testing.T) {
	t.Parallel()
	s := open(t)
	request, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/v4/webhooks?access_token="+s.fullKey(t, "copernica"), bytes.NewReader([]byte{0x1f, 0x8b}))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("Content-Encoding", "gzip")
	if got := do(t, request); got.status != http.StatusBadRequest || !strings.HasPrefix(got.body, `{"error":{"message":"Invalid data provided: `) {
		t.Errorf("got %+v", got)
	}
}

// TestACopernicaTokenIsNotLogged: tokens travel in URLs here, and whoever reads the log must not be able to call.
func TestACopernicaTokenIsNotLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := open(t, func(o *Options) { o.Log = zerolog.New(zerolog.SyncWriter(&log)) })
	key := s.fullKey(t, "copernica")
	s.copernica(t, key, "POST", "/v4/webhooks", jsonType, copernicaDocument)
	s.copernica(t, key, "GET", "/v4/nowhere", "", "")
	if err := s.engine.Close(t.Context()); err != nil { // nothing is logged from here on
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, key) || !strings.Contains(text, "postWebhook") {
		t.Errorf("the log holds the token, or no line of the call:\n%s", text)
	}
}
