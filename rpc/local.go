package rpc

import (
	"context"
	"encoding/json"
	"net/http"
)

// LocalOptions describes an in-process client.
type LocalOptions struct {
	Credential string
	Header     http.Header // what Session.Header shows to handlers
	// OnNotify is called with every push, one after another in their order; it must not block nor call the client,
	// since answers are read by the same goroutine. nil drops pushes.
	OnNotify func(method string, params json.RawMessage)
}

// Local makes a client inside this process. Its calls take the same way as those over a WebSocket, but for the
// network. It ends with ctx, with Close and with the server.
func (s *Server) Local(ctx context.Context, options LocalOptions) *Client {
	return newStreamClient(ctx, s.Pipe(ctx, options), options.OnNotify)
}

// Pipe is the bare connection under [Server.Local]: texts in, texts out, without a client.
func (s *Server) Pipe(ctx context.Context, options LocalOptions) Frames {
	limits := s.bounds()
	near, far := newPipe(limits)
	c := s.newSocket(ctx, far, limits, SessionOptions{Credential: options.Credential, Header: options.Header})
	c.launch(false)
	return near
}
