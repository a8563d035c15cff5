package delivery

import (
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestCheckEndpointLooksAtTheShapeOnly(t *testing.T) {
	t.Parallel()
	for _, fine := range []string{
		"http://example.com", "https://example.com/hook?a=b&c=%20", "HTTPS://EXAMPLE.com:8443/x", "http://127.0.0.1:8080/",
		"http://[::1]:9000/x", "https://xn--bcher-kva.example/", "https://bücher.example/", "http://localhost:1",
		"http://a_b.example.com./", "https://no-such-host.invalid/", "http://example.com/" + strings.Repeat("a", 3900),
	} {
		if problem := CheckEndpoint(fine); problem != "" {
			t.Errorf("%.60s is refused: it %s", fine, problem)
		}
	}
	for _, bad := range []string{
		"", " ", "example.com", "//example.com", "/path", "ftp://example.com", "http:example.com", "http://", "http:///x",
		"https://user@example.com/", "https://user:pw@example.com/", "https://example.com/#frag", "https://example.com/x#",
		"http://example.com:0/", "http://example.com:65536/", "http://example.com:/", "http://example.com:http/",
		"http://exa mple.com/", "http://example.com/a b", "http://example.com/\n", "http://example.com\\@evil.example/",
		"http://example.com/\x00", "http://[::1", "http://[fe80::1%25eth0]/", "http://[1.2.3.4]/", "http://a..b/", "http://-a.example/",
		"http://.example.com", "http://exa$mple.com", "http://" + strings.Repeat("a", 64) + ".example/", "http://example.com/\xff",
		"http://example.com/" + strings.Repeat("a", 4000), "javascript:alert(1)", "http://%31.example/",
	} {
		if CheckEndpoint(bad) == "" {
			t.Errorf("%.60q is accepted", bad)
		}
	}
}

func FuzzCheckEndpoint(f *testing.F) {
	f.Add("https://example.com:8443/x?y=z")
	f.Add("http://[::1]:80/")
	f.Fuzz(func(t *testing.T, text string) {
		if CheckEndpoint(text) != "" {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https") {
			t.Errorf("%q was accepted", text)
		}
	})
}

func TestOriginIsSchemeHostAndPort(t *testing.T) {
	t.Parallel()
	of := func(account schemas.AccountID, text string) originKey {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return originOf(account, u)
	}
	base := of(1, "https://Example.com/a?b=c")
	for _, same := range []string{"https://example.com", "https://example.com:443/x", "https://EXAMPLE.com./"} {
		if of(1, same) != base {
			t.Errorf("%s is another origin", same)
		}
	}
	for _, other := range []string{"http://example.com", "https://example.com:8443", "https://www.example.com", "http://example.com:443"} {
		if of(1, other) == base {
			t.Errorf("%s is the same origin", other)
		}
	}
	if of(2, "https://example.com") == base || of(1, "http://[2001:db8::1]") != of(1, "http://[2001:DB8::1]:80/") {
		t.Error("accounts or IPv6 hosts are mixed up")
	}
}
