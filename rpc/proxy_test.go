package rpc

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	var proxies Proxies
	proxies.Trust([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("fd00::/8")})
	for _, c := range []struct {
		name, peer         string
		forward            []string // X-Forwarded-For
		proto, host        string
		wantFrom, wantBase string
	}{
		{name: "a stranger", peer: "192.0.2.9:5000", forward: []string{"198.51.100.1"}, proto: "https", host: "evil.example",
			wantFrom: "192.0.2.9", wantBase: "http://hooks.example"},
		{name: "a proxy", peer: "10.0.0.1:5000", forward: []string{"198.51.100.1"}, proto: "https", host: "pub.example",
			wantFrom: "198.51.100.1", wantBase: "https://pub.example"},
		{name: "a proxy that says nothing", peer: "10.0.0.1:5000", wantFrom: "10.0.0.1", wantBase: "http://hooks.example"},
		{name: "what the caller made up is further ahead", peer: "10.0.0.1:5000", forward: []string{"1.1.1.1, 198.51.100.1"},
			wantFrom: "198.51.100.1", wantBase: "http://hooks.example"},
		{name: "two proxies, two headers", peer: "10.0.0.1:5000", forward: []string{"198.51.100.1", "10.2.2.2"},
			wantFrom: "198.51.100.1", wantBase: "http://hooks.example"},
		{name: "nothing but proxies", peer: "10.0.0.1:5000", forward: []string{"10.3.3.3, 10.2.2.2"},
			wantFrom: "10.3.3.3", wantBase: "http://hooks.example"},
		{name: "no address", peer: "10.0.0.1:5000", forward: []string{"198.51.100.1, unknown, 10.2.2.2"},
			wantFrom: "10.2.2.2", wantBase: "http://hooks.example"},
		{name: "with ports and brackets", peer: "[fd00::1]:5000", forward: []string{"[2001:db8::7]:99"},
			wantFrom: "2001:db8::7", wantBase: "http://hooks.example"},
		{name: "IPv4 in IPv6", peer: "[::ffff:10.0.0.1]:5000", forward: []string{"::ffff:198.51.100.1"},
			wantFrom: "198.51.100.1", wantBase: "http://hooks.example"},
		{name: "a Unix socket", peer: "@", forward: []string{"198.51.100.1"}, proto: "https",
			wantFrom: "198.51.100.1", wantBase: "https://hooks.example"},
		{name: "the last proxy's word counts", peer: "10.0.0.1:5000", proto: "http, https", host: "a.example, b.example:8443",
			wantFrom: "10.0.0.1", wantBase: "https://b.example:8443"},
		{name: "no host", peer: "10.0.0.1:5000", host: "a.example/path", proto: "gopher",
			wantFrom: "10.0.0.1", wantBase: "http://hooks.example"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/rpc", nil)
		r.Host, r.RemoteAddr = "hooks.example", c.peer
		r.Header["X-Forwarded-For"] = c.forward
		for name, value := range map[string]string{"X-Forwarded-Proto": c.proto, "X-Forwarded-Host": c.host} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		var session *Session
		proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { session = SessionOf(r) })).ServeHTTP(nil, r)
		if got := session.Address().String(); got != c.wantFrom {
			t.Errorf("%s: from %s, want %s", c.name, got, c.wantFrom)
		}
		if got := session.BaseURL(); got != c.wantBase {
			t.Errorf("%s: at %s, want %s", c.name, got, c.wantBase)
		}
		if r.Host != "hooks.example" || r.RemoteAddr != c.peer {
			t.Errorf("%s: the request itself was changed", c.name)
		}
	}
}

func TestARequestLineCannotClaimHTTPS(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "https://hooks.example/rpc", nil)
	r.TLS = nil // httptest takes the scheme for the truth
	var proxies Proxies
	proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := SessionOf(r).BaseURL(); got != "http://hooks.example" {
			t.Errorf("at %s", got)
		}
	})).ServeHTTP(nil, r)
}

func FuzzForwarded(f *testing.F) {
	f.Add("1.2.3.4, 10.0.0.1", "https", "a.example:80")
	f.Add("[::1]:x,,", "", "[::1")
	f.Fuzz(func(t *testing.T, forward, proto, host string) {
		var proxies Proxies
		proxies.Trust([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{"X-Forwarded-For": {forward}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host}}
		seen := proxies.seen(r)
		if !parseHop(seen.RemoteAddr).IsValid() || !isHost(seen.Host) {
			t.Errorf("from %q at %q", seen.RemoteAddr, seen.Host)
		}
	})
}
