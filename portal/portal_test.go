package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/rpc"
	"github.com/hookswitch/hookswitch/schemas"
)

func setup(t *testing.T, items string) *Portal {
	t.Helper()
	server, err := rpc.NewServer(rpc.Options{Lookup: func(method string) (rpc.Handler, bool) {
		return func(context.Context, *rpc.Call) (any, error) { return rpc.Raw(items), nil }, method == "listWebhooks"
	}, Discovery: []byte("{}"), ErrorOf: nil})
	if err != nil {
		t.Fatal(err)
	}
	return New([]byte("a secret of thirty-two bytes ..."), func(ctx context.Context, a schemas.AccountID) *rpc.Client {
		return server.Local(ctx, rpc.LocalOptions{})
	})
}

func get(p *Portal, address string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	p.ServeHTTP(out, httptest.NewRequest(http.MethodGet, address, nil))
	return out
}

func TestPageShowsWhatAReadShowsAndNothingAsMarkup(t *testing.T) {
	t.Parallel()
	p := setup(t, `{"items":[{"id":"sub_1","endpoint":"https://example.com/<b>","name":null,"events":["a.*","<i>"],
		"stats":{"calls":1,"lastError":"x"},"headers":{},"more":[{"url":"https://example.com/?token=secret"}]}]}`)
	got := get(p, p.Link(7, "http://example.com", time.Now().Add(time.Hour)))
	body := got.Body.String()
	if got.Code != http.StatusOK || !strings.Contains(body, "account 7") {
		t.Fatalf("got %d: %s", got.Code, body)
	}
	for _, want := range []string{"<dt>id</dt><dd>sub_1</dd>", "https://example.com/&lt;b&gt;",
		"<dt>events</dt><dd><ul><li>a.*</li><li>&lt;i&gt;</li></ul></dd>",
		"<dt>stats</dt><dd><dl><dt>calls</dt><dd>1</dd><dt>lastError</dt><dd>x</dd></dl></dd>", "<dt>headers</dt><dd></dd>",
		"https://example.com/?token=***"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<dt>name</dt>") {
		t.Error("a null is shown")
	}
}

func TestLinkWorksUntilItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New([]byte("secret"), nil)
		token := strings.TrimPrefix(p.Link(7, "", time.Now().Add(time.Hour)), Path+"?token=")
		if a, ok := p.account(token, time.Now()); !ok || a != 7 {
			t.Errorf("a fresh link: got %d %v, want 7 true", a, ok)
		}
		time.Sleep(time.Hour)
		if _, ok := p.account(token, time.Now()); ok {
			t.Error("an expired link works")
		}
	})
}

func TestForgedLinksAreRefused(t *testing.T) {
	t.Parallel()
	p := setup(t, `{"items":[]}`)
	good := p.Link(7, "", time.Now().Add(time.Hour))
	other := New([]byte("another secret"), nil).Link(7, "", time.Now().Add(time.Hour))
	for _, link := range []string{other, good[:len(good)-1], good + "A", strings.Replace(good, "token=AAAA", "token=AAAB", 1), Path, Path + "?token=%00"} {
		if got := get(p, link); got.Code != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", link, got.Code)
		}
	}
}

func FuzzToken(f *testing.F) {
	p := New([]byte("secret"), nil)
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if a, ok := p.account(token, time.Unix(0, 0)); ok {
			t.Errorf("a token nobody made opens account %d", a)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		if json.Valid(document) {
			_, _ = read(document)
		}
	})
}
