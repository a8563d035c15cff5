package native_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/schemas"
)

const minimal = `{"endpoint":"https://example.com/hook","events":["contact.*"]}`

const fullDocument = `{
	"endpoint": "https://example.com/hook",
	"events": ["contact.*", "*", "a.*.b"],
	"filter": {"list": {"$in": [1, 2]}},
	"name": "To the CRM",
	"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	"headers": {"Authorization": "Bearer token", "x-shop": "12"},
	"properties": {"colour": "blue", "nested": {"a": [1]}},
	"metadata": {"team": "sales"},
	"retry": [0.5, 60, 3600],
	"maxInFlight": 8,
	"ordered": true,
	"rateLimit": 2.5,
	"timeout": 2.5
}`

func parse(t testing.TB, doc string, old *schemas.Webhook) *schemas.Webhook {
	t.Helper()
	w, err := native.Parse(json.RawMessage(doc), old)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return w
}

func TestParseFillsInWhatAMinimalDocumentLeavesOut(t *testing.T) {
	t.Parallel()
	w := parse(t, minimal, nil)
	if !regexp.MustCompile(`^sub_[0-9A-HJKMNP-TV-Z]{26}$`).MatchString(w.PublicID) {
		t.Errorf("public id %q is not sub_ and a ULID", w.PublicID)
	}
	if w.State != schemas.StateActive {
		t.Errorf("state %q, want active", w.State)
	}
	if len(w.Secrets) != 1 || !w.Secrets[0].Expires.IsZero() {
		t.Fatalf("want one secret that does not expire, got %d", len(w.Secrets))
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.CurrentSecret(), "whsec_"))
	if err != nil || len(key) != 32 {
		t.Errorf("generated secret has %d bytes (%v), want 32", len(key), err)
	}
	if again := parse(t, minimal, nil); again.PublicID == w.PublicID || again.CurrentSecret() == w.CurrentSecret() {
		t.Error("two webhooks share an id or a secret")
	}
}

func TestParseReadsEveryMember(t *testing.T) {
	t.Parallel()
	got := parse(t, fullDocument, nil)
	got.PublicID = ""
	want := &schemas.Webhook{
		Endpoint: "https://example.com/hook",
		Match: schemas.Match{
			Types:  []string{"contact.*", "*", "a.*.b"},
			Filter: json.RawMessage(`{"list": {"$in": [1, 2]}}`),
		},
		State:       schemas.StateActive,
		Name:        "To the CRM",
		Secrets:     []schemas.Secret{{Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		Headers:     map[string]string{"Authorization": "Bearer token", "x-shop": "12"},
		Properties:  map[string]json.RawMessage{"colour": json.RawMessage(`"blue"`), "nested": json.RawMessage(`{"a": [1]}`)},
		Metadata:    map[string]string{"team": "sales"},
		Retry:       []schemas.Seconds{0.5, 60, 3600},
		MaxInFlight: 8,
		Ordered:     true,
		RateLimit:   2.5,
		Timeout:     2500 * time.Millisecond,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTheSchemaTakesWhatParseTakes(t *testing.T) {
	t.Parallel()
	catalogue, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	dialect := native.New()
	for _, doc := range []string{
		minimal, fullDocument, with(`"retry":[],"maxInFlight":1000,"timeout":0.001,"rateLimit":0.0001,"ordered":false`), with(`"retry":[0,604800],"maxInFlight":1,"timeout":60`),
		with(`"signature":"ed25519","format":"cloudevents"`), with(`"signature":"hmac-sha256","format":"standard","secret":"` + formerSecret + `"`),
		with(`"secret":"` + keyPair.secret + `","format":null`),
		with(`"filter":null,"name":null,"headers":null,"properties":null,"metadata":null,"retry":null,"maxInFlight":null,"timeout":null,"ordered":null,"rateLimit":null,"idleTimeout":null`),
		`{"endpoint":"pull:","events":["*"],"idleTimeout":1}`, `{"endpoint":"pull:a","events":["*"],"idleTimeout":2592000}`,
	} {
		named, _, err := catalogue.Bind(dialect.Registers, dialect.Form, json.RawMessage(doc))
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		parse(t, string(named), nil)
	}
}

func TestUpdateChangesOnlyTheGivenMembers(t *testing.T) {
	t.Parallel()
	old := parse(t, fullDocument, nil)
	old.ID, old.Account, old.Revision, old.CreatedBy = 7, 3, 12, 4
	old.Secrets = append(old.Secrets, schemas.Secret{Value: "former", Expires: time.Unix(2e9, 0)})
	before := *old
	for name, test := range map[string]struct {
		doc    string
		change func(w *schemas.Webhook)
	}{
		"nothing":      {`{}`, func(*schemas.Webhook) {}},
		"endpoint":     {`{"endpoint":"https://example.org/"}`, func(w *schemas.Webhook) { w.Endpoint = "https://example.org/" }},
		"stop":         {`{"state":"stopped"}`, func(w *schemas.Webhook) { w.State = schemas.StateStopped }},
		"events":       {`{"events":["x"]}`, func(w *schemas.Webhook) { w.Match.Types = []string{"x"} }},
		"other filter": {`{"filter":{"a":1}}`, func(w *schemas.Webhook) { w.Match.Filter = json.RawMessage(`{"a":1}`) }},
		"no filter":    {`{"filter":null}`, func(w *schemas.Webhook) { w.Match.Filter = nil }},
		"no name":      {`{"name":null}`, func(w *schemas.Webhook) { w.Name = "" }},
		"no headers":   {`{"headers":null}`, func(w *schemas.Webhook) { w.Headers = nil }},
		"no policy":    {`{"retry":null,"maxInFlight":null,"timeout":null}`, func(w *schemas.Webhook) { w.Retry, w.MaxInFlight, w.Timeout = nil, 0, 0 }},
		"no order":     {`{"ordered":null,"rateLimit":null}`, func(w *schemas.Webhook) { w.Ordered, w.RateLimit = false, 0 }},
		"order":        {`{"ordered":false,"rateLimit":0.5}`, func(w *schemas.Webhook) { w.Ordered, w.RateLimit = false, 0.5 }},
		"no notes":     {`{"properties":null,"metadata":null}`, func(w *schemas.Webhook) { w.Properties, w.Metadata = nil, nil }},
		"same scheme":  {`{"signature":"hmac-sha256"}`, func(*schemas.Webhook) {}},
		"format":       {`{"format":"cloudevents"}`, func(w *schemas.Webhook) { w.Format = "cloudevents" }},
		"usual format": {`{"format":"standard"}`, func(*schemas.Webhook) {}},
		"no format":    {`{"format":null}`, func(*schemas.Webhook) {}},
		"key pair": {
			`{"secret":"` + keyPair.secret + `","signature":"ed25519"}`,
			func(w *schemas.Webhook) { w.Secrets = []schemas.Secret{{Value: keyPair.secret}} },
		},
		"one attempt": {`{"retry":[]}`, func(w *schemas.Webhook) { w.Retry = []schemas.Seconds{} }},
		"secret": {
			`{"secret":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}`,
			func(w *schemas.Webhook) {
				w.Secrets = []schemas.Secret{{Value: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := before
			test.change(&want)
			if got := parse(t, test.doc, old); !reflect.DeepEqual(got, &want) {
				t.Errorf("got  %+v\nwant %+v", got, &want)
			}
			if !reflect.DeepEqual(*old, before) {
				t.Error("the present webhook was changed")
			}
		})
	}
}

func TestAnUpdateDoesNotChangeTheSchemeUnseen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ doc, update string }{
		{minimal, `{"signature":"ed25519"}`},
		{with(`"signature":"ed25519"`), `{"signature":"hmac-sha256"}`},
	} {
		_, err := native.Parse(json.RawMessage(test.update), parse(t, test.doc, nil))
		if e, ok := errors.AsType[*schemas.Error](err); !ok || pointers(e) != "/signature" {
			t.Errorf("%s: got %v, want a fault at /signature", test.update, err)
		}
	}
}

func TestAKeyPairIsMadeAndItsPrivateHalfShownToNobody(t *testing.T) {
	t.Parallel()
	dialect := native.New()
	for _, doc := range []string{with(`"signature":"ed25519"`), with(`"secret":"` + keyPair.secret + `"`)} {
		w := parse(t, doc, nil)
		public := delivery.PublicKey(w.CurrentSecret())
		if public == "" {
			t.Fatalf("%s: the secret is no key pair", doc)
		}
		for _, document := range []any{dialect.Created(w, methods.View{}), dialect.Show(w, methods.View{Secrets: true}), dialect.Show(w, methods.View{})} {
			text := encode(t, document)
			if !strings.Contains(text, `"signature":"ed25519"`) || !strings.Contains(text, `"publicKey":"`+public+`"`) {
				t.Errorf("the public key is not shown: %s", text)
			}
			if strings.Contains(text, "whsk_") || strings.Contains(text, `"secret"`) {
				t.Errorf("the secret key is shown: %s", text)
			}
		}
	}
}

func TestAnEmptyRetryListSurvivesTheStore(t *testing.T) {
	t.Parallel()
	body, err := schemas.EncodeWebhook(parse(t, `{"endpoint":"https://example.com","events":["a"],"retry":[]}`, nil))
	if err != nil {
		t.Fatal(err)
	}
	w, err := schemas.DecodeWebhook(body, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if w.Retry == nil || len(w.Retry) != 0 {
		t.Errorf("retry is %v, want an empty list", w.Retry)
	}
}

// with is the minimal document with more members.
func with(members string) string { return strings.TrimSuffix(minimal, "}") + "," + members + "}" }

func many(n int, element func(i int) string, open, end string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = element(i)
	}
	return open + strings.Join(parts, ",") + end
}

func TestParsePointsAtEveryFault(t *testing.T) {
	t.Parallel()
	letters := func(i int) string { return strings.Repeat("a", i+1) }
	for name, test := range map[string]struct {
		doc      string
		pointers string
	}{
		"not an object":         {`[]`, " /endpoint /events"},
		"not JSON":              {`{`, " /endpoint /events"},
		"null":                  {`null`, " /endpoint /events"},
		"nothing given":         {`{}`, "/endpoint /events"},
		"other case":            {`{"Endpoint":"https://example.com","EVENTS":["a"]}`, "/endpoint /events"},
		"endpoint no string":    {`{"endpoint":1,"events":["a"]}`, "/endpoint"},
		"endpoint no URL":       {`{"endpoint":"example","events":["a"]}`, "/endpoint"},
		"endpoint null":         {`{"endpoint":null,"events":["a"]}`, "/endpoint"},
		"events empty":          {`{"endpoint":"https://example.com","events":[]}`, "/events"},
		"events no list":        {`{"endpoint":"https://example.com","events":"a"}`, "/events"},
		"events of numbers":     {`{"endpoint":"https://example.com","events":[1]}`, "/events"},
		"too many events":       {`{"endpoint":"https://example.com","events":` + many(101, func(int) string { return `"a"` }, "[", "]") + `}`, "/events"},
		"bad patterns":          {`{"endpoint":"https://example.com","events":["a","","a*","a..b","a.","**","ä","a b"]}`, "/events/1 /events/2 /events/3 /events/4 /events/5 /events/6 /events/7"},
		"long pattern":          {`{"endpoint":"https://example.com","events":["` + strings.Repeat("a", 129) + `"]}`, "/events/0"},
		"name no string":        {with(`"name":{}`), "/name"},
		"long name":             {with(`"name":"` + letters(200) + `"`), "/name"},
		"state unknown":         {with(`"state":"failing"`), "/state"},
		"state null":            {with(`"state":null`), "/state"},
		"secret null":           {with(`"secret":null`), "/secret"},
		"secret without prefix": {with(`"secret":"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`), "/secret"},
		"secret too short":      {with(`"secret":"whsec_` + base64.StdEncoding.EncodeToString(make([]byte, 23)) + `"`), "/secret"},
		"secret too long":       {with(`"secret":"whsec_` + base64.StdEncoding.EncodeToString(make([]byte, 65)) + `"`), "/secret"},
		"secret not base64":     {with(`"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"`), "/secret"},
		"secret with line end":  {with(`"secret":"whsec_MfKQ9r8GKYqrTwjUPD8I\nLPZIo2LaLaSw"`), "/secret"},
		"signature unknown":     {with(`"signature":"rsa"`), "/signature"},
		"signature no string":   {with(`"signature":1`), "/signature"},
		"signature null":        {with(`"signature":null`), "/signature"},
		"other signature":       {with(`"signature":"ed25519","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`), "/signature"},
		"broken key":            {with(`"secret":"whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`), "/secret"},
		"format unknown":        {with(`"format":"xml"`), "/format"},
		"format no string":      {with(`"format":{}`), "/format"},
		"CloudEvents headers":   {with(`"headers":{"ce-id":"x","CE-Source":"x","cease":"x"}`), "/headers/CE-Source /headers/ce-id"},
		"headers no object":     {with(`"headers":[]`), "/headers"},
		"header no string":      {with(`"headers":{"a":1}`), "/headers"},
		"too many headers":      {with(`"headers":` + many(33, func(i int) string { return `"` + letters(i) + `":"1"` }, "{", "}")), "/headers"},
		"reserved headers": {
			with(`"headers":{"Host":"a","content-length":"1","Content-Type":"a/b","WEBHOOK-ID":"x","webhook-anything":"x","connection":"x",
				"transfer-encoding":"x","te":"x","Proxy-Authorization":"x","user-agent":"x"}`),
			"/headers/Content-Type /headers/Host /headers/Proxy-Authorization /headers/WEBHOOK-ID /headers/connection " +
				"/headers/content-length /headers/te /headers/transfer-encoding /headers/user-agent /headers/webhook-anything",
		},
		"header names":         {with(`"headers":{"":"x","a b":"x","a:":"x","a/~b":"x","é":"x"}`), "/headers/ /headers/a b /headers/a~1~0b /headers/a: /headers/é"},
		"header values":        {with(`"headers":{"b":" x","c":"x\r\nd: y","d":"é","e":"x\u007f","f":"a\tb c"}`), "/headers/b /headers/c /headers/d /headers/e"},
		"one header twice":     {with(`"headers":{"X-A":"1","x-a":"2"}`), "/headers/x-a"},
		"properties no object": {with(`"properties":1`), "/properties"},
		"too many properties":  {with(`"properties":` + many(65, func(i int) string { return `"` + letters(i%64) + letters(i/64) + `":1` }, "{", "}")), "/properties"},
		"large properties":     {with(`"properties":{"a":"` + strings.Repeat("x", 16<<10) + `"}`), "/properties"},
		"property name":        {with(`"properties":{"":1}`), "/properties"},
		"metadata of numbers":  {with(`"metadata":{"a":1}`), "/metadata"},
		"long metadata":        {with(`"metadata":{"a/b":"` + strings.Repeat("x", 513) + `"}`), "/metadata/a~1b"},
		"retry no list":        {with(`"retry":5`), "/retry"},
		"retry out of range":   {with(`"retry":[-1,0,604800,604801]`), "/retry/0 /retry/3"},
		"retry beyond floats":  {with(`"retry":[1e999]`), "/retry"},
		"too many waits":       {with(`"retry":` + many(51, func(int) string { return "1" }, "[", "]")), "/retry"},
		"maxInFlight 0":        {with(`"maxInFlight":0`), "/maxInFlight"},
		"maxInFlight broken":   {with(`"maxInFlight":1.5`), "/maxInFlight"},
		"maxInFlight 1001":     {with(`"maxInFlight":1001`), "/maxInFlight"},
		"ordered no boolean":   {with(`"ordered":1`), "/ordered"},
		"rateLimit 0":          {with(`"rateLimit":0`), "/rateLimit"},
		"rateLimit too high":   {with(`"rateLimit":1000001`), "/rateLimit"},
		"rateLimit string":     {with(`"rateLimit":"5"`), "/rateLimit"},
		"timeout 0":            {with(`"timeout":0`), "/timeout"},
		"timeout 61":           {with(`"timeout":61`), "/timeout"},
		"timeout string":       {with(`"timeout":"5"`), "/timeout"},
		"idleTimeout 0":        {with(`"idleTimeout":0`), "/idleTimeout"},
		"idleTimeout too long": {with(`"idleTimeout":2592001`), "/idleTimeout"},
		"idleTimeout string":   {with(`"idleTimeout":"5"`), "/idleTimeout"},
		"idleTimeout of a URL": {with(`"idleTimeout":5`), "/idleTimeout"},
		"several at once":      {`{"events":["*x"],"filter":{"$foo":1},"timeout":-1}`, "/endpoint /events/0 /filter /timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := native.Parse(json.RawMessage(test.doc), nil)
			e, ok := errors.AsType[*schemas.Error](err)
			if !ok {
				t.Fatalf("error is %v, want a *schemas.Error", err)
			}
			if e.Kind != schemas.KindInvalidParams {
				t.Errorf("kind %q, want %q", e.Kind, schemas.KindInvalidParams)
			}
			if got := pointers(e); got != test.pointers {
				t.Errorf("faults at %q, want %q", got, test.pointers)
			}
		})
	}
}

func pointers(e *schemas.Error) string {
	var list []string
	for _, f := range e.Faults {
		list = append(list, f.Pointer)
	}
	return strings.Join(list, " ")
}

func TestAFilterThatIsTheOnlyFaultHasItsOwnKind(t *testing.T) {
	t.Parallel()
	_, err := native.Parse(json.RawMessage(with(`"filter":{"$foo":1}`)), nil)
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok || e.Kind != schemas.KindFilterRefused || pointers(e) != "/filter" {
		t.Errorf("got %v, want filter_refused at /filter", err)
	}
}

func TestErrorsDoNotQuoteSecretsURLsOrHeaders(t *testing.T) {
	t.Parallel()
	const canary = "canary-7261"
	_, err := native.Parse(json.RawMessage(`{"endpoint":"`+canary+`","events":["`+canary+`*"],"secret":"whsec_`+canary+`",
		"headers":{"X-A":" `+canary+`"},"name":"`+strings.Repeat(canary, 30)+`","state":"`+canary+`"}`), nil)
	if err == nil {
		t.Fatal("the document was accepted")
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error quotes a value: %v", err)
	}
}

// FuzzParams: Parse never panics; what it accepts survives the store, an update that changes nothing, and matching.
func FuzzParams(f *testing.F) {
	for _, doc := range []string{
		minimal, fullDocument, `{}`, `[]`, `null`, `{"endpoint":null}`,
		with(`"filter":{"$or":[{"a":1},{"b":{"$lte":2}}]}`), with(`"retry":[],"timeout":1e-3`), with(`"headers":{"x":"\u0000"}`),
		with(`"format":"cloudevents-binary","signature":"ed25519"`),
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		w, err := native.Parse(doc, nil)
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
	if len(stored.Match.Filter) > 0 {
		if _, err := delivery.CompileFilter(stored.Match.Filter); err != nil {
			t.Fatalf("stored filter does not compile: %v", err)
		}
	}
	updated, err := native.Parse(json.RawMessage(`{}`), stored)
	if err != nil || !reflect.DeepEqual(updated, stored) {
		t.Fatalf("an empty update changes the webhook or fails: %v", err)
	}
	request, err := native.Format{}.Build(job(stored, event()))
	if err != nil {
		t.Fatalf("nothing can be sent to the accepted webhook: %v", err)
	}
	names := slices.Collect(maps.Keys(request.Header))
	if stored.Format != "cloudevents-binary" && len(names) != len(stored.Headers)+4 {
		t.Fatalf("%d headers in a request, want the webhook's %d and 4", len(names), len(stored.Headers))
	}
}
