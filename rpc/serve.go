package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
	"github.com/sourcegraph/jsonrpc2"
)

// methodDiscover is the method by which OpenRPC (section "Service Discovery Method") lets clients ask for the document.
const methodDiscover = "rpc.discover"

// exchange is one text, a request or a batch, on its way through the server.
type exchange struct {
	deadline // the context of its handlers
	session  *Session
	serial   uint64          // its number among the texts of the session
	refuse   *jsonrpc2.Error // what to answer instead of running (more) calls
	batch    bool            // the text is one

	// Guarded by the session's lock.
	prev, next *exchange
	gate       uint64 // its number among the texts that hold pushes back; 0 if it does not
	after      []func()
}

// Serve answers one text, a request or a batch in either version of JSON-RPC, and appends the answer to out; nothing
// if there is nothing to say. text is not changed and not kept, nor are its calls' parameters once Serve returns.
func (s *Server) Serve(ctx context.Context, session *Session, text, out []byte) []byte {
	x := s.begin(ctx, session)
	out = s.answer(x, text, out)
	s.end(x)
	return out
}

// begin starts an exchange, which end has to end.
func (s *Server) begin(ctx context.Context, session *Session) *exchange {
	if session == nil {
		session = NewSession(SessionOptions{})
	}
	x := &exchange{session: session, refuse: s.flow.enter()}
	x.start(ctx, s.bounds().CallTimeout)
	session.begin(x)
	return x
}

// end is called when the answer to an exchange is on its way.
func (s *Server) end(x *exchange) {
	defer s.flow.leave()
	for _, f := range x.session.end(x) {
		s.runAfter(f)
	}
	x.finish()
}

func (s *Server) runAfter(f func()) {
	defer func() {
		if p := recover(); p != nil {
			s.options.Log.Error().Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msg("panic after a reply")
		}
	}()
	f()
}

// answer appends the answer to a text.
func (s *Server) answer(x *exchange, text, out []byte) []byte {
	p, ok := s.parses.Get().(*parse)
	if !ok {
		p = &parse{}
	}
	defer s.putParse(p)
	p.limits = s.bounds()
	if f := p.run(text); f != noFault {
		refused := p.refusal(f)
		s.count(methodUnknown, refused.Code, 0)
		return s.appendError(out, &envelope{}, nil, refused)
	}
	if x.batch = p.batch; p.batch {
		return s.batch(x, p, out)
	}
	return s.one(x, &p.items[0], text, out, len(out))
}

// putParse keeps a parse for the next text, unless a large batch has made it large.
func (s *Server) putParse(p *parse) {
	p.text = nil
	if cap(p.items) <= 64 {
		s.parses.Put(p)
	}
}

// batch answers the requests of a batch one after another.
func (s *Server) batch(x *exchange, p *parse, out []byte) []byte {
	from := len(out)
	out = append(out, '[')
	for i := range p.items {
		mark := len(out)
		if mark > from+1 {
			out = append(out, ',')
		}
		start := len(out)
		out = s.one(x, &p.items[i], p.text, out, from)
		if len(out) == start {
			out = out[:mark] // nothing to say, so no comma either
		}
	}
	if len(out) == from+1 {
		return out[:from]
	}
	return append(out, ']')
}

// one answers one request. The answer to the whole text begins at from.
func (s *Server) one(x *exchange, e *envelope, text, out []byte, from int) []byte {
	if e.fault != noFault {
		refused := s.bounds().errorFor(e.fault)
		s.count(methodUnknown, refused.Code, 0)
		return s.appendError(out, e, text, refused)
	}
	silent := e.silent(text)
	if x.refuse == nil && x.Err() != nil {
		x.refuse = errCallTimeout() // the rest of a batch whose time is over
	}
	if x.refuse != nil {
		s.count(methodUnknown, x.refuse.Code, 0)
		if silent {
			return out
		}
		return s.appendError(out, e, text, x.refuse)
	}
	call := &Call{Method: unquote(e.method.of(text)), Session: x.session, exchange: x}
	if e.params.to > 0 {
		call.Params = json.RawMessage(text[e.params.from:e.params.to:e.params.to])
	}
	start := len(out)
	out = appendHead(out, e, text)
	out, refused, _ := s.run(x, call, out)
	switch {
	case silent:
		return out[:start]
	case refused != nil:
		return s.appendError(out[:start], e, text, refused)
	}
	out = appendTail(out, e, text)
	if len(out)-from > s.bounds().Answer {
		x.refuse = errAnswerTooLarge()
		return s.appendError(out[:start], e, text, x.refuse)
	}
	return out
}

// run carries out one call, appends its result to out and keeps the books: log, observer, order of pushes. told is nil
// if the call succeeded, else what its caller is to hear, and cause why.
func (s *Server) run(x *exchange, call *Call, out []byte) (_ []byte, told *jsonrpc2.Error, cause error) {
	if s.options.Admit != nil {
		if err := s.options.Admit(x.session); err != nil {
			told, _ = s.errorOf(x, err)
			s.count(methodUnknown, told.Code, 0)
			s.logCall(zerolog.DebugLevel, x, methodUnknown, told.Code, 0) // a flood of calls is to be none of lines
			return out, told, err
		}
	}
	if call.Method == methodDiscover && s.options.Discovery != nil {
		s.report(x, methodDiscover, 0, 0)
		return append(out, s.options.Discovery...), nil, nil
	}
	handler, ok := s.options.Lookup(call.Method)
	if !ok || handler == nil {
		told = errMethodNotFound()
		s.report(x, methodUnknown, told.Code, 0) // its name is the caller's text, which may be anything
		return out, told, told
	}
	if x.session.out != nil && s.gates(call.Method) {
		x.session.gate(x)
	}
	began := time.Now()
	out, cause = s.handle(x, handler, call, out)
	code := int64(0)
	if cause != nil {
		told = s.tell(x, call, cause)
		code = told.Code
	}
	s.report(x, call.Method, code, time.Since(began))
	return out, told, cause
}

// handle runs the handler and appends its result. A panic, also of the result's own MarshalJSON, becomes an error.
func (s *Server) handle(ctx context.Context, handler Handler, call *Call, out []byte) (answer []byte, err error) {
	answer = out
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	result, err := handler(ctx, call)
	if err != nil {
		return out, err
	}
	return s.appendResult(out, result)
}

// panicError is a panic of a handler.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// tell turns the error of a handler into what the caller is told, and logs what the caller is not.
func (s *Server) tell(x *exchange, call *Call, err error) *jsonrpc2.Error {
	if p, ok := err.(*panicError); ok {
		s.options.Log.Error().Str("request", x.callID()).Str("method", call.Method).Str("panic", fmt.Sprint(p.value)).
			Bytes("stack", p.stack).Msg("panic in a handler")
		return errInternal()
	}
	told, hidden := s.errorOf(x, err)
	if hidden {
		s.options.Log.Error().Str("request", x.callID()).Str("method", call.Method).Err(err).Msg("call failed")
	}
	return told
}

// Invoke runs a method as a call without JSON-RPC around it, for faces of another protocol: same timeout, limits, log
// and recovery from panics. The result is JSON. The error is the handler's own, or a *jsonrpc2.Error for what this
// package refuses (no such method, overloaded, shutting down, timed out, cancelled) and for what the caller must not see.
func (s *Server) Invoke(ctx context.Context, session *Session, method string, params json.RawMessage) (Raw, error) {
	x := s.begin(ctx, session)
	defer s.end(x)
	if x.refuse != nil {
		s.count(methodUnknown, x.refuse.Code, 0)
		return nil, x.refuse
	}
	call := &Call{Method: method, Params: params, Session: x.session, exchange: x}
	out, told, cause := s.run(x, call, nil)
	switch {
	case told == nil:
		return out, nil
	case told.Code == jsonrpc2.CodeInternalError, told.Code == CodeCallTimeout, told.Code == CodeCancelled:
		return nil, told
	}
	return nil, cause
}
