package service

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestThePortalLinkOfARegistrationOpensThePage(t *testing.T) {
	t.Parallel()
	s := open(t)
	key, stranger := s.fullKey(t, "airstack"), s.fullKey(t, "stranger")
	id, link, value := s.register(t, key, guideDocument)
	other, _, _ := s.register(t, stranger, guideDocument)
	var native struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	s.call(t, key, "createSubscription", map[string]any{
		"endpoint": "https://example.com/n", "events": []string{"a"}, "headers": map[string]string{"Authorization": "Bearer planted"},
	}, &native)
	s.call(t, key, "postWebhook", map[string]any{"Events": []string{"sale.created"}, "TargetUrl": "https://example.com/so", "Secret": "planted-secret"}, nil)
	page := s.get(t, link)
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %v", page.status, page.header)
	}
	for _, want := range []string{id, native.ID, "https://webhook.site", "https://example.com/so"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, secret := range []string{value, native.Secret, "planted", key, other} {
		if strings.Contains(page.body, secret) {
			t.Errorf("the page shows what it must not: %s", secret)
		}
	}

	const account = 2 // the first that was made
	if got := s.get(t, s.portal.Link(account, s.url, time.Now().Add(time.Hour))); !strings.Contains(got.body, id) {
		t.Fatalf("the account has another number")
	}
	base, token, _ := strings.Cut(link, "=")
	expired := s.portal.Link(account, s.url, time.Now())
	forged := []string{base + "=", base + "=" + token[1:] + "A", s.url + "/portal", expired}
	for i := range token {
		changed := byte('A')
		if token[i] == changed {
			changed = 'B'
		}
		forged = append(forged, base+"="+token[:i]+string(changed)+token[i+1:])
	}
	for _, link := range forged {
		if got := s.get(t, link); got.status != http.StatusForbidden || strings.Contains(got.body, id) {
			t.Errorf("a forged or expired link is answered %d", got.status)
		}
	}
}

func TestCreatePortalLinkMakesALinkThatWorksForAsLongAsAsked(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "portal")
	id, _, _ := s.register(t, key, guideDocument)
	for _, test := range []struct {
		params any
		life   time.Duration
	}{
		{nil, 24 * time.Hour}, {map[string]any{"access": "read", "expiresIn": 60}, time.Minute}, {[]any{"read", 2592000}, 720 * time.Hour},
	} {
		var link struct {
			URL     string    `json:"url"`
			Expires time.Time `json:"expires"`
		}
		s.call(t, key, "createPortalLink", test.params, &link)
		if left := time.Until(link.Expires); left > test.life || left < test.life-time.Minute {
			t.Errorf("%v: the link expires in %v", test.params, left)
		}
		// An in-process caller has no address of the service, so that its link is a path.
		if got := s.get(t, s.url+link.URL); got.status != http.StatusOK || !strings.Contains(got.body, id) {
			t.Errorf("%v: the page is answered %d", test.params, got.status)
		}
	}
	if err := s.try(t, key, "createPortalLink", map[string]any{"access": "full"}, nil); err == nil || !strings.Contains(err.Error(), "Invalid Method Parameters") {
		t.Errorf("more access than the page has: %v", err)
	}
	if err := s.try(t, s.makeKey(t, "portal", schemas.AccessPublish), "createPortalLink", nil, nil); err == nil {
		t.Error("a weak key makes a link that outlives it")
	}
}

func (s running) get(t *testing.T, url string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, request)
}
