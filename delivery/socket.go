package delivery

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
)

// socket is one connection of sockets. It is idle, or one exchange's.
type socket struct {
	net.Conn // what is written to and read from: TLS, where it is spoken
	home     *sockets
	to       host
	plain    net.Conn        // below TLS
	raw      syscall.RawConn // the kernel's; nil: it is not kept
	since    time.Time       // when it became idle

	// Of the exchange under way.
	release func() bool // no longer obeys its context; false: that has ended
	buffers *buffers
	room    int64 // bytes that may be read before the answer's header has ended
}

// buffers are what a connection needs while it is used.
type buffers struct {
	in  *bufio.Reader
	out *bufio.Writer
}

var spareBuffers = sync.Pool{New: func() any {
	return &buffers{bufio.NewReaderSize(nil, 4<<10), bufio.NewWriterSize(nil, 4<<10)}
}}

func newSocket(home *sockets, to host, conn net.Conn) *socket {
	c := &socket{Conn: conn, home: home, to: to, plain: conn}
	if word, ok := conn.(lastWord); ok {
		conn = word.Conn
	}
	if kernel, ok := conn.(syscall.Conn); ok {
		c.raw, _ = kernel.SyscallConn()
	}
	return c
}

// secure begins to speak TLS.
func (c *socket) secure(ctx context.Context, name string) error {
	over, err := handshake(ctx, c.plain, c.home.tls, name, "http/1.1")
	if err == nil {
		c.Conn = over
	}
	return err
}

// alive reports whether nothing has come from the other side since the last exchange: neither its end, nor what nobody
// asked for. The connection has the deadline then.
func (c *socket) alive(deadline time.Time) bool {
	if c.raw == nil || c.SetDeadline(deadline) != nil || !silent(c.raw) {
		return false
	}
	over, ok := c.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	// What came in one piece with the answer is TLS's already, and may be the end.
	_ = over.SetReadDeadline(longAgo)
	_, err := over.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded) && over.SetReadDeadline(deadline) == nil
}

// longAgo is a deadline that is over.
var longAgo = time.Unix(1, 0)

// close ends an idle connection. TLS says so to the other side.
func (c *socket) close() { _ = c.Conn.Close() }

// cut ends a connection without a word, which might have to wait for the other side.
func (c *socket) cut() {
	if c.release != nil {
		c.release()
	}
	_ = c.plain.Close()
}

// obey breaks the exchange off when ctx is cancelled. Its deadline is the connection's.
func (c *socket) obey(ctx context.Context) {
	c.release = context.AfterFunc(ctx, func() { _ = c.SetDeadline(longAgo) })
}

var errHeaderTooLarge = &failure{schemas.ErrorProtocol, "the answer's header is too large"}

// Read bounds what is read of an answer's header.
func (c *socket) Read(b []byte) (int, error) {
	if c.room <= 0 {
		return 0, errHeaderTooLarge
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), c.room)])
	c.room -= int64(n)
	return n, err
}

// carry makes an exchange, which breaks off when ctx is cancelled. The connection is over after an error, and else with the
// answer's body.
func (c *socket) carry(ctx context.Context, r *http.Request) (*http.Response, error) {
	c.obey(ctx)
	response, err := c.exchange(r)
	if err != nil {
		c.cut()
		if ended := ctx.Err(); ended != nil {
			err = ended // which is why
		}
	}
	return response, err
}

// unheard reports whether an exchange failed because the connection is gone, before anything of an answer came.
func (c *socket) unheard(err error) bool { return c.room == maxResponseHeader && broken(err) }

// exchange sends a request and reads the answer as far as its header.
func (c *socket) exchange(r *http.Request) (*http.Response, error) {
	c.buffers = spareBuffers.Get().(*buffers)
	c.buffers.in.Reset(c)
	c.buffers.out.Reset(c.Conn)
	c.room = maxResponseHeader
	if err := r.Write(c.buffers.out); err != nil {
		return nil, err
	}
	if err := c.buffers.out.Flush(); err != nil {
		return nil, err
	}
	for {
		response, err := http.ReadResponse(c.buffers.in, r)
		if err != nil {
			return nil, err
		}
		if interim(response.StatusCode) {
			continue
		}
		c.room = math.MaxInt64
		response.Body = &answerBody{
			from: response.Body, socket: c, ended: response.ContentLength == 0, reusable: !response.Close && response.StatusCode >= 200,
		}
		return response, nil
	}
}

// interim reports whether another answer follows one with that status. A change of protocol is the last that HTTP says.
func interim(status int) bool {
	return 100 <= status && status < 200 && status != http.StatusSwitchingProtocols
}

// answerBody is the body of an answer. Its end is the end of the exchange.
type answerBody struct {
	from     io.Reader
	socket   *socket
	ended    bool // it was read to its end
	reusable bool // nobody has asked for the connection to be closed
}

// Read implements io.Reader.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close keeps the connection when it can be used again, and else ends it. It is called once.
func (b *answerBody) Close() error {
	c, used := b.socket, b.socket.buffers
	clean := b.ended && b.reusable && used.in.Buffered() == 0 && c.raw != nil
	c.buffers = nil
	used.in.Reset(nil)
	used.out.Reset(nil)
	spareBuffers.Put(used)
	if !c.release() || !clean {
		c.cut()
	} else if c.release = nil; !c.home.put(c) {
		c.close()
	}
	return nil
}
