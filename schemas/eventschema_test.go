package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestASchemaThatCannotServeIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, want string }{
		{"not JSON", `{"type":`, "/params/schema: is not valid JSON"},
		{"a number", `7`, "/params/schema: must be "},
		{"an unknown type", `{"properties":{"a/b":{"type":"text"}}}`, "/params/schema/properties/a~1b/type: "},
		{"a bad keyword in draft-07", `{"$schema":"http://json-schema.org/draft-07/schema#","items":7}`, "/params/schema/items: "},
		{"a member twice", `{"type":"object","type":"array"}`, "/params/schema/type: is there twice"},
		{"a number that costs seconds", `{"maximum":1e999999999}`, "/params/schema/maximum: must be a number with an exponent"},
		{"depth", strings.Repeat(`{"not":`, 101) + `{}` + strings.Repeat(`}`, 101), "/params/schema/not: is nested too deep: at most 100"},
		{"size", `{"title":"` + strings.Repeat("x", MaxEventSchema) + `"}`, "/params/schema: must have at most 64 KiB"},
		{"a remote reference", `{"$ref":"https://example.com/a.json"}`, "/params/schema: refers to another document"},
		{"a file", `{"$ref":"file:///etc/passwd"}`, "/params/schema: refers to another document"},
		{"a relative reference below an id", `{"$id":"https://example.com/a.json","$ref":"b.json"}`, "/params/schema: refers to another document"},
		{"a metaschema as reference", `{"properties":{"a":{"$ref":"http://json-schema.org/draft-07/schema#"}}}`, "/params/schema: refers to another document"},
		{"another draft", `{"$schema":"http://json-schema.org/draft-04/schema#"}`, "/params/schema: must be of draft-07 or draft 2020-12"},
		{"a metaschema of its own", `{"$schema":"https://example.com/meta"}`, "/params/schema: refers to another document"},
		{"a reference to nothing", `{"$ref":"#/$defs/a"}`, "/params/schema: is not a schema that can be compiled"},
		{"a dynamic reference", `{"$dynamicRef":"#a","$defs":{"x":{"$dynamicAnchor":"a"}}}`, "/params/schema: must not use $dynamicRef"},
		{"a bad regular expression", `{"pattern":"(?<=a)b"}`, "/params/schema"},
		{"a vast regular expression", `{"pattern":"` + strings.Repeat("a{1000}", 100) + `"}`, "/params/schema"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := CompileEventSchema(json.RawMessage(tt.schema), "/params/schema")
			if KindOf(err) != KindInvalidParams || !strings.HasPrefix(err.Error(), "Invalid Method Parameters; "+tt.want) {
				t.Errorf("CompileEventSchema = %.300v, want %q", err, tt.want)
			}
		})
	}
}

const pointOfSale = `{
	"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.com/sale.json", "type": "object",
	"properties": {
		"at": {"format": "date-time"}, "code": {"format": "regex"}, "country": {"enum": ["DE", "FR"]}, "sku": {"pattern": "^[A-Z]{3}$"},
		"lines": {"type": "array", "items": {"$ref": "#/definitions/line"}}, "names": {"propertyNames": {"maxLength": 3}}
	},
	"dependencies": {"country": ["at"]},
	"definitions": {"line": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": false}}
}`

func TestDataIsRefusedWithPointersAndWithoutItsValues(t *testing.T) {
	t.Parallel()
	s, err := CompileEventSchema(json.RawMessage(pointOfSale), "")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ data, want string }{
		{`{}`, ""},
		{`{"at":"2026-11-21T09:30:00Z","country":"DE","sku":"ABC","lines":[{"n":1}],"code":"("}`, ""},
		{``, "/d: must be an object"},
		{`[1]`, "/d: must be an object"},
		{`{"sku":"hush"}`, "/d/sku: must match ^[A-Z]{3}$"},
		{`{"at":"hush"}`, "/d/at: must be a time as RFC 3339 writes it"},
		{`{"country":"hush","at":"2026-11-21T09:30:00Z"}`, "/d/country: must be one of DE, FR"},
		{`{"country":"DE"}`, "/d/at: is missing"},
		{`{"names":{"hush":1}}`, "/d: has a member of a name that is not allowed"},
		{`{"lines":[{"n":1},{},{"n":0},{"n":1,"a/b":"hush"}]}`, "/d/lines/1/n: is missing; /d/lines/2/n: must be at least 1; /d/lines/3/a~1b: is not a member that the schema allows"},
		{`{"x":1e999}`, "/d/x: must be a number with an exponent of at most 400"},
		{`{"x":[` + strings.Repeat("1,", 20_000) + `1]}`, "/d: holds too many values"},
	}
	for _, tt := range tests {
		var data json.RawMessage
		if tt.data != "" {
			data = json.RawMessage(tt.data)
		}
		err := s.Check(data, "/d")
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s is refused: %v", tt.data, err)
			}
			continue
		}
		if KindOf(err) != KindSchemaRefused || !strings.HasPrefix(err.Error(), "The data does not satisfy the schema of its event type; "+tt.want) {
			t.Errorf("%.100s: %.300v, want %q", tt.data, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("the error quotes the data: %v", err)
		}
	}
}

func TestARefusalIsBounded(t *testing.T) {
	t.Parallel()
	s, err := CompileEventSchema(json.RawMessage(`{"items":{"enum":["`+strings.Repeat("é", 5000)+`"]}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	e, ok := errors.AsType[*Error](s.Check(json.RawMessage(`[`+strings.Repeat("1,", 500)+`1]`), "/d"))
	if !ok || len(e.Faults) != 16 || len(e.Faults[0].Message) > 210 || e.Faults[15].Pointer != "/d/15" {
		t.Errorf("refusal %.500v", e)
	}
}

// TestAHostileSchemaCostsLittle: each of these asks for more work than there is time in the world, or nearly.
func TestAHostileSchemaCostsLittle(t *testing.T) {
	t.Parallel()
	doubling := func(keyword, leaf string) string {
		var b strings.Builder
		b.WriteString(`{"$ref":"#/$defs/a0","$defs":{`)
		for i := range 60 {
			fmt.Fprintf(&b, `"a%d":{"%s":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, keyword, i+1, i+1)
		}
		return b.String() + `"a60":` + leaf + `}}`
	}
	members := strings.Repeat(`{"a":`, 90) + `1` + strings.Repeat(`}`, 90)
	tests := []struct{ name, schema, data string }{
		{"allOf", doubling("allOf", `{}`), `1`},
		{"anyOf of what fails", doubling("anyOf", `false`), `1`},
		{"anyOf below not", strings.Replace(doubling("anyOf", `false`), `"$ref":"#/$defs/a0"`, `"not":{"$ref":"#/$defs/a0"}`, 1), `1`},
		{"members that are looked at thrice", `{"type":"object","properties":{"a":{"$ref":"#"}},"patternProperties":{"a":{"$ref":"#"},".":{"$ref":"#"}}}`, members},
		{"the same below not", `{"not":{"$ref":"#/$defs/r"},"$defs":{"r":{"type":"object","properties":{"a":{"$ref":"#/$defs/r"}},"patternProperties":{"a":{"$ref":"#/$defs/r"},".":{"$ref":"#/$defs/r"}}}}}`, members},
		{"a long string and a large expression", `{"pattern":"(a?){1000}(b?){900}$"}`, `"` + strings.Repeat("a", 1<<20-2) + `"`},
		{"many values of a large enum", `{"items":{"enum":[` + strings.Repeat("1,", 9000) + `1]}}`, `[` + strings.Repeat("2,", 9000) + `2]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := CompileEventSchema(json.RawMessage(tt.schema), "")
			if err != nil {
				t.Fatal(err)
			}
			err = s.Check(json.RawMessage(tt.data), "/d") // without the meter it would not end
			if err == nil || !strings.HasSuffix(err.Error(), "/d: takes too much work to check") {
				t.Errorf("Check = %.300v", err)
			}
		})
	}
}

func TestOrdinaryDataIsWithinTheMeter(t *testing.T) {
	t.Parallel()
	countries := strings.TrimSuffix(strings.Repeat(`"XX",`, 250), ",")
	s, err := CompileEventSchema(json.RawMessage(`{"type":"array","items":{"type":"object","properties":{
		"country":{"enum":[`+countries+`,"DE"]},"sku":{"type":"string","pattern":"^[A-Z]{3}-[0-9]+$"},"n":{"type":"integer"}},
		"required":["sku"],"additionalProperties":false}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	data := `[` + strings.TrimSuffix(strings.Repeat(`{"sku":"ABC-12","n":1,"country":"DE"},`, 2000), ",") + `]`
	for range 10 { // each check has the whole of it
		if err := s.Check(json.RawMessage(data), "/d"); err != nil {
			t.Fatalf("2000 ordinary lines are refused: %v", err)
		}
	}
}

func TestChecksAtTheSameTimeDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	s, err := CompileEventSchema(json.RawMessage(pointOfSale), "")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 200 {
				data := json.RawMessage(`{"sku":"ABC"}`)
				if i%2 == 1 {
					data = json.RawMessage(`{"sku":"abc"}`)
				}
				if err := s.Check(data, "/d"); (err != nil) != (i%2 == 1) {
					t.Errorf("Check = %v", err)
				}
			}
		})
	}
	group.Wait()
}

// FuzzEventSchema: whatever the schema and the data, there is an answer, it is a refusal with a kind or none, and it is
// bounded.
func FuzzEventSchema(f *testing.F) {
	for _, schema := range []string{
		pointOfSale, `true`, `{"$ref":"#"}`, `{"not":{}}`, `{"items":[{}]}`, `{"prefixItems":[{"const":1}],"items":false,"contains":{"type":"string"}}`,
		`{"if":{"required":["a"]},"then":{"properties":{"a":{"multipleOf":0.1}}},"unevaluatedProperties":false}`, `{"$id":"#a","$ref":"b"}`,
		`{"oneOf":[{"type":"null"},{"uniqueItems":true}],"dependentSchemas":{"a":{"$ref":"#/oneOf/0"}}}`, `{"$schema":""}`, `{"$dynamicRef":"#"}`,
	} {
		for _, data := range []string{`{"a":0.3,"lines":[{}]}`, `[1,"a",[1,1]]`, `null`} {
			f.Add([]byte(schema), []byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, schema, data []byte) {
		s, err := CompileEventSchema(schema, "/params/schema")
		if err != nil {
			mustBeRefusal(t, err, KindInvalidParams, "/params/schema")
			return
		}
		if err := s.Check(data, "/params/data"); err != nil {
			mustBeRefusal(t, err, KindSchemaRefused, "/params/data")
		}
	})
}

func mustBeRefusal(t *testing.T, err error, kind Kind, prefix string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != kind || len(e.Faults) == 0 || len(e.Faults) > 16 {
		t.Fatalf("not a refusal: %v", err)
	}
	for _, fault := range e.Faults {
		if !strings.HasPrefix(fault.Pointer, prefix) || fault.Message == "" {
			t.Fatalf("fault %+v", fault)
		}
	}
}
