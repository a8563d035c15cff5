package rpctest

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, have, fault string
	}{
		{`{"a":1,"b":[true,null]}`, `{ "b":[true,null], "a":1 }`, ""},
		{`1.50`, `1.5`, "expected 1.50"},
		{`{"a":1}`, `{"a":1,"b":2}`, "/b is not expected"},
		{`{"a":1,"b":2}`, `{"a":1}`, "/b is missing"},
		{`{"a":1,"...":"$any"}`, `{"a":1,"b":2}`, ""},
		{`{"b":1,"...":"$any"}`, `{"a":1}`, "/b is missing"},
		{`[1,2]`, `[1]`, "1 elements"},
		{`[1,"..."]`, `[1,2,3]`, ""},
		{`[1,2,"..."]`, `[1]`, "1 elements"},
		{`{"x":["$any","$string","$number"]}`, `{"x":[{},"s",1]}`, ""},
		{`"$string"`, `1`, "expected"},
		{`"$number"`, `"1"`, "expected"},
		{`["$(id)","$(id)"]`, `[{"a":1},{"a":1}]`, ""},
		{`["$(id)","$(id)"]`, `[1,2]`, "/1 is 2, expected 1"},
		{`["$(id)","/hooks/$(id)/x"]`, `["<7>","/hooks/<7>/x"]`, ""},
		{`["$(id)","/hooks/$(id)/x"]`, `["7","/hooks/8/x"]`, "/1 is"},
		{`"$(unknown) here"`, `"x here"`, "no value yet"},
		{`{"a":null}`, `{"a":false}`, "/a is false"},
		{`[]`, `{}`, "the text is {}"},
		{`1`, `1 2`, "more than one value"},
		{`1`, ``, "no JSON"},
	} {
		err := vars{}.match(c.want, c.have)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s against %s: %v, expected %q", c.have, c.want, err, c.fault)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	v := vars{"id": []byte(`7`), "key": []byte(`"k-1"`)}
	for text, want := range map[string]string{
		`{"id":"$(id)","key":"$(key)"}`: `{"id":7,"key":"k-1"}`,
		`{"url":"/x/$(id)?k=$(key)"}`:   `{"url":"/x/7?k=k-1"}`,
		`$(hex:efbbbf)1`:                "\xef\xbb\xbf1",
		`$5 (id)`:                       `$5 (id)`,
	} {
		if got, err := v.fill(text); err != nil || got != want {
			t.Errorf("%s: %q %v", text, got, err)
		}
	}
	for _, text := range []string{`"$(other)"`, `$(hex:0)`} {
		if _, err := v.fill(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestParseTranscript(t *testing.T) {
	t.Parallel()
	s, err := parseTranscript(strings.Join([]string{
		"// credential: Bearer $(key)",
		"// header: X-Thing:  a b",
		"// transports: http, memory",
		"",
		"--> [",
		"  1",
		"]",
		"<-- {",
		"}",
		"",
		"--> 2",
		"<-- // nothing",
		"// credential: too late",
		"--> 3",
		"<~~ 4",
		"<== 5",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.credential != "Bearer $(key)" || s.header.Get("X-Thing") != "a b" || !s.has("memory") || s.has("websocket") {
		t.Errorf("%+v", s)
	}
	if len(s.steps) != 3 || s.steps[0].send != "[\n  1\n]" || s.steps[0].expect[0].text != "{\n}" {
		t.Fatalf("%+v", s.steps)
	}
	if len(s.steps[1].expect) != 0 || !s.steps[2].expect[0].push || !s.steps[2].expect[1].exact {
		t.Errorf("%+v", s.steps)
	}
	for _, bad := range []string{"", "<-- 1", "text", "--> 1\n\ntext", "// header: x\n--> 1"} {
		if _, err := parseTranscript(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
