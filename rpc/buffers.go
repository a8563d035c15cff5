package rpc

import (
	"bytes"
	"encoding/json"
	"sync"
)

// maxPooled is the largest buffer kept for reuse: one huge answer must not stay in memory for ever.
const maxPooled = 256 << 10

// buffer is a pooled run of bytes.
type buffer struct{ b []byte }

// bufferPool hands out empty buffers.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		b.b = b.b[:0]
		return b
	}
	return &buffer{b: make([]byte, 0, 1024)}
}

func (p *bufferPool) put(b *buffer) {
	if cap(b.b) <= maxPooled {
		p.pool.Put(b)
	}
}

// encoder writes values as JSON without the escaping of <, > and & that is meant for HTML: a URL stays readable.
type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

type encoderPool struct{ pool sync.Pool }

// appendValue appends v as JSON. An encoder in whose middle v panics is lost, not reused.
func (p *encoderPool) appendValue(out []byte, v any) ([]byte, error) {
	e, ok := p.pool.Get().(*encoder)
	if !ok {
		e = &encoder{}
		e.enc = json.NewEncoder(&e.buf)
		e.enc.SetEscapeHTML(false)
	}
	e.buf.Reset()
	if err := e.enc.Encode(v); err != nil {
		return out, err
	}
	out = append(out, bytes.TrimSuffix(e.buf.Bytes(), []byte{'\n'})...)
	if e.buf.Cap() <= maxPooled {
		p.pool.Put(e)
	}
	return out, nil
}
