package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sourcegraph/jsonrpc2"
	"golang.org/x/sys/unix"
)

// TestAFullDiskHasAnAnswerOfItsOwn: no file of the server's may be written, as on a disk without room. Every face says so in
// its own way, nothing is taken, and the same publish is taken once there is room.
func TestAFullDiskHasAnAnswerOfItsOwn(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), adminKey)
	subscribe(t, s, "http://127.0.0.1:9/")
	client := dial(t, s)
	defer client.Close()
	lift := fillDisk(t, s)

	event := map[string]any{"type": "crash.paid", "id": "paid-7"}
	wantNoRoom(t, client.Call(t.Context(), "publishEvent", event, nil))
	wantNoRoom(t, client.Call(t.Context(), "createKey", map[string]any{"access": "read"}, nil))
	var many struct {
		Results []struct{ Error *jsonrpc2.Error }
	}
	if err := client.Call(t.Context(), "publishEvents", map[string]any{"events": []any{event}}, &many); err != nil || len(many.Results) != 1 {
		t.Fatalf("publishEvents: %+v, %v", many, err)
	}
	wantNoRoom(t, many.Results[0].Error)
	for _, face := range []struct {
		path, key, body string
		status          int
	}{
		{"/api/v1/webhooks", adminKey, `{"endpoint":"https://example.com/as","filter_config":{"event_type":"profile.updated","filter":{},"payload":{}}}`, 503},
		{"/api/v1/Webhook", "Bearer " + adminKey, `{"Name":"Sales","Events":["contact.created"],"TargetUrl":"https://example.com/so"}`, 503},
		{"/v4/webhooks", "Bearer " + adminKey, `{"handler":"https://example.com/co","trigger":"create"}`, 400},
	} {
		answer, body := registerAt(t, s.address+face.path, face.key, face.body)
		if answer.StatusCode != face.status || answer.Header.Get("Retry-After") != "15" || !strings.Contains(body, "no room") {
			t.Errorf("%s: %s, Retry-After %q: %s", face.path, answer.Status, answer.Header.Get("Retry-After"), body)
		}
	}
	vision6 := []any{adminKey, map[string]any{"object": "contact", "event": "created", "url": "https://example.com/v6"}}
	wantNoRoom(t, client.Call(t.Context(), "addWebhook", vision6, nil))
	s.await(t, 0, "file too large")

	lift()
	var taken struct {
		Matched   int
		Duplicate bool
	}
	if err := client.Call(t.Context(), "publishEvent", event, &taken); err != nil || taken.Duplicate || taken.Matched != 1 {
		t.Errorf("once there is room: %+v, %v", taken, err)
	}
}

// fillDisk keeps a server from writing to any file until lift is called.
func fillDisk(t *testing.T, s *server) (lift func()) {
	t.Helper()
	var before unix.Rlimit
	limit := func(set, old *unix.Rlimit) {
		t.Helper()
		if err := unix.Prlimit(s.process.Process.Pid, unix.RLIMIT_FSIZE, set, old); err != nil {
			t.Fatal(err)
		}
	}
	limit(nil, &before)
	limit(&unix.Rlimit{Cur: 0, Max: before.Max}, nil)
	return func() { t.Helper(); limit(&before, nil) }
}

// registerAt posts a document to a vendor's address.
func registerAt(t *testing.T, address, authorization, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {authorization}}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func wantNoRoom(t *testing.T, err error) {
	t.Helper()
	refusal, _ := errors.AsType[*jsonrpc2.Error](err)
	var data struct {
		Kind       string
		RetryAfter int64
	}
	if refusal == nil || refusal.Code != 362 || refusal.Data == nil || json.Unmarshal(*refusal.Data, &data) != nil ||
		data.Kind != "no_room" || data.RetryAfter != 15 {
		t.Errorf("got %v, want 362 with retryAfter", err)
	}
}
