package native_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/schemas"
)

// stored is the webhook of fullDocument as the store gives it back.
func stored(t *testing.T) *schemas.Webhook {
	t.Helper()
	w := parse(t, fullDocument, nil)
	w.PublicID = "sub_01JD7Z8Q4W5V6X7Y8Z9A0B1C2D"
	w.Created = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	w.Updated = w.Created.Add(time.Minute)
	body, err := schemas.EncodeWebhook(w)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = schemas.DecodeWebhook(body, 1, 1, 1); err != nil {
		t.Fatal(err)
	}
	return w
}

func encode(t *testing.T, document any) string {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const (
	shownBegin = `{"id":"sub_01JD7Z8Q4W5V6X7Y8Z9A0B1C2D","endpoint":"https://example.com/hook","events":["contact.*","*","a.*.b"],` +
		`"filter":{"list":{"$in":[1,2]}},"name":"To the CRM","state":"active","format":"standard","signature":"hmac-sha256",`
	shownHeaders = `"headers":{"Authorization":"Bearer token","x-shop":"12"},`
	maskedEvents = `"headers":{"Authorization":"***","x-shop":"***"},`
	shownNotes   = `"properties":{"colour":"blue","nested":{"a":[1]}},"metadata":{"team":"sales"},` +
		`"retry":[0.5,60,3600],"maxInFlight":8,"ordered":true,"rateLimit":2.5,"timeout":2.5,`
	noStats    = `"stats":{"calls":0,"errors":0,"consecutiveErrors":0,"dropped":0},`
	shownTimes = `"created":"2026-11-21T10:00:00Z","updated":"2026-11-21T10:01:00Z"`
)

func TestShow(t *testing.T) {
	t.Parallel()
	dialect := native.New()
	failedAt := time.Date(2026, 11, 21, 10, 2, 0, 0, time.UTC)
	tally := schemas.Tally{
		Calls: 5, Errors: 3, Consecutive: 2, Dropped: 1, FailingSince: failedAt.Add(-time.Second),
		LastError: "the receiver answered 500", LastErrorAt: failedAt, LastSuccess: failedAt.Add(-time.Minute),
	}
	for name, test := range map[string]struct {
		got  any
		want string
	}{
		"to a key without access to secrets": {
			dialect.Show(stored(t), methods.View{}),
			shownBegin + maskedEvents + shownNotes + noStats + shownTimes + `}`,
		},
		"to a key with access to secrets": {
			dialect.Show(stored(t), methods.View{Secrets: true}),
			shownBegin + shownHeaders + shownNotes + noStats + shownTimes + `}`,
		},
		"as created": {
			dialect.Created(stored(t), methods.View{}),
			shownBegin + shownHeaders + shownNotes + noStats + shownTimes + `,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`,
		},
		"with its health": {
			dialect.Show(stored(t), methods.View{Secrets: true, Tally: tally}),
			shownBegin + shownHeaders + shownNotes +
				`"stats":{"calls":5,"errors":3,"consecutiveErrors":2,"dropped":1,"failingSince":"2026-11-21T10:01:59Z",` +
				`"lastError":"the receiver answered 500","lastErrorAt":"2026-11-21T10:02:00Z","lastSuccess":"2026-11-21T10:01:00Z"},` +
				shownTimes + `}`,
		},
	} {
		if got := encode(t, test.got); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

func TestShowLeavesOutWhatWasNotGiven(t *testing.T) {
	t.Parallel()
	w := parse(t, minimal, nil)
	w.PublicID, w.Created, w.Updated = "sub_1", time.Unix(0, 0), time.Unix(0, 0)
	got := encode(t, native.New().Show(w, methods.View{}))
	want := `{"id":"sub_1","endpoint":"https://example.com/hook","events":["contact.*"],"state":"active","format":"standard","signature":"hmac-sha256",` + noStats +
		`"created":"1970-01-01T00:00:00Z","updated":"1970-01-01T00:00:00Z"}`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestIdentityIsEndpointAndWhatIsMatched(t *testing.T) {
	t.Parallel()
	identity := native.New().Identity
	const base = `{"endpoint":"https://example.com/hook","events":["a","b"],"filter":{"x":1,"y":{"z":[1]}}`
	of := func(doc string) []string { return identity(parse(t, doc, nil)) }
	want := of(base + `}`)
	for name, doc := range map[string]string{
		"order of types":   `{"endpoint":"https://example.com/hook","events":["b","a","b"],"filter":{"x":1,"y":{"z":[1]}}}`,
		"layout of filter": `{"endpoint":"https://example.com/hook","events":["a","b"],"filter":{ "y":{"z":[ 1]},"x":1 }}`,
		"secret":           base + `,"secret":"` + formerSecret + `"}`,
		"state":            base + `,"state":"stopped"}`,
		"name":             base + `,"name":"other"}`,
	} {
		if got := of(doc); !slices.Equal(got, want) {
			t.Errorf("another %s is another identity", name)
		}
	}
	for name, doc := range map[string]string{
		"endpoint": `{"endpoint":"https://example.com/other","events":["a","b"],"filter":{"x":1,"y":{"z":[1]}}}`,
		"types":    `{"endpoint":"https://example.com/hook","events":["a"],"filter":{"x":1,"y":{"z":[1]}}}`,
		"filter":   `{"endpoint":"https://example.com/hook","events":["a","b"],"filter":{"x":"1","y":{"z":[1]}}}`,
		"no":       `{"endpoint":"https://example.com/hook","events":["a","b"]}`,
	} {
		if got := of(doc); slices.Equal(got, want) {
			t.Errorf("other %s: the same identity", name)
		}
	}
}
