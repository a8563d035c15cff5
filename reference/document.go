package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Document is an OpenRPC document, as far as it is shown.
type Document struct {
	Version string // of the program; "" in what is committed
	Groups  []Group
	Types   ordered[Schema]
	Errors  []Error // by code
}

// Group is the methods of one tag.
type Group struct {
	Name        string
	Description string
	Methods     []*Method
}

// Method is one RPC method.
type Method struct {
	Name        string
	Summary     string
	Description string
	Forms       []Form // one, without a name, for most methods
	Result      Value
	Errors      []Error
	Examples    []Example
}

// Form is one set of parameters that a method takes.
type Form struct {
	Name        string
	Description string
	Document    bool // positional parameters are one: the document
	Params      []Value
	Result      *Schema // nil: the method's
}

// OneResult reports whether all forms have the result of the method.
func (m *Method) OneResult() bool {
	return !slices.ContainsFunc(m.Forms, func(f Form) bool { return f.Result != nil })
}

// Value is a parameter or a result.
type Value struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Required    bool   `json:"required"`
	Schema      Schema `json:"schema"`
}

// Error is an error that methods answer with.
type Error struct {
	Name    string
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Example is a call and its answer.
type Example struct {
	Name        string
	Description string
	Params      json.RawMessage // an object, compact
	Result      json.RawMessage
}

// wire is the OpenRPC document as it is written.
type wire struct {
	Info struct {
		Version string `json:"version"`
	} `json:"info"`
	Methods    []wireMethod `json:"methods"`
	Components struct {
		Errors  map[string]Error `json:"errors"`
		Schemas ordered[Schema]  `json:"schemas"`
		Tags    ordered[struct {
			Description string `json:"description"`
		}] `json:"tags"`
	} `json:"components"`
}

type wireMethod struct {
	Name        string      `json:"name"`
	Summary     string      `json:"summary"`
	Description string      `json:"description"`
	Tags        []reference `json:"tags"`
	Params      []Value     `json:"params"`
	Result      Value       `json:"result"`
	Errors      []reference `json:"errors"`
	Examples    []struct {
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Params      []wireExample `json:"params"`
		Result      wireExample   `json:"result"`
	} `json:"examples"`
	Forms ordered[wireForm] `json:"x-forms"`
}

type wireForm struct {
	Description string  `json:"description"`
	Document    bool    `json:"document"`
	Params      []Value `json:"params"`
	Result      *Schema `json:"result"`
}

type wireExample struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

type reference struct {
	Ref string `json:"$ref"`
}

func (r reference) name() string { return r.Ref[strings.LastIndexByte(r.Ref, '/')+1:] }

// Read reads an OpenRPC document.
func Read(text []byte) (*Document, error) {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("read the OpenRPC document: %w", err)
	}
	d := &Document{Version: w.Info.Version, Types: w.Components.Schemas}
	for _, tag := range w.Components.Tags {
		d.Groups = append(d.Groups, Group{Name: tag.Name, Description: tag.Value.Description})
	}
	for name, e := range w.Components.Errors {
		e.Name = name
		w.Components.Errors[name] = e
	}
	byCode := func(a, b Error) int { return a.Code - b.Code }
	d.Errors = slices.SortedFunc(maps.Values(w.Components.Errors), byCode)
	for _, m := range w.Methods {
		method := m.read()
		for _, e := range m.Errors {
			method.Errors = append(method.Errors, w.Components.Errors[e.name()])
		}
		slices.SortFunc(method.Errors, byCode)
		for _, tag := range m.Tags {
			i := slices.IndexFunc(d.Groups, func(g Group) bool { return g.Name == tag.name() })
			if i < 0 {
				return nil, fmt.Errorf("method %s has a tag that is not in the document: %s", m.Name, tag.name())
			}
			d.Groups[i].Methods = append(d.Groups[i].Methods, method)
		}
	}
	return d, nil
}

func (m *wireMethod) read() *Method {
	out := &Method{Name: m.Name, Summary: m.Summary, Description: m.Description, Result: m.Result}
	if m.Forms == nil {
		out.Forms = []Form{{Params: m.Params}}
	}
	for _, f := range m.Forms {
		out.Forms = append(out.Forms, Form{f.Name, f.Value.Description, f.Value.Document, f.Value.Params, f.Value.Result})
	}
	for _, e := range m.Examples {
		out.Examples = append(out.Examples, Example{e.Name, e.Description, object(e.Params), e.Result.Value})
	}
	return out
}

// object is parameters by name.
func object(params []wireExample) json.RawMessage {
	members := make([]string, len(params))
	for i, p := range params {
		members[i] = fmt.Sprintf("%q:%s", p.Name, compact(p.Value))
	}
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
}

// Methods are all methods, by name.
func (d *Document) Methods() []*Method {
	var list []*Method
	for _, g := range d.Groups {
		list = append(list, g.Methods...)
	}
	slices.SortFunc(list, func(a, b *Method) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(list, func(a, b *Method) bool { return a == b })
}
