package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkExamples binds every example, by name and by position, and checks its result: what the documentation shows works.
func (c *Catalogue) checkExamples() error {
	for _, name := range c.Names() {
		m := c.files[name]
		shown := map[string]bool{}
		for _, e := range m.Examples {
			shown[e.Form] = true
			if err := c.checkExample(m, e); err != nil {
				return fmt.Errorf("example %q of %s: %w", e.Name, name, err)
			}
		}
		for _, form := range slices.Sorted(maps.Keys(m.allForms())) {
			if !shown[form] {
				return fmt.Errorf("form %q of %s has no example", form, name)
			}
		}
	}
	return nil
}

func (c *Catalogue) checkExample(m *methodFile, e pairing) error {
	f, err := c.form(m.Name, e.Form)
	if err != nil {
		return err
	}
	named := e.named()
	if _, _, err := c.Bind(m.Name, e.Form, named); err != nil {
		return fmt.Errorf("by name: %w", err)
	}
	if positional, ok := e.positional(f); ok {
		if _, _, err := c.Bind(m.Name, e.Form, positional); err != nil {
			return fmt.Errorf("by position: %w", err)
		}
	}
	result, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Result.Value))
	if err != nil {
		return err
	}
	at := func(tokens []string) string { return appendPointer("/result", tokens...) }
	if err := f.words.check(c.results[m.Name], result, &faults{}, at); err != nil || f.result == nil {
		return err
	}
	return f.words.check(f.result, result, &faults{}, at)
}

// named are the example's parameters as an object.
func (e pairing) named() json.RawMessage {
	out := []byte{'{'}
	for i, p := range e.Params {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(p.Name) // a string always can be
		out = append(append(append(out, name...), ':'), p.Value...)
	}
	return append(out, '}')
}

// positional are the example's parameters as an array; ok is false when it leaves out one before another.
func (e pairing) positional(f *form) (params json.RawMessage, ok bool) {
	if f.Document {
		return slices.Concat(json.RawMessage{'['}, e.named(), json.RawMessage{']'}), true
	}
	out := []byte{'['}
	for i, p := range e.Params {
		if f.index(p.Name) != i {
			return nil, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, p.Value...)
	}
	return append(out, ']'), true
}
