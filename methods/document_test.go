package methods_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/hookswitch/hookswitch/methods"
	"github.com/hookswitch/hookswitch/schemas"
)

func pointers(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok || e.Kind != schemas.KindInvalidParams {
		t.Fatalf("error = %v, want invalid parameters", err)
	}
	var out []string
	for _, f := range e.Faults {
		out = append(out, f.Pointer)
	}
	return out
}

func TestAbsentAndNullMembersLeaveVariablesAlone(t *testing.T) {
	t.Parallel()
	d := methods.ReadDocument(json.RawMessage(`{"text":null,"number":null}`), false)
	text, number, endpoint := "kept", int64(7), "https://example.com/"
	d.Text("text", &text)
	d.Text("other", &text)
	d.Number("number", &number)
	d.Endpoint("url", &endpoint)
	if text != "kept" || number != 7 || endpoint != "https://example.com/" || d.Err() != nil {
		t.Errorf("%q, %d, %q, %v", text, number, endpoint, d.Err())
	}
	if !d.Has("text") || d.Has("other") || d.Raw("text") != nil {
		t.Error("null and absent are not told apart")
	}
}

func TestNumbersMayBeDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{`0`: 0, `12`: 12, `"12"`: 12, `"007"`: 7, `9223372036854775807`: 1<<63 - 1} {
		n := int64(-1)
		d := methods.ReadDocument(json.RawMessage(`{"n":`+text+`}`), false)
		if d.Number("n", &n); n != want || d.Err() != nil {
			t.Errorf("%s is %d, want %d (%v)", text, n, want, d.Err())
		}
	}
	for _, text := range []string{`-1`, `1.0`, `1e2`, `""`, `"x"`, `true`, `[1]`, `{}`, `9223372036854775808`, `"+1"`} {
		n := int64(-1)
		d := methods.ReadDocument(json.RawMessage(`{"n":`+text+`}`), false)
		if d.Number("n", &n); n != -1 || !reflect.DeepEqual(pointers(t, d.Err()), []string{"/n"}) {
			t.Errorf("%s is %d (%v)", text, n, d.Err())
		}
	}
}

func TestFaultsPointInTheCallersSpelling(t *testing.T) {
	t.Parallel()
	d := methods.ReadDocument(json.RawMessage(`{"targetURL":1,"Name":2,"name":"b"}`), true)
	var text, endpoint string
	d.Endpoint("TargetUrl", &endpoint)
	d.Text("Name", &text) // the exact spelling goes before another
	d.Fault("is odd", "Headers", "a/b~c")
	d.Fault("is odd")
	want := []string{"/targetURL", "/Name", "/Headers/a~1b~0c", ""}
	if got := pointers(t, d.Err()); !reflect.DeepEqual(got, want) {
		t.Errorf("faults at %q, want %q", got, want)
	}
	if exact := methods.ReadDocument(json.RawMessage(`{"Url":1}`), false); exact.Has("url") {
		t.Error("names are folded without being asked")
	}
}

func TestEndpointIsRequiredAndChecked(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string][]string{
		`{}`: {"/url"}, `{"url":""}`: {"/url"}, `{"url":5}`: {"/url"}, `{"url":"ftp://x"}`: {"/url"}, `{"url":"http://x"}`: nil, `5`: {"", "/url"},
	} {
		var endpoint string
		d := methods.ReadDocument(json.RawMessage(doc), false)
		d.Endpoint("url", &endpoint)
		if got := pointers(t, d.Err()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: faults at %q, want %q", doc, got, want)
		}
	}
}

func TestParametersPointInTheCallersForm(t *testing.T) {
	t.Parallel()
	c := &methods.Call{
		Params: json.RawMessage(`{"limit":"x"}`),
		Pointer: func(member string) string {
			return "/params/" + map[string]string{"limit": "2", "criteria": "1"}[member]
		},
	}
	d := c.Read()
	var n int64
	d.Number("limit", &n)
	d.Fault("is odd", "criteria", "0")
	if got, want := pointers(t, d.Err()), []string{"/params/2", "/params/1/0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("faults at %q, want %q", got, want)
	}
}
