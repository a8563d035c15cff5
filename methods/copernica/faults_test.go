package copernica_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/methods/copernica"
	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

func TestEveryFaultHasTheVendorsShape(t *testing.T) {
	t.Parallel()
	face := copernica.Face(copernica.V4, "")
	for _, c := range []struct {
		path   string
		err    error
		status int
		said   string
	}{
		{"/webhook", rest.ErrNoRoute, 400, "Invalid request, element 1 is missing in 'directory' path"},
		{"/x", rest.ErrNoRoute, 400, "Invalid method"},
		{"/webhook", &rest.VerbError{Allow: []string{"GET"}}, 400, "Invalid method"},
		{"/webhooks", rest.ErrTooLarge, 400, "Invalid data provided: the body is too large"},
		{"/webhooks", rest.ErrCutShort, 400, "Invalid data provided: the body ended early"},
		{"/webhooks", rest.ErrEncoded, 400, "Invalid data provided: a compressed body is not taken"},
		{"/webhooks", schemas.Refuse(schemas.KindUnauthorized, "no"), 400, "Invalid access token"},
		{"/webhooks", schemas.Refuse(schemas.KindForbidden, "This needs more"), 400, "This needs more"},
		{"/webhook/7", schemas.Refuse(schemas.KindNoWebhook, "no"), 400, "No entity with supplied ID"},
		{"/webhook/x y", schemas.Invalid(schemas.Fault{Pointer: "/params/id", Message: "is none"}), 400, "No entity with supplied ID"},
		{"/webhooks", schemas.Invalid(schemas.Fault{Pointer: "/params", Message: "is nested too deep"}), 400, "Invalid data provided: the body is nested too deep"},
		{"/webhook/7", schemas.Invalid(
			schemas.Fault{Pointer: "/params/webhook/callers/1", Message: "is wrong"}, schemas.Fault{Pointer: "/params/webhook/handler", Message: "must be <a> URL"},
		), 400, "Invalid data provided: callers/1 is wrong; handler must be <a> URL"},
		{"/webhooks", schemas.Refuse(schemas.KindInvalidParams, "A header is wrong"), 400, "A header is wrong"},
		{"/webhooks", schemas.Refuse(schemas.KindTooMany, "Too many requests"), 429, "Too many requests"},
		{"/webhooks", errors.New("dial tcp: the secret place"), 400, "Internal error"},
		{"/webhooks", rpc.Error(rpc.CodeCallTimeout, "Call timed out", nil), 400, "Call timed out"},
	} {
		r := &rest.Request{Request: httptest.NewRequest(http.MethodGet, "/v4", nil), Rest: c.path}
		got := face.Fault(r, c.err)
		want := `{"error":{"message":"` + c.said + `"}}`
		if got.Status != c.status || string(got.Body) != want || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v: %d %s, want %d %s", c.err, got.Status, got.Body, c.status, want)
		}
		if after := got.Header.Get("Retry-After"); (after != "") != (c.status == 429) {
			t.Errorf("%v: Retry-After %q", c.err, after)
		}
	}
}

func TestTheTokenIsTakenFromHeaderOrQuery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, query, want string }{
		{"Bearer k", "", "Bearer k"},
		{"bearer k", "access_token=q", "bearer k"},
		{"", "access_token=tok+en%2F%2B", "Bearer tok en/+"},
		{"Basic dTpw", "access_token=q", "Bearer q"},
		{"Basic dTpw", "", ""},
		{"k", "", ""},
		{"", "ACCESS_TOKEN=q", ""},
		{"", "access_token=", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/v4/webhook/1?"+c.query, strings.NewReader(""))
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
		}
		for _, v := range []copernica.Version{copernica.V2, copernica.V3, copernica.V4} {
			if got := copernica.Face(v, "").Credential(r); got != c.want {
				t.Errorf("%s, %q and %q: %q, want %q", v, c.header, c.query, got, c.want)
			}
		}
	}
}
