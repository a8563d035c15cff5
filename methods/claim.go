package methods

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// claim finds the dialect whose document this is: the one its member "dialect" names, else by the members that only that
// dialect's documents have.
func (o *Operations) claim(method string, params json.RawMessage) (*Dialect, error) {
	members := memberNames(params)
	if slices.Contains(members, "dialect") {
		return o.claimed(method, params)
	}
	var rest *Dialect
	var marks []string
	for _, d := range o.dialects {
		if d.Registers != method {
			continue
		}
		if len(d.Marks) == 0 {
			rest = d
			continue
		}
		marks = append(marks, d.Marks[0])
		for _, mark := range d.Marks {
			if slices.ContainsFunc(members, func(m string) bool { return strings.EqualFold(m, mark) }) {
				return d, nil
			}
		}
	}
	if rest != nil {
		return rest, nil
	}
	slices.Sort(marks)
	return nil, invalid("/params", "must be a document with "+strings.Join(marks, " or "))
}

// checkDialect refuses the member dialect that names none; "" is not looked at.
func (c *Call) checkDialect(name string) error {
	if name == "" || c.dialects[name] != nil {
		return nil
	}
	return invalid(c.Pointer("dialect"), c.oneDialectOf())
}

// oneDialectOf says what a member that names a dialect must be.
func (c *Call) oneDialectOf() string {
	return "must be one of " + strings.Join(slices.Sorted(maps.Keys(c.dialects)), ", ")
}

// claimed is the dialect that a document names itself. A vendor's HTTP face has it named, so that no document sent there
// is taken for another vendor's.
func (o *Operations) claimed(method string, params json.RawMessage) (*Dialect, error) {
	var named struct {
		Dialect string `json:"dialect"`
	}
	pointer := "/params/dialect"
	if positional(params) {
		pointer = "/params/0/dialect"
	}
	if json.Unmarshal(documentIn(params), &named) == nil {
		if d := o.dialects[named.Dialect]; d != nil && d.Registers == method {
			return d, nil
		}
	}
	return nil, invalid(pointer, "must be the name of a dialect whose documents this method takes")
}

// documentIn is a document, given by name or as the one positional parameter; nil without one.
func documentIn(params json.RawMessage) json.RawMessage {
	if !positional(params) {
		return params
	}
	var list []json.RawMessage
	if json.Unmarshal(params, &list) != nil || len(list) == 0 {
		return nil
	}
	return list[0]
}

// memberNames are the names of the members of a document.
func memberNames(params json.RawMessage) []string {
	decoder := json.NewDecoder(bytes.NewReader(documentIn(params)))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var names []string
	for decoder.More() {
		t, err := decoder.Token()
		if err != nil {
			return nil
		}
		names = append(names, t.(string)) // the token before a value is always the member's name
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil
		}
	}
	return names
}

func positional(params json.RawMessage) bool { return len(params) > 0 && params[0] == '[' }
