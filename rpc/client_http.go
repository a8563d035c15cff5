package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"

	"github.com/sourcegraph/jsonrpc2"
)

// httpLink is a client that sends each text in a POST of its own.
type httpLink struct {
	url     string
	header  http.Header
	client  *http.Client
	maxText int64

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	once   sync.Once
}

func (l *httpLink) call(ctx context.Context, method string, params, result any) error {
	id := uint64(1) // one answer a request, so every call can have the same
	text, err := appendRequest(nil, &id, method, params)
	if err != nil {
		return err
	}
	text, err = l.post(ctx, text)
	if err != nil {
		return err
	}
	var answer message
	if err := json.Unmarshal(text, &answer); err != nil {
		return errNotAnswer
	}
	if answer.Error == nil && (answer.ID == nil || *answer.ID != id) {
		return errNotAnswer
	}
	return answer.decode(result)
}

func (l *httpLink) notify(ctx context.Context, method string, params any) error {
	text, err := appendRequest(nil, nil, method, params)
	if err != nil {
		return err
	}
	_, err = l.post(ctx, text)
	return err
}

func (l *httpLink) batch(ctx context.Context, batch []message) ([]message, error) {
	text, err := appendBatch(nil, batch)
	if err != nil {
		return nil, err
	}
	text, err = l.post(ctx, text)
	if err != nil || len(text) == 0 && awaited(batch) == 0 {
		return nil, err
	}
	return answersIn(text)
}

func (l *httpLink) close() error {
	l.once.Do(func() {
		l.cancel()
		l.client.CloseIdleConnections()
	})
	return nil
}

// post sends a text and returns the answer, without bytes if there was nothing to say.
func (l *httpLink) post(ctx context.Context, text []byte) ([]byte, error) {
	if l.ctx.Err() != nil {
		return nil, jsonrpc2.ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header = l.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, l.explain(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, l.maxText+1))
	switch {
	case err != nil:
		return nil, l.explain(err)
	case int64(len(answer)) > l.maxText:
		return nil, fmt.Errorf("answer larger than %d bytes", l.maxText)
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusNoContent:
		return answer, nil
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "application/json" {
		var refused message
		if json.Unmarshal(answer, &refused) == nil && refused.Error != nil {
			return nil, refused.Error
		}
	}
	return nil, fmt.Errorf("the server answered with HTTP status %d", resp.StatusCode)
}

// explain replaces the error that Close causes, and drops the URL that net/http puts into its errors: it may hold a key.
func (l *httpLink) explain(err error) error {
	if l.ctx.Err() != nil {
		return jsonrpc2.ErrClosed
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
