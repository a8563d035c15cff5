package native_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/delivery"
	"github.com/hookswitch/hookswitch/delivery/formattest"
	"github.com/hookswitch/hookswitch/methods/native"
	"github.com/hookswitch/hookswitch/schemas"
)

// cloudEvent is an event with attributes that CloudEvents can carry and ones that it cannot.
func cloudEvent() *schemas.Event {
	e := event()
	e.Subject = "contact/9 \"Jö\" 100%"
	e.Attributes = map[string]json.RawMessage{
		"list_id": json.RawMessage(`12`), "primaryKey": json.RawMessage(`9`), "id": json.RawMessage(`"other"`), "datacontenttype": json.RawMessage(`"text/xml"`),
		"waytoolongforanextension": json.RawMessage(`1`), "control": json.RawMessage(`"a\nb"`),
		"tenant": json.RawMessage(`"Zürich <1>"`), "shard": json.RawMessage(`7`), "trial": json.RawMessage(`true`),
		"weight": json.RawMessage(`1.50`), "large": json.RawMessage(`2147483648`), "emoji": json.RawMessage(`"Euro € \ud83d\ude00"`),
	}
	return e
}

// extensions are those of cloudEvent that can be carried, as JSON values.
var extensions = map[string]any{
	"tenant": "Zürich <1>", "shard": json.Number("7"), "trial": true, "weight": "1.50", "large": "2147483648", "emoji": "Euro € 😀",
}

func formatted(format string, e *schemas.Event) delivery.Job {
	w := webhook()
	w.Format = format
	return job(w, e)
}

// strictly reads a CloudEvent in the JSON format and checks what the specification requires of it. It returns the
// attributes, and the data as written, nil without.
func strictly(t *testing.T, body []byte) (attributes map[string]any, data json.RawMessage) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatalf("the event is no JSON object: %v", err)
	}
	attributes = map[string]any{}
	for name, raw := range members {
		if name == "data" {
			data = raw
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^[a-z0-9]{1,20}$`).MatchString(name) {
			t.Errorf("%q is no attribute name", name)
		}
		switch v := value.(type) {
		case bool:
		case json.Number:
			if n, err := v.Int64(); err != nil || n != int64(int32(n)) {
				t.Errorf("%s is the number %s, which is no Integer", name, v)
			}
		case string:
			if strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f || r&0xfffe == 0xfffe }) {
				t.Errorf("%s holds a character that a String must not", name)
			}
		default:
			t.Errorf("%s is a %T", name, value)
		}
		attributes[name] = value
	}
	checkRequired(t, attributes, data != nil)
	return attributes, data
}

func checkRequired(t *testing.T, attributes map[string]any, data bool) {
	t.Helper()
	if attributes["specversion"] != "1.0" {
		t.Errorf("specversion is %v", attributes["specversion"])
	}
	for _, name := range []string{"id", "source", "type"} {
		if text, ok := attributes[name].(string); !ok || text == "" {
			t.Errorf("%s is %v", name, attributes[name])
		}
	}
	source, _ := attributes["source"].(string)
	if u, err := url.Parse(source); err != nil || strings.ContainsAny(source, " \"<>\\^`{|}") {
		t.Errorf("source %q is no URI reference: %v %v", source, u, err)
	}
	if subject, ok := attributes["subject"]; ok && subject == "" {
		t.Error("subject is empty")
	}
	at, _ := attributes["time"].(string)
	if _, err := time.Parse(time.RFC3339, at); err != nil {
		t.Errorf("time: %v", err)
	}
	if got, ok := attributes["datacontenttype"]; ok != data || ok && got != "application/json" {
		t.Errorf("datacontenttype is %v", got)
	}
}

func TestStructuredCloudEventIsValidAndWhole(t *testing.T) {
	t.Parallel()
	request := build(t, formatted("cloudevents", cloudEvent()))
	if got := received(request.Header).Get("Content-Type"); got != "application/cloudevents+json" {
		t.Errorf("Content-Type is %s", got)
	}
	attributes, data := strictly(t, request.Body)
	want := map[string]any{
		"specversion": "1.0", "id": "evt_2n4f", "source": "/lists/12", "type": "contact.unsubscribed",
		"subject": "contact/9 \"Jö\" 100%", "time": "2026-11-21T10:00:00.25Z", "datacontenttype": "application/json",
	}
	maps.Copy(want, extensions)
	if !maps.Equal(attributes, want) {
		t.Errorf("got  %v\nwant %v", attributes, want)
	}
	if !bytes.Equal(data, event().Data) {
		t.Errorf("data is %s, not byte for byte what was published", data)
	}
}

// TestBinaryCloudEventSaysTheSame decodes the headers as the HTTP binding tells receivers to and compares.
func TestBinaryCloudEventSaysTheSame(t *testing.T) {
	t.Parallel()
	structured, _ := strictly(t, build(t, formatted("cloudevents", cloudEvent())).Body)
	request := build(t, formatted("cloudevents-binary", cloudEvent()))
	got := headersOf(t, request.Header)
	delete(structured, "datacontenttype") // is Content-Type
	for name, value := range structured {
		if text := fmt.Sprint(value); got[name] != text {
			t.Errorf("ce-%s is %q, want %q", name, got[name], text)
		}
	}
	if len(got) != len(structured) {
		t.Errorf("got %v, want the attributes %v", got, slices.Sorted(maps.Keys(structured)))
	}
	if received(request.Header).Get("Content-Type") != "application/json" || !bytes.Equal(request.Body, event().Data) {
		t.Errorf("the body is not the data: %v %s", request.Header, request.Body)
	}
	if got := received(request.Header).Get("ce-emoji"); got != "Euro%20%E2%82%AC%20%F0%9F%98%80" {
		t.Errorf("the binding's own example is encoded as %q", got)
	}
}

// headersOf decodes the ce- headers.
func headersOf(t *testing.T, header http.Header) map[string]string {
	t.Helper()
	got := map[string]string{}
	for name, values := range header {
		attribute, ok := strings.CutPrefix(name, "ce-")
		if !ok {
			continue
		}
		for _, c := range []byte(values[0]) {
			if c <= ' ' || c == '"' || c >= 0x7f {
				t.Errorf("%s holds the byte %#x", name, c)
			}
		}
		text, err := url.PathUnescape(values[0])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got[attribute] = text
	}
	return got
}

func TestCloudEventsAreSignedLikeAllOthers(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"cloudevents", "cloudevents-binary"} {
		for _, e := range []*schemas.Event{cloudEvent(), {Account: 7, ID: "evt_1", Type: "a", Time: attemptTime}} {
			request := build(t, formatted(format, e))
			header := received(request.Header)
			if err := verifierOf(t, currentSecret).VerifyIgnoringTimestamp(request.Body, header); err != nil {
				t.Errorf("%s: %v", format, err)
			}
			if format == "cloudevents-binary" && header.Get("ce-id") != header.Get("webhook-id") {
				t.Error("ce-id is not the id that is signed")
			}
		}
	}
}

func TestCloudEventSourceIsAURIReference(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                          "urn:hookswitch:account:1",
		"https://example.com/a?b#c": "https://example.com/a?b#c",
		"/lists/12":                 "/lists/12",
		"crm":                       "crm",
		"my shop":                   "my%20shop",
		"shop 1+1":                  "shop%201%2B1",
		"1:2":                       "1%3A2", // a colon in the first segment of a relative reference
		"100%":                      "100%25",
		"Zürich":                    "Z%C3%BCrich",
		"a#b#c":                     "a%23b%23c",
		"a\nb":                      "a%0Ab",
	} {
		e := event()
		e.Source = source
		attributes, _ := strictly(t, build(t, formatted("cloudevents", e)).Body)
		if attributes["source"] != want {
			t.Errorf("%q becomes %v, want %s", source, attributes["source"], want)
		}
	}
}

func TestCloudEventsFormatsKeepWhatEveryFormatKeeps(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"cloudevents", "cloudevents-binary"} {
		formattest.Run(t, native.Format{}, func() delivery.Job {
			j := formatted(format, cloudEvent())
			j.Webhook.Endpoint += "?token=canary"
			j.Webhook.Headers = map[string]string{"Authorization": "Bearer token"}
			return j
		})
	}
}

func TestAFormatOfAnotherVersionIsGivenUp(t *testing.T) {
	t.Parallel()
	if _, err := (native.Format{}).Build(formatted("cloudevents-2", event())); err == nil {
		t.Error("a request was built in a format that is not known")
	}
}

// FuzzCloudEvent: whatever an event says, both modes are valid and say the same.
func FuzzCloudEvent(f *testing.F) {
	f.Add("/lists/12", "contact/9", "tenant", `"Zürich"`, `{"a":1}`)
	f.Add("my shop", "\u0080", "shard", `2147483648`, ``)
	f.Add("::", "a\x00", "list_id", `true`, `null`)
	f.Fuzz(func(t *testing.T, source, subject, name, value, data string) {
		e := event()
		e.Source, e.Subject, e.Data = source, subject, json.RawMessage(data)
		e.Attributes = map[string]json.RawMessage{name: json.RawMessage(value)}
		if !json.Valid(e.Data) && data != "" || !isAttribute(value) {
			return
		}
		attributes, got := strictly(t, build(t, formatted("cloudevents", e)).Body)
		if data != "" && !json.Valid(got) {
			t.Errorf("data %s", got)
		}
		delete(attributes, "datacontenttype")
		header := headersOf(t, build(t, formatted("cloudevents-binary", e)).Header)
		for name, value := range attributes {
			if header[name] != fmt.Sprint(value) {
				t.Errorf("ce-%s is %q, the structured mode has %v", name, header[name], value)
			}
		}
	})
}

// isAttribute reports whether an event can have an attribute of that value: see Attributes in schemas/openrpc.json.
func isAttribute(value string) bool {
	var v any
	if json.Unmarshal([]byte(value), &v) != nil {
		return false
	}
	switch v.(type) {
	case string, float64, bool:
		return strings.TrimSpace(value) == value
	}
	return false
}
