package airstack

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/schemas"
)

func TestOnlyTheVendorsPathsAreClaimed(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/v1/webhooks": "/webhooks", "/api/v1/webhooks/": "/webhooks/", "/api/v1/webhooks/01H": "/webhooks/01H",
		"/api/v1/filters/test": "/filters/test", "/api/v1/filters": "/filters",
		"/api/v1/Webhooks": "", "/api/v1/webhook": "", "/api/v1/Webhook/1": "", "/api/v1/webhooksx": "", "/api/v1/filtersx": "",
		"/api/v1": "", "/webhooks": "", "/filters/test": "", "/API/V1/webhooks": "", "/x/api/v1/webhooks": "", "": "",
	} {
		if rest, ok := below(path); rest != want || ok != (want != "") {
			t.Errorf("%s: got %q %v, want %q", path, rest, ok, want)
		}
	}
}

func request(contentType, body string) *rest.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/webhooks", nil)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return &rest.Request{Request: r, Body: []byte(body), Rest: "/webhooks"}
}

func TestAnErrorThatIsNotForCallersIsNotTold(t *testing.T) {
	t.Parallel()
	for _, err := range []error{http.ErrServerClosed, json.Unmarshal([]byte("{"), new(any))} {
		got := fault(request("", ""), err)
		const want = `{"authentication":{},"status":false,"message":"Internal error"}`
		if got.Status != http.StatusInternalServerError || string(got.Body) != want {
			t.Errorf("got %d %s, want 500 %s", got.Status, got.Body, want)
		}
	}
	got := fault(request("", ""), &schemas.Error{Kind: schemas.KindTooMany, Message: "Too many"})
	if got.Status != http.StatusTooManyRequests {
		t.Errorf("too many requests: got %d", got.Status)
	}
}

// FuzzBodies: whatever is sent, it becomes a call whose parameters are JSON, a document of this dialect, or a refusal.
func FuzzBodies(f *testing.F) {
	f.Add("application/json", `{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created"}}`)
	f.Add("application/json; charset=utf-8", ` { } `)
	f.Add("", `{"event_type":"follow.deleted","filter":{"body":{"a":1}},"payload":{"a":1}}`)
	f.Add("text/plain", `{"dialect":"native"}`)
	f.Add("", `{"Dialect":"native"}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		if strings.ContainsAny(contentType, "\r\n") {
			return
		}
		for name, route := range map[string]func(*rest.Request) (rest.Call, error){"createSubscription": create, "testFilter": testFilter} {
			call, err := route(request(contentType, body))
			if err != nil {
				if reply := fault(request(contentType, body), err); reply.Status < 400 || reply.Status >= 500 || !json.Valid(reply.Body) {
					t.Errorf("%v is answered %d %s", err, reply.Status, reply.Body)
				}
				continue
			}
			params, err := json.Marshal(call.Params)
			if err != nil || call.Method != name {
				t.Fatalf("%s: %s %v", name, call.Method, err)
			}
			var named struct {
				Dialect string `json:"dialect"`
			}
			if err := json.Unmarshal(params, &named); name == "createSubscription" && (err != nil || named.Dialect != Name) {
				t.Errorf("the document %s says it is of the dialect %q: %v", params, named.Dialect, err)
			}
		}
	})
}
