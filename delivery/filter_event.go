package delivery

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The members of a filter that ask for more than the data. No key of the data is shadowed: a filter's key can't begin
// with a $.
const (
	nameType       = "$type"
	nameAttributes = "$attributes"
)

// eventType compiles what stands at $type.
func (c *compiler) eventType(f *Filter, value any) error {
	tests, err := c.scalar(nameType, value)
	if err != nil {
		return err
	}
	for i := range tests {
		if text, ok := tests[i].value.(string); ok && strings.Contains(text, "*") {
			return errors.New("$type takes whole types; a pattern such as contact.* belongs among the events, or write a $regex")
		}
	}
	c.charge(tests)
	return c.add(f, condition{of: ofType, tests: tests})
}

// attributes compiles what stands at $attributes. They are flat: a name is taken as it is, dots and all.
func (c *compiler) attributes(f *Filter, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("the value of $attributes must be an object")
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if strings.HasPrefix(name, "$") {
			return fmt.Errorf("%.40s must stand under the name of an attribute", name)
		}
		tests, err := c.scalar(nameAttributes, object[name])
		if err != nil {
			return err
		}
		c.charge(tests)
		if err := c.add(f, condition{of: ofAttribute, keys: []string{name}, tests: tests}); err != nil {
			return err
		}
	}
	return nil
}

// scalar compiles the tests of something that has no members: operators, or the value it equals.
func (c *compiler) scalar(of string, value any) (tests []test, err error) {
	operators, ok := value.(map[string]any)
	switch value.(type) {
	case []any:
		return nil, fmt.Errorf("%s compares with single values; for one of several write $in", of)
	case nil:
		return nil, fmt.Errorf("%s compares with strings, numbers and booleans, and null is none", of)
	}
	if !ok {
		t, err := c.test(opPlain, value)
		return []test{t}, err
	}
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		op, ok := operatorOf(name)
		if !ok {
			return nil, fmt.Errorf("%.40s is not a valid operator of %s", name, of)
		}
		t, err := c.test(op, operators[name])
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	if len(tests) == 0 {
		return nil, fmt.Errorf("%s needs a value or an operator", of)
	}
	return tests, nil
}
