package copernica

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/rest"
)

func TestFormsNestAsInPHP(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]string{
		``:                                 `{}`,
		`&&`:                               `{}`,
		`a=1`:                              `{"a":"1"}`,
		`a`:                                `{"a":""}`,
		`a=b=c`:                            `{"a":"b=c"}`,
		`a=x+y%20z%2B`:                     `{"a":"x y z+"}`,
		`a=1&a=2`:                          `{"a":"2"}`,
		`callers[]=ms&callers[]=publisher`: `{"callers":["ms","publisher"]}`,
		`callers%5B%5D=ms`:                 `{"callers":["ms"]}`,
		`a[1]=y&a[0]=x`:                    `{"a":["x","y"]}`,
		`a[0]=x&a[]=y&a[0]=z`:              `{"a":["z","y"]}`,
		`a[5]=x&a[]=y`:                     `{"a":["x","y"]}`,
		`a[1]=x`:                           `{"a":["x"]}`,
		`a[01]=x&a[]=y`:                    `{"a":{"0":"y","01":"x"}}`,
		`fields[email]=a%40b&fields[n]=`:   `{"fields":{"email":"a@b","n":""}}`,
		`a[b][]=1&a[b][]=2&a[c][d]=3`:      `{"a":{"b":["1","2"],"c":{"d":"3"}}}`,
		`a[][x]=1&a[][x]=2`:                `{"a":[{"x":"1"},{"x":"2"}]}`,
		`a=1&a[b]=2`:                       `{"a":{"b":"2"}}`,
		`a[b]=2&a=1`:                       `{"a":"1"}`,
		`0=x`:                              `{"0":"x"}`,
		`a[9223372036854775807]=x&a[]=y`:   `{"a":["y","x"]}`,
		`ü=é`:                              `{"ü":"é"}`,
	} {
		got, err := parseForm(form)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", form, got, err, want)
		}
	}
}

func TestFormsThatPHPWouldRepairAreRefused(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		`=1`, `[]=1`, `[a]=1`, `a]=1`, `a[=1`, `a[b=1`, `a[b]c=1`, `a[b]c[d]=1`, `a[[b]]=1`, `a[b]]=1`, `a%=1`, `a=%zz`, `a=%ff`, "a=\xff", `%ff=1`,
		"a" + strings.Repeat("[]", maxFormLevels) + "=1",
		strings.Repeat("a=1&", maxFormValues+1),
	} {
		if got, err := parseForm(form); err == nil {
			t.Errorf("%.40s: %s", form, got)
		}
	}
	if _, err := parseForm(strings.Repeat("a=1&", maxFormValues) + "&&"); err != nil {
		t.Errorf("as many values as may be: %v", err)
	}
}

func TestTheBodyIsReadAsItsTypeSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", `{"a":1}`, `{"a":1}`},
		{"Application/JSON; charset=UTF-8", ` {"a":[]} `, `{"a":[]}`},
		{"application/json", "[\n]", `{}`},
		{"application/json", "", `{}`},
		{"", "  ", `{}`},
		{"text/plain", "", `{}`},
		{"application/x-www-form-urlencoded", `a[]=1`, `{"a":["1"]}`},
		{"application/json", `[1]`, ""},
		{"application/json", `null`, ""},
		{"application/json", `"a"`, ""},
		{"application/json", `{"a":1}{}`, ""},
		{"application/x-www-form-urlencoded", `{"a":"[1]"}`, ""},
		{"application/json;", `{"a":1}`, `{"a":1}`},
		{"text/json", `{"a":1}`, ""},
		{"; charset=utf-8", `{"a":1}`, ""},
	} {
		r := &rest.Request{Request: &http.Request{Header: http.Header{"Content-Type": {c.contentType}}}, Body: []byte(c.body)}
		got, err := documentIn(r)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %s: %s, %v; want %s", c.contentType, c.body, got, err, c.want)
		}
	}
}

func TestTheDialectIsPutInFront(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{}`:            `{"dialect":"copernica"}`,
		"{ \n}":         `{"dialect":"copernica"}`,
		`{"a":1}`:       `{"dialect":"copernica","a":1}`,
		`{ "a" : "}" }`: `{"dialect":"copernica","a" : "}" }`,
	} {
		got := ofDialect(json.RawMessage(doc))
		if string(got) != want || !json.Valid(got) {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
}

// FuzzForm: no form makes the parser panic, what it takes is an object, and a form written from that, as deliveries are,
// is the same object again.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		`handler=https%3A%2F%2Fx&trigger=create&callers[]=ms&callers[]=publisher`, `a[b][]=1&a[][c]=2&a[7]=3`, `a[=1`, `%5B%5D=`, `a=1&a[0]=2&a=3`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseForm(body)
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(got, &members); err != nil || members == nil {
			t.Fatalf("not an object: %s (%v)", got, err)
		}
		var written form
		for name, value := range members {
			written.value(name, value)
		}
		again, err := parseForm(string(written.text))
		if err != nil || string(again) != string(got) {
			t.Fatalf("%s became %s: %s, %v", got, written.text, again, err)
		}
	})
}

func TestCaseCountsAndExtraSlashesDoNot(t *testing.T) {
	t.Parallel()
	below := Face(V3, "").Below
	for path, want := range map[string]string{
		"/v3": "", "/v3/webhooks": "/webhooks", "//v3//webhook/1894/": "/webhook/1894", "/v3/Webhooks/a%2Fb": "/Webhooks/a%2Fb",
	} {
		if rest, ok := below(path); rest != want || !ok {
			t.Errorf("%s: %q, %v; want %q", path, rest, ok, want)
		}
	}
	for _, path := range []string{"/", "", "/v30/webhooks", "/V3/webhooks", "/v2/webhooks", "/x/v3/webhooks"} {
		if rest, ok := below(path); ok {
			t.Errorf("%s is taken, with %q below", path, rest)
		}
	}
}
