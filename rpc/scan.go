package rpc

import (
	"encoding/json"
	"unicode/utf8"
)

// maxNesting is where encoding/json gives up; the scanner gives up at the same level, so that what it lets through can
// always be decoded.
const maxNesting = 10_000

// span is a part of a text.
type span struct{ from, to int }

func (p span) of(text []byte) []byte { return text[p.from:p.to] }

// scanner walks a JSON text once, left to right, without allocating. It accepts exactly what json.Valid accepts, numbers
// of any size among it: who computes with one has to look at its size first. A request that nests too deep is not refused
// on the spot but noted, so that the caller can still read its id and answer under it.
type scanner struct {
	text  []byte
	pos   int
	level int // arrays and objects open around pos
	floor int // the level at which the present request begins
	depth int // how many levels a request may have

	tooDeep bool // the present request nests deeper than depth
	gaveUp  bool // the text nests deeper than maxNesting, and was read no further
}

// broken is why the text could not be read to its end.
func (s *scanner) broken() fault {
	if s.gaveUp {
		return tooDeepToRead
	}
	return notJSON
}

// request forgets what was noted about the request before.
func (s *scanner) request() {
	s.floor, s.tooDeep = s.level, false
}

// space skips white space.
func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// take skips c if it is next.
func (s *scanner) take(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// atEnd skips white space and reports whether nothing follows.
func (s *scanner) atEnd() bool {
	s.space()
	return s.pos == len(s.text)
}

// value skips one value that begins at pos.
func (s *scanner) value() bool {
	switch c := s.peek(); c {
	case '{':
		return s.object()
	case '[':
		return s.array()
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

// open enters an array or object whose bracket is next.
func (s *scanner) open() bool {
	s.pos++
	s.level++
	if s.level-s.floor > s.depth {
		s.tooDeep = true
	}
	s.gaveUp = s.level > maxNesting
	return !s.gaveUp
}

// shut leaves an array or object if its closing bracket is next.
func (s *scanner) shut(bracket byte) bool {
	if !s.take(bracket) {
		return false
	}
	s.level--
	return true
}

func (s *scanner) object() bool {
	if !s.open() {
		return false
	}
	s.space()
	if s.shut('}') {
		return true
	}
	for {
		if _, ok := s.name(); !ok || !s.value() {
			return false
		}
		s.space()
		if s.shut('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

// name skips a member's name and colon and whatever white space is around them.
func (s *scanner) name() (span, bool) {
	from := s.pos
	if s.peek() != '"' || !s.str() {
		return span{}, false
	}
	name := span{from, s.pos}
	s.space()
	if !s.take(':') {
		return span{}, false
	}
	s.space()
	return name, true
}

func (s *scanner) array() bool {
	if !s.open() {
		return false
	}
	s.space()
	if s.shut(']') {
		return true
	}
	for {
		if !s.value() {
			return false
		}
		s.space()
		if s.shut(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

// str skips a string whose opening quote is next.
func (s *scanner) str() bool {
	text := s.text
	for i := s.pos + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			s.pos = i + 1
			return true
		case c == '\\':
			n := escapeLen(text[i+1:])
			if n == 0 {
				return false
			}
			i += n
		case c < ' ':
			return false
		}
	}
	return false
}

// escapeLen is the length of the escape that rest begins with, without its backslash; 0 if there is none.
func escapeLen(rest []byte) int {
	if len(rest) == 0 {
		return 0
	}
	switch rest[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(rest) >= 5 && isHex(rest[1]) && isHex(rest[2]) && isHex(rest[3]) && isHex(rest[4]) {
			return 5
		}
	}
	return 0
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) word(w string) bool {
	if len(s.text)-s.pos < len(w) || string(s.text[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// number skips a number.
func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('-') {
			s.take('+')
		}
		return s.digits()
	}
	return true
}

// digits skips digits and reports whether there were any.
func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.text) && isDigit(s.text[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

// unquote returns what a valid JSON string literal stands for.
func unquote(literal []byte) string {
	plain := true
	for _, c := range literal {
		plain = plain && c != '\\'
	}
	if plain {
		return string(literal[1 : len(literal)-1])
	}
	var v string
	if json.Unmarshal(literal, &v) != nil {
		return "" // cannot be: the scanner let it through
	}
	return v
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// validUTF8 is how many bytes of text are UTF-8 before the first that is not.
func validUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}
