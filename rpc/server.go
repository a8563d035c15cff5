package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"
	"github.com/sourcegraph/jsonrpc2"
)

// Handler answers one call. The result is encoded by encoding/json, except that a [Raw] or a json.RawMessage is copied
// as it is and nil becomes null. An error that is or wraps a *jsonrpc2.Error is told to the caller as it is, any other
// goes through [Options].ErrorOf. A handler runs concurrently with others, also of the same session; requests of one
// batch run one after another. It has to return soon after ctx has ended. A panic is answered as an internal error.
type Handler func(ctx context.Context, call *Call) (result any, err error)

// Call is one call or notification.
type Call struct {
	Method string
	// Params are the bytes as the caller wrote them, an array or an object; nil if absent or null. They are valid only
	// until the handler returns: what is to be kept has to be copied (decoding copies).
	Params  json.RawMessage
	Session *Session

	exchange *exchange
}

// AfterReply has f called once the answer to this call is on its way; for a call in a batch, the answer to the batch.
// f runs on the goroutine that answers and must not block.
func (c *Call) AfterReply(f func()) {
	if c.exchange == nil {
		c.Session.AfterReply(f)
		return
	}
	c.Session.mu.Lock()
	defer c.Session.mu.Unlock()
	c.exchange.after = append(c.exchange.after, f)
}

// InBatch reports whether the call came in a batch.
func (c *Call) InBatch() bool { return c.exchange != nil && c.exchange.batch }

// Raw is a result, or the parameters of a notification, that is JSON already. It is not checked, so it must be valid.
type Raw []byte

// MarshalJSON implements json.Marshaler; an empty Raw is null.
func (r Raw) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// Options is what a [Server] is made from.
type Options struct {
	// Lookup finds the handler of a method; required. The name rpc.discover is not asked for.
	Lookup func(method string) (Handler, bool)
	// ErrorOf says how an application's error looks to the caller; nil, and a nil result, mean an internal error whose
	// cause is logged and not told.
	ErrorOf func(error) *jsonrpc2.Error
	// Admit, if set, is asked before each call, also those of a batch and those of no known method; its error is answered
	// in the call's stead. It is called from many goroutines.
	Admit func(*Session) error
	// Discovery is the OpenRPC document; nil for none.
	Discovery []byte
	// Pushing names the methods whose answers a push must not overtake: those that start subscriptions. Without any,
	// every running call holds pushes back, also one that waits long.
	Pushing []string

	Limits Limits
	Log    zerolog.Logger
	// CallLevel is the level at which a call that succeeds is logged; the zero value is debug. One that is refused is logged
	// as info, one that failed by the server's fault as a warning.
	CallLevel zerolog.Level
	// Observe, if set, is told of every call: its method, the code of its error (0 for success) and how long it took. What
	// has no known method is told of as "unknown". It is called from many goroutines and must be quick.
	Observe func(method string, code int64, took time.Duration)

	// Origins are the web origins ("https://example.com") whose pages may call, besides those of the host itself; "*"
	// allows every page. Callers that are no browsers send no Origin and are not concerned.
	Origins []string
	// OriginHeaders are the request headers that pages of those origins may send, besides Content-Type and
	// Authorization.
	OriginHeaders []string
	// Hosts are the names, with the port if not the default, by which the server may be addressed; none allows all.
	// A list keeps out web pages that rebind their own name to our address.
	Hosts []string
}

// Server answers JSON-RPC over HTTP, WebSocket, in-process and over any jsonrpc2.Conn. Safe for concurrent use.
type Server struct {
	options  Options
	limits   atomic.Pointer[Limits]
	origins  originRules
	pushing  map[string]bool
	etag     string
	upgrader websocket.Upgrader

	buffers  bufferPool
	encoders encoderPool
	parses   sync.Pool // of *parse

	flow    flow
	sockets registry
	conns   connSessions
}

var _ jsonrpc2.Handler = (*Server)(nil)

// NewServer makes a server. It starts nothing.
func NewServer(options Options) (*Server, error) {
	if options.Lookup == nil {
		return nil, errors.New("rpc server: Lookup is missing")
	}
	if options.Discovery != nil && !json.Valid(options.Discovery) {
		return nil, errors.New("rpc server: the discovery document is not JSON")
	}
	rules, err := newOriginRules(options)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: options,
		origins: rules,
		pushing: make(map[string]bool, len(options.Pushing)),
	}
	for _, method := range options.Pushing {
		s.pushing[method] = true
	}
	sum := sha256.Sum256(options.Discovery)
	s.etag = `"` + hex.EncodeToString(sum[:8]) + `"`
	s.sockets.start()
	s.SetLimits(options.Limits)
	s.upgrader = newUpgrader()
	return s, nil
}

// bounds are the limits in effect.
func (s *Server) bounds() *Limits { return s.limits.Load() }

// Limits are those in effect, with their defaults.
func (s *Server) Limits() Limits { return *s.bounds() }

// SetLimits replaces the limits, also while the server answers. Open connections keep those they began with, but for what
// a call may cost: CallTimeout, Depth, Batch and the like hold from the next text on. Nothing that is beyond a smaller limit
// already is ended.
func (s *Server) SetLimits(limits Limits) {
	limits = limits.withDefaults()
	s.limits.Store(&limits)
	s.flow.bound(limits.Running)
	s.sockets.bound(limits.Sockets)
}

// gates reports whether pushes must not overtake the answer to a method.
func (s *Server) gates(method string) bool { return len(s.pushing) == 0 || s.pushing[method] }
