package schemas

import (
	"encoding/json"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// allForms are the forms of a method; a method without x-forms has one, called "".
func (m *methodFile) allForms() map[string]*formFile {
	if m.Forms != nil {
		return m.Forms
	}
	return map[string]*formFile{"": {Params: m.Params}}
}

// formFile is one form of a method whose name several documents share, as the file writes it under x-forms.
type formFile struct {
	Description string `json:"description,omitempty"`
	// Document says that the named parameters are the members of the document itself; positional parameters are then
	// one: the document.
	Document bool `json:"document,omitempty"`
	// IgnoreCase takes the names of the parameters in any case.
	IgnoreCase bool         `json:"x-ignore-case,omitempty"`
	Params     []descriptor `json:"params"`
	// Rules are schema keywords over the parameters together.
	Rules map[string]json.RawMessage `json:"rules,omitempty"`
	// Result is the schema of what this form answers, where the method's own names several.
	Result json.RawMessage `json:"result,omitempty"`
}

// form is a formFile, compiled.
type form struct {
	formFile
	params []param
	byName map[string]int // lower case when IgnoreCase
	// schema is over all parameters, by name. Unknown ones are found before it is asked.
	schema *jsonschema.Schema
	// update is schema with nothing required; nil unless the form is a document.
	update *jsonschema.Schema
	// details is over the parameter marked as the document; nil without one.
	details *jsonschema.Schema
	// result is nil where the method's says enough.
	result *jsonschema.Schema
	// optional says that no parameter is required.
	optional bool
	words    words
}

// param is what binding must know of a parameter.
type param struct {
	name string
	// levels are what the validator looks at: 0 where every value is right, 1 where items are checked apart.
	levels int
	// dropNull says that null, in its place among positional parameters, stands for a parameter left out.
	dropNull bool
}

// index finds a parameter by the caller's spelling, -1 if there is none.
func (f *form) index(name string) int {
	if f.IgnoreCase {
		name = strings.ToLower(name)
	}
	if i, ok := f.byName[name]; ok {
		return i
	}
	return -1
}
