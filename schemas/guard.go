package schemas

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// Limits of a parameters text, checked before the validator sees any of it. They are not settings: the validator
// panics, or takes seconds and megabytes for a single number, beyond them (santhosh-tekuri/jsonschema issue 261). Those
// of numbers hold where a value is compared, and not in what is only passed on, such as an event's data.
const (
	maxDepth    = 100    // levels of nesting, the parameters themselves being the first
	maxDigits   = 40     // digits of a number before its exponent
	maxExponent = 400    // size of a number's exponent
	maxValues   = 20_000 // values that one text hands to the validator; each faulty one costs it about 400 bytes
)

// trouble is why a text is refused before validation.
type trouble struct {
	path    []string // to the value, innermost first
	message string
	whole   bool // it concerns the whole text and has no path
	outer   bool // it concerns the outermost member around the place, and its path is no longer
}

// tooDeep is the trouble at a place that lies too deep.
func tooDeep() *trouble {
	return &trouble{message: "is nested too deep: at most 100 levels, of which the parameters, or the event, are the first", outer: true}
}

var (
	notUTF8   = &trouble{message: "is not valid UTF-8", whole: true}
	malformed = &trouble{message: "is not valid JSON", whole: true}
	tooMany   = &trouble{message: "holds too many values", whole: true}
)

// under says that the trouble lies in the member or item of that name.
func (t *trouble) under(name string) *trouble {
	if t.outer {
		t.path = t.path[:0]
	}
	if !t.whole {
		t.path = append(t.path, name)
	}
	return t
}

// tokens is the path from the outside in.
func (t *trouble) tokens() []string {
	path := slices.Clone(t.path)
	slices.Reverse(path)
	return path
}

// reader walks one JSON text once: it keeps to the grammar of RFC 8259, to the limits above, and builds what the
// validator needs. It never panics, whatever the text.
type reader struct {
	text   []byte
	pos    int
	values int // built so far
}

// readAll builds the whole of a text that is one value.
func readAll(text []byte) (any, *trouble) {
	r := &reader{text: bytes.Trim(text, " \t\r\n")}
	if !utf8.Valid(r.text) {
		return nil, notUTF8
	}
	v, t := r.value(1, maxDepth)
	if t == nil && !r.end() {
		t = malformed
	}
	return v, t
}

func (r *reader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek is the byte at the reader, 0 at the end.
func (r *reader) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

// accept moves over c, which is not 0, if it comes next.
func (r *reader) accept(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

// end reports whether nothing but space is left.
func (r *reader) end() bool {
	r.space()
	return r.pos == len(r.text)
}

// value reads one value that is depth levels deep. It builds that many levels of it as the validator wants them
// (map[string]any, []any, string, json.Number, bool, nil); what lies deeper is read by skip, and stands there as an empty
// value of its type.
func (r *reader) value(depth, levels int) (any, *trouble) {
	if r.values++; r.values > maxValues {
		return nil, tooMany
	}
	if levels <= 0 {
		empty := emptyOf(r.peek())
		return empty, r.skip(depth)
	}
	switch c := r.peek(); {
	case c == '{':
		return r.objectValue(depth, levels)
	case c == '[':
		return r.arrayValue(depth, levels)
	case c == '"':
		raw, t := r.quoted()
		if t != nil {
			return nil, t
		}
		return unquote(raw), nil
	case isNumberStart(c):
		raw, t := r.compared()
		return json.Number(raw), t
	default:
		return r.literal()
	}
}

func (r *reader) objectValue(depth, levels int) (any, *trouble) {
	built := map[string]any{}
	t := r.object(depth, func(name []byte) *trouble {
		v, t := r.value(depth+1, levels-1)
		if t != nil {
			return t
		}
		key := unquote(name)
		if _, twice := built[key]; twice {
			return &trouble{message: "is there twice"}
		}
		built[key] = v
		return nil
	})
	return built, t
}

func (r *reader) arrayValue(depth, levels int) (any, *trouble) {
	built := []any{}
	t := r.array(depth, func(int) *trouble {
		v, t := r.value(depth+1, levels-1)
		built = append(built, v)
		return t
	})
	return built, t
}

// skip reads one value that is depth levels deep and builds nothing. Its numbers may have any size.
func (r *reader) skip(depth int) *trouble {
	var t *trouble
	switch c := r.peek(); {
	case c == '{':
		t = r.object(depth, func([]byte) *trouble { return r.skip(depth + 1) })
	case c == '[':
		t = r.array(depth, func(int) *trouble { return r.skip(depth + 1) })
	case c == '"':
		_, t = r.quoted()
	case isNumberStart(c):
		_, t = r.number()
	default:
		_, t = r.literal()
	}
	return t
}

// pass moves over one value without a look at what its brackets hold, however deep: whoever reads it finds out what is
// wrong with it.
func (r *reader) pass() *trouble {
	if c := r.peek(); c != '{' && c != '[' {
		return r.skip(1)
	}
	for open := 0; r.pos < len(r.text); {
		switch r.text[r.pos] {
		case '"':
			if _, t := r.quoted(); t != nil {
				return t
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
		}
		if r.pos++; open == 0 {
			return nil
		}
	}
	return malformed
}

func isNumberStart(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// emptyOf is an empty value of the type that begins with c.
func emptyOf(c byte) any {
	switch c {
	case '{':
		return map[string]any{}
	case '[':
		return []any{}
	case '"':
		return ""
	case 't', 'f':
		return false
	case 'n':
		return nil
	}
	return json.Number("0")
}
