package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bind checks the parameters of a call and returns them by name. params are an object, an array (mapped to names in the
// order of the method's file) or nothing; form names the form of a method that has several, else "".
//
// The members of named are the caller's bytes, untouched; named may share memory with params. In the place of an optional
// positional parameter null stands for leaving it out. pointer gives the JSON pointer to a top-level member in the
// caller's own form: "/params/url", "/params/1"; it is never nil. Faulty parameters give an [Error] of
// [KindInvalidParams] with at most 16 faults; any other error is a fault of the program.
func (c *Catalogue) Bind(method, form string, params json.RawMessage) (
	named json.RawMessage, pointer func(member string) string, err error,
) {
	f, err := c.form(method, form)
	if err != nil {
		return nil, func(member string) string { return "/params/" + pointerToken(member) }, err
	}
	b := binding{form: f, prefix: "/params"}
	if f.optional && isNothing(params) {
		return json.RawMessage("{}"), b.pointer, nil
	}
	named, err = b.bind(params, false)
	return named, b.pointer, err
}

// isNothing reports whether a caller gave no parameters, in any of the ways there are.
func isNothing(params json.RawMessage) bool {
	switch string(params) {
	case "", "null", "{}", "[]":
		return true
	}
	return false
}

// CheckDocument checks a registration document, such as the one putWebhook carries, against the form of the method that
// registers: against its parameters where the document's members are those, else against the parameter that is the
// document. Pointers of the faults begin with prefix. It returns the document with its members named as the schema
// spells them.
func (c *Catalogue) CheckDocument(method, form string, doc json.RawMessage, prefix string) (json.RawMessage, error) {
	f, err := c.form(method, form)
	if err != nil {
		return nil, err
	}
	b := binding{form: f, prefix: prefix}
	if f.details != nil {
		return doc, b.checkDetails(doc)
	}
	return b.bind(doc, true)
}

// CheckUpdate is CheckDocument for a document that names only what is to change: no member is required. The document must
// be the parameters of the form.
func (c *Catalogue) CheckUpdate(method, form string, doc json.RawMessage, prefix string) (json.RawMessage, error) {
	f, err := c.form(method, form)
	if err != nil {
		return nil, err
	}
	if f.update == nil {
		return nil, fmt.Errorf("the form %q of %s is no document", form, method)
	}
	lenient := *f
	lenient.schema = f.update
	b := binding{form: &lenient, prefix: prefix}
	return b.bind(doc, true)
}

// binding is one run of Bind.
type binding struct {
	form   *form
	prefix string
	array  bool           // the caller's form is positional
	given  []given        // by parameter
	values map[string]any // what the validator sees
	faults faults
}

// given is one parameter as the caller gave it.
type given struct {
	raw     json.RawMessage
	spelled string // its name in the caller's spelling, "" when that is the schema's
}

// bind is the whole of Bind. objectOnly refuses positional parameters.
func (b *binding) bind(params json.RawMessage, objectOnly bool) (json.RawMessage, error) {
	text := bytes.Trim(params, " \t\r\n")
	if bytes.Equal(text, []byte("null")) && !objectOnly {
		text = nil
	}
	b.given = make([]given, len(b.form.params))
	b.values = make(map[string]any, len(b.form.params))
	if t := b.read(text, objectOnly); t != nil {
		b.faults.add(appendPointer(b.prefix, t.tokens()...), t.message)
		return nil, b.faults.err()
	}
	if err := b.form.words.check(b.form.schema, b.values, &b.faults, b.at); err != nil {
		return nil, err
	}
	if !b.array && !b.form.IgnoreCase && len(text) > 0 {
		return text, nil
	}
	return b.named(), nil
}

// read splits the text into parameters, values for the validator included.
func (b *binding) read(text []byte, objectOnly bool) *trouble {
	if !utf8.Valid(text) {
		return notUTF8
	}
	r := &reader{text: text}
	var t *trouble
	switch {
	case len(text) == 0 && !objectOnly:
		return nil
	case r.peek() == '{':
		t = b.readObject(r, 1)
	case r.peek() == '[' && !objectOnly:
		b.array = true
		t = r.array(1, func(i int) *trouble { return b.readItem(r, i) })
	case objectOnly || b.form.Document:
		return &trouble{message: "must be an object"}
	default:
		return &trouble{message: "must be an object or an array"}
	}
	if t == nil && !r.end() {
		t = malformed
	}
	return t
}

// readObject takes members by name.
func (b *binding) readObject(r *reader, depth int) *trouble {
	return r.object(depth, func(raw []byte) *trouble {
		name := unquote(raw)
		i := b.form.index(name)
		if i < 0 {
			b.faults.add(b.member(name), unknownMember)
			return r.skip(depth + 1)
		}
		if b.given[i].raw != nil {
			return &trouble{message: "is there twice"}
		}
		p := b.form.params[i]
		if name != p.name {
			b.given[i].spelled = name
		}
		return b.readValue(r, i, depth+1)
	})
}

// readItem takes the positional parameter i.
func (b *binding) readItem(r *reader, i int) *trouble {
	switch {
	case b.form.Document && i == 0 && r.peek() == '{':
		return b.readObject(r, 2)
	case b.form.Document && i == 0:
		b.faults.add(b.prefix+"/0", "must be an object")
		return r.skip(2)
	case b.form.Document || i >= len(b.form.params):
		b.faults.add(b.prefix+"/"+strconv.Itoa(i), "is one parameter too many")
		return r.skip(2)
	}
	return b.readValue(r, i, 2)
}

// readValue takes the value of parameter i.
func (b *binding) readValue(r *reader, i, depth int) *trouble {
	p := b.form.params[i]
	start := r.pos
	v, t := r.value(depth, p.levels)
	if t != nil {
		return t
	}
	if v == nil && b.array && p.dropNull && !b.form.Document {
		return nil
	}
	b.given[i].raw = r.text[start:r.pos]
	b.values[p.name] = v
	return nil
}

// named puts the parameters together by name.
func (b *binding) named() json.RawMessage {
	size := 2
	for i, g := range b.given {
		size += len(g.raw) + len(b.form.params[i].name) + 4
	}
	out := append(make([]byte, 0, size), '{')
	for i, g := range b.given {
		if g.raw == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = strconv.AppendQuote(out, b.form.params[i].name) // the names in our files are plain ASCII
		out = append(out, ':')
		out = append(out, g.raw...)
	}
	return append(out, '}')
}

// pointer is the caller's own pointer to a top-level member.
func (b *binding) pointer(member string) string {
	i := b.form.index(member)
	switch {
	case b.array && !b.form.Document && i >= 0:
		return b.prefix + "/" + strconv.Itoa(i)
	case i >= 0 && i < len(b.given) && b.given[i].spelled != "":
		member = b.given[i].spelled
	}
	return b.member(member)
}

// member is the pointer to a top-level member in the caller's spelling.
func (b *binding) member(name string) string {
	if b.array && b.form.Document {
		return appendPointer(b.prefix+"/0", name)
	}
	return appendPointer(b.prefix, name)
}

// at is the caller's pointer to what the validator calls by these tokens.
func (b *binding) at(tokens []string) string {
	if len(tokens) == 0 {
		return b.prefix
	}
	return appendPointer(b.pointer(tokens[0]), tokens[1:]...)
}

// checkDetails checks a document that is one parameter of its method.
func (b *binding) checkDetails(doc json.RawMessage) error {
	v, t := readAll(doc)
	if t != nil {
		return Invalid(Fault{appendPointer(b.prefix, t.tokens()...), t.message})
	}
	at := func(tokens []string) string { return appendPointer(b.prefix, tokens...) }
	return b.form.words.check(b.form.details, v, &b.faults, at)
}
