package superoffice_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/delivery/formattest"
	"github.com/hookswitch/hookswitch/methods/superoffice"
	"github.com/hookswitch/hookswitch/schemas"
)

func webhook() *schemas.Webhook {
	return &schemas.Webhook{ID: 66, Account: 1, Name: "Name you provided", Endpoint: "https://www.example.com/hook"}
}

func job(w *schemas.Webhook, e *schemas.Event) delivery.Job {
	return delivery.Job{Webhook: w, Due: []delivery.Due{{Event: e, Attempt: 1}}, Now: time.Unix(1524556250, 0)}
}

func build(t testing.TB, j delivery.Job) delivery.Request {
	t.Helper()
	request, err := superoffice.Format{}.Build(j)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return request
}

// sample is a body as the vendor prints it.
type sample struct {
	EventId, Event, Entity, ContextIdentifier, WebhookName string
	Timestamp                                              time.Time
	PrimaryKey, ChangedByAssociateId                       json.RawMessage
	Changes, Values, FieldValues                           json.RawMessage
}

// published is the event from which the sample must come out again.
func (s *sample) published(t testing.TB) *schemas.Event {
	t.Helper()
	data, err := json.Marshal(map[string]json.RawMessage{"changes": s.Changes, "values": s.Values, "fieldValues": s.FieldValues})
	if err != nil {
		t.Fatal(err)
	}
	e := &schemas.Event{
		ID: s.EventId, Type: s.Event, Time: s.Timestamp, Data: data,
		Attributes: map[string]json.RawMessage{
			"primaryKey": s.PrimaryKey, "associateId": s.ChangedByAssociateId,
			"contextIdentifier": json.RawMessage(`"` + s.ContextIdentifier + `"`),
		},
	}
	if own, found := strings.CutPrefix(s.Event, "webhook."); found {
		e.Type = "webhook" + string(s.PrimaryKey) + "." + own
	}
	return e
}

// valuesLast finds the Values of the one sample that has them after WebhookName.
var valuesLast = regexp.MustCompile(`("Changes":\[\])(.*)(,"Values":\{\})`)

// The vendor's sample of every event (see testdata/samples.jsonl) comes out byte for byte.
func TestEverySampleOnTheWire(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/samples.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range bytes.Lines(text) {
		want := string(bytes.TrimSpace(line))
		var s sample
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		if s.Event == "y_table.deleted" {
			want = valuesLast.ReplaceAllString(want, "$1$3$2")
		}
		w := webhook()
		w.Name, w.Secrets = s.WebhookName, []schemas.Secret{{Value: "Something Super Secret"}}
		request := build(t, job(w, s.published(t)))
		if got := string(request.Body); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", s.Event, got, want)
		}
		if got := header(request, "X-SuperOffice-EventId"); got != s.EventId {
			t.Errorf("%s: X-SuperOffice-EventId = %s, want %s", s.Event, got, s.EventId)
		}
		formattest.Golden(t, "testdata/"+s.Event+".http", w.Endpoint, request)
		seen++
	}
	if seen < 40 {
		t.Errorf("only %d samples", seen)
	}
}

// header is a value by the name's exact spelling.
func header(r delivery.Request, name string) string { return strings.Join(r.Header[name], "; ") }

// The vector of reference file dialects/superoffice.md, section 8.
func vector() (*schemas.Webhook, *schemas.Event) {
	return &schemas.Webhook{
			ID: 1, Account: 1, Name: "Tonys Contact Handler", Endpoint: "https://www.example.com/webhook",
			Secrets: []schemas.Secret{{Value: "Something Super Secret"}},
		}, &schemas.Event{
			ID: "88f91933-edce-4c1a-8ded-ade8e2f72434", Type: "contact.changed",
			Time: time.Date(2018, 4, 24, 7, 50, 50, 681213100, time.UTC),
			Data: json.RawMessage(`{ "changes": [ "contact_id", "name" ] }`),
			Attributes: map[string]json.RawMessage{
				"primaryKey": json.RawMessage(`18`), "associateId": json.RawMessage(`5`),
				"contextIdentifier": json.RawMessage(`"Cust54321"`),
			},
		}
}

func TestSignatureVector(t *testing.T) {
	t.Parallel()
	w, e := vector()
	request := build(t, job(w, e))
	const body = `{"EventId":"88f91933-edce-4c1a-8ded-ade8e2f72434","Timestamp":"2018-04-24T07:50:50.6812131Z","Changes":["contact_id","name"],"Event":"contact.changed","PrimaryKey":18,"Entity":"contact","ContextIdentifier":"Cust54321","ChangedByAssociateId":5,"WebhookName":"Tonys Contact Handler"}`
	if string(request.Body) != body {
		t.Errorf("body = %s, want %s", request.Body, body)
	}
	const signature = "XVbZyGuGddJ+Ve+FuSzHtkq5IgprNtVcmT5eD459+MQ="
	if got := header(request, "X-SuperOffice-Signature"); got != signature {
		t.Errorf("signature = %s, want %s", got, signature)
	}
}

func TestFormatKeepsTheContract(t *testing.T) {
	t.Parallel()
	formattest.Run(t, superoffice.Format{}, func() delivery.Job {
		w, e := vector()
		w.Endpoint += "?token=hidden"
		w.Headers = map[string]string{"Authorization": "Bearer hidden"}
		w.Properties = map[string]json.RawMessage{"b": json.RawMessage(`1`), "a": json.RawMessage(`{}`)}
		return job(w, e)
	})
}

// verify is what the vendor's sample of a receiver does.
func verify(secret string, body []byte, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal([]byte(signature), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))))
}

func TestSignatureHoldsForThisSecretAndBodyOnly(t *testing.T) {
	t.Parallel()
	w, e := vector()
	request := build(t, job(w, e))
	signature := header(request, "X-SuperOffice-Signature")
	changed := bytes.Replace(request.Body, []byte(`18`), []byte(`19`), 1)
	if !verify("Something Super Secret", request.Body, signature) || verify("something super secret", request.Body, signature) ||
		verify("Something Super Secret", changed, signature) {
		t.Error("the signature does not tell right from wrong")
	}
	w.Secrets = nil
	if header(build(t, job(w, e)), "X-SuperOffice-Signature") != "" {
		t.Error("signed without a secret")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w, e := vector()
	w.Headers = map[string]string{"X-Own": "1", "content-type": "text/plain", "x-superoffice-event": "other"}
	j := job(w, e)
	j.Due[0].Attempt = 3
	want := http.Header{
		"Content-Type":            {"application/json; charset=utf-8"},
		"User-Agent":              {"NetServer-Webhook/8.8.6684.1719"},
		"X-SuperOffice-Event":     {"contact.changed"},
		"X-SuperOffice-EventId":   {"88f91933-edce-4c1a-8ded-ade8e2f72434"},
		"X-SuperOffice-Retry":     {"2"},
		"X-SuperOffice-Signature": {"XVbZyGuGddJ+Ve+FuSzHtkq5IgprNtVcmT5eD459+MQ="},
		"X-Own":                   {"1"},
	}
	if got := build(t, j).Header; !reflect.DeepEqual(got, want) {
		t.Errorf("header = %v, want %v", got, want)
	}
	e.Type = "test"
	if got := header(build(t, job(w, e)), "X-Hook-Test"); got != "true" {
		t.Errorf("X-Hook-Test = %q in a test event", got)
	}
}

func TestFieldsAreReadAndNeverInvented(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event schemas.Event
		want  string // after Changes
	}{
		"nothing known": {
			schemas.Event{Type: "contact.deleted"},
			`"Changes":[],"Event":"contact.deleted","PrimaryKey":0,"Entity":"contact","ContextIdentifier":"Default","ChangedByAssociateId":0,"WebhookName":"Name you provided"}`,
		},
		"everything in data, in the vendor's spelling": {
			schemas.Event{Type: "x", Data: json.RawMessage(`{"Changes":["a"],"Values":{},"PrimaryKey":"7","Entity":"y","ContextIdentifier":"Cust1","ChangedByAssociateId":2,"FieldValues":{"a":1},"other":3}`)},
			`"Changes":["a"],"Values":{},"Event":"x","PrimaryKey":7,"Entity":"y","ContextIdentifier":"Cust1","ChangedByAssociateId":2,"WebhookName":"Name you provided","FieldValues":{"a":1}}`,
		},
		"attributes before data": {
			schemas.Event{
				Type: "x.y", Data: json.RawMessage(`{"primaryKey":7}`),
				Attributes: map[string]json.RawMessage{"primaryKey": json.RawMessage(`8`)},
			},
			`"Changes":[],"Event":"x.y","PrimaryKey":8,"Entity":"x","ContextIdentifier":"Default","ChangedByAssociateId":0,"WebhookName":"Name you provided"}`,
		},
		"values of the wrong kind": {
			schemas.Event{Type: "x.y", Data: json.RawMessage(`{"changes":{"a":1},"values":[1],"fieldValues":"f","primaryKey":1.5,"entity":{}}`)},
			`"Changes":[],"Event":"x.y","PrimaryKey":0,"Entity":"x","ContextIdentifier":"Default","ChangedByAssociateId":0,"WebhookName":"Name you provided"}`,
		},
		"data of a signal is its Values": {
			schemas.Event{
				Type: "foo.bar", Data: json.RawMessage(`{ "a": "<1>" }`),
				Attributes: map[string]json.RawMessage{"primaryKey": json.RawMessage(`123`)},
			},
			`"Changes":[],"Values":{"a":"<1>"},"Event":"foo.bar","PrimaryKey":123,"Entity":"foo","ContextIdentifier":"Default","ChangedByAssociateId":0,"WebhookName":"Name you provided"}`,
		},
		"data that is no object": {
			schemas.Event{Type: "foo.bar", Data: json.RawMessage(`[1]`)},
			`"Changes":[],"Event":"foo.bar","PrimaryKey":0,"Entity":"foo","ContextIdentifier":"Default","ChangedByAssociateId":0,"WebhookName":"Name you provided"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, _ := strings.Cut(string(build(t, job(webhook(), &test.event)).Body), `Z",`)
			if got != test.want {
				t.Errorf("body = …%s, want …%s", got, test.want)
			}
		})
	}
}

func TestTimestampHasUpToSevenDigits(t *testing.T) {
	t.Parallel()
	for nanoseconds, want := range map[int]string{
		0: "2018-04-24T08:18:42Z", 89895000: "2018-04-24T08:18:42.089895Z", 275830000: "2018-04-24T08:18:42.27583Z",
		999999999: "2018-04-24T08:18:42.9999999Z", 99: "2018-04-24T08:18:42Z",
	} {
		e := &schemas.Event{Type: "a", Time: time.Date(2018, 4, 24, 10, 18, 42, nanoseconds, time.FixedZone("", 7200))}
		if got := string(build(t, job(webhook(), e)).Body); !strings.Contains(got, `"Timestamp":"`+want+`"`) {
			t.Errorf("%d ns: %s, want %s", nanoseconds, got, want)
		}
	}
}

func TestEventIDIsAStableGUID(t *testing.T) {
	t.Parallel()
	id := func(account schemas.AccountID, id string) string {
		w := webhook()
		w.Account = account
		return header(build(t, job(w, &schemas.Event{ID: id, Type: "a"})), "X-SuperOffice-EventId")
	}
	if got := id(1, "88F91933-EDCE-4C1A-8DED-ADE8E2F72434"); got != "88f91933-edce-4c1a-8ded-ade8e2f72434" {
		t.Errorf("a GUID became %s", got)
	}
	// It may never change: receivers compare it between attempts, and a server may be updated between them.
	const fixed = "a3c3434b-66d0-5d3e-877c-97f22c96f473"
	if got := id(1, "evt_1"); got != fixed {
		t.Errorf("evt_1 of account 1 became %s, want %s", got, fixed)
	}
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]string{}
	for _, name := range []string{"evt_1", "evt_2", "88f91933-edce-4c1a-8ded-ade8e2f7243", "88f91933-edce-4c1a-8ded-ade8e2f7243g", ""} {
		got := id(1, name)
		if !form.MatchString(got) || seen[got] != "" || got == id(2, name) {
			t.Errorf("%q became %s", name, got)
		}
		seen[got] = "taken"
	}
}

func TestPropertiesStandAtTheEnd(t *testing.T) {
	t.Parallel()
	w := webhook()
	w.Properties = map[string]json.RawMessage{
		"tenant": json.RawMessage(`{ "b": 1, "a": "<&>" }`), "Alpha": json.RawMessage(`null`), "Event": json.RawMessage(`"forged"`),
	}
	got := string(build(t, job(w, &schemas.Event{Type: "a.b"})).Body)
	if !strings.HasSuffix(got, `"WebhookName":"Name you provided","Alpha":null,"tenant":{"b":1,"a":"<&>"}}`) || strings.Contains(got, "forged") {
		t.Errorf("body = %s", got)
	}
	if !json.Valid([]byte(got)) {
		t.Error("the body is not JSON")
	}
}

func TestJudgeAndPolicy(t *testing.T) {
	t.Parallel()
	for status := range 600 {
		want := delivery.Verdict{OK: status == 200, Gone: status == 410}
		answer := delivery.Answer{Status: status, Header: http.Header{"Retry-After": {"60"}}}
		if got := (superoffice.Format{}).Judge(answer); got != want {
			t.Errorf("%d: %+v, want %+v", status, got, want)
		}
	}
	want := delivery.Policy{Waits: []time.Duration{time.Second, 4 * time.Second}, FailAfter: 9, OnGone: delivery.EffectFail}
	if got := (superoffice.Format{}).Policy(); !reflect.DeepEqual(got, want) {
		t.Errorf("policy = %+v, want %+v", got, want)
	}
}

// FuzzBody: whatever is published and registered, the body is JSON with the vendor's members first.
func FuzzBody(f *testing.F) {
	f.Add("contact.created", "evt_1", `{"changes":["a"],"fieldValues":{}}`, "n", `{"p":1}`)
	f.Fuzz(func(t *testing.T, kind, id, data, name, properties string) {
		w := webhook()
		w.Name = name
		if json.Unmarshal([]byte(properties), &w.Properties) != nil || !json.Valid([]byte(data)) {
			return
		}
		body := build(t, job(w, &schemas.Event{ID: id, Type: kind, Data: json.RawMessage(data)})).Body
		if !json.Valid(body) || !bytes.HasPrefix(body, []byte(`{"EventId":"`)) || bytes.ContainsAny(body, "\n") {
			t.Fatalf("body = %s", body)
		}
	})
}
