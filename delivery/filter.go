package delivery

import (
	"encoding/json"
	"slices"
	"strconv"
)

// Filter is a compiled filter document over an event's data: the grammar that Airstack publishes, evaluated as the
// Convoy behind it does.
//
// Data and filter are flattened to dotted keys ("socialCapital.socialCapitalRank"; elements of an array that are
// objects by their index, "items.0.name"). All conditions must hold. A condition whose key the data lacks is skipped,
// and when every condition was skipped the filter does not match; an empty filter matches everything. Numbers compare as
// float64, all else by deep equality, so "1" is not 1. A plain value also matches an array that contains it.
//
// Three things differ from Convoy 24.5, each a fault there: members beside $or and $and count too, $exist is asked
// also when the key is missing (that is what it is for), and what is no number is neither less nor greater than one.
//
// What an evaluation costs is bounded, whatever is published: keys of the data beyond the length that a filter's key can
// have are not made, an array is searched as far as maxSearched, and a $regex looks at strings of up to maxRegexText
// bytes only; what lies beyond does not match.
//
// A Filter is safe for concurrent use. The zero value is the empty filter.
type Filter struct{ conditions []condition }

// condition is one demand of a filter: either a key's tests, or an $or or $and of filters.
type condition struct {
	keys       []string // more than one when the key holds "$.", which stands for several indices
	positional bool     // the key holds "$.": one of keys must pass, and none there is a no
	tests      []test

	group []*Filter
	any   bool // $or
}

// Match reports whether data, any JSON value, satisfies the filter.
func (f *Filter) Match(data json.RawMessage) bool {
	return len(f.conditions) == 0 || f.match(flatten(data))
}

// match is Match for data that is flattened already.
func (f *Filter) match(flat map[string]any) bool {
	if len(f.conditions) == 0 {
		return true
	}
	evaluated := false
	for i := range f.conditions {
		holds, asked := f.conditions[i].holds(flat)
		if asked && !holds {
			return false
		}
		evaluated = evaluated || asked
	}
	return evaluated
}

// holds evaluates one condition; asked is false when it was skipped.
func (c *condition) holds(flat map[string]any) (holds, asked bool) {
	switch {
	case c.group != nil && c.any:
		return slices.ContainsFunc(c.group, func(f *Filter) bool { return f.match(flat) }), true
	case c.group != nil:
		return !slices.ContainsFunc(c.group, func(f *Filter) bool { return !f.match(flat) }), true
	case c.positional:
		for _, key := range c.keys {
			if value, ok := flat[key]; ok && passes(c.tests, value, true) {
				return true, true
			}
		}
		return false, true
	}
	value, there := flat[c.keys[0]]
	if !there && !slices.ContainsFunc(c.tests, func(t test) bool { return t.op == opExist }) {
		return false, false
	}
	return passes(c.tests, value, there), true
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
	var value any
	if json.Unmarshal(data, &value) != nil {
		return flat
	}
	switch v := value.(type) {
	case map[string]any:
		flattenObject(flat, "", v)
	case []any:
		flattenArray(flat, "", v)
	}
	return flat
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
