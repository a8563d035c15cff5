package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sourcegraph/jsonrpc2"
)

// Error codes of the server's own in the range that JSON-RPC 2.0 (section 5.1) leaves to servers. The codes of the
// protocol itself are the constants of package jsonrpc2.
const (
	CodeOverloaded     = -32000 // more calls are running than the server takes
	CodeCallTimeout    = -32002 // the call, or the batch it is in, took too long
	CodeAnswerTooLarge = -32003 // the answer, or the batch of answers, is too large
	CodeShuttingDown   = -32004 // the server takes no new calls
	CodeCancelled      = -32005 // the caller has gone, or the server was stopped, before the call ended
)

// Unavailable reports whether an error says that the call could not be carried out now, and may be at another time (HTTP's 503),
// and what it says for that.
func Unavailable(err error) (message string, is bool) {
	e, ok := errors.AsType[*jsonrpc2.Error](err)
	if !ok {
		return "", false
	}
	switch e.Code {
	case CodeOverloaded, CodeShuttingDown, CodeCallTimeout, CodeCancelled:
		return e.Message, true
	}
	return "", false
}

// ErrNoPush is the error of [Session.Notify] where the caller cannot be sent anything unasked: over HTTP. A handler
// that returns it has the caller told that the method is to be had over a WebSocket only.
var ErrNoPush = errors.New("this transport has no way to push")

// ErrClosed is the error of [Session.Notify] after the connection has ended, and of a [Client] after Close.
var ErrClosed = jsonrpc2.ErrClosed

// Error makes an error that a handler can return to give the caller exactly this code and message. data may be nil;
// it is left out too if it cannot be encoded.
func Error(code int64, message string, data any) *jsonrpc2.Error {
	e := &jsonrpc2.Error{Code: code, Message: message}
	if data == nil {
		return e
	}
	if text, err := json.Marshal(data); err == nil {
		e.Data = (*json.RawMessage)(&text)
	}
	return e
}

// fault is what can be wrong with a text or with a request in it.
type fault uint8

const (
	noFault fault = iota
	notJSON
	notUTF8
	marked // by a byte order mark
	emptyBatch
	batchTooLong
	notObject
	badVersion
	badMethod
	methodTooLong
	badParams
	badID
	idTooLong
	doubleMember
	tooDeep
	tooDeepToRead
	textTooLarge
)

// errorFor is the error that tells a caller of a fault. The message is the specification's; particulars go to data,
// but not where the specification's own examples show an error without data. So a text that is no JSON is not told where.
func (l *Limits) errorFor(f fault) *jsonrpc2.Error {
	invalid := func(data any) *jsonrpc2.Error { return Error(jsonrpc2.CodeInvalidRequest, "Invalid Request", data) }
	switch f {
	case notJSON:
		return Error(jsonrpc2.CodeParseError, "Parse error", nil)
	case marked:
		return Error(jsonrpc2.CodeParseError, "Parse error", "a byte order mark is not accepted")
	case tooDeepToRead:
		return Error(jsonrpc2.CodeParseError, "Parse error", fmt.Sprintf("nested deeper than %d levels, and read no further", maxNesting))
	case batchTooLong:
		return invalid(fmt.Sprintf("a batch may have at most %d requests", l.Batch))
	case badVersion:
		return invalid(`jsonrpc must be "2.0"`)
	case methodTooLong:
		return invalid(fmt.Sprintf("a method name may have at most %d bytes", l.Method))
	case badParams:
		return invalid("params must be an array or an object")
	case badID:
		return invalid("id must be a string, a number or null")
	case idTooLong:
		return invalid(fmt.Sprintf("an id may have at most %d bytes", l.ID))
	case doubleMember:
		return invalid("a member of the request appears twice")
	case tooDeep:
		return invalid(fmt.Sprintf("nested deeper than %d levels", l.Depth))
	case textTooLarge:
		return invalid(fmt.Sprintf("larger than %d bytes", l.Text))
	}
	return invalid(nil)
}

// refusal is the error for a text as a whole, which run has found faulty.
func (p *parse) refusal(f fault) *jsonrpc2.Error {
	if f == notUTF8 {
		return Error(jsonrpc2.CodeParseError, "Parse error", fmt.Sprintf("not UTF-8 at byte %d, counted from 0", p.pos))
	}
	return p.limits.errorFor(f)
}

func errMethodNotFound() *jsonrpc2.Error {
	return Error(jsonrpc2.CodeMethodNotFound, "Method not found", nil)
}

func errInternal() *jsonrpc2.Error { return Error(jsonrpc2.CodeInternalError, "Internal error", nil) }

func errOverloaded() *jsonrpc2.Error { return Error(CodeOverloaded, "Server overloaded", nil) }

func errCallTimeout() *jsonrpc2.Error { return Error(CodeCallTimeout, "Call timed out", nil) }

func errCancelled() *jsonrpc2.Error { return Error(CodeCancelled, "Call cancelled", nil) }

func errAnswerTooLarge() *jsonrpc2.Error { return Error(CodeAnswerTooLarge, "Answer too large", nil) }

func errShuttingDown() *jsonrpc2.Error { return Error(CodeShuttingDown, "Server shutting down", nil) }

// errorOf turns what a handler returned into what the caller is told, and reports whether the cause was something the
// caller must not see and the log should.
func (s *Server) errorOf(ctx context.Context, err error) (told *jsonrpc2.Error, hidden bool) {
	if e, ok := errors.AsType[*jsonrpc2.Error](err); ok && e != nil {
		return e, false
	}
	if s.options.ErrorOf != nil {
		if e := s.options.ErrorOf(err); e != nil {
			return e, false
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errCallTimeout(), false
	}
	if errors.Is(err, ErrNoPush) {
		// As far as this transport goes there is no such method.
		return Error(jsonrpc2.CodeMethodNotFound, "Method not found", "only over a WebSocket"), false
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return errCancelled(), false // nobody's failure
	}
	return errInternal(), true
}
