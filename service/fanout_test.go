package service

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestOnePublishReachesAVision6AndASuperOfficeWebhook publishes contact.created once, to webhooks of two dialects.
func TestOnePublishReachesAVision6AndASuperOfficeWebhook(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/vision6", "/superoffice")
	key := s.fullKey(t, "fan-out")
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "list_id": 123, "url": in.url + "/vision6"}}, nil)
	s.call(t, key, "postWebhook", map[string]any{"Name": "Sales", "Events": []string{"contact.created"}, "TargetUrl": in.url + "/superoffice", "Secret": "s3cret"}, nil)
	s.publish(t, key, map[string]any{
		"type": "contact.created", "id": "evt-1", "time": "2026-11-21T09:30:00Z",
		"attributes": map[string]any{"list_id": 123, "contact_id": 142, "primaryKey": 142},
		"data":       map[string]any{"name": "Ann"},
	}, 2)

	const batch = `[{"list_id":123,"contact_id":142,"object":"contact","event":"created","timestamp":1795253400}]`
	if got := in.next(t, "/vision6"); got.body != batch || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("Vision6's receiver got %v %s, want %s", got.header, got.body, batch)
	}
	got := in.next(t, "/superoffice")
	var body struct {
		Event       string
		PrimaryKey  int
		Entity      string
		WebhookName string
		Values      map[string]string
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	if body.Event != "contact.created" || body.PrimaryKey != 142 || body.Entity != "contact" || body.WebhookName != "Sales" || body.Values["name"] != "Ann" {
		t.Errorf("SuperOffice's receiver got %s", got.body)
	}
	if got.header.Get("X-SuperOffice-Event") != "contact.created" || got.header.Get("X-SuperOffice-Signature") == "" {
		t.Errorf("SuperOffice's receiver got the header %v", got.header)
	}
}

// TestOnePublishReachesACopernicaAndAnAirstackWebhook does the same with profile.created.
func TestOnePublishReachesACopernicaAndAnAirstackWebhook(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/copernica", "/airstack")
	key := s.fullKey(t, "fan-out")
	s.call(t, key, "postWebhook", map[string]any{"handler": in.url + "/copernica", "trigger": "create", "database": 7}, nil)
	var created struct {
		Authentication struct {
			Name  string `json:"header_name"`
			Value string `json:"header_value"`
		} `json:"authentication"`
	}
	s.call(t, key, "createSubscription", map[string]any{
		"endpoint": in.url + "/airstack", "filter_config": map[string]any{"event_type": "profile.created"},
	}, &created)
	const data = `{"userId":"3761","profileName":"ann.eth"}`
	s.publish(t, key, map[string]any{
		"type": "profile.created", "time": "2026-11-21T09:30:00Z",
		"attributes": map[string]any{"database": 7, "profile": 12}, "data": json.RawMessage(data),
	}, 2)

	got := in.next(t, "/copernica")
	form, err := url.ParseQuery(got.body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"type": "create", "profile": "12", "database": "7", "timestamp": "2026-11-21 09:30:00"} {
		if form.Get(name) != want {
			t.Errorf("Copernica's receiver got %s = %q, want %q in %s", name, form.Get(name), want, got.body)
		}
	}
	if got.header.Get("Content-Type") != "application/x-www-form-urlencoded" || !strings.HasPrefix(got.header.Get("Digest"), "sha-256=") || got.header.Get("Signature") == "" {
		t.Errorf("Copernica's receiver got the header %v", got.header)
	}
	got = in.next(t, "/airstack")
	if got.body != data {
		t.Errorf("Airstack's receiver got %s, want the data byte for byte", got.body)
	}
	if value := got.header.Get(created.Authentication.Name); value == "" || value != created.Authentication.Value {
		t.Errorf("Airstack's receiver got %q as %s, not what the registration showed", value, created.Authentication.Name)
	}
	if got.header.Get("Content-Length") != strconv.Itoa(len(data)) {
		t.Errorf("Airstack's receiver got the header %v", got.header)
	}
}
