package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/hookswitch/hookswitch/schemas"
)

// Filter is a compiled filter document over an event: the grammar that Airstack publishes, evaluated as the
// Convoy behind it does.
//
// Data and filter are flattened to dotted keys ("socialCapital.socialCapitalRank"; elements of an array that are
// objects by their index, "items.0.name"). All conditions must hold. A condition whose key the data lacks is skipped,
// and when every condition was skipped the filter does not match; an empty filter matches everything. Numbers compare as
// float64, those beyond it as infinite, all else by deep equality, so "1" is not 1. A plain value also matches an array that
// contains it.
//
// Three things differ from Convoy 24.5, each a fault there: members beside $or and $and count too, $exist is asked
// also when the key is missing (that is what it is for), and what is no number is neither less nor greater than one.
//
// What an evaluation costs is bounded, whatever is published: keys of the data beyond the length that a filter's key can
// have are not made, an array is searched as far as maxSearched, and a $regex looks at strings of up to maxRegexText
// bytes only; what lies beyond does not match.
//
// Our own filters ask for the event's type and attributes too, with the same operators, in the members $type and $attributes
// beside the keys of the data (CompileEventFilter). These are never passed over: an attribute that the event lacks does not
// hold, unless it is $exist that asks. An attribute is compared by its JSON value, so again "1" is not 1.
//
// A Filter is safe for concurrent use. The zero value is the empty filter.
type Filter struct{ conditions []condition }

// source is where the value of a condition comes from.
type source uint8

const (
	ofData source = iota
	ofType
	ofAttribute // its name is the condition's key
)

// condition is one demand of a filter: either a key's tests, or an $or or $and of filters.
type condition struct {
	of         source
	keys       []string // more than one when the key holds "$.", which stands for several indices
	positional bool     // the key holds "$.": one of keys must pass, and none there is a no
	tests      []test

	group []*Filter
	any   bool // $or
}

// Match reports whether data, any JSON value, satisfies a filter that asks for nothing else.
func (f *Filter) Match(data json.RawMessage) bool {
	return f.match(&subject{event: &schemas.Event{Data: data}})
}

// MatchEvent reports whether an event satisfies the filter.
func (f *Filter) MatchEvent(e *schemas.Event) bool { return f.match(&subject{event: e}) }

// AsksEvent reports whether the filter asks for more than an event's data.
func (f *Filter) AsksEvent() bool {
	return slices.ContainsFunc(f.conditions, func(c condition) bool {
		return c.of != ofData || slices.ContainsFunc(c.group, (*Filter).AsksEvent)
	})
}

// subject is an event that filters are asked about. Its data is flattened when the first one wants it.
type subject struct {
	event *schemas.Event
	flat  map[string]any
}

func (s *subject) data() map[string]any {
	if s.flat == nil {
		s.flat = flatten(s.event.Data)
	}
	return s.flat
}

// value is what a condition that does not look at the data asks for.
func (s *subject) value(c *condition) (value any, there bool) {
	if c.of == ofType {
		return s.event.Type, true
	}
	raw, there := s.event.Attributes[c.keys[0]]
	if !there {
		return nil, false
	}
	return valueOf(raw)
}

func (f *Filter) match(s *subject) bool {
	if len(f.conditions) == 0 {
		return true
	}
	evaluated := false
	for i := range f.conditions {
		holds, asked := f.conditions[i].holds(s)
		if asked && !holds {
			return false
		}
		evaluated = evaluated || asked
	}
	return evaluated
}

// holds evaluates one condition; asked is false when it was skipped.
func (c *condition) holds(s *subject) (holds, asked bool) {
	switch {
	case c.group != nil && c.any:
		return slices.ContainsFunc(c.group, func(f *Filter) bool { return f.match(s) }), true
	case c.group != nil:
		return !slices.ContainsFunc(c.group, func(f *Filter) bool { return !f.match(s) }), true
	case c.of != ofData:
		value, there := s.value(c)
		return (there || c.asksExist()) && passes(c.tests, value, there), true
	}
	flat := s.data()
	if c.positional {
		for _, key := range c.keys {
			if value, ok := flat[key]; ok && passes(c.tests, value, true) {
				return true, true
			}
		}
		return false, true
	}
	value, there := flat[c.keys[0]]
	if !there && !c.asksExist() {
		return false, false
	}
	return passes(c.tests, value, there), true
}

func (c *condition) asksExist() bool {
	return slices.ContainsFunc(c.tests, func(t test) bool { return t.op == opExist })
}

func passes(tests []test, value any, there bool) bool {
	for i := range tests {
		t := &tests[i]
		if !there && t.op != opExist {
			continue // absent keys are skipped
		}
		if !t.passes(value, there) {
			return false
		}
	}
	return true
}

// flatten turns a JSON value into dotted keys. What is not JSON has none.
func flatten(data json.RawMessage) map[string]any {
	flat := map[string]any{}
	value, _ := valueOf(data)
	switch v := value.(type) {
	case map[string]any:
		flattenObject(flat, "", v)
	case []any:
		flattenArray(flat, "", v)
	}
	return flat
}

// valueOf decodes a JSON value; ok is false for what is not JSON.
func valueOf(text json.RawMessage) (value any, ok bool) {
	err := json.Unmarshal(text, &value)
	if _, large := errors.AsType[*json.UnmarshalTypeError](err); !large {
		return value, err == nil
	}
	// One of its numbers is more than a float64 holds, which encoding/json makes null.
	value = nil
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return withFloats(value), err == nil
}

// withFloats turns the numbers in a value into float64, infinite ones where they are beyond it.
func withFloats(value any) any {
	switch v := value.(type) {
	case json.Number:
		n, _ := v.Float64()
		return n
	case map[string]any:
		for name, member := range v {
			v[name] = withFloats(member)
		}
	case []any:
		for i, item := range v {
			v[i] = withFloats(item)
		}
	}
	return value
}

func flattenObject(flat map[string]any, prefix string, object map[string]any) {
	for key, value := range object {
		if len(prefix)+len(key) <= maxFilterKey { // no filter asks for a longer one
			flattenValue(flat, prefix+key, value)
		}
	}
}

func flattenValue(flat map[string]any, key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 {
			flattenObject(flat, key+".", v)
			return
		}
	case []any:
		if flattenArray(flat, key+".", v) {
			return
		}
	}
	flat[key] = value
}

// flattenArray adds the elements that are objects by their index, and reports whether there were any.
func flattenArray(flat map[string]any, prefix string, array []any) (objects bool) {
	for i, element := range array {
		if object, ok := element.(map[string]any); ok {
			flattenObject(flat, prefix+strconv.Itoa(i)+".", object)
			objects = true
		}
	}
	return objects
}
