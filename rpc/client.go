package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sourcegraph/jsonrpc2"
)

// Client calls the methods of a server, over whatever it was dialled. Safe for concurrent use.
type Client struct{ link link }

// link is a client's connection.
type link interface {
	call(ctx context.Context, method string, params, result any) error
	notify(ctx context.Context, method string, params any) error
	// batch sends a batch that expects n answers and returns them in any order.
	batch(ctx context.Context, batch []message) ([]message, error)
	close() error
}

// message is a request as a client writes it (encode.go), or an answer as it reads it.
type message struct {
	ID     *uint64         `json:"id"`
	Method string          `json:"-"`
	Params any             `json:"-"`
	Result json.RawMessage `json:"result"`
	Error  *jsonrpc2.Error `json:"error"`
}

// BatchCall is one call of a batch. Batch fills in Result, a pointer or nil, and Err.
type BatchCall struct {
	Method string
	Params any
	Result any
	Notify bool // a notification: no answer is expected
	Err    error
}

// Call calls a method and decodes what it answers into result, a pointer, or nil to drop it. params is encoded by
// encoding/json and has to give an array or an object; nil sends none. What is a json.RawMessage is sent byte for byte: params
// itself, and a member or an item of a map[string]any, a map[string]json.RawMessage, an []any or an []json.RawMessage. In a
// struct it loses its white space to encoding/json. An error that the server answered can be had by errors.As with a
// *jsonrpc2.Error; any other means that it is unknown whether the call was run.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	if err := c.link.call(ctx, method, params, result); err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	return nil
}

// Notify calls a method without waiting for an answer. nil means that the notification was sent, no more.
func (c *Client) Notify(ctx context.Context, method string, params any) error {
	if err := c.link.notify(ctx, method, params); err != nil {
		return fmt.Errorf("notify %s: %w", method, err)
	}
	return nil
}

// Batch sends calls together. Each gets its own Err; the error returned is one of the batch as a whole. The server
// runs them in order.
func (c *Client) Batch(ctx context.Context, calls []BatchCall) error {
	batch := make([]message, len(calls))
	for i := range calls {
		batch[i] = message{Method: calls[i].Method, Params: calls[i].Params}
		if !calls[i].Notify {
			id := uint64(i)
			batch[i].ID = &id
		}
	}
	answers, err := c.link.batch(ctx, batch)
	if err != nil {
		return fmt.Errorf("call a batch: %w", err)
	}
	for i := range calls {
		if !calls[i].Notify {
			calls[i].Err = errUnanswered
		}
	}
	for _, answer := range answers {
		if answer.ID == nil || *answer.ID >= uint64(len(calls)) {
			continue
		}
		call := &calls[*answer.ID]
		call.Err = answer.decode(call.Result)
	}
	return nil
}

// Close ends the connection; calls that wait for an answer fail with ErrClosed.
func (c *Client) Close() error { return c.link.close() }

// errUnanswered is the error of a call whose answer is missing in the answer to its batch.
var errUnanswered = errors.New("the server did not answer")

// errNotAnswer is the error of an answer that is none.
var errNotAnswer = errors.New("not a JSON-RPC answer")

// decode returns the error of an answer, or stores its result.
func (m *message) decode(result any) error {
	if m.Error != nil {
		return m.Error
	}
	if m.Result == nil {
		m.Result = json.RawMessage("null")
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("decode the result: %w", err)
	}
	return nil
}

// awaited counts the requests of a batch that get an answer.
func awaited(batch []message) int {
	n := 0
	for i := range batch {
		if batch[i].ID != nil {
			n++
		}
	}
	return n
}

// answersIn reads the answer to a batch: an array, or a single error for the batch as a whole.
func answersIn(text []byte) ([]message, error) {
	var answers []message
	if len(text) > 0 && text[0] == '[' {
		if err := json.Unmarshal(text, &answers); err != nil {
			return nil, errNotAnswer
		}
		return answers, nil
	}
	var single message
	if err := json.Unmarshal(text, &single); err != nil || single.Error == nil {
		return nil, errNotAnswer
	}
	return nil, single.Error
}
