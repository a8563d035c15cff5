package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Markdown is the page of the docs on every method.
func (d *Document) Markdown() []byte {
	var w markdown
	w.line("# Methods")
	w.line("")
	w.line("<!-- Made from schemas/methods by `make docs`; changes here are lost. -->")
	w.line("")
	for _, sentence := range intro {
		w.line("%s", sentence)
	}
	w.line("A running server shows the same at `/docs`, and for machines at `/openrpc.json`.")
	w.line("")
	for _, g := range d.Groups {
		w.line("- **%s**: %s %s", g.Name, g.Description, links(g.Methods))
	}
	for _, g := range d.Groups {
		w.line("")
		w.line("## %s", strings.ToUpper(g.Name[:1])+g.Name[1:])
		w.line("")
		w.line("%s", g.Description)
		for _, m := range g.Methods {
			w.method(m)
		}
	}
	w.types(d.Types)
	w.errors(d.Errors)
	return w.Bytes()
}

// intro is what has to be known before any method, on the page of the docs and on the web page.
var intro = []string{
	"Methods are called by JSON-RPC at `/rpc`, over HTTP or a WebSocket, with the key as `Authorization: Bearer KEY`.",
	"Parameters go by name or, in the order shown, by position.",
	"Types are written as in TypeScript; a `?` marks what may be left out. Answers may gain members in later versions.",
}

// refusals says what every error has in common, on both pages.
const refusals = "A refusal's `data` has a `kind`, a `message` and, for wrong parameters, `faults` with the JSON pointer of each. " +
	"Faults of the protocol keep JSON-RPC's own codes."

// exampleServer is where the service is in the examples.
const exampleServer = "http://127.0.0.1:8080"

type markdown struct{ bytes.Buffer }

func (w *markdown) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func links(methods []*Method) string {
	list := make([]string, len(methods))
	for i, m := range methods {
		list[i] = fmt.Sprintf("[`%s`](#%s)", m.Name, anchor(m.Name))
	}
	return strings.Join(list, ", ")
}

// anchor is the name that a heading has in a link.
func anchor(heading string) string { return strings.ToLower(strings.ReplaceAll(heading, ".", "")) }

func (w *markdown) method(m *Method) {
	w.line("")
	w.line("### %s", m.Name)
	w.line("")
	w.line("%s", strings.TrimSpace(m.Summary+" "+m.Description))
	for _, f := range m.Forms {
		w.form(f)
	}
	if m.OneResult() {
		w.line("")
		w.line("%s", "Result: "+sentence(typeCell(m.Result.Schema), m.Result.Description, m.Result.Schema))
	}
	if len(m.Errors) > 0 {
		codes := make([]string, len(m.Errors))
		for i, e := range m.Errors {
			codes[i] = fmt.Sprintf("%d %s", e.Code, e.Message)
		}
		w.line("")
		w.line("Errors: %s.", strings.Join(codes, ", "))
	}
	for _, e := range m.Examples {
		w.example(m, e)
	}
}

func (w *markdown) form(f Form) {
	w.line("")
	if f.Name != "" {
		w.line("Form *%s*: %s", f.Name, f.Description)
		w.line("")
	}
	if len(f.Params) == 0 {
		w.line("No parameters.")
		return
	}
	w.line("| parameter | type | meaning |")
	w.line("|---|---|---|")
	for _, p := range f.Params {
		w.line("| `%s%s` | %s | %s |", p.Name, mark(p.Required), cell(typeCell(p.Schema)), cell(meaning(p.Description, p.Schema)))
	}
	if f.Result != nil {
		w.line("")
		w.line("%s", "Result: "+sentence(typeCell(*f.Result), "", *f.Result))
	}
}

func (w *markdown) example(m *Method, e Example) {
	w.line("")
	w.line("%s", strings.TrimSpace("Example: "+e.Name+". "+e.Description))
	w.line("")
	w.line("```console")
	w.line("$ %s", e.Call(m.Name))
	w.line("%s", indented(e.Result))
	w.line("$ %s", e.Curl(exampleServer, m.Name))
	w.line("```")
}

func (w *markdown) types(types ordered[Schema]) {
	w.line("")
	w.line("## Types")
	for _, t := range types {
		w.line("")
		w.line("### %s", t.Name)
		w.line("")
		if t.Value.Properties == nil {
			w.line("%s", sentence(typeCell(t.Value), "", t.Value))
			continue
		}
		if t.Value.Description != "" {
			w.line("%s", t.Value.Description)
			w.line("")
		}
		w.line("| member | type | meaning |")
		w.line("|---|---|---|")
		for _, p := range t.Value.Properties {
			w.line("| `%s%s` | %s | %s |", p.Name, mark(t.Value.Requires(p.Name)), cell(typeCell(p.Value)), cell(meaning("", p.Value)))
		}
	}
}

func (w *markdown) errors(errors []Error) {
	w.line("")
	w.line("## Errors")
	w.line("")
	w.line("%s", refusals)
	w.line("")
	w.line("| code | name | message |")
	w.line("|---|---|---|")
	for _, e := range errors {
		w.line("| %d | %s | %s |", e.Code, e.Name, e.Message)
	}
}

// typeCell is the type, as code, with links to the types of the document in it.
func typeCell(s Schema) string {
	if s.Ref != "" {
		return fmt.Sprintf("[`%s`](#%s)", s.Expression(), anchor(s.Expression()))
	}
	return "`" + s.Expression() + "`"
}

// meaning says what a value is for and what it is limited to.
func meaning(description string, s Schema) string {
	parts := make([]string, 0, 3)
	for _, part := range []string{description, s.Description, limitsSentence(s)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	for _, p := range s.Properties {
		if said := meaning("", p.Value); said != "" {
			parts = append(parts, "`"+p.Name+"`: "+said)
		}
	}
	return strings.Join(parts, " ")
}

func sentence(first, description string, s Schema) string {
	if rest := meaning(description, s); rest != "" {
		return first + ". " + rest
	}
	return first + "."
}

// cell is text in a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func compact(text json.RawMessage) string {
	var out bytes.Buffer
	if json.Compact(&out, text) != nil {
		return string(text)
	}
	return out.String()
}

// indented is JSON for people.
func indented(text json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return string(text)
	}
	return out.String()
}

// Call is the example as a command of hookswitch.
func (e Example) Call(method string) string {
	if string(e.Params) == "{}" {
		return "hookswitch call " + method
	}
	return "hookswitch call " + method + " " + quoted(compact(e.Params))
}

// Curl is the example as a command of curl. server is the base of the service's addresses.
func (e Example) Curl(server, method string) string {
	params := ""
	if string(e.Params) != "{}" {
		params = `,"params":` + compact(e.Params)
	}
	return fmt.Sprintf("curl %s/rpc -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\\n  -d %s",
		server, quoted(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"%s"%s}`, method, params)))
}

// quoted is text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
