package airstack_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods/airstack"
	"github.com/hookswitch/hookswitch/schemas"
)

// The documents that Airstack printed: the guide's request, the starter project's, and the swagger's form.
const (
	guideDocument   = `{"endpoint":"https://webhook.site","filter_config":{"event_type":"profile.updated","filter":{"userId":"3761"},"payload":{"userId":"3761","followerCount":108}}}`
	starterDocument = `{"endpoint":"https://example.com/webhook","filter_config":{"event_type":"profile.created"}}`
	swaggerDocument = `{"endpoint":"https://example.com/webhook","filter_config":{"eventTypes":["follow.created","follow.deleted"]}}`
)

func parse(t testing.TB, doc string, old *schemas.Webhook) *schemas.Webhook {
	t.Helper()
	w, err := airstack.Parse(json.RawMessage(doc), old)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return w
}

func TestParseTakesTheVendorsDocumentsAndTheirVariants(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		doc    string
		types  string
		filter string
	}{
		"guide":              {guideDocument, "profile.updated", `{"userId":"3761"}`},
		"starter":            {starterDocument, "profile.created", ""},
		"swagger":            {swaggerDocument, "follow.created follow.deleted", ""},
		"top-level types":    {`{"endpoint":"https://example.com","eventTypes":["profile.created"],"filter_config":{}}`, "profile.created", ""},
		"top-level type":     {`{"endpoint":"https://example.com","event_type":"profile.created"}`, "profile.created", ""},
		"older name":         {`{"endpoint":"https://example.com","filter_config":{"event_type":"ProfileCreated"}}`, "profile.created", ""},
		"all older names":    {`{"endpoint":"https://example.com","filter_config":{"eventTypes":["ProfileCreated","ProfileUpdated","FollowCreated","FollowDeleted"]}}`, "profile.created profile.updated follow.created follow.deleted", ""},
		"one type twice":     {`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created","eventTypes":["ProfileCreated"]}}`, "profile.created", ""},
		"both members":       {`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created","eventTypes":["profile.updated"]}}`, "profile.created profile.updated", ""},
		"empty filter":       {`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created","filter":{ }}}`, "profile.created", ""},
		"null filter":        {`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created","filter":null,"payload":null}}`, "profile.created", ""},
		"payload, no filter": {`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created","payload":{"a":1}}}`, "profile.created", ""},
		"operators": {
			`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.created","filter":{"$or":[{"userId":{"$in":["602"]}},{"socialCapital":{"socialCapitalRank":{"$lte":100}}}]},"payload":{"userId":"1","socialCapital":{"socialCapitalRank":7}}}}`,
			"profile.created", `{"$or":[{"userId":{"$in":["602"]}},{"socialCapital":{"socialCapitalRank":{"$lte":100}}}]}`,
		},
		"unknown members": {`{"endpoint":"https://example.com","more":1,"filter_config":{"event_type":"profile.created","more":1}}`, "profile.created", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := parse(t, test.doc, nil)
			if got := strings.Join(w.Match.Types, " "); got != test.types {
				t.Errorf("types %q, want %q", got, test.types)
			}
			if got := string(w.Match.Filter); got != test.filter {
				t.Errorf("filter %s, want %s", got, test.filter)
			}
			if string(w.Document) != test.doc {
				t.Errorf("document %s, want it as registered", w.Document)
			}
		})
	}
}

func TestTheSchemaTakesWhatTheVendorPrinted(t *testing.T) {
	t.Parallel()
	catalogue, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	dialect := airstack.New(airstack.Options{})
	for _, doc := range []string{
		guideDocument, starterDocument, swaggerDocument,
		`{"endpoint":"https://example.com","eventTypes":["ProfileCreated"],"filter_config":{}}`,
		`{"endpoint":"https://example.com","event_type":"FollowDeleted"}`,
	} {
		named, _, err := catalogue.Bind(dialect.Registers, dialect.Form, json.RawMessage(doc))
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		parse(t, string(named), nil)
	}
}

func TestParseMakesTheIDAndTheHeaderValue(t *testing.T) {
	t.Parallel()
	w := parse(t, guideDocument, nil)
	if !regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`).MatchString(w.PublicID) {
		t.Errorf("id %q is not a ULID", w.PublicID)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9]{16}$`).MatchString(w.CurrentSecret()) {
		t.Errorf("header value has another form than 16 letters and digits")
	}
	if w.Endpoint != "https://webhook.site" || w.State != schemas.StateActive {
		t.Errorf("endpoint %q, state %q", w.Endpoint, w.State)
	}
	if again := parse(t, guideDocument, nil); again.PublicID == w.PublicID || again.CurrentSecret() == w.CurrentSecret() {
		t.Error("two webhooks share an id or a header value")
	}
}

func TestHeaderValuesUseTheWholeAlphabet(t *testing.T) {
	t.Parallel()
	seen := map[rune]bool{}
	for range 400 { // 6400 characters: one of 62 is missed with a chance of 10^-43
		for _, c := range parse(t, starterDocument, nil).CurrentSecret() {
			seen[c] = true
		}
	}
	if len(seen) != 62 {
		t.Errorf("%d different characters, want 62", len(seen))
	}
}

func TestAnUpdateKeepsIDHeaderValueAndState(t *testing.T) {
	t.Parallel()
	old := parse(t, guideDocument, nil)
	old.ID, old.Account, old.CreatedBy, old.State = 7, 3, 4, schemas.StateStopped
	before := *old
	want := before
	want.Endpoint = "https://example.com/webhook"
	want.Match = schemas.Match{Types: []string{"profile.created"}}
	want.Document = json.RawMessage(starterDocument)
	if got := parse(t, starterDocument, old); !reflect.DeepEqual(got, &want) {
		t.Errorf("got  %+v\nwant %+v", got, &want)
	}
	if !reflect.DeepEqual(*old, before) {
		t.Error("the present webhook was changed")
	}
	if _, err := airstack.Parse(json.RawMessage(`{"filter_config":{"event_type":"profile.created"}}`), old); err == nil {
		t.Error("an update without endpoint was accepted")
	}
}

func TestParsePointsAtEveryFault(t *testing.T) {
	t.Parallel()
	const filtered = `{"endpoint":"https://example.com","filter_config":{"event_type":"follow.created","filter":`
	for name, test := range map[string]struct {
		doc      string
		kind     schemas.Kind
		pointers string
	}{
		"nothing":            {`{}`, schemas.KindInvalidParams, "/endpoint /filter_config/event_type"},
		"one brace too many": {guideDocument + `}`, schemas.KindInvalidParams, " /endpoint /filter_config/event_type"},
		"endpoint no URL":    {`{"endpoint":"x","filter_config":{"event_type":"follow.created"}}`, schemas.KindInvalidParams, "/endpoint"},
		"config no object":   {`{"endpoint":"https://example.com","filter_config":[]}`, schemas.KindInvalidParams, "/filter_config /filter_config/event_type"},
		"no type":            {`{"endpoint":"https://example.com","filter_config":{}}`, schemas.KindInvalidParams, "/filter_config/event_type"},
		"no types":           {`{"endpoint":"https://example.com","filter_config":{"eventTypes":[]}}`, schemas.KindInvalidParams, "/filter_config/event_type"},
		"unknown type":       {`{"endpoint":"https://example.com","filter_config":{"event_type":"profile.deleted"}}`, schemas.KindInvalidParams, "/filter_config/event_type"},
		"wildcard":           {`{"endpoint":"https://example.com","filter_config":{"event_type":"*"}}`, schemas.KindInvalidParams, "/filter_config/event_type"},
		"type no string":     {`{"endpoint":"https://example.com","filter_config":{"event_type":["follow.created"]}}`, schemas.KindInvalidParams, "/filter_config/event_type"},
		"types no list":      {`{"endpoint":"https://example.com","filter_config":{"eventTypes":"follow.created"}}`, schemas.KindInvalidParams, "/filter_config/eventTypes"},
		"bad types":          {`{"endpoint":"https://example.com","eventTypes":["follow.created",null,"x",1]}`, schemas.KindInvalidParams, "/eventTypes/1 /eventTypes/2 /eventTypes/3"},
		"too many types":     {`{"endpoint":"https://example.com","eventTypes":["a","a","a","a","a","a","a","a","a"]}`, schemas.KindInvalidParams, "/eventTypes"},
		"filter no object":   {filtered + `[],"payload":{}}}`, schemas.KindInvalidParams, "/filter_config/filter"},
		"payload no object":  {filtered + `{"a":1},"payload":[1]}}`, schemas.KindInvalidParams, "/filter_config/payload"},
		"no payload":         {filtered + `{"a":1}}}`, schemas.KindInvalidParams, "/filter_config/payload"},
		"filter mismatch":    {filtered + `{"followerProfileId":"1"},"payload":{"followerProfileId":"2"}}}`, schemas.KindFilterRefused, "/filter_config/filter"},
		"string for number":  {filtered + `{"followerProfileId":3761},"payload":{"followerProfileId":"3761"}}}`, schemas.KindFilterRefused, "/filter_config/filter"},
		"nothing in common":  {filtered + `{"followerProfileId":"1"},"payload":{"other":"1"}}}`, schemas.KindFilterRefused, "/filter_config/filter"},
		"unknown operator":   {filtered + `{"a":{"$foo":1}},"payload":{"a":1}}}`, schemas.KindFilterRefused, "/filter_config/filter"},
		"filter and more":    {`{"filter_config":{"event_type":"follow.created","filter":{"a":1},"payload":{"a":2}}}`, schemas.KindInvalidParams, "/endpoint /filter_config/filter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := airstack.Parse(json.RawMessage(test.doc), nil)
			e, ok := errors.AsType[*schemas.Error](err)
			if !ok {
				t.Fatalf("error is %v, want a *schemas.Error", err)
			}
			if e.Kind != test.kind {
				t.Errorf("kind %q, want %q", e.Kind, test.kind)
			}
			var got []string
			for _, f := range e.Faults {
				got = append(got, f.Pointer)
			}
			if strings.Join(got, " ") != test.pointers {
				t.Errorf("faults at %q, want %q", got, test.pointers)
			}
		})
	}
}

func TestErrorsDoNotQuoteWhatWasGiven(t *testing.T) {
	t.Parallel()
	const canary = "canary-7261"
	_, err := airstack.Parse(json.RawMessage(`{"endpoint":"`+canary+`","filter_config":{"event_type":"`+canary+`",
		"filter":{"userId":"`+canary+`"},"payload":{"userId":"other-`+canary+`"}}}`), nil)
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("the error quotes a value, or there is none: %v", err)
	}
}

func TestIdentityLeavesOutTheSamplePayload(t *testing.T) {
	t.Parallel()
	identity := airstack.New(airstack.Options{}).Identity
	of := func(doc string) []string { return identity(parse(t, doc, nil)) }
	want := of(guideDocument)
	for name, doc := range map[string]string{
		"again":           guideDocument,
		"another payload": strings.Replace(guideDocument, `108`, `109`, 1),
		"older name":      strings.Replace(guideDocument, `profile.updated`, `ProfileUpdated`, 1),
		"list of types":   strings.Replace(guideDocument, `"event_type":"profile.updated"`, `"eventTypes":["profile.updated"]`, 1),
		"another layout":  strings.Replace(guideDocument, `{"userId":"3761"}`, `{ "userId" : "3761" }`, 1),
	} {
		if got := of(doc); !slices.Equal(got, want) {
			t.Errorf("%s: another identity", name)
		}
	}
	for name, doc := range map[string]string{
		"endpoint": strings.Replace(guideDocument, `webhook.site`, `example.com`, 1),
		"type":     strings.Replace(guideDocument, `profile.updated`, `profile.created`, 1),
		"filter":   strings.ReplaceAll(guideDocument, `3761`, `3762`),
	} {
		if got := of(doc); slices.Equal(got, want) {
			t.Errorf("another %s: the same identity", name)
		}
	}
}

// FuzzParams: Parse never panics; what it accepts survives the store, is accepted again, and shown.
func FuzzParams(f *testing.F) {
	for _, doc := range []string{
		guideDocument, starterDocument, swaggerDocument, `{}`, `[]`, `null`, guideDocument + `}`,
		`{"endpoint":"https://example.com","eventTypes":["ProfileCreated",null]}`,
		`{"endpoint":"https://example.com","filter_config":{"event_type":"follow.created","filter":{"$or":[{"a":{"$gt":1}}]},"payload":{"a":2}}}`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		w, err := airstack.Parse(doc, nil)
		if err != nil {
			if kind := schemas.KindOf(err); kind != schemas.KindInvalidParams && kind != schemas.KindFilterRefused {
				t.Fatalf("kind %q of %v", kind, err)
			}
			return
		}
		checkAccepted(t, w)
	})
}

func checkAccepted(t *testing.T, w *schemas.Webhook) {
	t.Helper()
	body, err := schemas.EncodeWebhook(w)
	if err != nil {
		t.Fatalf("accepted webhook cannot be stored: %v", err)
	}
	stored, err := schemas.DecodeWebhook(body, 1, 1, 1)
	if err != nil {
		t.Fatalf("stored webhook cannot be read: %v", err)
	}
	if _, err := delivery.CompileFilter(stored.Match.Filter); err != nil {
		t.Fatalf("stored filter does not compile: %v", err)
	}
	again, err := airstack.Parse(stored.Document, stored)
	if err != nil || !reflect.DeepEqual(again, stored) {
		t.Fatalf("the registered document is no longer accepted, or means something else: %v", err)
	}
	if _, err := json.Marshal(airstack.New(airstack.Options{}).Show(stored, view)); err != nil {
		t.Fatalf("accepted webhook cannot be shown: %v", err)
	}
}
