package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// errTextTooLarge is the error of a frame beyond [Limits].Text.
var errTextTooLarge = errors.New("text too large")

// socket is one connection of frames being served, a WebSocket or an in-process one.
type socket struct {
	server  *Server
	frames  Frames
	limits  *Limits // of when it was opened
	session *Session
	ctx     context.Context // of its calls; ends with the connection
	cancel  context.CancelFunc
	slots   chan struct{}
	texts   chan *buffer // to a worker that lingers
	end     sync.Once
	closed  chan struct{} // closed when the connection is over and done with
}

// newSocket makes the socket of a connection; ctx is cancelled to end it.
func (s *Server) newSocket(ctx context.Context, frames Frames, limits *Limits, options SessionOptions) *socket {
	c := &socket{
		server: s,
		frames: frames,
		limits: limits,
		slots:  make(chan struct{}, limits.RunningPerSocket),
		texts:  make(chan *buffer),
		closed: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(ctx)
	options.Done = c.ctx.Done()
	c.session = NewSession(options)
	c.session.out = &outbox{frames: frames, buffers: &s.buffers, slots: c.slots, limits: limits, fail: c.fail}
	return c
}

// fail ends the connection without waiting for the peer: calls see their context end, nothing more is sent but the
// close frame. It may be called with locks held.
func (c *socket) fail(status int, reason string) {
	c.end.Do(func() {
		c.cancel()
		c.session.out.close()
		go func() {
			defer close(c.closed)
			// The peer may be gone already; there is no one to report a failed goodbye to.
			_ = c.frames.Close(status, reason)
		}()
	})
}

// launch registers the socket and serves it on a goroutine of its own.
func (c *socket) launch(web bool) {
	if !c.server.sockets.add(c, web) {
		c.fail(statusGoingAway, "server shutting down")
	}
	go c.serve()
}

// serve reads and answers texts until the connection ends. It is the one goroutine of an idle connection.
func (c *socket) serve() {
	defer c.server.sockets.remove(c)
	stop := context.AfterFunc(c.ctx, func() { c.fail(statusGoingAway, "") })
	defer stop()
	for {
		r, err := c.frames.NextFrame()
		if errors.Is(err, errBinary) {
			c.fail(statusNotText, "JSON-RPC is text")
			continue
		}
		if err != nil {
			c.fail(statusOf(err), "")
			return
		}
		if c.ctx.Err() != nil {
			continue // closing: what still comes in is read only to get to the peer's own close frame
		}
		text := c.server.buffers.get()
		if text.b, err = readText(text.b, r, c.limits.Text); err != nil {
			c.server.buffers.put(text)
			c.fail(statusOf(err), "")
			continue
		}
		select {
		case c.slots <- struct{}{}:
			select {
			case c.texts <- text:
			default:
				go c.work(text)
			}
		case <-c.ctx.Done():
			c.server.buffers.put(text)
		}
	}
}

// linger is how long a worker waits for the next text: a busy connection need not start a goroutine, and grow its
// stack, for each one; an idle one has none.
const linger = 50 * time.Millisecond

// work answers texts until none has come for a while. It ends then, or with the connection.
func (c *socket) work(text *buffer) {
	c.answer(text)
	idle := time.NewTimer(linger)
	defer idle.Stop()
	for {
		select {
		case text := <-c.texts:
			c.answer(text)
			idle.Reset(linger)
		case <-idle.C:
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// statusOf is the close status for a connection that can be read no further.
func statusOf(err error) int {
	if errors.Is(err, errTextTooLarge) || errors.Is(err, websocket.ErrReadLimit) {
		return statusTooLarge
	}
	return statusNormal
}

// answer answers one text. It holds a slot, which is freed when the answer is written, so that a peer that asks but
// does not read is soon not read from either.
func (c *socket) answer(text *buffer) {
	s := c.server
	x := s.begin(c.ctx, c.session)
	out := s.buffers.get()
	out.b = s.answer(x, text.b, out.b)
	s.buffers.put(text)
	if len(out.b) == 0 {
		s.buffers.put(out)
		s.end(x)
		<-c.slots
		return
	}
	c.session.out.answer(out)
	s.end(x)
	c.session.out.drain()
}

// retire ends the connection once the calls that are running are answered: when all slots can be had. It returns ctx's
// error if ctx ends first; then it ends the connection all the same.
func (c *socket) retire(ctx context.Context) (err error) {
	for range cap(c.slots) {
		select {
		case c.slots <- struct{}{}:
		case <-c.ctx.Done():
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	c.fail(statusGoingAway, "server shutting down")
	<-c.closed
	return err
}

// readText appends what r has, at most limit bytes.
func readText(buf []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf, errTextTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

func newUpgrader() websocket.Upgrader {
	return websocket.Upgrader{
		// The write buffer is borrowed only while a frame is written and the read buffer is small: what an idle
		// connection costs is mostly its buffers.
		ReadBufferSize:  1024,
		WriteBufferSize: 4096,
		WriteBufferPool: &sync.Pool{},
		CheckOrigin:     func(*http.Request) bool { return true }, // done before, for every kind of request
	}
}

// upgrade makes a WebSocket of a request. It returns at once; the connection lives on.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if s.flow.stopped() {
		http.Error(w, "server shutting down", http.StatusServiceUnavailable)
		return
	}
	if !s.sockets.reserve() {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	// The limits of now: once the peer has its answer, there may be others.
	options, limits := sessionOptions(r), s.bounds()
	conn, err := s.upgrader.Upgrade(w, r, http.Header{HeaderRequestID: {options.RequestID}})
	if err != nil {
		s.sockets.release() // the upgrader has answered
		return
	}
	c := s.newSocket(s.sockets.ctx, newSocketFrames(conn, limits), limits, options)
	c.launch(true)
}
