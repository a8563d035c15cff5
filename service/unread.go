package service

import (
	"io"
	"net/http"
	"time"
)

// What is taken off the wire of a body that was answered before its end. It costs the bytes on the wire and no memory, less
// than bodies of the permitted size do, which anybody may send: so it is done for callers without a key too.
const (
	unreadBytes = 64 << 20
	unreadTime  = 5 * time.Second
	// unreadAnyway is what net/http takes by itself.
	unreadAnyway = 256 << 10
)

// takeUnread lets a caller read its answer who sends the whole body first, however large: cutting a connection on which
// unread bytes arrive makes TCP throw away the answer with them (RFC 9112 section 9.6). The answer goes out at once, for
// those who look; what they still send is thrown away, within bounds. HTTP/2 needs none of this, and a GET may become a
// WebSocket.
func takeUnread(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 || r.Method == http.MethodGet || 0 <= r.ContentLength && r.ContentLength <= unreadAnyway {
			h.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex() // else the body can't be read after the answer
		body := &ending{ReadCloser: r.Body}
		r = r.WithContext(r.Context())
		r.Body = body
		h.ServeHTTP(w, r)
		if body.ended || control.Flush() != nil || control.SetReadDeadline(time.Now().Add(unreadTime)) != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, body, unreadBytes) // it has its answer, whatever comes
	})
}

// ending notes that a body was read to its end, or as far as it came.
type ending struct {
	io.ReadCloser
	ended bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.ended = e.ended || err != nil
	return n, err
}
