package service

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// browser is Chromium without a window, which makes no connection of its own.
func browser(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the page is not seen in a browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
	}, args...)...)
}

func TestTheReferenceIsServedAsAPageThatLoadsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.Version = "1.2.3" })
	page := s.get(t, s.url+"/docs")
	if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %v", page.status, page.header)
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, want := range []string{`id="publishEvent"`, `href="#type-EventType"`, "1.2.3", `<span class="required">required</span>`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{`src="http`, `href="http`, "ZgotmplZ", "<no value>"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/docs", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("If-None-Match", page.header.Get("ETag"))
	if got := do(t, request); got.status != http.StatusNotModified {
		t.Errorf("the same page again: %d", got.status)
	}
}

// TestTheReferenceInABrowser has Chromium run the page: its style and script pass the policy, and the script has done
// its part.
func TestTheReferenceInABrowser(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := browser(t, "--enable-logging=stderr", "--dump-dom", s.url+"/docs")
	var dom, said strings.Builder
	c.Stdout, c.Stderr = &dom, &said
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if _, complaint, found := strings.Cut(said.String(), ":CONSOLE"); found {
		t.Errorf("the browser complains: %s", complaint)
	}
	for _, want := range []string{
		`<label class="search">`,           // shown by the script
		"curl " + s.url + "/rpc",           // the address it was called at
		`<h3><a href="#createSubscription`, // and the methods
	} {
		if !strings.Contains(dom.String(), want) {
			t.Errorf("the page as shown lacks %s", want)
		}
	}
}
