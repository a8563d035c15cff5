package copernica_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/copernica"
	"github.com/hookswitch/hookswitch/methods/methodstest"
	"github.com/hookswitch/hookswitch/schemas"
)

// printed is the example of the vendor's page of POST webhook (v4).
const printed = `{"handler":"https://my-webhook-url.com","trigger":"create","callers":["ms", "publisher"],"database": 1}`

func parse(t testing.TB, doc string, old *schemas.Webhook) *schemas.Webhook {
	t.Helper()
	w, err := copernica.Parse(json.RawMessage(doc), old)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return w
}

func shown(t testing.TB, w *schemas.Webhook) string {
	t.Helper()
	text, err := json.Marshal(copernica.Show(w, methods.View{}))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPrintedDocumentsAreRegisteredAndShownAgain(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		printed: `{"ID":"1894","handler":"https://my-webhook-url.com","trigger":"create","callers":["ms","publisher"],"database":1}`,
		// What the vendor's PHP class sends.
		`{"handler":"https:\/\/my-webhook-url.com","trigger":"create","callers":["publisher","ms"],"database":1017}`: `{"ID":"1894","handler":"https://my-webhook-url.com","trigger":"create","callers":["publisher","ms"],"database":1017}`,
		// The vendor's page of GET webhook shows all callers.
		`{"handler":"https://my-webhook-url.com","trigger":"open"}`:                                 `{"ID":"1894","handler":"https://my-webhook-url.com","trigger":"open","callers":["ms","publisher"]}`,
		`{"handler":"http://x.nl/","trigger":"click","callers":[],"database":"1","collection":"2"}`: `{"ID":"1894","handler":"http://x.nl/","trigger":"click","callers":["ms","publisher"],"database":1,"collection":2}`,
	} {
		w := parse(t, doc, nil)
		w.ID = 1894
		if got := shown(t, w); got != want {
			t.Errorf("%s is shown as %s, want %s", doc, got, want)
		}
		if got := copernica.Created(w, methods.View{}); got != schemas.WebhookID(1894) {
			t.Errorf("Created = %v, want the id", got)
		}
	}
}

func TestTriggersAndLimitsBecomeMatches(t *testing.T) {
	t.Parallel()
	limit := func(name, value string) schemas.Constraint {
		return schemas.Constraint{Name: name, Values: []string{value}}
	}
	for doc, want := range map[string]schemas.Match{
		`"trigger":"create"`:      {Types: []string{"profile.created", "subprofile.created"}},
		`"trigger":"update"`:      {Types: []string{"profile.updated", "subprofile.updated"}},
		`"trigger":"delete"`:      {Types: []string{"profile.deleted", "subprofile.deleted"}},
		`"trigger":"click"`:       {Types: []string{"message.clicked"}},
		`"trigger":"open"`:        {Types: []string{"message.opened"}},
		`"trigger":"delivery"`:    {Types: []string{"message.delivered"}},
		`"trigger":"bounce"`:      {Types: []string{"message.bounced"}},
		`"trigger":"failure"`:     {Types: []string{"message.failed"}},
		`"trigger":"unsubscribe"`: {Types: []string{"profile.unsubscribed"}},
		`"trigger":"abuse"`:       {Types: []string{"message.complained"}},
		`"trigger":"open","callers":["ms"]`: {
			Types: []string{"message.opened"}, Attributes: []schemas.Constraint{limit("caller", "ms")},
		},
		`"trigger":"open","callers":["publisher","publisher"]`: {
			Types: []string{"message.opened"}, Attributes: []schemas.Constraint{limit("caller", "publisher")},
		},
		`"trigger":"open","callers":["publisher","ms"]`: {Types: []string{"message.opened"}},
		`"trigger":"open","callers":null`:               {Types: []string{"message.opened"}},
		`"trigger":"open","database":1,"collection":2`: {
			Types:      []string{"message.opened"},
			Attributes: []schemas.Constraint{limit("database", "1"), limit("collection", "2")},
		},
	} {
		w := parse(t, `{"handler":"https://example.com/",`+doc+`}`, nil)
		if !reflect.DeepEqual(w.Match, want) {
			t.Errorf("%s: %+v, want %+v", doc, w.Match, want)
		}
		if w.State != schemas.StateActive || w.Endpoint != "https://example.com/" {
			t.Errorf("%s: state %q, endpoint %q", doc, w.State, w.Endpoint)
		}
	}
}

func TestFaultsAreAllNamedAtOnce(t *testing.T) {
	t.Parallel()
	for doc, pointers := range map[string][]string{
		`{}`: {"/handler", "/trigger"},
		`{"handler":"example.com","trigger":"subscribe","callers":["ms","smtp"],"database":-1}`: {"/handler", "/trigger", "/callers/1", "/database"},
		`{"handler":"https://example.com","trigger":"create","callers":"ms"}`:                   {"/callers"},
		`{"handler":"https://example.com","trigger":"create","collection":"two"}`:               {"/collection"},
		`{"handler":1,"trigger":2}`: {"/handler", "/trigger", "/trigger"},
		`null`:                      {"", "/handler", "/trigger"},
	} {
		_, err := copernica.Parse(json.RawMessage(doc), nil)
		methodstest.Faults(t, err, pointers...)
		if err != nil && (strings.Contains(err.Error(), "smtp") || strings.Contains(err.Error(), "example.com")) {
			t.Errorf("the error quotes a value: %v", err)
		}
	}
}

func TestUpdateFollowsThePageOfPut(t *testing.T) {
	t.Parallel()
	old := parse(t, `{"handler":"https://a.nl","trigger":"create","callers":["ms"],"database":1,"collection":2}`, nil)
	old.ID, old.State = 7, schemas.StateStopped
	for doc, want := range map[string]string{
		`{}`: `{"ID":"7","handler":"https://a.nl","trigger":"create","callers":["ms","publisher"],"database":1,"collection":2}`,
		`{"handler":"https://b.nl","callers":["ms"]}`:      `{"ID":"7","handler":"https://b.nl","trigger":"create","callers":["ms"],"database":1,"collection":2}`,
		`{"trigger":"click","database":0,"collection":3}`:  `{"ID":"7","handler":"https://a.nl","trigger":"click","callers":["ms","publisher"],"collection":3}`,
		`{"trigger":"click","database":null,"callers":[]}`: `{"ID":"7","handler":"https://a.nl","trigger":"click","callers":["ms","publisher"],"database":1,"collection":2}`,
	} {
		w := parse(t, doc, old)
		if got := shown(t, w); got != want {
			t.Errorf("after %s: %s, want %s", doc, got, want)
		}
		if w.State != schemas.StateActive {
			t.Errorf("after %s: state %q, want active: there is no other way to start it again", doc, w.State)
		}
	}
}

func TestIdentityIsEndpointAndLimits(t *testing.T) {
	t.Parallel()
	identity := copernica.New(copernica.Options{}).Identity
	base := identity(parse(t, printed, nil))
	if same := identity(parse(t, `{"handler":"https://my-webhook-url.com","trigger":"create","database":"1"}`, nil)); !reflect.DeepEqual(same, base) {
		t.Errorf("the same webhook is %q and %q", same, base)
	}
	for _, other := range []string{
		`{"handler":"https://my-webhook-url.com/","trigger":"create","database":1}`,
		`{"handler":"https://my-webhook-url.com","trigger":"update","database":1}`,
		`{"handler":"https://my-webhook-url.com","trigger":"create","database":2}`,
		`{"handler":"https://my-webhook-url.com","trigger":"create","collection":1}`,
		`{"handler":"https://my-webhook-url.com","trigger":"create","database":1,"callers":["ms"]}`,
	} {
		if reflect.DeepEqual(identity(parse(t, other, nil)), base) {
			t.Errorf("%s makes no difference", other)
		}
	}
}

// FuzzParams: Parse never panics, and what it accepts survives being shown and registered again.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{printed, `{}`, `[]`, `{"handler":"http://h/","trigger":"open","callers":["ms","ms"],"collection":"7"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		w, err := copernica.Parse(doc, nil)
		if err != nil {
			if schemas.KindOf(err) != schemas.KindInvalidParams {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		if again := parse(t, shown(t, w), nil); !reflect.DeepEqual(again, w) {
			t.Fatalf("registered again: %+v, first: %+v", again, w)
		}
		if replaced := parse(t, shown(t, w), w); !reflect.DeepEqual(replaced, w) {
			t.Fatalf("replaced by itself: %+v, first: %+v", replaced, w)
		}
	})
}
