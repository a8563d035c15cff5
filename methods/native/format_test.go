package native_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/delivery/formattest"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/schemas"
)

const (
	currentSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	formerSecret  = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// keyPair is test 1 of RFC 8032 section 7.1, as Standard Webhooks writes keys.
var keyPair = struct{ secret, public string }{
	"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==",
	"whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
}

var attemptTime = time.Date(2026, 11, 21, 10, 0, 5, 0, time.UTC)

func webhook() *schemas.Webhook {
	return &schemas.Webhook{
		ID: 1, Account: 1, PublicID: "sub_01JD7Z8Q4W5V6X7Y8Z9A0B1C2D", Dialect: native.Name,
		Endpoint: "https://example.com/hook", Match: schemas.Match{Types: []string{"contact.*"}},
		State: schemas.StateActive, Secrets: []schemas.Secret{{Value: currentSecret}},
	}
}

func event() *schemas.Event {
	return &schemas.Event{
		Account: 1, Seq: 9, ID: "evt_2n4f", Type: "contact.unsubscribed", Source: "/lists/12", Subject: "contact/9",
		Time:       time.Date(2026, 11, 21, 11, 0, 0, 250e6, time.FixedZone("CET", 3600)),
		Data:       json.RawMessage(`{ "email":"jo@example.com", "n":1.50, "text":"<\u00e9>" }`),
		Attributes: map[string]json.RawMessage{"list_id": json.RawMessage(`12`)},
	}
}

func job(w *schemas.Webhook, e *schemas.Event) delivery.Job {
	return delivery.Job{Webhook: w, Due: []delivery.Due{{Event: e, Attempt: 1}}, Now: attemptTime}
}

func build(t testing.TB, j delivery.Job) delivery.Request {
	t.Helper()
	request, err := native.Format{}.Build(j)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return request
}

// received is a header as a receiver reads it: Go's spelling of the names.
func received(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, value := range values {
			out.Add(name, value)
		}
	}
	return out
}

func TestFormatKeepsWhatEveryFormatKeeps(t *testing.T) {
	t.Parallel()
	formattest.Run(t, native.Format{}, func() delivery.Job {
		w := webhook()
		w.Endpoint += "?token=canary"
		w.Headers = map[string]string{"Authorization": "Bearer token"}
		w.Secrets = append(w.Secrets, schemas.Secret{Value: formerSecret, Expires: attemptTime.Add(time.Hour)})
		return job(w, event())
	})
}

func TestDeliveriesOnTheWire(t *testing.T) {
	t.Parallel()
	rotated := webhook()
	rotated.Headers = map[string]string{"Authorization": "Bearer token", "x-shop": "12"}
	rotated.Secrets = append(rotated.Secrets, schemas.Secret{Value: formerSecret, Expires: attemptTime.Add(time.Hour)})
	bare := event()
	bare.Data, bare.Attributes = nil, nil
	keyed, both := webhook(), webhook()
	keyed.Secrets = []schemas.Secret{{Value: keyPair.secret}}
	both.Secrets = []schemas.Secret{{Value: keyPair.secret}, {Value: formerSecret, Expires: attemptTime.Add(time.Hour)}}
	structured, binary := webhook(), webhook()
	structured.Format, binary.Format = "cloudevents", "cloudevents-binary"
	for name, j := range map[string]delivery.Job{
		"event": job(webhook(), event()), "headers_and_two_secrets": job(rotated, event()), "no_data": job(webhook(), bare),
		"ed25519": job(keyed, event()), "ed25519_and_hmac": job(both, event()),
		"cloudevents": job(structured, cloudEvent()), "cloudevents_no_data": job(structured, bare),
		"cloudevents_binary": job(binary, cloudEvent()), "cloudevents_binary_no_data": job(binary, bare),
	} {
		formattest.Golden(t, "testdata/"+name+".http", j.Webhook.Endpoint, build(t, j))
	}
}

func TestBodyCarriesDataByteForByte(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data json.RawMessage
		want string
	}{
		"object": {event().Data, `{"type":"contact.unsubscribed","timestamp":"2026-11-21T10:00:00.25Z","data":{ "email":"jo@example.com", "n":1.50, "text":"<\u00e9>" }}`},
		"string": {json.RawMessage(`"a"`), `{"type":"contact.unsubscribed","timestamp":"2026-11-21T10:00:00.25Z","data":"a"}`},
		"null":   {json.RawMessage(`null`), `{"type":"contact.unsubscribed","timestamp":"2026-11-21T10:00:00.25Z","data":null}`},
		"none":   {nil, `{"type":"contact.unsubscribed","timestamp":"2026-11-21T10:00:00.25Z","data":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := event()
			e.Data = test.data
			if got := string(build(t, job(webhook(), e)).Body); got != test.want {
				t.Errorf("body\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestTheOfficialLibraryVerifiesADelivery(t *testing.T) {
	t.Parallel()
	j := job(webhook(), event())
	j.Now = time.Now() // the library's clock is the real one
	request := build(t, j)
	verifier := verifierOf(t, currentSecret)
	if err := verifier.Verify(request.Body, received(request.Header)); err != nil {
		t.Fatalf("not verified: %v", err)
	}
	for name, wrong := range map[string]func(body []byte, h http.Header) ([]byte, http.Header){
		"body": func(b []byte, h http.Header) ([]byte, http.Header) { return append(b, ' '), h },
		"id":   func(b []byte, h http.Header) ([]byte, http.Header) { h.Set("webhook-id", "evt_other"); return b, h },
		"timestamp": func(b []byte, h http.Header) ([]byte, http.Header) {
			h.Set("webhook-timestamp", "1614265330")
			return b, h
		},
		"signature": func(b []byte, h http.Header) ([]byte, http.Header) {
			h.Set("webhook-signature", strings.Replace(h.Get("webhook-signature"), "v1,", "v1,A", 1))
			return b, h
		},
		"version": func(b []byte, h http.Header) ([]byte, http.Header) {
			h.Set("webhook-signature", strings.Replace(h.Get("webhook-signature"), "v1,", "v2,", 1))
			return b, h
		},
	} {
		body, header := wrong(append([]byte(nil), request.Body...), received(request.Header))
		if verifier.Verify(body, header) == nil {
			t.Errorf("verified with a wrong %s", name)
		}
	}
	if verifierOf(t, formerSecret).Verify(request.Body, received(request.Header)) == nil {
		t.Error("verified with another secret")
	}
}

func verifierOf(t *testing.T, secret string) *standardwebhooks.Webhook {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// TestAnEd25519SignatureVerifies goes by the specification's text (1.0.0, "Signature scheme"), not by our code: ed25519 over
// "{msg_id}.{timestamp}.{payload}", "v1a," and base64.
func TestAnEd25519SignatureVerifies(t *testing.T) {
	t.Parallel()
	w := webhook()
	w.Secrets = []schemas.Secret{{Value: keyPair.secret}}
	request := build(t, job(w, event()))
	header := received(request.Header)
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(keyPair.public, "whpk_"))
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(header.Get("webhook-signature"), "v1a,")
	signature, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		t.Fatalf("webhook-signature is %q", header.Get("webhook-signature"))
	}
	verify := func(id, timestamp string, body []byte) bool {
		return ed25519.Verify(public, []byte(id+"."+timestamp+"."+string(body)), signature)
	}
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	if !verify(id, timestamp, request.Body) {
		t.Error("not verified")
	}
	if verify("evt_other", timestamp, request.Body) || verify(id, "1614265330", request.Body) || verify(id, timestamp, append(request.Body, ' ')) {
		t.Error("verified with a wrong id, timestamp or body")
	}
	signature[0] ^= 1
	if verify(id, timestamp, request.Body) {
		t.Error("verified with a wrong signature")
	}
}

func TestAFormerSecretSignsUntilItExpires(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		expires time.Time
		signs   bool
	}{
		"before": {attemptTime.Add(time.Second), true},
		"at":     {attemptTime, false},
		"after":  {attemptTime.Add(-time.Second), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := webhook()
			w.Secrets = append(w.Secrets, schemas.Secret{Value: formerSecret, Expires: test.expires})
			request := build(t, job(w, event()))
			header := received(request.Header)
			if err := verifierOf(t, currentSecret).VerifyIgnoringTimestamp(request.Body, header); err != nil {
				t.Errorf("the current secret: %v", err)
			}
			if err := verifierOf(t, formerSecret).VerifyIgnoringTimestamp(request.Body, header); (err == nil) != test.signs {
				t.Errorf("the former secret: %v, want it to sign: %t", err, test.signs)
			}
		})
	}
}

func TestNothingIsSentUnsigned(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]schemas.Secret{
		"no secret":       nil,
		"only expired":    {{Value: formerSecret, Expires: attemptTime}},
		"unusable secret": {{Value: "canary"}},
	} {
		w := webhook()
		w.Secrets = secrets
		_, err := native.Format{}.Build(job(w, event()))
		if err == nil {
			t.Errorf("%s: a request was built", name)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error quotes the secret", name)
		}
	}
}

func TestEveryAttemptHasTheSameIDAndItsOwnTimestamp(t *testing.T) {
	t.Parallel()
	first, second := job(webhook(), event()), job(webhook(), event())
	second.Now = second.Now.Add(time.Hour)
	second.Due[0].Attempt = 2
	a, b := received(build(t, first).Header), received(build(t, second).Header)
	if a.Get("webhook-id") != "evt_2n4f" || b.Get("webhook-id") != "evt_2n4f" {
		t.Errorf("ids %q and %q", a.Get("webhook-id"), b.Get("webhook-id"))
	}
	if a.Get("webhook-timestamp") != "1795255205" || b.Get("webhook-timestamp") != "1795258805" {
		t.Errorf("timestamps %q and %q", a.Get("webhook-timestamp"), b.Get("webhook-timestamp"))
	}
	if a.Get("webhook-signature") == b.Get("webhook-signature") {
		t.Error("two attempts have the same signature")
	}
}

func TestTheOwnersHeadersNeverReplaceTheSignature(t *testing.T) {
	t.Parallel()
	w := webhook()
	w.Headers = map[string]string{"X-Shop": "12", "Webhook-Signature": "v1,forged", "content-type": "text/plain"}
	header := received(build(t, job(w, event())).Header)
	if got := header.Get("X-Shop"); got != "12" {
		t.Errorf("X-Shop is %q", got)
	}
	if got := header.Values("Webhook-Signature"); len(got) != 1 || got[0] == "v1,forged" {
		t.Errorf("webhook-signature is %q", got)
	}
	if got := header.Values("Content-Type"); len(got) != 1 || got[0] != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
}

func TestAJobOfAnotherSizeIsRefused(t *testing.T) {
	t.Parallel()
	none, two := job(webhook(), event()), job(webhook(), event())
	none.Due = nil
	two.Due = append(two.Due, two.Due[0])
	for _, j := range []delivery.Job{none, two} {
		if _, err := (native.Format{}).Build(j); err == nil {
			t.Errorf("a request was built for %d deliveries", len(j.Due))
		}
	}
}

func TestPolicyIsStandardWebhooksSchedule(t *testing.T) {
	t.Parallel()
	policy := native.Format{}.Policy()
	var total time.Duration
	for _, wait := range policy.Waits {
		total += wait
	}
	if len(policy.Waits) != 9 || total != 75*time.Hour+35*time.Minute+5*time.Second {
		t.Errorf("%d waits over %s, want 9 over 75h35m5s", len(policy.Waits), total)
	}
	if policy.FailFor != 120*time.Hour || policy.OnDead != delivery.EffectNone || policy.FailAfter != 0 {
		t.Errorf("policy %+v", policy)
	}
}
