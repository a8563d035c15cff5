package copernica

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch/rest"
)

// Limits of a form. PHP's own are 1000 values and 64 levels.
const (
	maxFormValues = 1000
	maxFormLevels = 16
)

// bodyError says why a body cannot be read. It quotes nothing of it.
type bodyError string

func (e bodyError) Error() string { return string(e) }

// documentIn is the object in the body of a POST or PUT, JSON or a form as Content-Type says. No body is an empty object,
// and so is an empty list: that is how PHP writes one.
func documentIn(r *rest.Request) (json.RawMessage, error) {
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 {
		return json.RawMessage("{}"), nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
	case kind == "application/json":
		return objectIn(body)
	case kind == formType:
		return parseForm(string(body))
	}
	return nil, bodyError("Content-Type must be application/json or " + formType)
}

func objectIn(body []byte) (json.RawMessage, error) {
	if !json.Valid(body) || !utf8.Valid(body) {
		return nil, bodyError("the body is not valid JSON")
	}
	if body[0] == '[' && len(bytes.TrimSpace(body[1:len(body)-1])) == 0 {
		return json.RawMessage("{}"), nil
	}
	if body[0] != '{' {
		return nil, bodyError("the body must be a JSON object")
	}
	return body, nil
}

// parseForm reads a form as PHP does, where names may say how values nest, and returns it as JSON:
//
//	handler=http://x&callers[]=ms&fields[email]=a%40b   {"callers":["ms"],"fields":{"email":"a@b"},"handler":"http://x"}
//
// Every value is a string. Of a name given twice the last value counts. What PHP would repair is refused: a broken
// escape, text that is not UTF-8, a name with odd brackets.
func parseForm(body string) (json.RawMessage, error) {
	root := &field{}
	values := 0
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		if values++; values > maxFormValues {
			return nil, bodyError(fmt.Sprintf("the form has more than %d values", maxFormValues))
		}
		name, value, _ := strings.Cut(pair, "=")
		path, err := pathOf(name)
		if err != nil {
			return nil, err
		}
		text, err := url.QueryUnescape(value)
		if err != nil || !utf8.ValidString(text) {
			return nil, bodyError("the form has a value that is not encoded UTF-8")
		}
		root.at(path).set(text)
	}
	text, err := json.Marshal(root.object())
	if err != nil {
		return nil, fmt.Errorf("encode a form as JSON: %w", err)
	}
	return text, nil
}

// pathOf splits a name, a[b][] into a, b and "".
func pathOf(name string) ([]string, error) {
	name, err := url.QueryUnescape(name)
	if err != nil || !utf8.ValidString(name) {
		return nil, bodyError("the form has a name that is not encoded UTF-8")
	}
	odd := bodyError("the form has a name with brackets that do not match")
	first, rest, nested := strings.Cut(name, "[")
	if first == "" || strings.Contains(first, "]") {
		return nil, odd
	}
	path := []string{first}
	for nested {
		inner, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(inner, "[") {
			return nil, odd
		}
		if path = append(path, inner); len(path) > maxFormLevels {
			return nil, bodyError(fmt.Sprintf("the form nests deeper than %d levels", maxFormLevels))
		}
		if after == "" {
			return path, nil
		}
		if after[0] != '[' {
			return nil, odd
		}
		rest = after[1:]
	}
	return path, nil
}

// field is a value of a form, or a group of them.
type field struct {
	text  string
	group map[string]*field // nil for a value
	next  int               // number of the next value without a name
}

// at finds the field at a path, which is made as far as it is not there.
func (f *field) at(path []string) *field {
	for _, name := range path {
		if f.group == nil {
			*f = field{group: map[string]*field{}}
		}
		if name == "" {
			name = strconv.Itoa(f.next)
		}
		if n, err := strconv.Atoi(name); err == nil && strconv.Itoa(n) == name && n >= f.next && n < math.MaxInt32 {
			f.next = n + 1
		}
		if f.group[name] == nil {
			f.group[name] = &field{}
		}
		f = f.group[name]
	}
	return f
}

func (f *field) set(text string) { *f = field{text: text} }

// object is a group by name.
func (f *field) object() map[string]any {
	out := make(map[string]any, len(f.group))
	for name, member := range f.group {
		out[name] = member.value()
	}
	return out
}

// value is a string, a list when all names are numbers (PHP leaves gaps where an array was filtered), else an object.
func (f *field) value() any {
	if f.group == nil {
		return f.text
	}
	numbers := make([]int, 0, len(f.group))
	for name := range f.group {
		n, err := strconv.Atoi(name)
		if err != nil || strconv.Itoa(n) != name || n < 0 {
			return f.object()
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	list := make([]any, len(numbers))
	for i, n := range numbers {
		list[i] = f.group[strconv.Itoa(n)].value()
	}
	return list
}
