package vision6_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/methodstest"
	"github.com/hookswitch/hookswitch/methods/vision6"
	"github.com/hookswitch/hookswitch/schemas"
)

// printed is the vendor's own example, with the escaped slashes of PHP's json_encode.
const printed = `{"object":"contact","event":"unsubscribed","list_id":123,"url":"http:\/\/example.com\/example.php"}`

func parse(t testing.TB, doc string, old *schemas.Webhook) *schemas.Webhook {
	t.Helper()
	w, err := vision6.Parse(json.RawMessage(doc), old)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return w
}

func shown(t testing.TB, w *schemas.Webhook) string {
	t.Helper()
	text, err := json.Marshal(vision6.Show(w, methods.View{}))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPrintedDocumentIsRegisteredAndShownAgain(t *testing.T) {
	t.Parallel()
	w := parse(t, printed, nil)
	want := schemas.Match{
		Types:      []string{"contact.unsubscribed"},
		Attributes: []schemas.Constraint{{Name: "list_id", Values: []string{"123"}}},
	}
	if !reflect.DeepEqual(w.Match, want) {
		t.Errorf("Match = %+v, want %+v", w.Match, want)
	}
	if w.Endpoint != "http://example.com/example.php" || w.State != schemas.StateActive || len(w.Secrets) != 0 {
		t.Errorf("endpoint %q, state %q, %d secrets", w.Endpoint, w.State, len(w.Secrets))
	}
	w.ID = 616
	wantShown := `{"id":616,"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}`
	if got := shown(t, w); got != wantShown {
		t.Errorf("Show = %s, want %s", got, wantShown)
	}
	if got := vision6.Created(w, methods.View{}); got != schemas.WebhookID(616) {
		t.Errorf("Created = %v, want the id", got)
	}
}

func TestListID(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		member string
		want   []schemas.Constraint
	}{
		"left out":         {``, nil},
		"null":             {`,"list_id":null`, nil},
		"0 is every list":  {`,"list_id":0`, nil},
		"\"0\" is as well": {`,"list_id":"0"`, nil},
		"a number":         {`,"list_id":123`, []schemas.Constraint{{Name: "list_id", Values: []string{"123"}}}},
		"digits from PHP":  {`,"list_id":"123"`, []schemas.Constraint{{Name: "list_id", Values: []string{"123"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := parse(t, `{"object":"list","event":"created","url":"https://example.com"`+test.member+`}`, nil)
			if !reflect.DeepEqual(w.Match.Attributes, test.want) {
				t.Errorf("constraints = %+v, want %+v", w.Match.Attributes, test.want)
			}
		})
	}
}

func TestEveryEventAppliesToItsObjectsOnly(t *testing.T) {
	t.Parallel()
	// The table of the vendor's page: event, then the objects it applies to.
	table := map[string]string{
		"created": "list contact", "updated": "list contact", "removed": "list contact", "bulk_updated": "list",
		"subscribed": "contact", "unsubscribed": "contact", "deactivated": "contact", "reactivated": "contact",
	}
	for event, objects := range table {
		for _, object := range []string{"list", "contact"} {
			doc := `{"object":"` + object + `","event":"` + event + `","url":"https://example.com/"}`
			_, err := vision6.Parse(json.RawMessage(doc), nil)
			if applies := strings.Contains(objects, object); applies != (err == nil) {
				t.Errorf("%s %s: %v", object, event, err)
			} else if !applies {
				methodstest.Faults(t, err, "/event")
			}
		}
	}
}

func TestFaultsAreAllNamedAtOnce(t *testing.T) {
	t.Parallel()
	for doc, pointers := range map[string][]string{
		`{}`: {"/url", "/object"},
		`{"object":"person","event":"created","url":"ftp://x"}`:                              {"/url", "/object"},
		`{"object":"list","event":"exploded","url":"https://example.com"}`:                   {"/event"},
		`{"object":1,"event":2,"list_id":"x","url":3}`:                                       {"/object", "/event", "/list_id", "/url", "/object"},
		`{"object":"list","event":"created","list_id":-1,"url":"https://example.com"}`:       {"/list_id"},
		`{"object":"list","event":"created","list_id":1.5,"url":"https://example.com"}`:      {"/list_id"},
		`{"Object":"list","event":"created","url":"https://example.com"}`:                    {"/object"},
		`{"object":"list","event":"created","url":"https://user:hunter2@example.com/hook"}`:  {"/url"},
		`{"object":"list","event":"created","list_id":[1],"url":"https://example.com/hook"}`: {"/list_id"},
		`[]`: {"", "/url", "/object"},
	} {
		_, err := vision6.Parse(json.RawMessage(doc), nil)
		methodstest.Faults(t, err, pointers...)
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "exploded")) {
			t.Errorf("the error quotes a value: %v", err)
		}
	}
}

func TestEditKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	old := parse(t, printed, nil)
	old.ID, old.Revision, old.State = 616, 7, schemas.StateFailing
	for doc, want := range map[string]string{
		`{"id":616}`:                         `{"id":616,"object":"contact","event":"unsubscribed","list_id":123,"url":"http://example.com/example.php"}`,
		`{"id":616,"event":"subscribed"}`:    `{"id":616,"object":"contact","event":"subscribed","list_id":123,"url":"http://example.com/example.php"}`,
		`{"id":616,"list_id":0}`:             `{"id":616,"object":"contact","event":"unsubscribed","list_id":0,"url":"http://example.com/example.php"}`,
		`{"id":616,"url":"https://other.x"}`: `{"id":616,"object":"contact","event":"unsubscribed","list_id":123,"url":"https://other.x"}`,
	} {
		w := parse(t, doc, old)
		if got := shown(t, w); got != want {
			t.Errorf("after %s: %s, want %s", doc, got, want)
		}
		if w.State != schemas.StateFailing || w.Revision != 7 {
			t.Errorf("after %s: state %q, revision %d", doc, w.State, w.Revision)
		}
	}
	_, err := vision6.Parse(json.RawMessage(`{"id":616,"object":"list"}`), old)
	methodstest.Faults(t, err, "/event")
}

func TestIdentityIsTheFourDetails(t *testing.T) {
	t.Parallel()
	identity := vision6.New().Identity
	base := identity(parse(t, printed, nil))
	same := parse(t, `{"url":"http://example.com/example.php","list_id":"123","event":"unsubscribed","object":"contact"}`, nil)
	same.ID, same.State = 9, schemas.StateStopped
	if got := identity(same); !reflect.DeepEqual(got, base) {
		t.Errorf("the same details are %q and %q", got, base)
	}
	for _, change := range []string{`{"list_id":0}`, `{"list_id":124}`, `{"event":"subscribed"}`, `{"url":"https://example.com/example.php"}`} {
		if got := identity(parse(t, change, same)); reflect.DeepEqual(got, base) {
			t.Errorf("%s makes no difference", change)
		}
	}
}

// FuzzParams: Parse never panics, and what it accepts survives being shown and registered again.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{printed, `{}`, `[]`, `null`, `{"object":"list","event":"bulk_updated","list_id":"7","url":"http://[::1]:80/?q=1"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		w, err := vision6.Parse(doc, nil)
		if err != nil {
			if schemas.KindOf(err) != schemas.KindInvalidParams {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		again := parse(t, shown(t, w), nil)
		if !reflect.DeepEqual(again, w) {
			t.Fatalf("registered again: %+v, first: %+v", again, w)
		}
		if kept := parse(t, `{}`, w); !reflect.DeepEqual(kept, w) {
			t.Fatalf("an empty edit changed %+v to %+v", w, kept)
		}
	})
}
