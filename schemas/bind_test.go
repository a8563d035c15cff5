package schemas_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/schemas"
)

// faultsOf are the faults of a 310 as "pointer message", nil for any other error.
func faultsOf(err error) []string {
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok || e.Kind != schemas.KindInvalidParams {
		return nil
	}
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Pointer + " " + f.Message
	}
	return lines
}

func TestBindGivesParametersByName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, method, form, params, want string }{
		{"nothing", "ping", "", ``, `{}`},
		{"null", "ping", "", `null`, `{}`},
		{"empty array", "listEvents", "", `[]`, `{}`},
		{"empty object", "listEvents", "", ` {} `, `{}`},
		{"by name, verbatim", "listEvents", "", ` { "limit" : 5, "type":"a\u002eb" } `, `{ "limit" : 5, "type":"a\u002eb" }`},
		{"by position", "listEvents", "", `["a.b", 5]`, `{"type":"a.b","limit":5}`},
		{"null leaves an optional one out", "listEvents", "", `[null, 5, null]`, `{"limit":5}`},
		{"null is data", "publishEvent", "", `["a.b", null]`, `{"type":"a.b","data":null}`},
		{"data keeps its bytes", "publishEvent", "", `["a.b",{"b": 1.50,"a":"\u00e9\/","b":2 } ]`, `{"type":"a.b","data":{"b": 1.50,"a":"\u00e9\/","b":2 }}`},
		{"key first", "getWebhookById", "", `["YOURAPIKEY", "616"]`, `{"api_key":"YOURAPIKEY","webhook_id":"616"}`},
		{"the REST vendors' delete", "deleteWebhook", "rest", `[616]`, `{"id":616}`},
		{"Vision6's delete", "deleteWebhook", "vision6", `["k",616]`, `{"api_key":"k","webhook_id":616}`},
		{"a document", "postWebhook", "copernica", `[{"handler":"u", "trigger":"open"}]`, `{"handler":"u","trigger":"open"}`},
		{
			"names in any case", "postWebhook", "superoffice", `{"targetUrl":"u","EVENTS":["a"],"state":1}`,
			`{"TargetUrl":"u","Events":["a"],"State":1}`,
		},
		{
			"names in any case, in an array", "postWebhook", "superoffice", `[{"targeturl":"u","events":["a"]}]`,
			`{"TargetUrl":"u","Events":["a"]}`,
		},
		{"digits", "addWebhook", "", `["k",{"object":"list","event":"created","list_id":"12","url":"u"}]`, `{"api_key":"k","webhook_details":{"object":"list","event":"created","list_id":"12","url":"u"}}`},
		{"an event's faults are not the call's", "publishEvents", "", `[[{"type":5},{}]]`, `{"events":[{"type":5},{}]}`},
		{"null takes a member away", "updateSubscription", "", `{"id":"sub_1","name":null,"filter":null}`, `{"id":"sub_1","name":null,"filter":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, pointer, err := catalogue(t).Bind(tt.method, tt.form, json.RawMessage(tt.params))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("Bind(%s) = %s, want %s", tt.params, got, tt.want)
			}
			if pointer == nil {
				t.Error("no pointer function")
			}
		})
	}
}

func TestPointersFollowTheCallersForm(t *testing.T) {
	t.Parallel()
	tests := []struct{ method, form, params, member, want string }{
		{"addWebhook", "", `{"api_key":"k"}`, "webhook_details", "/params/webhook_details"},
		{"addWebhook", "", `["k"]`, "webhook_details", "/params/1"},
		{"addWebhook", "", `["k"]`, "unknown", "/params/unknown"},
		{"addWebhook", "", `["k"]`, "", "/params/"},
		{"postWebhook", "copernica", `{}`, "handler", "/params/handler"},
		{"postWebhook", "copernica", `[{}]`, "handler", "/params/0/handler"},
		{"postWebhook", "superoffice", `{"targetURL":"u"}`, "TargetUrl", "/params/targetURL"},
		{"postWebhook", "superoffice", `[{"targetURL":"u"}]`, "TargetUrl", "/params/0/targetURL"},
		{"postWebhook", "superoffice", `{}`, "TargetUrl", "/params/TargetUrl"},
		{"ping", "", ``, "a/b~c", "/params/a~1b~0c"},
		{"listEvents", "", `{}`, "cursor", "/params/cursor"},
	}
	for _, tt := range tests {
		_, pointer, _ := catalogue(t).Bind(tt.method, tt.form, json.RawMessage(tt.params))
		if got := pointer(tt.member); got != tt.want {
			t.Errorf("%s(%s): pointer(%q) = %q, want %q", tt.method, tt.params, tt.member, got, tt.want)
		}
	}
}

func TestCheckDocumentSpeaksOfTheDocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, method, form, doc, want, faults string }{
		{"Vision6's details", "addWebhook", "", `{"object":"list","event":"created","url":"u"}`, `{"object":"list","event":"created","url":"u"}`, ""},
		{
			"faulty details", "addWebhook", "", `{"object":"list","event":"subscribed","list_id":-1,"api_key":"k"}`, "",
			"/p/api_key is not a member this method knows; /p/event must be one of created, updated, removed, bulk_updated; " +
				"/p/list_id must be at least 0; /p/url is missing",
		},
		{"details that are no object", "addWebhook", "", `[1]`, "", "/p must be an object"},
		{"details cut short", "addWebhook", "", `{"object":`, "", "/p is not valid JSON"},
		{"details and more", "addWebhook", "", `{} {}`, "", "/p is not valid JSON"},
		{"details not in UTF-8", "addWebhook", "", "{\"url\":\"\xff\"}", "", "/p is not valid UTF-8"},
		{"details with a member twice", "addWebhook", "", `{"url":"a","url":"b"}`, "", "/p/url is there twice"},
		{"SuperOffice's spelling", "postWebhook", "superoffice", `{"targetUrl":"u","events":["a"]}`, `{"TargetUrl":"u","Events":["a"]}`, ""},
		{"Copernica's", "postWebhook", "copernica", `{"handler":"u"}`, "", "/p/trigger is missing"},
		{"positional", "postWebhook", "copernica", `[{"handler":"u","trigger":"open"}]`, "", "/p must be an object"},
		{"null", "postWebhook", "copernica", `null`, "", "/p must be an object"},
		{"nothing", "createSubscription", "native", ``, "", "/p must be an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := catalogue(t).CheckDocument(tt.method, tt.form, json.RawMessage(tt.doc), "/p")
			if faults := strings.Join(faultsOf(err), "; "); faults != tt.faults || (err != nil) != (tt.faults != "") {
				t.Errorf("CheckDocument(%s) faults\n%s\nwant\n%s", tt.doc, faults, tt.faults)
			}
			if err == nil && string(got) != tt.want {
				t.Errorf("CheckDocument(%s) = %s, want %s", tt.doc, got, tt.want)
			}
		})
	}
}

func TestCheckUpdateMissesNothing(t *testing.T) {
	t.Parallel()
	for doc, faults := range map[string]string{
		`{}`:                 "",
		`{"callers":["ms"]}`: "",
		`{"trigger":"explode","Handler":"u"}`: "/p/Handler is not a member this method knows; /p/trigger must be one of " +
			"create, update, delete, click, delivery, open, bounce, failure, unsubscribe, abuse",
		`[{}]`: "/p must be an object",
	} {
		_, err := catalogue(t).CheckUpdate("postWebhook", "copernica", json.RawMessage(doc), "/p")
		if got := strings.Join(faultsOf(err), "; "); got != faults || (err != nil) != (faults != "") {
			t.Errorf("CheckUpdate(%s) faults\n%s\nwant\n%s", doc, got, faults)
		}
	}
	if _, err := catalogue(t).CheckUpdate("addWebhook", "", json.RawMessage(`{}`), "/p"); err == nil || schemas.KindOf(err) != "" {
		t.Errorf("a form that is no document: %v, want a fault of the program", err)
	}
}

// FuzzBind: whatever the parameters, Bind does not panic, lists 1 to 16 faults below /params or none, and what it takes
// it takes again by name.
func FuzzBind(f *testing.F) {
	c := catalogue(f)
	for _, seed := range []string{
		``, `null`, `[]`, `{}`, `5`, `[{}]`, `["k",{"object":"list","event":"created","url":"u"}]`, `{"type":"a.b","attributes":{"a":1}}`,
		`{"targetUrl":"u","TARGETURL":"v","events":["a"]}`, `[[{"type":"a"},5]]`, `{"a":1e999999}`, `{"id":1.0}`, "[\"\xff\"]", `{"\u0069d":"x"}`,
	} {
		f.Add(uint8(0), seed)
		f.Add(uint8(17), seed)
	}
	type form struct{ method, name string }
	var forms []form
	for _, method := range c.Names() {
		switch method {
		case "postWebhook":
			forms = append(forms, form{method, "copernica"}, form{method, "superoffice"})
		case "createSubscription":
			forms = append(forms, form{method, "airstack"}, form{method, "native"})
		case "deleteWebhook":
			forms = append(forms, form{method, "vision6"}, form{method, "rest"})
		default:
			forms = append(forms, form{method, ""})
		}
	}
	f.Fuzz(func(t *testing.T, pick uint8, params string) {
		at := forms[int(pick)%len(forms)]
		named, pointer, err := c.Bind(at.method, at.name, json.RawMessage(params))
		if !strings.HasPrefix(pointer("id"), "/params/") {
			t.Fatalf("pointer %q", pointer("id"))
		}
		if err != nil {
			faults := faultsOf(err)
			if len(faults) == 0 || len(faults) > 16 {
				t.Fatalf("%d faults: %v", len(faults), err)
			}
			for _, fault := range faults {
				if !strings.HasPrefix(fault, "/params") || len(fault) > 2000 {
					t.Fatalf("fault %q", fault)
				}
			}
			return
		}
		if !json.Valid(named) || named[0] != '{' {
			t.Fatalf("named parameters are no object: %s", named)
		}
		again, _, err := c.Bind(at.method, at.name, named)
		if err != nil {
			t.Fatalf("%s takes %s, but not %s: %v", at.method, params, named, err)
		}
		if string(again) != string(named) {
			t.Fatalf("bound twice: %s, then %s", named, again)
		}
	})
}
