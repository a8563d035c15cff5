package rpc

import (
	"encoding/json"
	"strconv"

	"github.com/sourcegraph/jsonrpc2"
)

// An answer in 1.0 form has exactly the members id, result and error, in this order: clients of that time compare the
// list of names. One in 2.0 form is in the order of the specification's examples.
const (
	oldHead   = `{"id":`
	oldResult = `,"result":`
	oldTail   = `,"error":null}`
	oldError  = `,"result":null,"error":`
	newHead   = `{"jsonrpc":"2.0","result":`
	newError  = `{"jsonrpc":"2.0","error":`
	newID     = `,"id":`
)

// appendHead appends what stands before the result.
func appendHead(out []byte, e *envelope, text []byte) []byte {
	if !e.old() {
		return append(out, newHead...)
	}
	out = append(append(out, oldHead...), e.answerID(text)...)
	return append(out, oldResult...)
}

// appendTail appends what stands after the result.
func appendTail(out []byte, e *envelope, text []byte) []byte {
	if e.old() {
		return append(out, oldTail...)
	}
	out = append(append(out, newID...), e.answerID(text)...)
	return append(out, '}')
}

// appendError appends an error answer to one request.
func (s *Server) appendError(out []byte, e *envelope, text []byte, err *jsonrpc2.Error) []byte {
	if e.old() {
		out = append(append(out, oldHead...), e.answerID(text)...)
		out = s.appendErrorObject(append(out, oldError...), err)
		return append(out, '}')
	}
	out = s.appendErrorObject(append(out, newError...), err)
	out = append(append(out, newID...), e.answerID(text)...)
	return append(out, '}')
}

// appendFault appends the answer to a text that has no request with an id in it.
func (s *Server) appendFault(out []byte, f fault) []byte {
	return s.appendError(out, &envelope{}, nil, s.bounds().errorFor(f))
}

func (s *Server) appendErrorObject(out []byte, err *jsonrpc2.Error) []byte {
	out = strconv.AppendInt(append(out, `{"code":`...), err.Code, 10)
	out = s.appendString(append(out, `,"message":`...), err.Message)
	// The data comes from a handler: what is no JSON would spoil the whole answer, what is large is left out.
	if err.Data != nil && len(*err.Data) <= s.bounds().ErrorData && json.Valid(*err.Data) {
		out = append(append(out, `,"data":`...), *err.Data...)
	}
	return append(out, '}')
}

// appendString appends v as a JSON string.
func (s *Server) appendString(out []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			out, _ = s.encoders.appendValue(out, v) // there is no string that cannot be encoded
			return out
		}
	}
	out = append(append(out, '"'), v...)
	return append(out, '"')
}

// appendResult appends a handler's result.
func (s *Server) appendResult(out []byte, result any) ([]byte, error) {
	switch v := result.(type) {
	case nil:
		return append(out, "null"...), nil
	case Raw:
		return appendRaw(out, v), nil
	case json.RawMessage:
		return appendRaw(out, v), nil
	case string:
		return s.appendString(out, v), nil
	}
	return s.encoders.appendValue(out, result)
}

func appendRaw(out, raw []byte) []byte {
	if len(raw) == 0 {
		return append(out, "null"...)
	}
	return append(out, raw...)
}
