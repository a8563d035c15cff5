package service

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// send makes a request with headers and returns the answer, its body read no further.
func send(t *testing.T, method, url, body string, header map[string]string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestOriginsHoldAtEveryAddress(t *testing.T) {
	t.Parallel()
	const listed, foreign = "https://app.example.com", "https://evil.example"
	s := open(t, func(o *Options) { o.Origins = []string{listed} })
	upgrade := map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
	for _, c := range []struct {
		method, path string
		header       map[string]string
		want         int
	}{
		{"POST", "/rpc", map[string]string{"Content-Type": "application/json"}, 200},
		{"GET", "/rpc", upgrade, 101},
		{"POST", "/api/jsonrpcserver.php", nil, 200},
		{"GET", "/v4/webhooks", nil, 400},        // no key, as Copernica says it
		{"GET", "/api/v1/Webhook", nil, 401},     // as SuperOffice does
		{"POST", "/api/v1/webhooks", nil, 401},   // and Airstack
		{"GET", "/v4//../v4/webhooks", nil, 400}, // a path that a mux would redirect
	} {
		for origin, want := range map[string]int{"": c.want, listed: c.want, s.url: c.want, foreign: http.StatusForbidden} {
			header := map[string]string{}
			for name, value := range c.header {
				header[name] = value
			}
			if origin != "" {
				header["Origin"] = origin
			}
			body := ""
			if c.method == http.MethodPost {
				body = `{}`
			}
			response := send(t, c.method, s.url+c.path, body, header)
			if response.StatusCode != want {
				t.Errorf("%s %s from %q: %d, want %d", c.method, c.path, origin, response.StatusCode, want)
			}
			shared := response.Header.Get("Access-Control-Allow-Origin")
			if want := origin == listed && c.want != 101; (shared == listed) != want {
				t.Errorf("%s %s from %q: shared with %q", c.method, c.path, origin, shared)
			}
		}
	}
	for origin, want := range map[string]string{listed: "PATCH", foreign: ""} {
		response := send(t, "OPTIONS", s.url+"/api/v1/Webhook/1", "", map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization",
		})
		verbs := response.Header.Get("Access-Control-Allow-Methods")
		if want == "" && (verbs != "" || response.StatusCode != http.StatusForbidden) || !strings.Contains(verbs, want) {
			t.Errorf("a preflight from %s: %d, %q", origin, response.StatusCode, verbs)
		}
	}
}

func TestLinksAreToWhereTheProxyWasAddressed(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	link := func() string {
		response := send(t, "POST", s.url+"/rpc", `{"jsonrpc":"2.0","id":1,"method":"createPortalLink"}`, map[string]string{
			"Content-Type": "application/json", "Authorization": "Bearer " + s.LocalKey(),
			"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hooks.example.com",
		})
		var answer struct {
			Result struct {
				URL string `json:"url"`
			} `json:"result"`
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer.Result.URL
	}
	if got := link(); !strings.HasPrefix(got, "https://hooks.example.com/") {
		t.Errorf("a link to %s", got)
	}
	if err := s.Reload(Options{Data: "unused"}); err != nil {
		t.Fatal(err)
	}
	if got := link(); !strings.HasPrefix(got, s.url+"/") {
		t.Errorf("a link to %s, once the proxy is trusted no more", got)
	}
}
