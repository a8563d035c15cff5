package schemas_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

func TestAnEventSurvivesItsStoredForm(t *testing.T) {
	t.Parallel()
	for _, data := range []json.RawMessage{nil, json.RawMessage(`null`), json.RawMessage(` {"b": 1.50,"a":"\/","b":2}`)} {
		want := &schemas.Event{
			ID: "e1", Type: "a.b", Source: "s", Subject: "t", Time: time.Date(2026, 11, 21, 9, 30, 0, 5, time.UTC), Data: data,
			Attributes: map[string]json.RawMessage{"n": json.RawMessage(`1.50`), "s": json.RawMessage(`"x"`)},
		}
		stored, err := schemas.AppendEvent([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := schemas.DecodeEvent(stored[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestAStoredEventCutShortIsAnError(t *testing.T) {
	t.Parallel()
	stored, err := schemas.AppendEvent(nil, &schemas.Event{ID: "e1", Type: "a.b"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range stored {
		if _, err := schemas.DecodeEvent(stored[:n]); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(stored))
		}
	}
}

// What DecodeEvent lets in must be fit to be stored.
func TestEveryTimeThatIsTakenCanBeStored(t *testing.T) {
	t.Parallel()
	for _, at := range []string{
		"2026-11-21T09:30:00Z", "0000-01-01T00:00:00-23:59", "9999-12-31T23:59:59.999999999+23:59", "2026-11-21T09:30:00+24:00", "2026-11-21T09:30:00-24:00",
	} {
		e, err := catalogue(t).DecodeEvent(json.RawMessage(`{"type":"a","time":"`+at+`"}`), "/params")
		if err != nil {
			continue
		}
		if _, err := schemas.AppendEvent(nil, e); err != nil {
			t.Errorf("%s is taken, but cannot be stored: %v", at, err)
		}
	}
}

func TestEventTypesAndIDs(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"a": true, "contact.created": true, "a.b.c-d_E9": true, strings.Repeat("a", 128): true, "": false, ".a": false, "a.": false,
		"a..b": false, "a b": false, "a.*": false, "é": false, strings.Repeat("a", 129): false,
	} {
		if got := schemas.CheckEventType(text) == ""; got != good {
			t.Errorf("CheckEventType(%q): good is %v, want %v", text, got, good)
		}
	}
	for text, good := range map[string]bool{"a": true, "A-b_9": true, "": false, "a.b": false, strings.Repeat("a", 65): false} {
		if got := schemas.CheckEventID(text) == ""; got != good {
			t.Errorf("CheckEventID(%q): good is %v, want %v", text, got, good)
		}
	}
}

func TestEventPatternsHoldWildcardsForWholeSegments(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"*", "a", "a.*", "*.b", "a.*.b", "*.*", "contact.*"} {
		if problem := schemas.CheckEventPattern(good); problem != "" {
			t.Errorf("%q: %s", good, problem)
		}
	}
	for _, bad := range []string{"", "a*", "**", "a..b", "a.", ".a", "*.", "a b", "ä.*", strings.Repeat("a", 129)} {
		if schemas.CheckEventPattern(bad) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAttributesAreReadAsPlainText(t *testing.T) {
	t.Parallel()
	e := schemas.Event{Attributes: map[string]json.RawMessage{
		"n": json.RawMessage(`1.50`), "s": json.RawMessage(`"x"`), "e": json.RawMessage(`"\u00e9\""`), "b": json.RawMessage(`true`), "z": json.RawMessage(`""`),
	}}
	for name, want := range map[string]string{"n": "1.50", "s": "x", "e": `é"`, "b": "true", "z": ""} {
		if got, ok := e.Attribute(name); !ok || got != want {
			t.Errorf("Attribute(%s) = %q, %v, want %q", name, got, ok, want)
		}
	}
	if _, ok := e.Attribute("none"); ok {
		t.Error("an attribute that is not there is there")
	}
}

func TestAccessLevelsIncludeTheOnesBefore(t *testing.T) {
	t.Parallel()
	levels := []schemas.Access{schemas.AccessRead, schemas.AccessPublish, schemas.AccessFull, schemas.AccessAdmin}
	for i, have := range levels {
		for j, need := range levels {
			if got := have.Allows(need); got != (i >= j) {
				t.Errorf("%s allows %s: %v", have, need, got)
			}
		}
		if schemas.Access("root").Allows(have) {
			t.Error("an unknown level allows something")
		}
	}
}

func TestAnErrorKeepsItsKindThroughWrapping(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("register: %w", schemas.Refuse(schemas.KindDuplicate, "There is such a webhook: %d", 7))
	if schemas.KindOf(err) != schemas.KindDuplicate || schemas.KindOf(errors.New("x")) != "" || schemas.KindOf(nil) != "" {
		t.Errorf("KindOf is wrong for %v", err)
	}
	if err := schemas.Invalid(schemas.Fault{Pointer: "/a", Message: "is missing"}); err.Error() != "Invalid Method Parameters; /a: is missing" {
		t.Errorf("text %q", err.Error())
	}
}

func TestAWebhookSurvivesItsStoredForm(t *testing.T) {
	t.Parallel()
	want := &schemas.Webhook{
		ID: 7, Account: 2, Revision: 9, Dialect: "native", Endpoint: "https://example.com", State: schemas.StateActive,
		Match: schemas.Match{Types: []string{"a.*"}}, Retry: []schemas.Seconds{0.5}, Secrets: []schemas.Secret{{Value: "s"}},
	}
	body, err := schemas.EncodeWebhook(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := schemas.DecodeWebhook(body, 2, 7, 9)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	if got.CurrentSecret() != "s" || new(schemas.Webhook).CurrentSecret() != "" || got.Retry[0].Duration() != 500*time.Millisecond {
		t.Error("secret or wait is not what was stored")
	}
	if _, err := schemas.DecodeWebhook([]byte(`{`), 1, 1, 1); err == nil {
		t.Error("a broken record decodes")
	}
}
