package reference_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/reference"
	"github.com/hookswitch/hookswitch/schemas"
)

func document(t testing.TB) *reference.Document {
	t.Helper()
	catalogue, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	d, err := reference.Read(catalogue.OpenRPC("", ""))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThePageOfTheDocsIsFresh(t *testing.T) {
	t.Parallel()
	have, err := os.ReadFile("../docs/methods.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, document(t).Markdown()) {
		t.Error("docs/methods.md is not what the schemas say: run make docs")
	}
}

func TestEveryMethodIsOnThePageWithItsParametersAndErrors(t *testing.T) {
	t.Parallel()
	d := document(t)
	page := string(d.Markdown())
	for _, m := range d.Methods() {
		_, section, found := strings.Cut(page, "\n### "+m.Name+"\n")
		if !found {
			t.Errorf("%s is not on the page", m.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n### ")
		wanted := []string{m.Summary, "hookswitch call " + m.Name, `"method":"` + m.Name + `"`}
		for _, f := range m.Forms {
			for _, p := range f.Params {
				wanted = append(wanted, "| `"+p.Name)
			}
		}
		for _, e := range m.Errors {
			wanted = append(wanted, e.Message)
		}
		for _, want := range wanted {
			if !strings.Contains(section, want) {
				t.Errorf("%s: the page lacks %q", m.Name, want)
			}
		}
	}
}

func TestLinksOfThePageLead(t *testing.T) {
	t.Parallel()
	page := string(document(t).Markdown())
	headings := map[string]bool{}
	for line := range strings.Lines(page) {
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			headings[strings.ToLower(strings.ReplaceAll(strings.TrimSpace(heading), ".", ""))] = true
		}
	}
	for i, part := range strings.Split(page, "](#") {
		if name, _, _ := strings.Cut(part, ")"); i > 0 && !headings[name] {
			t.Errorf("a link leads to #%s, which is no heading", name)
		}
	}
}

func TestTypesAndLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, want, limits string }{
		{`{}`, "unknown", ""},
		{`true`, "unknown", ""},
		{`{"type":"integer","minimum":1,"maximum":1000,"default":100}`, "number", "1 to 1000, default 100"},
		{`{"type":["string","null"],"maxLength":200}`, "string | null", "at most 200 characters"},
		{`{"type":"string","enum":["a","b"]}`, `"a" | "b"`, ""},
		{`{"const":true}`, "true", ""},
		{`{"$ref":"#/components/schemas/Url"}`, "Url", ""},
		{`{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"number"}]},"minItems":1}`, "(string | number)[]", "not empty"},
		{`{"type":"array"}`, "unknown[]", ""},
		{`{"type":"object"}`, "Record<string, unknown>", ""},
		{`{"type":"object","additionalProperties":{"type":"string"}}`, "Record<string, string>", ""},
		{`{"type":"object","patternProperties":{"^a":{"type":"number"}},"additionalProperties":false}`, "Record<string, number>", ""},
		{`{"type":"object","properties":{"b":{"type":"string"},"a":{}},"required":["b"]}`, "{ b: string; a?: unknown }", ""},
		{`{"type":"number","exclusiveMinimum":0,"maximum":5}`, "number", "above 0, at most 5"},
		{`{"type":"string","pattern":"^a$","x-message":"must be an a"}`, "string", "must be an a"},
	} {
		var s reference.Schema
		if err := json.Unmarshal([]byte(test.schema), &s); err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		if got := s.Expression(); got != test.want {
			t.Errorf("%s: type %s, want %s", test.schema, got, test.want)
		}
		if got := strings.Join(s.Limits(), ", "); got != test.limits {
			t.Errorf("%s: limits %q, want %q", test.schema, got, test.limits)
		}
	}
}

func FuzzRead(f *testing.F) {
	catalogue, err := schemas.Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(catalogue.OpenRPC("1", ""))
	f.Add([]byte(`{"components":{"tags":{"a":{}}},"methods":[{"name":"m","tags":[{"$ref":"a"}],"x-forms":{"":{}}}]}`))
	f.Add([]byte(`{"components":{"schemas":null,"tags":[]}}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		if d, err := reference.Read(text); err == nil { // whatever could be read can be written
			d.Markdown()
			d.TypeScript()
		}
	})
}
