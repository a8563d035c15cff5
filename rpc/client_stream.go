package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/jsonrpc2"
)

// streamLink is a client over frames: a WebSocket or an in-process connection. A jsonrpc2.Conn matches answers to
// calls; batches, which it does not know, and pushes, whose bytes it would change, pass it by.
type streamLink struct {
	conn   *jsonrpc2.Conn
	stream *clientStream
	lastID atomic.Uint64
}

// clientStream is the jsonrpc2.ObjectStream of a streamLink.
type clientStream struct {
	frames   Frames
	onNotify func(method string, params json.RawMessage)

	text []byte // of the request that the Conn is sending; guarded by the Conn, which sends one at a time

	writing sync.Mutex

	mu      sync.Mutex
	batches []*waitingBatch // oldest first
}

// waitingBatch is a batch whose answer is due.
type waitingBatch struct {
	first uint64 // ids of its requests are first, first+1 and so on
	size  uint64
	done  chan []byte // the text of the answer
}

var _ jsonrpc2.ObjectStream = (*clientStream)(nil)

func newStreamClient(ctx context.Context, frames Frames, onNotify func(string, json.RawMessage)) *Client {
	l := &streamLink{stream: &clientStream{frames: frames, onNotify: onNotify}}
	l.conn = jsonrpc2.NewConn(ctx, l.stream, noRequests{}, jsonrpc2.SetLogger(silence{}), jsonrpc2.OnSend(l.stream.sending))
	return &Client{link: l}
}

// fieldText is the extra field by which a request carries its own text through the Conn, whose encoding would change the
// parameters: it escapes <, > and & and takes white space out. The field itself is not sent.
const fieldText = "text"

// sending is told of each request before its WriteObject.
func (s *clientStream) sending(req *jsonrpc2.Request, _ *jsonrpc2.Response) {
	s.text = nil
	for _, field := range req.ExtraFields {
		if text, ok := field.Value.([]byte); ok && field.Name == fieldText {
			s.text = text
		}
	}
}

// noRequests is the handler of a connection on which no requests come: the stream takes the notifications out.
type noRequests struct{}

func (noRequests) Handle(context.Context, *jsonrpc2.Conn, *jsonrpc2.Request) {}

// silence is a logger for what the callers learn anyway from the errors they get.
type silence struct{}

func (silence) Printf(string, ...any) {}

func (l *streamLink) call(ctx context.Context, method string, params, result any) error {
	id := l.lastID.Add(1)
	text, err := appendRequest(nil, &id, method, params)
	if err != nil {
		return err
	}
	return l.conn.Call(ctx, method, nil, result, jsonrpc2.PickID(jsonrpc2.ID{Num: id}), jsonrpc2.ExtraField(fieldText, text))
}

func (l *streamLink) notify(ctx context.Context, method string, params any) error {
	text, err := appendRequest(nil, nil, method, params)
	if err != nil {
		return err
	}
	return l.conn.Notify(ctx, method, nil, jsonrpc2.ExtraField(fieldText, text))
}

func (l *streamLink) close() error {
	// To close what is closed already is no failure.
	if err := l.conn.Close(); err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
		return err
	}
	return nil
}

func (l *streamLink) batch(ctx context.Context, batch []message) ([]message, error) {
	size := uint64(len(batch))
	waiting := &waitingBatch{first: l.lastID.Add(size) - size + 1, size: size, done: make(chan []byte, 1)}
	for i := range batch {
		if batch[i].ID != nil {
			*batch[i].ID += waiting.first
		}
	}
	text, err := appendBatch(nil, batch)
	if err != nil {
		return nil, err
	}
	if awaited(batch) == 0 && size > 0 {
		return nil, l.stream.write(text)
	}
	l.stream.add(waiting)
	defer l.stream.remove(waiting)
	if err := l.stream.write(text); err != nil {
		return nil, err
	}
	select {
	case text = <-waiting.done:
	case <-l.conn.DisconnectNotify():
		return nil, jsonrpc2.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answers, err := answersIn(text)
	for i := range answers {
		if answers[i].ID != nil {
			*answers[i].ID -= waiting.first
		}
	}
	return answers, err
}

// WriteObject implements jsonrpc2.ObjectStream: it sends the text of the request that the Conn has announced.
func (s *clientStream) WriteObject(any) error { return s.write(s.text) }

// write sends a text. After one failure part of a frame may be out, so nothing can follow.
func (s *clientStream) write(text []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.frames.WriteFrame(text); err != nil {
		go s.frames.Close(statusNormal, "")
		return fmt.Errorf("%w: %w", jsonrpc2.ErrClosed, err)
	}
	return nil
}

// Close implements jsonrpc2.ObjectStream.
func (s *clientStream) Close() error { return s.frames.Close(statusNormal, "") }

// ReadObject implements jsonrpc2.ObjectStream: it returns the answer to a single call.
func (s *clientStream) ReadObject(v any) error {
	for {
		r, err := s.frames.NextFrame()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if s.take(text) {
			continue
		}
		m, ok := v.(json.Unmarshaler)
		if !ok {
			return errNotAnswer
		}
		return m.UnmarshalJSON(text)
	}
}

// take deals with what is no answer to a single call, and reports whether it did.
func (s *clientStream) take(text []byte) bool {
	if len(text) > 0 && text[0] == '[' {
		s.deliver(text)
		return true
	}
	var head struct {
		ID     json.RawMessage `json:"id"`
		Method *string         `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if json.Unmarshal(text, &head) != nil {
		return false
	}
	switch {
	case head.Method != nil:
		if s.onNotify != nil && head.ID == nil {
			s.onNotify(*head.Method, head.Params)
		}
		return true
	case head.ID == nil || string(head.ID) == "null":
		// An error about a text in which the server found no id. Single calls of ours always have one, so it is about
		// a batch, and the oldest is the best guess.
		s.deliverTo(text, func(*waitingBatch) bool { return true })
		return true
	}
	return false
}

// deliver hands the answer to a batch to whoever waits for it.
func (s *clientStream) deliver(text []byte) {
	answers, _ := answersIn(text) // without answers in it nobody can be found, and it is dropped
	for i := range answers {
		if id := answers[i].ID; id != nil {
			s.deliverTo(text, func(b *waitingBatch) bool { return *id >= b.first && *id < b.first+b.size })
			return
		}
	}
	s.deliverTo(text, func(*waitingBatch) bool { return true })
}

func (s *clientStream) deliverTo(text []byte, is func(*waitingBatch) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.batches, is); i >= 0 {
		s.batches[i].done <- text
		s.batches = slices.Delete(s.batches, i, i+1)
	}
}

func (s *clientStream) add(b *waitingBatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, b)
}

func (s *clientStream) remove(b *waitingBatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.batches, b); i >= 0 {
		s.batches = slices.Delete(s.batches, i, i+1)
	}
}
