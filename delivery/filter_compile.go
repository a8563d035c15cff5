package delivery

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of a filter. The first four bound what it costs to keep and to evaluate; the levels are Airstack's ("nesting at
// most 3 levels"), read as: a key at most 3 names deep, $or and $and at most 3 deep.
const (
	maxFilterBytes      = 16 << 10
	maxFilterConditions = 256  // each of the keys that a wildcard stands for counts
	maxFilterKey        = 256  // bytes of a whole dotted key
	maxFilterProgram    = 1024 // instructions of all regular expressions together
	maxFilterLevels     = 3
	maxFilterWildcards  = 3 // "$." in one key
)

// CompileFilter compiles a filter document over an event's data; see [Filter] for what it means. An absent document, null
// and {} are the empty filter. The error is a sentence for the one who wrote the filter.
func CompileFilter(doc json.RawMessage) (*Filter, error) { return compileFilter(doc, false) }

// CompileEventFilter compiles a filter document that may ask for the event's type and attributes too. Every filter that
// CompileFilter takes means the same here.
func CompileEventFilter(doc json.RawMessage) (*Filter, error) { return compileFilter(doc, true) }

func compileFilter(doc json.RawMessage, event bool) (*Filter, error) {
	if len(doc) == 0 {
		return &Filter{}, nil
	}
	object, err := decodeFilter(doc)
	if err != nil {
		return nil, err
	}
	c := compiler{event: event, left: maxFilterConditions, program: maxFilterProgram}
	return c.filter(object, 1)
}

// compiler turns a filter document into a Filter.
type compiler struct {
	event   bool // $type and $attributes may be asked for
	left    int  // conditions still allowed
	program int  // instructions of regular expressions still allowed
}

// filter compiles one object of conditions; groups counts the $or and $and around it.
func (c *compiler) filter(object map[string]any, groups int) (*Filter, error) {
	f := &Filter{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		var err error
		switch {
		case key == "$or", key == "$and":
			err = c.group(f, key, object[key], groups)
		case c.event && key == nameType:
			err = c.eventType(f, object[key])
		case c.event && key == nameAttributes:
			err = c.attributes(f, object[key])
		default:
			err = c.key(f, nil, key, object[key])
		}
		if err != nil {
			return nil, err
		}
	}
	// What costs no look at the data comes first.
	slices.SortStableFunc(f.conditions, func(a, b condition) int { return cmp.Compare(b.of, a.of) })
	return f, nil
}

func (c *compiler) group(f *Filter, key string, value any, groups int) error {
	list, ok := value.([]any)
	if !ok {
		return errors.New("the value of $or and $and must be an array")
	}
	if groups > maxFilterLevels {
		return errTooDeep
	}
	if len(list) == 0 {
		return errors.New("$or and $and need at least one filter")
	}
	members := make([]*Filter, 0, len(list))
	for _, element := range list {
		object, ok := element.(map[string]any)
		if !ok {
			return errors.New("$or and $and take filter objects")
		}
		member, err := c.filter(object, groups+1)
		if err != nil {
			return err
		}
		members = append(members, member)
	}
	return c.add(f, condition{group: members, any: key == "$or"})
}

var errTooDeep = fmt.Errorf("the filter is nested too deeply, at most %d levels are allowed", maxFilterLevels)

// key compiles what stands at one key, which is path and name: operators, a value, or more keys.
func (c *compiler) key(f *Filter, path []string, name string, value any) error {
	if c.event && (name == nameType || name == nameAttributes) {
		return fmt.Errorf("%s must not stand under a key", name)
	}
	if err := checkName(name); err != nil {
		return err
	}
	path = append(path[:len(path):len(path)], name)
	if len(path) > maxFilterLevels {
		return errTooDeep
	}
	switch v := value.(type) {
	case map[string]any:
		return c.object(f, path, v)
	case []any:
		if objects := objectsOf(v); len(objects) > 0 {
			for i, object := range objects {
				// An element's index is no level of its own.
				element := append(path[:len(path)-1:len(path)-1], path[len(path)-1]+"."+strconv.Itoa(i))
				if err := c.object(f, element, object); err != nil {
					return err
				}
			}
			return nil
		}
	}
	t, err := c.test(opPlain, value)
	if err != nil {
		return err
	}
	return c.tests(f, path, []test{t})
}

// object compiles an object at a path: its operators are the tests of the path, its other members lie deeper.
func (c *compiler) object(f *Filter, path []string, object map[string]any) error {
	var tests []test
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if op, ok := operatorOf(name); ok {
			t, err := c.test(op, object[name])
			if err != nil {
				return err
			}
			tests = append(tests, t)
			continue
		}
		if err := c.key(f, path, name, object[name]); err != nil {
			return err
		}
	}
	if len(tests) == 0 {
		return nil
	}
	return c.tests(f, path, tests)
}

// tests adds the condition for a whole key.
func (c *compiler) tests(f *Filter, path []string, tests []test) error {
	key := strings.Join(path, ".")
	if strings.HasSuffix(key, ".$") {
		return errors.New("invalid filter syntax, found trailing $")
	}
	if len(key) > maxFilterKey {
		return fmt.Errorf("a key of the filter is too long, at most %d bytes are allowed", maxFilterKey)
	}
	c.charge(tests)
	keys, positional, err := expand(key)
	if err != nil {
		return err
	}
	c.left -= len(keys) - 1
	return c.add(f, condition{keys: keys, positional: positional, tests: tests})
}

// charge counts the lists of tests: each costs less than as many conditions, but not nothing.
func (c *compiler) charge(tests []test) {
	for i := range tests {
		if list, ok := tests[i].value.([]any); ok {
			c.left -= len(list) / 16
		}
	}
}

func (c *compiler) add(f *Filter, one condition) error {
	if c.left--; c.left < 0 {
		return errors.New("the filter has too many conditions")
	}
	f.conditions = append(f.conditions, one)
	return nil
}

// checkName refuses names that look like operators. "$." begins a wildcard of an index instead.
func checkName(name string) error {
	if !strings.HasPrefix(name, "$") || strings.HasPrefix(name, "$.") {
		return nil
	}
	if name == "$or" || name == "$and" {
		return errors.New("$or and $and must not stand under a key")
	}
	if _, ok := operatorOf(name); ok {
		return fmt.Errorf("%s must stand under a key", name)
	}
	return fmt.Errorf("%.40s starts with a $ and is not a valid operator", name)
}

func objectsOf(list []any) map[int]map[string]any {
	objects := map[int]map[string]any{}
	for i, element := range list {
		if object, ok := element.(map[string]any); ok {
			objects[i] = object
		}
	}
	return objects
}

// expand writes out the wildcards "$." of a key: n of them stand for the indices 0 to n each, as Convoy does it.
func expand(key string) (keys []string, positional bool, err error) {
	n := strings.Count(key, "$.")
	if n > maxFilterWildcards {
		return nil, false, fmt.Errorf("too many segments, expected at most %d but got %d", maxFilterWildcards, n)
	}
	keys = []string{key}
	for range n {
		var more []string
		for _, k := range keys {
			for index := range n + 1 {
				more = append(more, strings.Replace(k, "$.", strconv.Itoa(index)+".", 1))
			}
		}
		keys = more
	}
	return keys, n > 0, nil
}
