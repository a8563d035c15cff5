package rpc

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// envelope is the outside of one request: where its members are in the text and what is wrong with them.
type envelope struct {
	version version
	fault   fault // the first thing wrong, noFault for a request that may run
	seen    member
	method  span // a string literal
	params  span // an array or object; empty if absent or null
	id      span // a string, a number or null; empty if absent, refused or given twice
}

// version is the dialect of JSON-RPC an envelope is in.
type version uint8

const (
	unversioned  version = iota // no jsonrpc member: the 1.0 form, if there is a method
	version1                    // "1.0", which old clients send though 1.0 knows no such member
	version2                    // "2.0"
	otherVersion                // anything else
)

// member is a set of envelope members.
type member uint8

const (
	memberVersion member = 1 << iota
	memberMethod
	memberParams
	memberID
)

// old reports whether the envelope is in the 1.0 form and so gets an answer in that form.
func (e *envelope) old() bool {
	switch e.version {
	case version1:
		return true
	case unversioned:
		return e.seen&memberMethod != 0
	}
	return false
}

// silent reports whether the envelope is a notification. In 2.0 that is a request without id, in 1.0 one with a null
// id; a request in 1.0 form that lacks the id comes from a client that forgot it and waits for an answer. What is no
// valid request is no notification either.
func (e *envelope) silent(text []byte) bool {
	if e.fault != noFault {
		return false
	}
	if e.old() {
		return string(e.id.of(text)) == "null"
	}
	return e.seen&memberID == 0
}

// answerID is the id to answer under. Without a method it is null: such an object may be an answer to somebody's
// call, and its id then belongs to that somebody.
func (e *envelope) answerID(text []byte) []byte {
	if e.id.to == 0 || e.seen&memberMethod == 0 {
		return []byte("null")
	}
	return e.id.of(text)
}

// parse is the reader of one text: it finds the requests in it.
type parse struct {
	scanner
	limits *Limits
	items  []envelope
	batch  bool
}

// run reads the text. Anything but noFault concerns the text as a whole and is answered by one error with a null id.
func (p *parse) run(text []byte) fault {
	p.scanner = scanner{text: text, depth: p.limits.Depth}
	p.items, p.batch = p.items[:0], false
	if !utf8.Valid(text) {
		p.pos = validUTF8(text)
		return notUTF8
	}
	if bytes.HasPrefix(text, byteOrderMark) {
		return marked
	}
	p.space()
	if p.peek() == '[' {
		p.batch = true
		if f := p.requests(); f != noFault {
			return f
		}
	} else if !p.one() {
		return p.broken()
	}
	if !p.atEnd() {
		return p.broken()
	}
	if len(p.items) == 0 {
		return emptyBatch
	}
	return noFault
}

// requests reads a batch. It stops at the first request too many.
func (p *parse) requests() fault {
	p.pos++
	p.level++
	p.space()
	if p.shut(']') {
		return noFault
	}
	for {
		if len(p.items) == p.limits.Batch {
			return batchTooLong
		}
		if !p.one() {
			return p.broken()
		}
		p.space()
		if p.shut(']') {
			return noFault
		}
		if !p.take(',') {
			return p.broken()
		}
		p.space()
	}
}

// one reads one request, valid or not, and appends it to items.
func (p *parse) one() bool {
	p.request()
	p.items = append(p.items, envelope{})
	e := &p.items[len(p.items)-1]
	if p.peek() != '{' {
		e.fault = notObject
		return p.value()
	}
	if !p.open() {
		return false
	}
	p.space()
	for first := true; !p.shut('}'); first = false {
		if !first {
			if !p.take(',') {
				return false
			}
			p.space()
		}
		if !p.member(e) {
			return false
		}
		p.space()
	}
	p.judge(e)
	return true
}

// member reads one member of a request.
func (p *parse) member(e *envelope) bool {
	name, ok := p.name()
	if !ok {
		return false
	}
	m := memberNamed(name.of(p.text))
	if m == 0 {
		return p.value()
	}
	if e.seen&m != 0 {
		e.note(doubleMember)
	}
	from := p.pos
	if !p.value() {
		return false
	}
	p.keep(e, m, span{from, p.pos})
	e.seen |= m
	return true
}

// memberNamed tells which member a name literal means, 0 for one that JSON-RPC does not know.
func memberNamed(literal []byte) member {
	switch string(literal) {
	case `"jsonrpc"`:
		return memberVersion
	case `"method"`:
		return memberMethod
	case `"params"`:
		return memberParams
	case `"id"`:
		return memberID
	}
	// The same name may be written with escapes. Our names need none.
	if plain := withoutEscapes(literal); plain != nil {
		return memberNamed(plain)
	}
	return 0
}

// keep files the value of a member.
func (p *parse) keep(e *envelope, m member, at span) {
	value := at.of(p.text)
	switch m {
	case memberVersion:
		e.version = versionOf(value)
		if e.version == otherVersion {
			e.note(badVersion)
		}
	case memberMethod:
		e.method = at
		if value[0] != '"' {
			e.note(badMethod)
		} else if len(value)-2 > p.limits.Method {
			e.note(methodTooLong)
		}
	case memberParams:
		e.params = at
		switch value[0] {
		case '[', '{':
		case 'n':
			e.params = span{}
		default:
			e.note(badParams)
		}
	case memberID:
		p.keepID(e, at)
	}
}

func (p *parse) keepID(e *envelope, at span) {
	value := at.of(p.text)
	switch c := value[0]; {
	case e.seen&memberID != 0:
		e.id = span{} // two ids: nobody knows which one the caller waits for
		return
	case c != '"' && c != '-' && c != 'n' && !isDigit(c):
		e.note(badID)
		return
	case len(value) > p.limits.ID:
		e.note(idTooLong)
		return
	}
	e.id = at
}

func versionOf(value []byte) version {
	switch string(value) {
	case `"2.0"`:
		return version2
	case `"1.0"`:
		return version1
	}
	if plain := withoutEscapes(value); plain != nil {
		return versionOf(plain)
	}
	return otherVersion
}

// withoutEscapes is a string literal written anew without escapes; nil if it has none or needs some.
func withoutEscapes(literal []byte) []byte {
	if literal[0] != '"' || bytes.IndexByte(literal, '\\') < 0 {
		return nil
	}
	plain, err := json.Marshal(unquote(literal))
	if err != nil || bytes.IndexByte(plain, '\\') >= 0 {
		return nil
	}
	return plain
}

// judge adds what can only be said of a request that was read to its end.
func (p *parse) judge(e *envelope) {
	switch {
	case e.seen&memberMethod == 0:
		e.fault = badMethod // comes first: what has no method is no request in any version
	case p.tooDeep:
		e.note(tooDeep)
	}
}

// note remembers the first fault.
func (e *envelope) note(f fault) {
	if e.fault == noFault {
		e.fault = f
	}
}
