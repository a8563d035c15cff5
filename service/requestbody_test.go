package service

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// delivered is the part of a delivery that these tests read.
type delivered struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	History []struct {
		RequestBody  string          `json:"requestBody"`
		RequestNote  string          `json:"requestNote"`
		RequestBytes int             `json:"requestBytes"`
		RequestSum   json.RawMessage `json:"requestSum"`
		Batch        int             `json:"batch"`
	} `json:"history"`
}

// history waits until the deliveries of a webhook are delivered and shows each, newest first.
func (s running) history(t *testing.T, key string, webhook any, n int) (list []delivered) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		var page struct {
			Items []delivered `json:"items"`
		}
		s.call(t, key, "listDeliveries", map[string]any{"webhook": webhook, "state": "delivered"}, &page)
		if len(page.Items) == n {
			for _, d := range page.Items {
				var whole delivered
				s.call(t, key, "getDelivery", map[string]any{"id": d.ID}, &whole)
				list = append(list, whole)
			}
			return list
		}
		if time.Now().After(end) {
			t.Fatalf("%d deliveries are made, want %d", len(page.Items), n)
		}
	}
}

// Every dialect's body reads as it was sent, because it can be built again.
func TestADeliveryShowsTheBodyAsSent(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/vision6", "/copernica", "/superoffice", "/airstack", "/native", "/cloudevents")
	key := s.fullKey(t, "bodies")
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "url": in.url + "/vision6"}}, nil)
	s.call(t, key, "postWebhook", map[string]any{"handler": in.url + "/copernica", "trigger": "create"}, nil)
	s.call(t, key, "postWebhook", map[string]any{"Name": "Sales", "Events": []string{"contact.created"}, "TargetUrl": in.url + "/superoffice", "Secret": "s3cret"}, nil)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/airstack", "filter_config": map[string]any{"event_type": "profile.created"}}, nil)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/native", "events": []string{"contact.*"}}, nil)
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/cloudevents", "events": []string{"contact.*"}, "format": "cloudevents"}, nil)
	for eventType, matched := range map[string]int{"contact.created": 4, "profile.created": 2} {
		s.publish(t, key, map[string]any{
			"type": eventType, "attributes": map[string]any{"profile": 12, "database": 7, "primaryKey": 12}, "data": map[string]any{"name": "Ann"},
		}, matched)
	}
	for i, path := range []string{"/vision6", "/copernica", "/superoffice", "/airstack", "/native", "/cloudevents"} {
		sent := in.next(t, path).body
		got := s.history(t, key, i+1, 1)[0].History[0]
		if got.RequestBody != sent || got.RequestBytes != len(sent) || got.RequestNote != "" || got.RequestSum != nil {
			t.Errorf("%s was sent %s, shown is %+v", path, sent, got)
		}
	}
}

func TestABodyThatCannotBeShownSaysWhy(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/hook")
	key := s.fullKey(t, "bodies")
	var sub subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/hook", "events": []string{"*"}}, &sub)
	large := strings.Repeat("é", schemas.MaxResponseBody)
	s.publish(t, key, map[string]any{"type": "a", "data": large + sub.Secret}, 1)
	sent := in.next(t, "/hook").body
	got := s.history(t, key, sub.ID, 1)[0]
	if body := got.History[0].RequestBody; len(body) > schemas.MaxResponseBody+2 || !strings.HasPrefix(sent, body[:schemas.MaxResponseBody-2]) {
		t.Errorf("of %d bytes %d are shown", len(sent), len(body))
	}
	expect := func(want string) {
		t.Helper()
		id := got.ID
		got = delivered{}
		s.call(t, key, "getDelivery", map[string]any{"id": id}, &got)
		if h := got.History[0]; h.RequestBody != "" || !strings.Contains(h.RequestNote, want) || h.RequestBytes != len(sent) {
			t.Errorf("got %+v, want a note that the webhook was %s", h, want)
		}
	}
	s.call(t, key, "updateSubscription", map[string]any{"id": sub.ID, "format": "cloudevents"}, nil)
	expect("changed")
	s.call(t, key, "deleteSubscription", map[string]any{"id": sub.ID}, nil)
	expect("removed")
}

func TestEventsThatWentTogetherShowTheirBodyTogether(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 64)
	first, release := make(chan struct{}, 64), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		first <- struct{}{}
		<-release // meanwhile the others gather
	}))
	t.Cleanup(server.Close)
	s := open(t)
	key := s.fullKey(t, "bodies")
	var id int64
	s.call(t, key, "addWebhook", []any{key, map[string]any{"object": "contact", "event": "created", "url": server.URL}}, &id)
	event := map[string]any{"type": "contact.created", "attributes": map[string]any{"contact_id": 7}}
	s.publish(t, key, event, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case <-first:
	case <-ctx.Done():
		t.Fatal("nothing was sent")
	}
	const n = 20
	for i := range n - 1 {
		event["attributes"] = map[string]any{"contact_id": 100 + i}
		s.publish(t, key, event, 1)
	}
	close(release)
	sent, together := map[string]bool{}, 0
	list := s.history(t, key, id, n)
	for len(bodies) > 0 {
		sent[<-bodies] = true
	}
	for _, d := range list {
		h := d.History[0]
		if !sent[h.RequestBody] {
			t.Errorf("shown is %+v, which was not sent", h)
		}
		if h.Batch > 1 {
			together++
			if strings.Count(h.RequestBody, "contact_id") != h.Batch {
				t.Errorf("a body of %d events is %s", h.Batch, h.RequestBody)
			}
		}
	}
	if together == 0 {
		t.Error("no events went together")
	}
}
