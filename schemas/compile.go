package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// resource is what all schemas lie in, so that $ref "#/components/…" means the same as in the OpenRPC document.
const resource = "urn:hookswitch:methods"

// compile turns every form and every result into a schema.
func (c *Catalogue) compile() error {
	root, err := c.root()
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	compiler.RegisterFormat(&jsonschema.Format{Name: formatInt64, Validate: checkInt64})
	compiler.RegisterFormat(&jsonschema.Format{Name: formatDateTime, Validate: checkDateTime})
	if err := compiler.AddResource(resource, root); err != nil {
		return err
	}
	said := words{}
	said.collect(resource+"#", root)
	for name, m := range c.files {
		c.methods[name] = map[string]*form{}
		for key, f := range m.allForms() {
			got, err := f.compile(compiler, resource+"#/"+name, key, said)
			if err != nil {
				return fmt.Errorf("form %q of %s: %w", key, name, err)
			}
			c.methods[name][key] = got
		}
		if c.results[name], err = compiler.Compile(resource + "#/" + name + "/result"); err != nil {
			return fmt.Errorf("result of %s: %w", name, err)
		}
	}
	return nil
}

// root is the resource: the components, and of every method its result and its forms.
func (c *Catalogue) root() (map[string]any, error) {
	parts := map[string]any{"components": map[string]any{"schemas": c.shell.Components.Schemas}}
	for name, m := range c.files {
		part := map[string]any{"result": m.Result.Schema}
		for key, f := range m.allForms() {
			schema, err := f.objectSchema()
			if err != nil {
				return nil, fmt.Errorf("form %q of %s: %w", key, name, err)
			}
			part["form-"+key] = schema
			if f.Result != nil {
				part["result-"+key] = f.Result
			}
			if f.Document {
				update := maps.Clone(schema)
				delete(update, "required")
				part["update-"+key] = update
			}
		}
		parts[name] = part
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return nil, err
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return root.(map[string]any), nil
}

// objectSchema is the schema of the parameters together, by name. Unknown members are no matter of it: Bind finds them
// first.
func (f *formFile) objectSchema() (map[string]any, error) {
	schema := map[string]any{"type": "object"}
	for keyword, rule := range f.Rules {
		if keyword == "type" || keyword == "properties" || keyword == "required" {
			return nil, fmt.Errorf("rules may not hold %s", keyword)
		}
		schema[keyword] = rule
	}
	properties := map[string]any{}
	required := []string{}
	for i, d := range f.Params {
		switch {
		case d.Name == "" || d.Schema == nil:
			return nil, fmt.Errorf("parameter %d lacks its name or schema", i)
		case properties[d.Name] != nil:
			return nil, fmt.Errorf("parameter %s is there twice", d.Name)
		case d.Required && len(required) < i:
			return nil, fmt.Errorf("parameter %s is required, but stands after optional ones", d.Name)
		case d.Required:
			required = append(required, d.Name)
		}
		properties[d.Name] = d.Schema
		if d.ItemsApart {
			var err error
			if properties[d.Name], err = anyItems(d.Schema); err != nil {
				return nil, fmt.Errorf("parameter %s: %w", d.Name, err)
			}
		}
	}
	schema["properties"], schema["required"] = properties, required
	return schema, nil
}

// anyItems is the schema of an array, without that of its items.
func anyItems(schema json.RawMessage) (map[string]json.RawMessage, error) {
	keywords := map[string]json.RawMessage{}
	if err := json.Unmarshal(schema, &keywords); err != nil || keywords["items"] == nil {
		return nil, errors.New("x-items-apart needs the schema of an array with items")
	}
	delete(keywords, "items")
	return keywords, nil
}

// compile makes the form of that key, whose schemas lie below method.
func (f *formFile) compile(compiler *jsonschema.Compiler, method, key string, said words) (*form, error) {
	out := &form{formFile: *f, byName: map[string]int{}, optional: true, words: said}
	location := method + "/form-" + key
	var err error
	if out.schema, err = compiler.Compile(location); err != nil {
		return nil, err
	}
	if f.Document {
		if out.update, err = compiler.Compile(method + "/update-" + key); err != nil {
			return nil, err
		}
	}
	if f.Result != nil {
		if out.result, err = compiler.Compile(method + "/result-" + key); err != nil {
			return nil, err
		}
	}
	for i, d := range f.Params {
		name := d.Name
		if f.IgnoreCase {
			name = strings.ToLower(name)
		}
		out.byName[name] = i
		own, err := compiler.Compile(location + "/properties/" + d.Name)
		if err != nil {
			return nil, err
		}
		p := param{name: d.Name, levels: maxDepth, dropNull: !d.Required && own.Validate(nil) != nil}
		switch {
		case d.ItemsApart:
			p.levels = 1
		case saysNothing(d.Schema):
			p.levels = 0
		}
		out.params = append(out.params, p)
		out.optional = out.optional && !d.Required
		if d.Document {
			out.details = own
		}
	}
	return out, nil
}

// saysNothing reports whether a schema takes every value: it has nothing but annotations.
func saysNothing(schema json.RawMessage) bool {
	keywords := map[string]json.RawMessage{}
	if json.Unmarshal(schema, &keywords) != nil {
		return false
	}
	for keyword := range keywords {
		switch keyword {
		case "title", "description", "examples", "default":
		default:
			return false
		}
	}
	return true
}

// The formats whose meaning is ours; draft-07 validators elsewhere may take them as annotations.
const (
	formatInt64    = "int64"
	formatDateTime = "date-time"
)

var errFormat = errors.New("not of the format")

// checkInt64 keeps numbers to what a Go int64 is decoded from: JSON Schema counts 1.0 and 1e2 as integers too.
func checkInt64(v any) error {
	n, ok := v.(json.Number)
	if !ok {
		return nil
	}
	if _, err := strconv.ParseInt(string(n), 10, 64); err != nil {
		return errFormat
	}
	return nil
}

// checkDateTime keeps strings to what parseTime reads.
func checkDateTime(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	if _, ok := parseTime(s); !ok {
		return errFormat
	}
	return nil
}

// parseTime reads a time of RFC 3339. Package time is more lenient (golang/go#54580): it takes hours of one digit, a comma
// for the point and zones of 24 hours, which it then cannot write.
func parseTime(s string) (t time.Time, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' || strings.Contains(s, ",") {
		return t, false
	}
	if t.UnmarshalText([]byte(s)) != nil {
		return t, false
	}
	_, offset := t.Zone()
	return t, -day < offset && offset < day
}

const day = 24 * 60 * 60 // seconds

// words are the sentences that schemas bring along for what a validator cannot say well: the member x-message of a
// schema, by the schema's location.
type words map[string]string

func (w words) collect(location string, part any) {
	switch part := part.(type) {
	case map[string]any:
		if message, ok := part["x-message"].(string); ok {
			w[location] = message
		}
		for name, v := range part {
			w.collect(location+"/"+url.PathEscape(pointerToken(name)), v)
		}
	case []any:
		for i, v := range part {
			w.collect(location+"/"+strconv.Itoa(i), v)
		}
	}
}
