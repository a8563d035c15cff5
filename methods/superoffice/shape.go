package superoffice

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/schemas"
)

// kind is a type of the vendor's.
type kind uint8

const (
	kindAny kind = iota // any value; in XML and forms, an object of values
	kindText
	kindNumber
	kindState  // a name or a number
	kindList   // of strings
	kindObject // of the fields of its shape
)

// shape is what a request's body may hold. JSON says itself what its values are; XML and forms are read by it.
type shape struct {
	kind   kind
	fields []field
}

// field is a member of an object.
type field struct {
	name string
	shape
}

// The bodies of the vendor's operations. Members that are not listed are ignored, as the vendor does: of the entity, those
// that only the server sets and those of later versions.
var (
	webhookShape = shape{kind: kindObject, fields: []field{
		{"WebhookId", shape{kind: kindNumber}}, {"Name", shape{kind: kindText}}, {"Events", shape{kind: kindList}},
		{"TargetUrl", shape{kind: kindText}}, {"Secret", shape{kind: kindText}}, {"State", shape{kind: kindState}},
		{"Type", shape{kind: kindText}}, {"Headers", shape{}}, {"Properties", shape{}},
	}}
	filterShape = shape{kind: kindObject, fields: []field{
		{"NameFilter", shape{kind: kindText}}, {"EventFilter", shape{kind: kindText}}, {"StatusFilter", shape{kind: kindState}},
	}}
	signalShape = shape{kind: kindObject, fields: []field{
		{"EventName", shape{kind: kindText}}, {"PrimaryKey", shape{kind: kindNumber}}, {"Data", shape{}},
	}}
	testShape  = shape{kind: kindObject, fields: []field{{"Webhook", webhookShape}}}
	errorShape = shape{kind: kindObject, fields: []field{{"WebhookId", shape{kind: kindNumber}}}}
)

// document is an object that was bound to a shape: by the names of its fields, values as JSON.
type document map[string]json.RawMessage

// null is the JSON text of that name. Not to be changed.
var null = json.RawMessage("null")

func isNull(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

// byteOrderMark begins the texts of some Windows programs.
const byteOrderMark = "\uFEFF"

// readJSON binds a JSON body.
func (s *shape) readJSON(body []byte) (json.RawMessage, error) {
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return null, nil
	case !utf8.Valid(body):
		return nil, faultAt("is not valid UTF-8")
	case !json.Valid(body):
		return nil, faultAt("is not valid JSON")
	}
	return s.bind(body)
}

// bind names the members of objects as the shape does, and writes numbers and states as they are written here. A value of
// another kind than the shape's stays: the method says what is wrong with it.
func (s *shape) bind(value json.RawMessage) (json.RawMessage, error) {
	value = bytes.TrimSpace(value)
	switch s.kind {
	case kindNumber:
		return numberText(value), nil
	case kindState:
		return stateText(value), nil
	case kindObject:
	default:
		return value, nil
	}
	if value[0] != '{' {
		if isNull(value) {
			return value, nil
		}
		return nil, faultAt("must be an object")
	}
	out := document{}
	err := eachMember(value, func(name string, value json.RawMessage) error {
		f := s.field(name)
		if f == nil {
			return nil
		}
		if _, twice := out[f.name]; twice {
			return faultAt("is there twice", f.name)
		}
		bound, err := f.bind(value)
		out[f.name] = bound
		return at(err, f.name)
	})
	if err != nil {
		return nil, err
	}
	return encode(out)
}

// field finds a field by its name in any case, nil without one.
func (s *shape) field(name string) *field {
	i := slices.IndexFunc(s.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return nil
	}
	return &s.fields[i]
}

// eachMember calls do with the members of a valid JSON object, in their order.
func eachMember(doc json.RawMessage, do func(name string, value json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if err := do(name.(string), value); err != nil { // the token before a value is its name
			return err
		}
	}
	return nil
}

// numberText takes a string of digits for the number it stands for.
func numberText(value json.RawMessage) json.RawMessage {
	if n, err := strconv.ParseInt(schemas.PlainText(value), 10, 64); err == nil {
		return strconv.AppendInt(nil, n, 10)
	}
	return value
}

// stateText is a state by its own name, whichever way it was written; what is no state stays.
func stateText(value json.RawMessage) json.RawMessage {
	if s, ok := findState(schemas.PlainText(value)); ok {
		return json.RawMessage(strconv.Quote(s.name))
	}
	return value
}

// sortedNames are the names of an object.
func sortedNames(members map[string]json.RawMessage) []string {
	return slices.Sorted(maps.Keys(members))
}

// sameJSON compares two JSON values; numbers by their value, as RFC 6902 wants it.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && deepEqual(x, y)
}

func deepEqual(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, deepEqual)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, deepEqual)
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// faultAt refuses a body for what is wrong with it at a path, "" for the whole.
func faultAt(message string, path ...string) error {
	return at(schemas.Invalid(schemas.Fault{Message: message}), path...)
}

// at puts a path in front of the pointers of an error.
func at(err error, path ...string) error {
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok {
		return err
	}
	var prefix strings.Builder
	for _, name := range path {
		prefix.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	out := *e
	out.Faults = slices.Clone(e.Faults)
	for i := range out.Faults {
		out.Faults[i].Pointer = prefix.String() + out.Faults[i].Pointer
	}
	return &out
}
