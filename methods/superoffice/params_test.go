package superoffice_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/methodstest"
	"github.com/hookswitch/hookswitch/methods/superoffice"
	"github.com/hookswitch/hookswitch/schemas"
)

var dialect = superoffice.New(superoffice.Options{})

// minimal is the smallest document the official client's own test saves.
const minimal = `{"name":"A","events":["contact.created"],"type":"webhook","targetUrl":"https://e.com"}`

func parse(t testing.TB, doc string, old *schemas.Webhook) *schemas.Webhook {
	t.Helper()
	w, err := dialect.Parse(json.RawMessage(doc), old)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return w
}

func shown(t testing.TB, w *schemas.Webhook, view methods.View) string {
	t.Helper()
	text, err := json.Marshal(dialect.Show(w, view))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPrintedDocumentIsRegisteredAndShownAgain(t *testing.T) {
	t.Parallel()
	printed, err := os.ReadFile("testdata/post-webhook.json")
	if err != nil {
		t.Fatal(err)
	}
	w := parse(t, string(printed), nil)
	if want := (schemas.Match{Types: []string{"non", "et"}}); !reflect.DeepEqual(w.Match, want) {
		t.Errorf("Match = %+v, want %+v", w.Match, want)
	}
	if w.Endpoint != "http://www.example.com/" || w.Name != "Howell Group" || w.CurrentSecret() != "ea" ||
		w.State != schemas.StateActive || w.Headers["Headers2"] != "ad" || string(w.Properties["fieldName"]) != "{}" {
		t.Errorf("webhook = %+v", w)
	}
	if strings.Contains(string(w.Document), `"ea"`) {
		t.Error("the stored document repeats the secret")
	}
	w.ID = 681
	w.Created = time.Date(2012, 6, 17, 9, 41, 0, 114791900, time.FixedZone("", 7200))
	w.Updated = time.Date(2013, 11, 26, 8, 41, 0, 0, time.UTC)
	want := `{"WebhookId":681,"Name":"Howell Group","Events":["non","et"],"TargetUrl":"http://www.example.com/","Secret":"ea",` +
		`"State":"Active","Type":"aliquam","Headers":{"Headers1":"laborum","Headers2":"ad"},"Properties":{"fieldName":{}},` +
		`"Registered":"2012-06-17T07:41:00.1147919Z","RegisteredAssociate":null,"Updated":"2013-11-26T08:41:00Z",` +
		`"UpdatedAssociate":null,"_Links":{"Self":"https://h.example/api/v1/Webhook/681","Archive":"https://h.example/api/v1/Webhook"}}`
	if got := shown(t, w, methods.View{Secrets: true, PublicURL: "https://h.example"}); got != want {
		t.Errorf("shown as\n%s, want\n%s", got, want)
	}
}

func TestClientsDocumentsAreRead(t *testing.T) {
	t.Parallel()
	const times = `"Registered":"0001-01-01T00:00:00","RegisteredAssociate":null,"Updated":"0001-01-01T00:00:00","UpdatedAssociate":null}`
	for name, test := range map[string]struct{ doc, want string }{
		"minimal": {minimal, `{"WebhookId":0,"Name":"A","Events":["contact.created"],"TargetUrl":"https://e.com","Secret":null,"State":"Active","Type":"webhook","Headers":null,"Properties":null,` + times},
		"literal of @superoffice/webapi": {
			`{"name":"A","events":["contact.created"],"type":"webhook","targetUrl":"https://e.com","state":1,"headers":{"X-A":"b"},"properties":{"p":1}}`,
			`{"WebhookId":0,"Name":"A","Events":["contact.created"],"TargetUrl":"https://e.com","Secret":null,"State":"Active","Type":"webhook","Headers":{"X-A":"b"},"Properties":{"p":1},` + times,
		},
		"entity saved again by @superoffice/webapi": {
			`{"webhookId":3,"name":"My hook","events":["contact.created"],"targetUrl":"https://www.example.com/x","secret":"s3","state":"Active","type":"webhook","headers":{},"properties":{},"registered":"2018-04-24T07:50:50.000Z","registeredAssociate":null,"updated":"0001-01-01T00:00:00.000Z","updatedAssociate":null,"errorAssociates":[],"notifyVia":null,"notifyWhen":null}`,
			`{"WebhookId":0,"Name":"My hook","Events":["contact.created"],"TargetUrl":"https://www.example.com/x","Secret":"s3","State":"Active","Type":"webhook","Headers":{},"Properties":{},` + times,
		},
		"nulls count as left out": {
			`{"WebhookId":0,"Name":null,"Events":["a"],"TargetUrl":"https://e.com","Secret":null,"State":null,"Type":null,"Headers":null,"Properties":null}`,
			`{"WebhookId":0,"Name":null,"Events":["a"],"TargetUrl":"https://e.com","Secret":null,"State":"Active","Type":"webhook","Headers":null,"Properties":null,` + times,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shown(t, parse(t, test.doc, nil), methods.View{Secrets: true}); got != test.want {
				t.Errorf("shown as\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestSecretAndHeadersAreForThoseWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	w := parse(t, `{"Events":["a"],"TargetUrl":"https://e.com","Secret":"s3cr3t","Headers":{"Authorization":"Bearer t0k3n"}}`, nil)
	if got := shown(t, w, methods.View{}); strings.Contains(got, "s3cr3t") || strings.Contains(got, "t0k3n") {
		t.Errorf("shown to anybody: %s", got)
	}
	if got := shown(t, w, methods.View{Secrets: true}); !strings.Contains(got, `"Secret":"s3cr3t"`) || !strings.Contains(got, "t0k3n") {
		t.Errorf("hidden from its owner: %s", got)
	}
	if w.Headers["Authorization"] != "Bearer t0k3n" {
		t.Error("masking changed the webhook")
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]schemas.State{
		`"Active"`: schemas.StateActive, `"stopped"`: schemas.StateStopped, `"TooManyErrors"`: schemas.StateFailing,
		`1`: schemas.StateActive, `2`: schemas.StateStopped, `3`: schemas.StateFailing, `"2"`: schemas.StateStopped,
		`"Unknown"`: schemas.StateActive, `0`: schemas.StateActive, `null`: schemas.StateActive,
	} {
		w := parse(t, `{"Events":["a"],"TargetUrl":"https://e.com","State":`+given+`}`, nil)
		if w.State != want {
			t.Errorf("%s is %q, want %q", given, w.State, want)
		}
	}
	w := parse(t, minimal, nil)
	for state, want := range map[schemas.State]string{
		schemas.StateActive: "Active", schemas.StateStopped: "Stopped", schemas.StateFailing: "TooManyErrors", "odd": "Unknown",
	} {
		w.State = state
		if got := shown(t, w, methods.View{}); !strings.Contains(got, `"State":"`+want+`"`) {
			t.Errorf("%q is shown as %s", state, got)
		}
	}
}

func TestFaultsAreAllNamedAtOnce(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ø", 401)
	for doc, pointers := range map[string][]string{
		`{}`: {"/TargetUrl", "/Events"},
		`{"targetUrl":"example.com","events":[],"state":"Paused","type":"CrmScript","name":5}`:                     {"/name", "/targetUrl", "/type", "/events", "/state"},
		`{"TargetUrl":"https://e.com","Events":["a","contact.*","b."]}`:                                            {"/Events/1", "/Events/2"},
		`{"TargetUrl":"https://e.com","Events":"a"}`:                                                               {"/Events", "/Events"},
		`{"TargetUrl":"https://e.com","Events":["a"],"Headers":{"X A":"b","Host":"x","X-B":"a\nb","X-C":"ok"}}`:    {"/Headers/Host", "/Headers/X A", "/Headers/X-B"},
		`{"TargetUrl":"https://e.com","Events":["a"],"Headers":{"X-A":1}}`:                                         {"/Headers"},
		`{"TargetUrl":"https://e.com","Events":["a"],"Properties":[1],"State":4}`:                                  {"/Properties", "/State"},
		`{"TargetUrl":"https://e.com","Events":["a"],"Name":"` + long + `","Secret":"` + long + `","Type":"ab"}`:   {"/Name", "/Secret"},
		`{"TargetUrl":"https://e.com","Events":["` + strings.Repeat(strings.Repeat("e", 99)+`","`, 40) + `last"]}`: {"/Events"},
		`[]`: {"", "/TargetUrl", "/Events"},
	} {
		_, err := dialect.Parse(json.RawMessage(doc), nil)
		methodstest.Faults(t, err, pointers...)
		if err != nil && strings.Contains(err.Error(), long) {
			t.Errorf("the error quotes a value: %v", err)
		}
	}
}

func TestHTTPSCanBeDemanded(t *testing.T) {
	t.Parallel()
	strict := superoffice.New(superoffice.Options{RequireHTTPS: true}).Parse
	_, err := strict(json.RawMessage(`{"TargetUrl":"http://www.example.com","Events":["a"]}`), nil)
	methodstest.Faults(t, err, "/TargetUrl")
	if err != nil && !strings.Contains(err.Error(), "must be secure: 'HTTPS:' not found") {
		t.Errorf("%v lacks the vendor's words", err)
	}
	if _, err := strict(json.RawMessage(`{"TargetUrl":"HTTPS://www.example.com","Events":["a"]}`), nil); err != nil {
		t.Error(err)
	}
}

func TestUpdateKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	old := parse(t, `{"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":2,"Type":"t","Headers":{"X-A":"b"},"Properties":{"p":1}}`, nil)
	old.ID = 5
	old.Secrets = append(old.Secrets, schemas.Secret{Value: "former", Expires: time.Now().Add(time.Hour)})
	const head, tail = `{"WebhookId":5,`, `"Registered":"0001-01-01T00:00:00","RegisteredAssociate":null,"Updated":"0001-01-01T00:00:00","UpdatedAssociate":null}`
	for doc, want := range map[string]string{
		`{}`:                                   `"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":"Stopped","Type":"t","Headers":{"X-A":"b"},"Properties":{"p":1},`,
		`{"state":"Active","webhookId":99}`:    `"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":"Active","Type":"t","Headers":{"X-A":"b"},"Properties":{"p":1},`,
		`{"State":0,"Secret":null}`:            `"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":"Stopped","Type":"t","Headers":{"X-A":"b"},"Properties":{"p":1},`,
		`{"Name":null,"Headers":null}`:         `"Name":null,"Events":["a","b"],"TargetUrl":"https://e.com","Secret":"s","State":"Stopped","Type":"t","Headers":null,"Properties":{"p":1},`,
		`{"Properties":null,"Events":["c"]}`:   `"Name":"N","Events":["c"],"TargetUrl":"https://e.com","Secret":"s","State":"Stopped","Type":"t","Headers":{"X-A":"b"},"Properties":null,`,
		`{"Headers":{"X-B":"c"},"Secret":"z"}`: `"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":"z","State":"Stopped","Type":"t","Headers":{"X-B":"c"},"Properties":{"p":1},`,
		`{"Properties":{"q":2},"Secret":""}`:   `"Name":"N","Events":["a","b"],"TargetUrl":"https://e.com","Secret":null,"State":"Stopped","Type":"t","Headers":{"X-A":"b"},"Properties":{"q":2},`,
	} {
		if got := shown(t, parse(t, doc, old), methods.View{Secrets: true}); got != head+want+tail {
			t.Errorf("after %s:\n%s, want\n%s", doc, got, head+want+tail)
		}
	}
	if got := parse(t, `{"Secret":"s"}`, old).Secrets; len(got) != 2 {
		t.Errorf("the present secret given again left %d secrets, want both", len(got))
	}
	if got := parse(t, `{"Secret":"z"}`, old).Secrets; len(got) != 1 {
		t.Errorf("another secret left %d secrets, want itself alone", len(got))
	}
	if len(old.Headers) != 1 || old.Headers["X-A"] != "b" || len(old.Match.Types) != 2 {
		t.Errorf("an update changed the old webhook: %+v", old)
	}
}

func TestIdentityIsNameTypeEndpointAndEvents(t *testing.T) {
	t.Parallel()
	base := dialect.Identity(parse(t, `{"Name":"A","Events":["a","b"],"TargetUrl":"https://e.com"}`, nil))
	same := parse(t, `{"Name":"A","Events":["b","a","b"],"TargetUrl":"https://e.com","Secret":"s","State":2,"Headers":{"X-A":"b"}}`, nil)
	if got := dialect.Identity(same); !reflect.DeepEqual(got, base) {
		t.Errorf("the same webhook is %q and %q", got, base)
	}
	for _, change := range []string{`{"Name":"B"}`, `{"Type":"other"}`, `{"TargetUrl":"https://e.com/"}`, `{"Events":["a"]}`} {
		if reflect.DeepEqual(dialect.Identity(parse(t, change, same)), base) {
			t.Errorf("%s makes no difference", change)
		}
	}
}

// FuzzParams: Parse never panics, and what it accepts survives the store, being shown and being registered again.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{
		minimal, `{}`, `[]`, `{"Name":"a","name":"b","EVENTS":["x"],"TargetUrl":"http://h","State":3,"Secret":"","Headers":{"a":"b"},"Properties":{"x":[1]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		w, err := dialect.Parse(doc, nil)
		if err != nil {
			if schemas.KindOf(err) != schemas.KindInvalidParams {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		view := methods.View{Secrets: true}
		first := shown(t, w, view)
		body, err := schemas.EncodeWebhook(w)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := schemas.DecodeWebhook(body, 0, 0, 0)
		if err != nil || shown(t, stored, view) != first {
			t.Fatalf("stored as %s, shown as %s before (%v)", shown(t, stored, view), first, err)
		}
		if again := parse(t, first, nil); shown(t, again, view) != first || !reflect.DeepEqual(dialect.Identity(again), dialect.Identity(w)) {
			t.Fatalf("registered again: %s, first: %s", shown(t, again, view), first)
		}
		if kept := parse(t, `{}`, stored); shown(t, kept, view) != first {
			t.Fatalf("an empty update made %s of %s", shown(t, kept, view), first)
		}
	})
}
