package service

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// stateBody is what a state event's body is checked for.
type stateBody struct {
	Event       string
	PrimaryKey  int
	Entity      *string
	FieldValues struct{ State int }
}

// wantState waits for a state event at the watcher.
func (in *inbox) wantState(t *testing.T, verb string, state int) {
	t.Helper()
	got := in.next(t, "/watcher")
	var body stateBody
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	if got.header.Get("X-SuperOffice-Event") != "webhook1."+verb || body.Event != "webhook."+verb || body.PrimaryKey != 1 ||
		body.Entity != nil || body.FieldValues.State != state {
		t.Errorf("got %s as %s, want %s of webhook 1 in state %d", got.body, got.header.Get("X-SuperOffice-Event"), verb, state)
	}
}

// watched registers webhook 1 at target, and webhook 2, which is told of the first one's states.
func (s running) watched(t *testing.T, key, target, watcher string) {
	t.Helper()
	s.call(t, key, "postWebhook", map[string]any{"Name": "Watched", "Events": []string{"a.b"}, "TargetUrl": target}, nil)
	s.call(t, key, "postWebhook", map[string]any{"Events": []string{"webhook1.started", "webhook1.stopped", "webhook1.errors"}, "TargetUrl": watcher}, nil)
}

func TestSuperOfficesOwnerStopsAndStartsAWebhook(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/watcher")
	key := s.fullKey(t, "superoffice")
	s.watched(t, key, "https://e.com", in.url+"/watcher")
	for _, step := range []struct {
		verb, path, body, event string
		state                   int
	}{
		{"PATCH", "/api/v1/Webhook/1", `{"State":"Stopped"}`, "stopped", 2},
		{"PATCH", "/api/v1/Webhook/1", `{"State":2,"Name":"x"}`, "", 0}, // no change, no event
		{"PUT", "/api/v1/Webhook/1", `{"State":1,"TargetUrl":"https://e.com","Events":["a.b"]}`, "started", 1},
		{"POST", "/api/v1/Agents/Webhook/SaveWebhook", `{"WebhookId":1,"State":3,"TargetUrl":"https://e.com","Events":["a.b"]}`, "errors", 3},
	} {
		if got := s.superoffice(t, key, step.verb, step.path, step.body); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", step.body, got.status, got.body)
		}
		if step.event != "" {
			in.wantState(t, step.event, step.state)
		}
	}
}

// failing answers every delivery with a status, and counts them.
func failing(t *testing.T, status int) (url string, calls *atomic.Int64) {
	t.Helper()
	calls = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		http.Error(w, "try later", status)
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

// TestSuperOffices410MakesAWebhookTooManyErrors: at once, and another webhook is told.
func TestSuperOffices410MakesAWebhookTooManyErrors(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/watcher")
	gone, calls := failing(t, http.StatusGone)
	key := s.fullKey(t, "superoffice")
	s.watched(t, key, gone, in.url+"/watcher")
	s.publish(t, key, map[string]any{"type": "a.b"}, 1)
	in.wantState(t, "errors", 3)
	if got := s.superoffice(t, key, "GET", "/api/v1/Webhook/1?$select=State", ""); !strings.Contains(got.body, `"State":"TooManyErrors"`) {
		t.Errorf("got %s", got.body)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d attempts, want 1", n)
	}
}

func TestSuperOfficesLastError(t *testing.T) {
	t.Parallel()
	s := open(t)
	broken, calls := failing(t, http.StatusTeapot)
	key := s.fullKey(t, "superoffice")
	s.call(t, key, "postWebhook", map[string]any{"Events": []string{"a.b"}, "TargetUrl": broken}, nil)
	s.publish(t, key, map[string]any{"type": "a.b"}, 1)
	// What failed is written a moment after the receiver has answered: ask until it is there.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var text string
	for text == "" && ctx.Err() == nil {
		got := s.superoffice(t, key, "GET", "/api/v1/Webhook/1/LastError", "")
		if err := json.Unmarshal([]byte(got.body), &text); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
	}
	if !strings.HasPrefix(text, "HTTP 418 I'm a teapot\n") || !strings.Contains(text, "\nContent-Type: text/plain; charset=utf-8\n") ||
		!strings.HasSuffix(text, "\n\ntry later\n") || calls.Load() == 0 {
		t.Errorf("got %q", text)
	}
}

// TestSuperOfficesPing: with the setting, nothing is saved whose receiver does not answer the test event with 200.
func TestSuperOfficesPing(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.SuperOfficePing, o.RequireHTTPS = true, false })
	in := receive(t, "/good")
	created, calls := failing(t, http.StatusCreated)
	key := s.fullKey(t, "superoffice")
	document := func(target, state string) string {
		return `{"Name":"A","Events":["a.b"],"TargetUrl":"` + target + `","State":"` + state + `"}`
	}
	refused := soError("ArgumentException", "The endpoint did not take the test event: the endpoint answered 201 Created")
	for _, path := range []string{"/api/v1/Webhook", "/api/v1/Agents/Webhook/SaveWebhook"} {
		if got := s.superoffice(t, key, "POST", path, document(created, "Active")); got.status != http.StatusBadRequest || got.body != refused {
			t.Errorf("POST %s: %d %s", path, got.status, got.body)
		}
	}
	if list := s.listed(t, key); list != `{"items":[]}` || calls.Load() != 2 {
		t.Errorf("after %d pings: %s", calls.Load(), list)
	}
	if got := s.superoffice(t, key, "POST", "/api/v1/Webhook", document(in.url+"/good", "Active")); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if ping := in.next(t, "/good"); ping.header.Get("X-Hook-Test") != "true" || !strings.Contains(ping.body, `"WebhookName":"A"`) {
		t.Errorf("the receiver got %v %s", ping.header, ping.body)
	}
	for _, verb := range []string{"PUT", "PATCH"} {
		if got := s.superoffice(t, key, verb, "/api/v1/Webhook/1", document(created, "Active")); got.status != http.StatusBadRequest || got.body != refused {
			t.Errorf("%s: %d %s", verb, got.status, got.body)
		}
	}
	// A dead receiver's webhook can be stopped, but not started.
	if got := s.superoffice(t, key, "PUT", "/api/v1/Webhook/1", document(created, "Stopped")); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.superoffice(t, key, "PATCH", "/api/v1/Webhook/1", `{"State":1}`); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestSuperOfficesHTTPS(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *Options) { o.RequireHTTPS = true })
	key := s.fullKey(t, "superoffice")
	const document = `{"Name":"A","Events":["a.b"],"TargetUrl":"http://www.example.com"}`
	want := soError("ArgumentException", "Webhook TargetUrl must be secure: 'HTTPS:' not found")
	for _, path := range []string{"/api/v1/Webhook", "/api/v1/Agents/Webhook/SaveWebhook", "/api/v1/Webhook/Test"} {
		if got := s.superoffice(t, key, "POST", path, document); got.status != http.StatusBadRequest || got.body != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// TestSuperOfficesTestOverREST: a document without events, a target that takes it and one that does not.
func TestSuperOfficesTestOverREST(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/good")
	broken, _ := failing(t, http.StatusInternalServerError)
	key := s.fullKey(t, "superoffice")
	for target, want := range map[string]struct {
		success bool
		message string
	}{
		in.url + "/good":          {true, "HTTP 200 OK\n"},
		broken:                    {false, "HTTP 500 Internal Server Error\n"},
		"http://127.0.0.1:1":      {false, "the endpoint could not be connected to"},
		"http://10.0.0.1/private": {false, "the endpoint's address"},
	} {
		got := s.superoffice(t, key, "POST", "/api/v1/Webhook/Test", `{"TargetUrl":"`+target+`"}`)
		var result struct {
			Success         bool
			Message         string
			TableRight      any
			FieldProperties map[string]any
		}
		if err := json.Unmarshal([]byte(got.body), &result); err != nil || got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", target, got.status, got.body)
		}
		if result.Success != want.success || !strings.HasPrefix(result.Message, want.message) || result.FieldProperties == nil {
			t.Errorf("%s: got %+v, want %+v", target, result, want)
		}
	}
	if test := in.next(t, "/good"); test.header.Get("X-SuperOffice-Event") != "test" {
		t.Errorf("the receiver got %v", test.header)
	}
	if list := s.listed(t, key); list != `{"items":[]}` {
		t.Errorf("stored: %s", list)
	}
}

// TestOnlySoManyTestsRunAtOnce, since each waits for a receiver that may take its time.
func TestOnlySoManyTestsRunAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	const most = 32
	arrived, release := make(chan struct{}, most), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	t.Cleanup(slow.Close)
	key := s.fullKey(t, "superoffice")
	document := `{"TargetUrl":"` + slow.URL + `"}`
	var running sync.WaitGroup
	for range most {
		running.Go(func() {
			if got := s.superoffice(t, key, "POST", "/api/v1/Webhook/Test", document); !strings.Contains(got.body, `"Success":true`) {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	for range most {
		<-arrived
	}
	if got := s.superoffice(t, key, "POST", "/api/v1/Webhook/Test", document); got.status != http.StatusTooManyRequests {
		t.Errorf("one more: %d %s", got.status, got.body)
	}
	close(release)
	running.Wait()
}
