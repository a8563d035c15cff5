package rpc

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// WebSocket close statuses that this package sends (RFC 6455 section 7.4.1), besides statusPolicy.
const (
	statusNormal    = 1000
	statusGoingAway = 1001
	statusNotText   = 1003
	statusTooLarge  = 1009
)

// Frames is a connection that carries whole texts. One goroutine may read and one may write at a time; Close may be
// called by any.
type Frames interface {
	// NextFrame waits for the next text. The reader is valid until the next call.
	NextFrame() (io.Reader, error)
	// WriteFrame sends a text; it does not keep p. It gives up when the peer does not take it in time.
	WriteFrame(p []byte) error
	// Close tells the peer why, by a status of RFC 6455, and ends the connection. It waits a short while for the
	// peer to take note.
	Close(status int, reason string) error
}

// goodbye is how long Close waits for the peer's own close frame. Cutting a connection in which unread bytes have
// arrived makes TCP throw away what is on its way to the peer, the close frame with it.
const goodbye = time.Second

// errBinary is the error of a binary frame: JSON is text.
var errBinary = errors.New("binary frame")

// socketFrames is Frames over a WebSocket, at either end.
type socketFrames struct {
	conn   *websocket.Conn
	limits *Limits
	ping   *time.Timer

	deadline time.Time // of reading, renewed by NextFrame and the peer's pongs; both run on the reader's goroutine
	read     chan struct{}
	readOnce sync.Once
	once     sync.Once
	err      error
}

func newSocketFrames(conn *websocket.Conn, limits *Limits) *socketFrames {
	f := &socketFrames{conn: conn, limits: limits, read: make(chan struct{})}
	conn.SetReadLimit(int64(limits.Text))
	conn.SetPongHandler(func(string) error { return f.alive() })
	// The timer first runs when it is reset, and by then it is known to its function.
	f.ping = time.AfterFunc(time.Hour, f.pingPeer)
	f.ping.Reset(limits.PingEvery)
	return f
}

// alive puts off the time at which a silent peer is taken for dead.
func (f *socketFrames) alive() error {
	f.deadline = time.Now().Add(f.limits.PongWait)
	return f.conn.SetReadDeadline(f.deadline)
}

func (f *socketFrames) pingPeer() {
	if f.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(f.limits.WriteTimeout)) == nil {
		f.ping.Reset(f.limits.PingEvery)
	}
}

func (f *socketFrames) NextFrame() (io.Reader, error) {
	// Whoever reads on has just begun or received a frame. This counts as a sign of life, because while calls pile up
	// and nothing is read, no pong is seen either.
	if time.Until(f.deadline) < f.limits.PongWait/2 {
		if err := f.alive(); err != nil {
			return nil, f.ended(err)
		}
	}
	kind, r, err := f.conn.NextReader()
	if err != nil {
		return nil, f.ended(err)
	}
	if kind != websocket.TextMessage {
		return nil, errBinary
	}
	return r, nil
}

// ended notes that no more will be read.
func (f *socketFrames) ended(err error) error {
	f.readOnce.Do(func() { close(f.read) })
	return err
}

func (f *socketFrames) WriteFrame(p []byte) error {
	if err := f.conn.SetWriteDeadline(time.Now().Add(f.limits.WriteTimeout)); err != nil {
		return err
	}
	return f.conn.WriteMessage(websocket.TextMessage, p)
}

func (f *socketFrames) Close(status int, reason string) error {
	f.once.Do(func() {
		f.ping.Stop()
		message := websocket.FormatCloseMessage(status, reason)
		// Waits for the frame that is being written.
		err := f.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(f.limits.WriteTimeout))
		if err == nil || errors.Is(err, websocket.ErrCloseSent) {
			f.linger(status)
		}
		f.err = f.conn.Close()
	})
	return f.err
}

// linger lets the peer read the close frame before the connection is cut.
func (f *socketFrames) linger(status int) {
	select {
	case <-f.read:
	case <-time.After(goodbye):
	}
	if status == statusTooLarge {
		// The reader stopped in the middle of a frame; what is left of it is taken off the wire here. Reading ends
		// with the peer's hanging up or with the deadline, and either is what is waited for.
		conn := f.conn.NetConn()
		_ = conn.SetReadDeadline(time.Now().Add(goodbye))
		_, _ = io.Copy(io.Discard, conn)
	}
}
