package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// Session is the caller's side of the transport as handlers see it: one per HTTP request, per socket and per
// in-process client. The same socket gives the same *Session to all its calls, so that it can be the key of a map.
// Safe for concurrent use.
type Session struct {
	id      string
	header  http.Header
	baseURL string
	address netip.Addr // not valid in-process
	done    <-chan struct{}
	out     *outbox // nil where nothing can be pushed

	mu         sync.Mutex
	credential string
	running    list       // texts being answered
	gates      uint64     // how many gating texts there have been
	texts      uint64     // how many texts there have been
	held       []heldPush // pushes that wait for answers, oldest first
	heldBytes  int
	letGo      chan struct{} // closed when few pushes wait for answers; nil if nobody waits for that
}

// heldPush is a push that may go out once the gating texts up to behind are answered.
type heldPush struct {
	frame  *buffer
	behind uint64
}

// SessionOptions describes a caller for [NewSession].
type SessionOptions struct {
	Credential string
	Header     http.Header
	BaseURL    string
	Address    netip.Addr      // whom it comes from
	RequestID  string          // by which the log knows it; "" makes one
	Done       <-chan struct{} // closed when the caller is gone; nil for never
}

// NewSession makes a session that belongs to no transport of this package: for [Server.Serve] and [Server.Invoke], and
// for tests of handlers. It cannot push.
func NewSession(options SessionOptions) *Session {
	if options.RequestID == "" {
		options.RequestID = newRequestID()
	}
	return &Session{
		id:         options.RequestID,
		header:     options.Header,
		baseURL:    options.BaseURL,
		address:    options.Address,
		done:       options.Done,
		credential: options.Credential,
	}
}

// SessionOf makes the session of an HTTP request, for faces that are not JSON-RPC and use [Server.Invoke].
func SessionOf(r *http.Request) *Session {
	options := sessionOptions(r)
	options.Done = r.Context().Done()
	return NewSession(options)
}

func sessionOptions(r *http.Request) SessionOptions {
	return SessionOptions{
		Credential: r.Header.Get("Authorization"),
		Header:     r.Header,
		BaseURL:    baseURL(r),
		Address:    peerOf(r),
		RequestID:  requestID(r.Header),
	}
}

// baseURL is how the caller reached us. What proxies claim is [Proxies]' business, which sets the scheme.
func baseURL(r *http.Request) string {
	if r.URL.Scheme == "https" || r.URL.Scheme == "" && r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Credential is the text of the Authorization header of the request or upgrade, scheme included, or what
// SetCredential put in its place; "" without.
func (s *Session) Credential() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credential
}

// SetCredential replaces the credential for the calls that follow on this session.
func (s *Session) SetCredential(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credential = text
}

// RequestID is the id by which the log knows the HTTP request or the connection: the one it brought in [HeaderRequestID], or one
// made for it.
func (s *Session) RequestID() string { return s.id }

// Header is the first value of a header of the HTTP request or upgrade; "" if absent, and for an in-process client
// unless its options gave it.
func (s *Session) Header(name string) string { return s.header.Get(name) }

// JoinedHeader is a header that may be spread over several lines, joined by commas.
func (s *Session) JoinedHeader(name string) string { return strings.Join(s.header.Values(name), ",") }

// HasHeader reports whether the header was there, be it empty.
func (s *Session) HasHeader(name string) bool { return s.header.Values(name) != nil }

// BaseURL is "http://host" as the caller reached us, with https over TLS; "" in-process.
func (s *Session) BaseURL() string { return s.baseURL }

// Address is whom the caller comes from; not valid in-process. Over a Unix socket it is 127.0.0.1.
func (s *Session) Address() netip.Addr { return s.address }

// Done is closed when the connection ends: over HTTP with the request.
func (s *Session) Done() <-chan struct{} { return s.done }

// CanPush reports whether Notify can reach the caller.
func (s *Session) CanPush() bool { return s.out != nil }

// AfterReply has f called once the answer to the present call is on its way, at once if no call is running. A session
// cannot tell which of several running calls asks, so f waits for all of them; [Call.AfterReply] waits for its own
// only. f runs on the goroutine that answers and must not block.
func (s *Session) AfterReply(f func()) {
	s.mu.Lock()
	waiting := 0
	once := func() {
		s.mu.Lock()
		waiting--
		last := waiting == 0
		s.mu.Unlock()
		if last {
			f()
		}
	}
	for x := s.running.first; x != nil; x = x.next {
		x.after = append(x.after, once)
		waiting++
	}
	idle := waiting == 0
	s.mu.Unlock()
	if idle {
		f()
	}
}

// Notify pushes a notification to the caller; nil params are left out. It never blocks: what the peer does not take is
// queued, and a queue beyond [Limits].PushFrames or PushBytes closes the connection with status 1008. Pushes keep their
// order, and none overtakes the answer of a call that was running (and, with [Options].Pushing, is one of those
// methods) when it was made. params must be valid JSON, an array or an object; it is copied.
//
// The error is ErrNoPush over HTTP and ErrClosed after the connection has ended.
func (s *Session) Notify(method string, params Raw) error {
	if s.out == nil {
		return ErrNoPush
	}
	name, err := json.Marshal(method)
	if err != nil {
		return fmt.Errorf("encode the name of a notification: %w", err)
	}
	frame := s.out.buffers.get()
	frame.b = append(append(frame.b, `{"jsonrpc":"2.0","method":`...), name...)
	if params != nil {
		frame.b = append(append(frame.b, `,"params":`...), params...)
	}
	frame.b = append(frame.b, '}')
	return s.push(frame)
}

// push sends a frame or, while the answer of a gating text is due, holds it.
func (s *Session) push(frame *buffer) error {
	s.mu.Lock()
	if len(s.held) == 0 && s.running.oldestGate() == 0 {
		// Queued under the lock, so that no push made later gets ahead of it.
		defer s.mu.Unlock()
		return s.out.push(frame)
	}
	if s.out.isClosed() {
		s.mu.Unlock()
		return ErrClosed
	}
	s.heldBytes += len(frame.b)
	s.held = append(s.held, heldPush{frame, s.gates})
	overflow := !s.out.fits(len(s.held), s.heldBytes)
	s.mu.Unlock()
	if overflow {
		s.out.overflow()
		return ErrClosed
	}
	return nil
}

// WaitRoom waits until at most half of what may be queued for pushing is queued, or held for the answer of a call, so that
// whoever has many notifications to send can pace them. The error is ctx's, ErrNoPush or ErrClosed.
func (s *Session) WaitRoom(ctx context.Context) error {
	if s.out == nil {
		return ErrNoPush
	}
	for {
		if err := s.out.waitRoom(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		if s.fewHeld() {
			s.mu.Unlock()
			return nil
		}
		if s.letGo == nil {
			s.letGo = make(chan struct{})
		}
		letGo := s.letGo
		s.mu.Unlock()
		select {
		case <-letGo:
		case <-s.done:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fewHeld reports whether there is room among the pushes that are held. The session is locked.
func (s *Session) fewHeld() bool { return s.out.fits(2*len(s.held), 2*s.heldBytes) }

// begin notes that a text is being answered.
func (s *Session) begin(x *exchange) {
	s.mu.Lock()
	s.texts++
	x.serial = s.texts
	s.running.add(x)
	s.mu.Unlock()
}

// gate marks a running text as one whose answer pushes must not overtake.
func (s *Session) gate(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.gate == 0 {
		s.gates++
		x.gate = s.gates
	}
}

// end notes that the answer of a text is queued (or that there is none), lets go what waited for it, and returns what
// is to be done after.
func (s *Session) end(x *exchange) (after []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running.remove(x)
	oldest := s.running.oldestGate()
	n := 0
	for n < len(s.held) && (oldest == 0 || s.held[n].behind < oldest) {
		s.heldBytes -= len(s.held[n].frame.b)
		// The only error is that the connection has ended, and then nobody waits for the push.
		_ = s.out.push(s.held[n].frame)
		n++
	}
	if n > 0 {
		s.held = append(s.held[:0], s.held[n:]...)
	}
	if s.letGo != nil && s.fewHeld() {
		close(s.letGo)
		s.letGo = nil
	}
	return x.after
}

// list is the texts being answered, oldest first.
type list struct{ first, last *exchange }

func (l *list) add(x *exchange) {
	x.prev = l.last
	if l.last == nil {
		l.first = x
	} else {
		l.last.next = x
	}
	l.last = x
}

func (l *list) remove(x *exchange) {
	if x.prev == nil {
		l.first = x.next
	} else {
		x.prev.next = x.next
	}
	if x.next == nil {
		l.last = x.prev
	} else {
		x.next.prev = x.prev
	}
	x.prev, x.next = nil, nil
}

// oldestGate is the number of the oldest gating text, 0 if there is none.
func (l *list) oldestGate() uint64 {
	oldest := uint64(0)
	for x := l.first; x != nil; x = x.next {
		if x.gate != 0 && (oldest == 0 || x.gate < oldest) {
			oldest = x.gate
		}
	}
	return oldest
}
