package rpc

import (
	"time"

	"github.com/rs/zerolog"
	"github.com/sourcegraph/jsonrpc2"
)

// methodUnknown stands in the log and for the observer in place of a method that there is none of.
const methodUnknown = "unknown"

// report keeps the books of one call.
func (s *Server) report(x *exchange, method string, code int64, took time.Duration) {
	s.count(method, code, took)
	s.logCall(s.callLevel(code), x, method, code, took)
}

func (s *Server) count(method string, code int64, took time.Duration) {
	if s.options.Observe != nil {
		s.options.Observe(method, code, took)
	}
}

// logCall writes the line of one call. Parameters are never logged: they hold keys.
func (s *Server) logCall(level zerolog.Level, x *exchange, method string, code int64, took time.Duration) {
	e := s.options.Log.WithLevel(level)
	if !e.Enabled() {
		return
	}
	e.Str("request", x.callID()).Str("method", method).Int64("code", code).Dur("duration", took)
	if address := x.session.address; address.IsValid() {
		e.Stringer("address", address)
	}
	e.Msg("call")
}

func (s *Server) callLevel(code int64) zerolog.Level {
	switch code {
	case 0:
		return s.options.CallLevel
	case jsonrpc2.CodeInternalError, CodeCallTimeout, CodeOverloaded, CodeAnswerTooLarge:
		return zerolog.WarnLevel
	}
	return zerolog.InfoLevel
}

// Stats is what a server has open at this moment.
type Stats struct {
	Sockets int // WebSocket connections
	Running int // texts being answered, over all transports
}

// Stats counts what the server has open.
func (s *Server) Stats() Stats {
	s.sockets.mu.Lock()
	sockets := s.sockets.reserved
	s.sockets.mu.Unlock()
	s.flow.mu.Lock()
	defer s.flow.mu.Unlock()
	return Stats{Sockets: sockets, Running: s.flow.running}
}
