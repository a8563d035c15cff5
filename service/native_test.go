package service

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// subscription is the part of a native subscription that these tests read.
type subscription struct {
	ID               string    `json:"id"`
	Signature        string    `json:"signature"`
	Secret           string    `json:"secret"`
	PublicKey        string    `json:"publicKey"`
	FormerSecretsEnd time.Time `json:"formerSecretsEnd"`
}

// verifies checks a delivery the way its receiver does, with a secret or a public key.
func verifies(t *testing.T, got arrival, key string) bool {
	t.Helper()
	if text, ok := strings.CutPrefix(key, "whpk_"); ok {
		public, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(public) != ed25519.PublicKeySize {
			t.Fatalf("%s is no public key: %v", key, err)
		}
		signed := got.header.Get("webhook-id") + "." + got.header.Get("webhook-timestamp") + "." + got.body
		for _, s := range strings.Fields(got.header.Get("webhook-signature")) {
			signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "v1a,"))
			if err == nil && ed25519.Verify(public, []byte(signed), signature) {
				return true
			}
		}
		return false
	}
	verifier, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	return verifier.Verify([]byte(got.body), got.header) == nil
}

func TestARotatedSecretAndTheOneBeforeBothSign(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/hook")
	key := s.fullKey(t, "native")
	var first, second, third, fourth, read subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/hook", "events": []string{"a"}}, &first)
	deliver := func() arrival {
		t.Helper()
		s.publish(t, key, map[string]any{"type": "a", "data": 1}, 1)
		return in.next(t, "/hook")
	}
	expect := func(got arrival, signed map[string]bool) {
		t.Helper()
		for key, want := range signed {
			if verifies(t, got, key) != want {
				t.Errorf("a delivery signed %s verifies: %v, want %v", got.header.Get("webhook-signature"), !want, want)
			}
		}
	}
	expect(deliver(), map[string]bool{first.Secret: true})

	s.call(t, key, "rotateSecret", map[string]any{"id": first.ID}, &second)
	if left := time.Until(second.FormerSecretsEnd); left > 24*time.Hour || left < 24*time.Hour-time.Minute {
		t.Errorf("the former secret signs for %v, want a day", left)
	}
	expect(deliver(), map[string]bool{first.Secret: true, second.Secret: true})

	s.call(t, key, "rotateSecret", map[string]any{"id": first.ID, "signature": "ed25519", "overlap": 3600}, &third)
	if third.Secret != "" || third.Signature != "ed25519" || time.Until(third.FormerSecretsEnd) > time.Hour {
		t.Errorf("got %+v, want a key pair and an overlap of an hour", third)
	}
	expect(deliver(), map[string]bool{first.Secret: true, second.Secret: true, third.PublicKey: true})

	s.call(t, key, "rotateSecret", map[string]any{"id": first.ID, "overlap": 0}, &fourth)
	if fourth.PublicKey == third.PublicKey || !fourth.FormerSecretsEnd.IsZero() {
		t.Errorf("got %+v, want another key pair and nothing beside it", fourth)
	}
	expect(deliver(), map[string]bool{first.Secret: false, second.Secret: false, third.PublicKey: false, fourth.PublicKey: true})

	s.call(t, key, "getSubscription", map[string]any{"id": first.ID}, &read)
	if read.Secret != "" || read.PublicKey != fourth.PublicKey {
		t.Errorf("a read shows %+v", read)
	}
}

func TestRotationsKeepFewSecretsAndBelongToStrongKeys(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := s.fullKey(t, "native")
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": "https://example.com", "events": []string{"a"}}, &made)
	id := map[string]any{"id": made.ID}
	for range 4 {
		s.call(t, key, "rotateSecret", id, nil)
	}
	wantCode(t, s.try(t, key, "rotateSecret", id, nil), 356)
	s.call(t, key, "rotateSecret", map[string]any{"id": made.ID, "overlap": 0}, nil)
	s.call(t, key, "rotateSecret", id, nil)
	wantCode(t, s.try(t, s.makeKey(t, "native", "publish"), "rotateSecret", id, nil), 355)
	wantCode(t, s.try(t, s.fullKey(t, "stranger"), "rotateSecret", id, nil), 352)
}

func wantCode(t *testing.T, err error, code int64) {
	t.Helper()
	if e, ok := errors.AsType[*jsonrpc2.Error](err); !ok || e.Code != code {
		t.Errorf("got %v, want code %d", err, code)
	}
}

func TestTestSubscriptionSendsASignedEventAndStoresNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/hook")
	key := s.fullKey(t, "native")
	var made subscription
	s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/hook", "events": []string{"contact.*"}, "signature": "ed25519"}, &made)
	var attempt struct {
		OK     bool `json:"ok"`
		Status int  `json:"status"`
	}
	s.call(t, key, "testSubscription", map[string]any{"id": made.ID}, &attempt)
	got := in.next(t, "/hook")
	if !attempt.OK || attempt.Status != 200 || !verifies(t, got, made.PublicKey) || !strings.HasPrefix(got.body, `{"type":"contact.test",`) {
		t.Errorf("got %+v and the delivery %s", attempt, got.body)
	}
	for _, list := range []string{"listEvents", "listDeliveries"} {
		var found struct {
			Items []json.RawMessage `json:"items"`
		}
		if s.call(t, key, list, nil, &found); len(found.Items) != 0 {
			t.Errorf("%s: %s", list, found.Items)
		}
	}
	wantCode(t, s.try(t, s.fullKey(t, "stranger"), "testSubscription", map[string]any{"id": made.ID}, nil), 352)
}

// TestACloudEventArrives sends one in each mode over a real connection.
func TestACloudEventArrives(t *testing.T) {
	t.Parallel()
	s := open(t)
	in := receive(t, "/structured", "/binary")
	key := s.fullKey(t, "native")
	var structured, binary subscription
	for path, made := range map[string]*subscription{"structured": &structured, "binary": &binary} {
		format := map[string]string{"structured": "cloudevents", "binary": "cloudevents-binary"}[path]
		s.call(t, key, "createSubscription", map[string]any{"endpoint": in.url + "/" + path, "events": []string{"a"}, "format": format}, made)
	}
	s.publish(t, key, map[string]any{"type": "a", "id": "evt-1", "source": "/shop", "subject": "Jö 1", "attributes": map[string]any{"tenant": 7, "list_id": 1}, "data": []int{1}}, 2)
	got := in.next(t, "/structured")
	var event map[string]any
	if err := json.Unmarshal([]byte(got.body), &event); err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint([]any{event["specversion"], event["id"], event["source"], event["type"], event["subject"], event["tenant"], event["data"]})
	if said != "[1.0 evt-1 /shop a Jö 1 7 [1]]" || !verifies(t, got, structured.Secret) {
		t.Errorf("got %s: %s", said, got.body)
	}
	if _, there := event["list_id"]; there || got.header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("got %v %s", got.header, got.body)
	}
	got = in.next(t, "/binary")
	for name, want := range map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": "evt-1", "Ce-Source": "/shop", "Ce-Type": "a", "Ce-Subject": "J%C3%B6%201", "Ce-Tenant": "7",
		"Ce-List_id": "", "Content-Type": "application/json",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
	if got.body != "[1]" || !verifies(t, got, binary.Secret) {
		t.Errorf("got %s", got.body)
	}
}
