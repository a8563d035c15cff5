package rpc

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// pipeDepth is how many texts may be on their way in each direction of an in-memory connection.
const pipeDepth = 16

// pipeEnd is one end of an in-memory connection.
type pipeEnd struct {
	in, out chan []byte
	timeout time.Duration // for a text to be taken
	state   *pipeState
}

// pipeState is shared by both ends.
type pipeState struct {
	once sync.Once
	done chan struct{}
}

// newPipe makes an in-memory connection and returns its two ends.
func newPipe(limits *Limits) (near, far *pipeEnd) {
	a, b := make(chan []byte, pipeDepth), make(chan []byte, pipeDepth)
	state := &pipeState{done: make(chan struct{})}
	return &pipeEnd{a, b, limits.WriteTimeout, state}, &pipeEnd{b, a, limits.WriteTimeout, state}
}

// NextFrame returns what was sent before the connection ended, and only then io.EOF.
func (p *pipeEnd) NextFrame() (io.Reader, error) {
	select {
	case text := <-p.in:
		return bytes.NewReader(text), nil
	default:
	}
	select {
	case text := <-p.in:
		return bytes.NewReader(text), nil
	case <-p.state.done:
		select {
		case text := <-p.in:
			return bytes.NewReader(text), nil
		default:
			return nil, io.EOF
		}
	}
}

func (p *pipeEnd) WriteFrame(text []byte) error {
	select {
	case <-p.state.done:
		return io.ErrClosedPipe
	default:
	}
	text = bytes.Clone(text)
	select {
	case p.out <- text:
		return nil
	default:
	}
	late := time.NewTimer(p.timeout)
	defer late.Stop()
	select {
	case p.out <- text:
		return nil
	case <-p.state.done:
		return io.ErrClosedPipe
	case <-late.C:
		return os.ErrDeadlineExceeded
	}
}

// Close ends the connection for both ends; there is nobody to explain the status to.
func (p *pipeEnd) Close(int, string) error {
	p.state.once.Do(func() { close(p.state.done) })
	return nil
}
