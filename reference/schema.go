package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Schema is a JSON Schema, as far as it is shown. The zero value takes anything.
type Schema struct {
	Ref         string            `json:"$ref"`
	Type        words             `json:"type"`
	Description string            `json:"description"`
	Enum        []json.RawMessage `json:"enum"`
	Const       json.RawMessage   `json:"const"`
	Default     json.RawMessage   `json:"default"`
	AnyOf       []Schema          `json:"anyOf"`
	Items       *Schema           `json:"items"`
	Properties  ordered[Schema]   `json:"properties"`
	Required    []string          `json:"required"`
	Additional  *Schema           `json:"additionalProperties"`
	Patterns    ordered[Schema]   `json:"patternProperties"`
	Format      string            `json:"format"`
	Message     string            `json:"x-message"` // what a value that breaks the pattern is told

	Minimum       json.Number `json:"minimum"`
	Above         json.Number `json:"exclusiveMinimum"`
	Maximum       json.Number `json:"maximum"`
	MinLength     json.Number `json:"minLength"`
	MaxLength     json.Number `json:"maxLength"`
	MinItems      json.Number `json:"minItems"`
	MaxItems      json.Number `json:"maxItems"`
	MaxProperties json.Number `json:"maxProperties"`

	never bool // the schema false
}

// UnmarshalJSON reads a schema, which may be true or false too.
func (s *Schema) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true":
		return nil
	case "false":
		s.never = true
		return nil
	}
	type plain Schema
	return json.Unmarshal(text, (*plain)(s))
}

// words is a string or a list of strings.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(w))
	}
	var single string
	*w = nil
	err := json.Unmarshal(text, &single)
	*w = words{single}
	return err
}

// entry is a member of an object whose order counts.
type entry[T any] struct {
	Name  string
	Value T
}

type ordered[T any] []entry[T]

func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		e := entry[T]{Name: name.(string)} // in an object, decoded from valid JSON
		if err := decoder.Decode(&e.Value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// Expression is the schema's type in TypeScript's notation; types of the document stand in it by name.
func (s Schema) Expression() string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Const != nil:
		return string(s.Const)
	case s.Enum != nil:
		parts := make([]string, len(s.Enum))
		for i, value := range s.Enum {
			parts[i] = string(value)
		}
		return union(parts)
	case s.AnyOf != nil:
		parts := make([]string, len(s.AnyOf))
		for i, alternative := range s.AnyOf {
			parts[i] = alternative.Expression()
		}
		return union(parts)
	case s.Type == nil && s.Properties == nil:
		return "unknown"
	case s.Type == nil:
		return s.object()
	}
	parts := make([]string, len(s.Type))
	for i, name := range s.Type {
		parts[i] = s.typed(name)
	}
	return union(parts)
}

func (s Schema) typed(name string) string {
	switch name {
	case "integer":
		return "number"
	case "object":
		return s.object()
	case "array":
		if s.Items == nil {
			return "unknown[]"
		}
		item := s.Items.Expression()
		if strings.Contains(item, " | ") {
			return "(" + item + ")[]"
		}
		return item + "[]"
	}
	return name
}

func (s Schema) object() string {
	if s.Properties == nil {
		value := "unknown"
		switch {
		case s.Patterns != nil:
			value = s.Patterns[0].Value.Expression()
		case s.Additional != nil && !s.Additional.never:
			value = s.Additional.Expression()
		}
		return "Record<string, " + value + ">"
	}
	members := make([]string, len(s.Properties))
	for i, p := range s.Properties {
		members[i] = p.Name + mark(s.Requires(p.Name)) + ": " + p.Value.Expression()
	}
	return "{ " + strings.Join(members, "; ") + " }"
}

func (s Schema) Requires(member string) bool { return slices.Contains(s.Required, member) }

// mark is what follows the name of a member that may be missing.
func mark(required bool) string {
	if required {
		return ""
	}
	return "?"
}

func union(parts []string) string {
	var distinct []string
	for _, part := range parts {
		if !slices.Contains(distinct, part) {
			distinct = append(distinct, part)
		}
	}
	return strings.Join(distinct, " | ")
}

// Limits are what the schema says besides the type, in words.
func (s Schema) Limits() []string {
	var said []string
	say := func(format string, numbers ...json.Number) {
		if !slices.Contains(numbers, "") {
			args := make([]any, len(numbers))
			for i, n := range numbers {
				args[i] = n
			}
			said = append(said, fmt.Sprintf(format, args...))
		}
	}
	if s.Message != "" && s.Description == "" { // else the description says the same
		said = append(said, s.Message)
	}
	switch {
	case s.Format == "int64" && s.Maximum != "" && len(s.Maximum) > 15: // beyond what is of interest
		say("at least %s", s.Minimum)
	case s.Minimum != "" && s.Maximum != "":
		say("%s to %s", s.Minimum, s.Maximum)
	case s.Above != "" && s.Maximum != "":
		say("above %s, at most %s", s.Above, s.Maximum)
	default:
		say("at least %s", s.Minimum)
		say("at most %s", s.Maximum)
	}
	if s.MinLength != "1" {
		say("at least %s characters", s.MinLength)
	}
	say("at most %s characters", s.MaxLength)
	if s.MinItems == "1" {
		said = append(said, "not empty")
	} else {
		say("at least %s items", s.MinItems)
	}
	say("at most %s items", s.MaxItems)
	say("at most %s members", s.MaxProperties)
	if s.Default != nil {
		said = append(said, "default "+string(s.Default))
	}
	return said
}
