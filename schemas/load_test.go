package schemas

import (
	"strings"
	"testing"
	"testing/fstest"
)

const oneMethod = `{
	"name": "m", "summary": "s", "tags": [{"$ref": "#/components/tags/t"}],
	"params": [{"name": "a", "required": true, "schema": {"type": "string"}}, {"name": "b", "schema": {"type": "integer"}}],
	"result": {"name": "r", "schema": {"type": "integer"}},
	"errors": [],
	"examples": [{"name": "e", "params": [{"name": "a", "value": "x"}], "result": {"name": "r", "value": 1}}]
}`

const sharedMethod = `{
	"name": "m", "summary": "s", "tags": [{"$ref": "#/components/tags/t"}],
	"result": {"name": "r", "schema": {}},
	"errors": [],
	"examples": [
		{"name": "one", "x-form": "one", "params": [{"name": "a", "value": "x"}], "result": {"name": "r", "value": 1}},
		{"name": "two", "x-form": "two", "params": [{"name": "a", "value": 1}, {"name": "b", "value": 2}], "result": {"name": "r", "value": 1}}
	],
	"x-forms": {
		"one": {"params": [{"name": "a", "required": true, "schema": {"type": "string"}}]},
		"two": {"params": [{"name": "a", "required": true, "schema": {"type": "integer"}}, {"name": "b", "required": true, "schema": {}}]}
	}
}`

func loadMethod(t *testing.T, text string) (*Catalogue, error) {
	t.Helper()
	event := `{
		"name": "publishEvent", "summary": "s", "tags": [{"$ref": "#/components/tags/t"}], "params": [],
		"result": {"name": "r", "schema": {}}, "errors": [],
		"examples": [{"name": "e", "params": [], "result": {"name": "r", "value": 1}}]
	}`
	return load(fstest.MapFS{
		"openrpc.json":              {Data: []byte(`{"openrpc": "1.2.6", "info": {}, "components": {"schemas": {"S": {"type": "string"}}}}`)},
		"methods/publishEvent.json": {Data: []byte(event)},
		"methods/m.json":            {Data: []byte(text)},
	})
}

func TestLoadRefusesAFileThatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, old, new, want string }{
		{"another name", `"name": "m"`, `"name": "n"`, "another name"},
		{"no summary", `"summary": "s"`, `"summary": ""`, "lacks a summary"},
		{"unknown member", `"summary": "s"`, `"summary": "s", "sumary": ""`, "unknown field"},
		{"params and forms", `"errors": []`, `"errors": [], "x-forms": {}`, "either params or x-forms"},
		{"schema that is none", `"type": "string"`, `"type": "strong"`, "not valid"},
		{"reference to nothing", `{"type": "string"}`, `{"$ref": "#/components/schemas/Nothing"}`, "Nothing"},
		{"reference to the network", `{"type": "string"}`, `{"$ref": "https://example.com/schema"}`, "example.com"},
		{"required after optional", `"name": "b", `, `"name": "b", "required": true, "schema": {}}, {"name": "c", "schema": {}}, {"name": "d", "required": true, `, "parameter d is required"},
		{"parameter twice", `"name": "b"`, `"name": "a"`, "there twice"},
		{"parameter without a name", `"name": "b"`, `"name": ""`, "lacks its name"},
		{"items apart without items", `{"type": "integer"}}]`, `{"type": "array"}, "x-items-apart": true}]`, "x-items-apart"},
		{"example that its schema refuses", `"value": "x"`, `"value": 5`, "by name"},
		{"example of another form", `"name": "e"`, `"name": "e", "x-form": "f"`, "no form"},
		{"result that its schema refuses", `"value": 1`, `"value": "1"`, "/result: must be an integer"},
		{"not JSON", `"errors": []`, `"errors": [}`, "m.json"},
	}
	if _, err := loadMethod(t, oneMethod); err != nil {
		t.Fatalf("the file as it is: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(oneMethod, tt.old) {
				t.Fatalf("the file does not hold %s", tt.old)
			}
			_, err := loadMethod(t, strings.Replace(oneMethod, tt.old, tt.new, 1))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestLoadRefusesFormsThatAreWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, old, new, want string }{
		{"form without example", `"x-form": "two"`, `"x-form": "one"`, "by name"},
		{"rules over the parameters themselves", `"one": {`, `"one": {"rules": {"required": ["z"]}, `, "rules may not hold required"},
		{"unknown member", `"one": {`, `"one": {"documant": true, `, "unknown field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := loadMethod(t, strings.Replace(sharedMethod, tt.old, tt.new, 1))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestServedParamsAreTheUnionOfTheForms(t *testing.T) {
	t.Parallel()
	c, err := loadMethod(t, sharedMethod)
	if err != nil {
		t.Fatal(err)
	}
	got := c.files["m"].Params
	if len(got) != 2 || got[0].Name != "a" || !got[0].Required || got[1].Name != "b" || got[1].Required {
		t.Fatalf("params %+v, want a, required by both, and b, which one form lacks", got)
	}
	if want := `{"anyOf":[{"type": "string"},{"type": "integer"}]}`; string(got[0].Schema) != want {
		t.Errorf("schema of a: %s, want %s", got[0].Schema, want)
	}
}
