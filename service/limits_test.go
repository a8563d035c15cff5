package service

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
)

func TestDataOfAnEventMayHaveOneMiB(t *testing.T) {
	t.Parallel()
	s := open(t)
	client := s.Client(t.Context(), s.LocalKey())
	defer client.Close()
	for size, want := range map[int]int64{1<<20 - 2: 0, 1<<20 - 1: 359} { // two more bytes are the quotes
		event := map[string]any{"type": "big.one", "data": strings.Repeat("x", size)}
		err := client.Call(t.Context(), "publishEvent", event, nil)
		var got int64
		if e, ok := errors.AsType[*jsonrpc2.Error](err); ok {
			got = e.Code
		} else if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("data of %d bytes: code %d, want %d", size+2, got, want)
		}
	}
}

func TestAnEmptyAccountHeaderIsNoAccount(t *testing.T) {
	t.Parallel()
	s := open(t)
	// A shell variable that is not set must not make an admin act for its own account.
	body := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"listWebhooks"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/rpc", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.LocalKey()}, "Hookswitch-Account": {""},
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	if err := answer.Write(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), `"code":310`) {
		t.Errorf("got %s, want code 310", text.String())
	}
}

func TestReadyAndLive(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, path := range []string{"/livez", "/readyz", "/openrpc.json"} {
		answer, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no data":       {},
		"public URL":    {Data: t.TempDir(), PublicURL: "hooks"},
		"short key":     {Data: t.TempDir(), AdminKey: "short"},
		"key of spaces": {Data: t.TempDir(), AdminKey: strings.Repeat(" a", 20)},
		"timeout":       {Data: t.TempDir(), Timeout: -1},
		"long timeout":  {Data: t.TempDir(), Timeout: time.Minute + 1},
		"window":        {Data: t.TempDir(), Window: -1},
		"pull for":      {Data: t.TempDir(), PullFor: -1},
		"retention":     {Data: t.TempDir(), Retention: -1},
		"in flight":     {Data: t.TempDir(), MaxInFlight: -1},
	} {
		if s, err := Open(t.Context(), o); err == nil {
			t.Errorf("%s: opened", name)
			_ = s.Close(t.Context())
		}
	}
}

func TestNobodyPublishesTheServersOwnTypes(t *testing.T) {
	t.Parallel()
	s := open(t)
	client := s.Client(t.Context(), s.LocalKey())
	defer client.Close()
	for eventType, want := range map[string]bool{
		"webhook.failing": true, "webhook17.stopped": true, "webhooks.created": false, "webhook17x.stopped": false, "webhook17": false,
	} {
		err := client.Call(t.Context(), "publishEvent", map[string]any{"type": eventType}, nil)
		if refused := err != nil; refused != want {
			t.Errorf("%s: %v, want a refusal: %v", eventType, err, want)
		}
	}
}

func TestEveryFaultOfADocumentIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	client := s.Client(t.Context(), s.LocalKey())
	defer client.Close()
	// The trigger is the schema's business, the handler's URL the dialect's.
	err := client.Call(t.Context(), "postWebhook", map[string]any{"handler": "ftp://x", "trigger": "nope", "database": "x"}, nil)
	refusal, ok := errors.AsType[*jsonrpc2.Error](err)
	if !ok || refusal.Data == nil {
		t.Fatalf("got %v, want a refusal", err)
	}
	for _, pointer := range []string{`"/params/handler"`, `"/params/trigger"`, `"/params/database"`} {
		if strings.Count(string(*refusal.Data), pointer) != 1 {
			t.Errorf("%s is not named once: %s", pointer, *refusal.Data)
		}
	}
}
