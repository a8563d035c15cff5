package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// manual is the OpenRPC document as far as help shows it.
type manual struct {
	Methods    []methodPage `json:"methods"`
	Components struct {
		Schemas map[string]schemaPart `json:"schemas"`
		Errors  map[string]struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	} `json:"components"`
}

// methodPage is what is said of one method.
type methodPage struct {
	Name        string      `json:"name"`
	Summary     string      `json:"summary"`
	Description string      `json:"description"`
	Params      []paramPart `json:"params"`
	Result      paramPart   `json:"result"`
	Errors      []struct {
		Ref string `json:"$ref"`
	} `json:"errors"`
	Examples []struct {
		Name   string    `json:"name"`
		Params []example `json:"params"`
		Result example   `json:"result"`
	} `json:"examples"`
}

type paramPart struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Required    bool       `json:"required"`
	Schema      schemaPart `json:"schema"`
}

type example struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// schemaPart is a JSON Schema as far as one line can say it.
type schemaPart struct {
	Ref         string                `json:"$ref"`
	Description string                `json:"description"`
	Type        json.RawMessage       `json:"type"`
	Enum        []any                 `json:"enum"`
	Const       any                   `json:"const"`
	AnyOf       []schemaPart          `json:"anyOf"`
	OneOf       []schemaPart          `json:"oneOf"`
	Items       *schemaPart           `json:"items"`
	Properties  map[string]schemaPart `json:"properties"`
	Required    []string              `json:"required"`
}

// UnmarshalJSON takes true as well, a schema that takes anything, and what is not of this form as that.
func (s *schemaPart) UnmarshalJSON(text []byte) error {
	type plain schemaPart
	var p plain
	if json.Unmarshal(text, &p) == nil {
		*s = schemaPart(p)
	}
	return nil
}

func readManual() (*manual, error) {
	text, err := service.Describe(version)
	if err != nil {
		return nil, err
	}
	m := &manual{}
	return m, json.Unmarshal(text, m)
}

// helpOfMethod shows all that is to be known of a method.
func helpOfMethod(c *cli.Command, name string) error {
	m, err := readManual()
	if err != nil {
		return err
	}
	for i := range m.Methods {
		if m.Methods[i].Name == name {
			return m.print(c.Root().Writer, &m.Methods[i])
		}
	}
	return usageError{fmt.Errorf("there is no method %s%s", cell(name, 64), m.instead(name))}
}

// instead is the end of a sentence about a method that is not there: what may have been meant, and where the list is.
func (m *manual) instead(name string) string {
	names := make([]string, len(m.Methods))
	for i := range m.Methods {
		names[i] = m.Methods[i].Name
	}
	const list = "hookswitch call --methods lists them"
	if near := nearest(name, names); near != "" {
		return "; did you mean " + near + "? " + list
	}
	var alike []string
	for _, n := range names {
		if verb := verbOf(n); verb != "" && nearest(verbOf(name), []string{verb}) != "" {
			alike = append(alike, n)
		}
	}
	if len(alike) == 0 {
		return "; " + list
	}
	return "; there are " + strings.Join(alike, ", ") + "; " + list
}

// verbOf is what the name of a method begins with: create of createKey.
func verbOf(method string) string {
	if end := strings.IndexFunc(method, unicode.IsUpper); end > 0 {
		return method[:end]
	}
	return ""
}

// listMethods prints every method in a line.
func listMethods(c *cli.Command) error {
	m, err := readManual()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		lines := json.NewEncoder(c.Root().Writer)
		for i := range m.Methods {
			if err := lines.Encode(map[string]string{"name": m.Methods[i].Name, "summary": m.Methods[i].Summary}); err != nil {
				return err
			}
		}
		return nil
	}
	t := table{head: []string{"METHOD", "SUMMARY"}}
	for i := range m.Methods {
		t.add(m.Methods[i].Name, m.Methods[i].Summary)
	}
	return t.print(c.Root().Writer)
}

func (m *manual) print(w io.Writer, page *methodPage) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n", page.Name, page.Summary)
	if page.Description != "" {
		fmt.Fprintf(&out, "\n%s\n", page.Description)
	}
	if len(page.Params) > 0 {
		out.WriteString("\nPARAMETERS, by name or in this order; * is needed\n")
		rows := make([][3]string, len(page.Params))
		for i, p := range page.Params {
			rows[i] = [3]string{p.Name, m.kind(p.Schema, 2), m.says(p)}
			if p.Required {
				rows[i][0] += "*"
			}
		}
		writeRows(&out, rows)
	}
	fmt.Fprintf(&out, "\nRESULT\n  %s\n", m.kind(page.Result.Schema, 2))
	out.WriteString("\nERRORS\n")
	for _, e := range page.Errors {
		known := m.Components.Errors[afterSlash(e.Ref)]
		fmt.Fprintf(&out, "  %d  %s\n", known.Code, known.Message)
	}
	for _, e := range page.Examples {
		params := map[string]json.RawMessage{}
		for _, p := range e.Params {
			params[p.Name] = p.Value
		}
		fmt.Fprintf(&out, "\nEXAMPLE, %s\n  hookswitch call %s%s\n  %s\n", e.Name, page.Name, shellJSON(params), plainText(e.Result.Value))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func writeRows(out *strings.Builder, rows [][3]string) {
	var widths [2]int
	for _, row := range rows {
		widths[0], widths[1] = max(widths[0], len(row[0])), max(widths[1], min(len(row[1]), 40))
	}
	for _, row := range rows {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  %-*s  %-*s  %s", widths[0], row[0], widths[1], row[1], row[2]), " "))
	}
}

func (m *manual) says(p paramPart) string {
	if p.Description != "" {
		return p.Description
	}
	return m.resolve(p.Schema).Description
}

func (m *manual) resolve(s schemaPart) schemaPart {
	if s.Ref == "" {
		return s
	}
	return m.Components.Schemas[afterSlash(s.Ref)]
}

// kind says in a line what a value must be; depth is how many levels of members are spelled out.
func (m *manual) kind(s schemaPart, depth int) string {
	s = m.resolve(s)
	choices := append(append([]schemaPart(nil), s.AnyOf...), s.OneOf...)
	switch {
	case s.Const != nil:
		return fmt.Sprint(s.Const)
	case len(s.Enum) > 0:
		return join(s.Enum, func(v any) string {
			if v == nil {
				return "null"
			}
			return fmt.Sprint(v)
		})
	case len(choices) > 0:
		return join(choices, func(c schemaPart) string { return m.kind(c, depth) })
	case s.Items != nil && depth > 0:
		return "[" + m.kind(*s.Items, depth-1) + ", …]"
	case len(s.Properties) > 0 && depth > 0:
		return m.members(s, depth)
	}
	var one string
	if json.Unmarshal(s.Type, &one) == nil {
		return one
	}
	var several []string
	if json.Unmarshal(s.Type, &several) == nil && len(several) > 0 {
		return join(several, func(t string) string { return t })
	}
	return "any JSON"
}

// members names the members of an object, * for those that are always there.
func (m *manual) members(s schemaPart, depth int) string {
	var parts []string
	needed := map[string]bool{}
	for _, name := range s.Required {
		needed[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		part := name
		if needed[name] {
			part += "*"
		}
		if inner := m.resolve(s.Properties[name]); inner.Items != nil && depth > 1 {
			part += ": " + m.kind(inner, depth-1)
		}
		parts = append(parts, part)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func join[T any](list []T, text func(T) string) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = text(v)
	}
	return strings.Join(parts, " | ")
}

func afterSlash(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// shellJSON is the parameters of an example as one argument for a shell.
func shellJSON(params map[string]json.RawMessage) string {
	if len(params) == 0 {
		return ""
	}
	text, err := json.Marshal(params)
	if err != nil {
		return ""
	}
	return " '" + strings.ReplaceAll(string(text), "'", `'\''`) + "'"
}
