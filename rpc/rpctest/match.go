package rpctest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// vars are the values that names mean, as JSON.
type vars map[string]json.RawMessage

// variables finds $(name), with the quotes around it if it is a whole string.
func variables() *regexp.Regexp { return regexp.MustCompile(`"\$\(([\w.-]+)\)"|\$\(([\w.:-]+)\)`) }

// fill puts values in the place of names in a request.
func (v vars) fill(text string) (string, error) {
	var missing error
	filled := variables().ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, `"$()`)
		if digits, ok := strings.CutPrefix(name, "hex:"); ok {
			raw, err := hex.DecodeString(digits)
			if err != nil {
				missing = fmt.Errorf("%s: %w", found, err)
			}
			return string(raw)
		}
		value, ok := v[name]
		if !ok {
			missing = fmt.Errorf("%s has no value yet", found)
			return found
		}
		if found[0] == '"' {
			return string(value)
		}
		return plain(value)
	})
	return filled, missing
}

// plain is a value as text: the inside of a string literal, or else its JSON.
func plain(value json.RawMessage) string {
	if len(value) > 1 && value[0] == '"' {
		return string(value[1 : len(value)-1])
	}
	return string(value)
}

// match compares an answer with what is expected and captures what is named there.
func (v vars) match(expected, got string) error {
	want, err := decode(expected)
	if err != nil {
		return fmt.Errorf("the expected text is no JSON: %w", err)
	}
	have, err := decode(got)
	if err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	return v.value("", want, have)
}

// decode reads one JSON value and keeps numbers as they are written.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return value, nil
}

// value compares the values at a path.
func (v vars) value(path string, want, have any) error {
	switch w := want.(type) {
	case map[string]any:
		if h, ok := have.(map[string]any); ok {
			return v.object(path, w, h)
		}
	case []any:
		if h, ok := have.([]any); ok {
			return v.array(path, w, h)
		}
	case string:
		return v.str(path, w, have)
	default:
		if want == have {
			return nil
		}
	}
	return differ(path, want, have)
}

func (v vars) object(path string, want, have map[string]any) error {
	_, open := want["..."]
	for _, name := range sortedNames(want) {
		if name == "..." {
			continue
		}
		value, ok := have[name]
		if !ok {
			return fmt.Errorf("%s/%s is missing", path, name)
		}
		if err := v.value(path+"/"+name, want[name], value); err != nil {
			return err
		}
	}
	for _, name := range sortedNames(have) {
		if _, ok := want[name]; !ok && !open {
			return fmt.Errorf("%s/%s is not expected", path, name)
		}
	}
	return nil
}

func sortedNames(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v vars) array(path string, want, have []any) error {
	open := len(want) > 0 && want[len(want)-1] == "..."
	if open {
		want = want[:len(want)-1]
	}
	if len(have) < len(want) || len(have) > len(want) && !open {
		return fmt.Errorf("%s has %d elements, not %d", path, len(have), len(want))
	}
	for i := range want {
		if err := v.value(fmt.Sprintf("%s/%d", path, i), want[i], have[i]); err != nil {
			return err
		}
	}
	return nil
}

// str compares with an expected string, which may be a placeholder.
func (v vars) str(path, want string, have any) error {
	_, isString := have.(string)
	_, isNumber := have.(json.Number)
	switch {
	case want == "$any", want == "$string" && isString, want == "$number" && isNumber:
		return nil
	}
	if m := variables().FindString(want); m == want && m != "" {
		return v.capture(path, strings.Trim(want, "$()"), have)
	}
	filled, err := v.fill(want)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if filled != have {
		return differ(path, filled, have)
	}
	return nil
}

// capture gives a name its value, or compares with the value it has.
func (v vars) capture(path, name string, have any) error {
	value, err := encode(have)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	known, ok := v[name]
	if !ok {
		v[name] = value
		return nil
	}
	if !bytes.Equal(known, value) {
		return differ(path, known, value)
	}
	return nil
}

// encode writes a value the way texts are compared: without escapes that JSON does not need.
func encode(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func differ(path string, want, have any) error {
	if path == "" {
		path = "the text"
	}
	return fmt.Errorf("%s is %s, expected %s", path, show(have), show(want))
}

func show(value any) string {
	if raw, ok := value.(json.RawMessage); ok {
		return string(raw)
	}
	text, err := encode(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
