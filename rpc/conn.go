package rpc

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/sourcegraph/jsonrpc2"
)

// connSessions is the sessions of the plain connections served by [Server.Handle].
type connSessions struct {
	mu  sync.Mutex
	all map[*jsonrpc2.Conn]*connSession
}

// connSession is the session of one plain connection.
type connSession struct {
	*Session
	slots chan struct{}
}

// Handle answers a request that came over a plain jsonrpc2.Conn, such as one over standard input and output. Requests
// run concurrently up to [Limits].RunningPerSocket, then Handle blocks and the connection is read no further. Such a
// connection cannot push, and knows no batches, no 1.0 form and no ids but strings and whole numbers.
func (s *Server) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	session := s.conns.of(conn, s.bounds().RunningPerSocket)
	select {
	case session.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	go func() {
		defer func() { <-session.slots }()
		s.handleRequest(ctx, session.Session, conn, req)
	}()
}

// of returns the session of a connection, made at its first request and forgotten when it ends.
func (c *connSessions) of(conn *jsonrpc2.Conn, slots int) *connSession {
	c.mu.Lock()
	defer c.mu.Unlock()
	if session, ok := c.all[conn]; ok {
		return session
	}
	session := &connSession{
		Session: NewSession(SessionOptions{Done: conn.DisconnectNotify()}),
		slots:   make(chan struct{}, slots),
	}
	if c.all == nil {
		c.all = map[*jsonrpc2.Conn]*connSession{}
	}
	c.all[conn] = session
	go func() {
		<-conn.DisconnectNotify()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, conn)
	}()
	return session
}

// handleRequest runs a request and replies. A failed reply means that the connection has ended.
func (s *Server) handleRequest(ctx context.Context, session *Session, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	x := s.begin(ctx, session)
	defer s.end(x)
	result, refused := s.runRequest(x, req)
	switch {
	case req.Notif:
	case refused != nil:
		_ = conn.ReplyWithError(ctx, req.ID, refused)
	default:
		_ = conn.SendResponse(ctx, &jsonrpc2.Response{ID: req.ID, Result: &result})
	}
}

func (s *Server) runRequest(x *exchange, req *jsonrpc2.Request) (json.RawMessage, *jsonrpc2.Error) {
	if x.refuse != nil {
		s.count(methodUnknown, x.refuse.Code, 0)
		return nil, x.refuse
	}
	call := &Call{Method: req.Method, Session: x.session, exchange: x}
	if req.Params != nil && string(*req.Params) != "null" {
		call.Params = *req.Params
	}
	if f := s.checkRequest(call); f != noFault {
		refused := s.bounds().errorFor(f)
		s.count(methodUnknown, refused.Code, 0)
		return nil, refused
	}
	out, refused, _ := s.run(x, call, nil)
	if refused == nil && len(out) > s.bounds().Answer {
		refused = errAnswerTooLarge()
	}
	return out, refused
}

// checkRequest holds a request that was parsed elsewhere to the same rules.
func (s *Server) checkRequest(call *Call) fault {
	if len(call.Method) > s.bounds().Method {
		return methodTooLong
	}
	if call.Params == nil {
		return noFault
	}
	if c := call.Params[0]; c != '[' && c != '{' {
		return badParams
	}
	if len(call.Params) > s.bounds().Text {
		return textTooLarge
	}
	scan := scanner{text: call.Params, depth: s.bounds().Depth - 1} // the request around them is one level
	switch {
	case !scan.value():
		return scan.broken()
	case scan.tooDeep:
		return tooDeep
	}
	return noFault
}
