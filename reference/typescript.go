package reference

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// TypeScript is the source file of the TypeScript client that knows the methods: the types of the document, parameters
// and results by method, and a class with a function for each.
func (d *Document) TypeScript() []byte {
	var w typeScript
	w.line("// Made from the server's OpenRPC document by `make typescript`; changes here are lost.")
	w.line("")
	w.line("import { Client, type CallOptions } from './client.js'")
	for _, t := range d.Types {
		w.declare(t.Name, t.Value)
	}
	methods := d.Methods()
	for _, m := range methods {
		for _, f := range m.Forms {
			w.params(m, f)
		}
	}
	w.line("")
	w.line("/** What each method takes and answers with. */")
	w.line("export interface Methods {")
	for _, m := range methods {
		w.line("  %s: { params: %s; result: %s }", key(m.Name), paramTypes(m), m.Result.Schema.Expression())
	}
	w.line("}")
	w.line("")
	w.line("/** A client with a function for each method. */")
	w.line("export class Hookswitch extends Client {")
	for i, m := range methods {
		if i > 0 {
			w.line("")
		}
		w.method(m)
	}
	w.line("}")
	return []byte(w.String())
}

type typeScript struct{ strings.Builder }

func (w *typeScript) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// comment writes a documentation comment of the sentences that are not empty.
func (w *typeScript) comment(indent string, sentences ...string) {
	sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
	if len(sentences) > 0 {
		w.line("%s/** %s */", indent, strings.ReplaceAll(strings.Join(sentences, " "), "*/", "* /"))
	}
}

// declare writes a type of the document.
func (w *typeScript) declare(name string, s Schema) {
	w.line("")
	w.comment("", s.Description, limitsSentence(s))
	if s.Properties == nil || len(s.Type) != 1 {
		w.line("export type %s = %s", name, s.Expression())
		return
	}
	w.line("export interface %s {", name)
	for _, p := range s.Properties {
		w.member(p.Name, s.Requires(p.Name), p.Value, p.Value.Description)
	}
	w.line("}")
}

func (w *typeScript) member(name string, required bool, s Schema, description string) {
	w.comment("  ", description, limitsSentence(s))
	w.line("  %s%s: %s", key(name), mark(required), s.Expression())
}

func limitsSentence(s Schema) string {
	limits := strings.Join(s.Limits(), ", ")
	if limits == "" {
		return ""
	}
	return strings.ToUpper(limits[:1]) + limits[1:] + "."
}

func (w *typeScript) params(m *Method, f Form) {
	if len(f.Params) == 0 {
		return
	}
	w.line("")
	w.comment("", f.Description)
	w.line("export interface %s {", paramsName(m, f))
	for _, p := range f.Params {
		w.member(p.Name, p.Required, p.Schema, p.Description)
	}
	w.line("}")
}

// method writes the function of a method, and a signature for each of its forms, the most demanding first.
func (w *typeScript) method(m *Method) {
	name := strings.ReplaceAll(m.Name, ".", "_")
	signature := func(f Form) string {
		result := m.Result.Schema
		if f.Result != nil {
			result = *f.Result
		}
		return fmt.Sprintf("  %s(%soptions?: CallOptions): Promise<%s>", name, parameter(m, f), result.Expression())
	}
	w.comment("  ", m.Summary, m.Description)
	if len(m.Forms) == 1 {
		given := "undefined"
		if len(m.Forms[0].Params) > 0 {
			given = "params"
		}
		w.line("%s {", signature(m.Forms[0]))
		w.line("    return this.call('%s', %s, options)", m.Name, given)
		w.line("  }")
		return
	}
	for _, f := range slices.SortedStableFunc(slices.Values(m.Forms), func(a, b Form) int { return required(b) - required(a) }) {
		w.line("%s", signature(f))
	}
	w.line("  %s(params: object, options?: CallOptions): Promise<unknown> {", name)
	w.line("    return this.request('%s', params, options)", m.Name)
	w.line("  }")
}

func parameter(m *Method, f Form) string {
	switch {
	case len(f.Params) == 0:
		return ""
	case required(f) == 0:
		return "params: " + paramsName(m, f) + " = {}, "
	}
	return "params: " + paramsName(m, f) + ", "
}

func required(f Form) int {
	n := 0
	for _, p := range f.Params {
		if p.Required {
			n++
		}
	}
	return n
}

// paramTypes is the type of what a method takes.
func paramTypes(m *Method) string {
	var parts []string
	for _, f := range m.Forms {
		switch {
		case len(f.Params) == 0:
			parts = append(parts, "undefined")
		case required(f) == 0:
			parts = append(parts, paramsName(m, f), "undefined")
		default:
			parts = append(parts, paramsName(m, f))
		}
	}
	return union(parts)
}

func paramsName(m *Method, f Form) string { return title(m.Name) + title(f.Name) + "Params" }

// title joins the parts of a name, each with a capital.
func title(name string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(name, ".") {
		if part != "" {
			out.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return out.String()
}

// key is a name as the key of an object type, in quotes where it needs them.
func key(name string) string {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return "'" + name + "'"
		}
	}
	return name
}
