package delivery

import (
	"encoding/json"
	"strconv"

	"github.com/hookswitch/hookswitch/schemas"
)

// Fields reads an event as the vendors' dialects do: an attribute first, then a member of the event's data when that is
// an object. A null counts as missing. The zero value has no fields.
type Fields struct {
	attributes, data map[string]json.RawMessage
}

// FieldsOf opens an event. Data that is not an object has no members.
func FieldsOf(e *schemas.Event) Fields {
	f := Fields{attributes: e.Attributes}
	if len(e.Data) > 0 && json.Unmarshal(e.Data, &f.data) != nil {
		f.data = nil
	}
	return f
}

// Raw is the JSON text of the first of the names that is there, nil without one. For each name the attribute is asked
// before the data.
func (f Fields) Raw(names ...string) json.RawMessage {
	for _, name := range names {
		for _, members := range [...]map[string]json.RawMessage{f.attributes, f.data} {
			if raw := members[name]; len(raw) > 0 && string(raw) != "null" {
				return raw
			}
		}
	}
	return nil
}

// Text is a scalar as plain text, "" when it is missing, an object or a list.
func (f Fields) Text(names ...string) string {
	raw := f.Raw(names...)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return ""
	}
	return schemas.PlainText(raw)
}

// Int is a whole number, given as a number or as its text; it is 0 and ok is false when it is missing or anything else,
// such as one that 64 bits do not hold: a number is never brought near.
func (f Fields) Int(names ...string) (n int64, ok bool) {
	n, err := strconv.ParseInt(f.Text(names...), 10, 64)
	if err != nil { // n is the nearest number then, if there is one
		return 0, false
	}
	return n, true
}

// Members are the members of the event's data, nil when it is no object. Not to be changed.
func (f Fields) Members() map[string]json.RawMessage { return f.data }
