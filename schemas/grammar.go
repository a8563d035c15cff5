package schemas

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// object walks the object at the reader. each is called with a member's name, in its quotes and as written, and reads
// the value.
func (r *reader) object(depth int, each func(name []byte) *trouble) *trouble {
	if depth > maxDepth {
		return tooDeep()
	}
	if !r.accept('{') {
		return malformed
	}
	r.space()
	if r.accept('}') {
		return nil
	}
	for {
		name, t := r.quoted()
		if t != nil {
			return t
		}
		r.space()
		if !r.accept(':') {
			return malformed
		}
		r.space()
		if t := each(name); t != nil {
			return t.under(unquote(name))
		}
		r.space()
		if r.accept('}') {
			return nil
		}
		if !r.accept(',') {
			return malformed
		}
		r.space()
	}
}

// array walks the array at the reader. each is called with an item's number and reads the item.
func (r *reader) array(depth int, each func(i int) *trouble) *trouble {
	if depth > maxDepth {
		return tooDeep()
	}
	if !r.accept('[') {
		return malformed
	}
	r.space()
	if r.accept(']') {
		return nil
	}
	for i := 0; ; i++ {
		if t := each(i); t != nil {
			return t.under(strconv.Itoa(i))
		}
		r.space()
		if r.accept(']') {
			return nil
		}
		if !r.accept(',') {
			return malformed
		}
		r.space()
	}
}

// quoted reads a string and returns it as written, with its quotes.
func (r *reader) quoted() ([]byte, *trouble) {
	start := r.pos
	if !r.accept('"') {
		return nil, malformed
	}
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return r.text[start:r.pos], nil
		case c == '\\':
			if !r.escape() {
				return nil, malformed
			}
		case c < ' ':
			return nil, malformed
		default:
			r.pos++
		}
	}
	return nil, malformed
}

// escape moves over one escape sequence.
func (r *reader) escape() bool {
	r.pos++
	c := r.peek()
	r.pos++
	if c != 'u' {
		return c != 0 && bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0
	}
	for range 4 {
		c := r.peek()
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
		r.pos++
	}
	return true
}

// unquote is the text of a string as quoted returned it.
func unquote(raw []byte) string {
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // quoted has checked it; a lone surrogate becomes U+FFFD, as everywhere in encoding/json
	return s
}

// number reads a number of any size.
func (r *reader) number() ([]byte, *trouble) {
	start := r.pos
	r.accept('-')
	whole := r.digits()
	if whole == 0 || whole > 1 && r.text[r.pos-whole] == '0' {
		return nil, malformed
	}
	if r.accept('.') && r.digits() == 0 {
		return nil, malformed
	}
	if r.accept('e') || r.accept('E') {
		if !r.accept('+') {
			r.accept('-')
		}
		if r.digits() == 0 {
			return nil, malformed
		}
	}
	return r.text[start:r.pos], nil
}

// compared reads a number that somebody will compute with, and holds it to the limits.
func (r *reader) compared() ([]byte, *trouble) {
	raw, t := r.number()
	if t != nil {
		return nil, t
	}
	digits, exponent := raw, []byte("0")
	if e := bytes.IndexAny(raw, "eE"); e >= 0 {
		digits, exponent = raw[:e], bytes.TrimLeft(raw[e+1:], "+-")
	}
	if len(digits)-bytes.Count(digits, []byte("."))-bytes.Count(digits, []byte("-")) > maxDigits {
		return nil, &trouble{message: "must be a number of at most 40 digits"}
	}
	if size, err := strconv.Atoi(string(exponent)); err != nil || len(exponent) > maxDigits || size > maxExponent {
		return nil, &trouble{message: "must be a number with an exponent of at most 400"}
	}
	return raw, nil
}

// digits moves over digits and counts them.
func (r *reader) digits() int {
	start := r.pos
	for c := r.peek(); '0' <= c && c <= '9'; c = r.peek() {
		r.pos++
	}
	return r.pos - start
}

// literal reads true, false or null.
func (r *reader) literal() (any, *trouble) {
	rest := r.text[r.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("true")):
		r.pos += 4
		return true, nil
	case bytes.HasPrefix(rest, []byte("false")):
		r.pos += 5
		return false, nil
	case bytes.HasPrefix(rest, []byte("null")):
		r.pos += 4
		return nil, nil
	}
	return nil, malformed
}
