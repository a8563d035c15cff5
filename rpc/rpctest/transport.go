package rpctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/hookswitch/hookswitch/rpc"
)

// patience is how long an answer may take.
const patience = 20 * time.Second

// wire carries texts to a server and back.
type wire interface {
	// send sends a text.
	send(text string) error
	// receive waits for the next text; "" means that there is nothing to say, which only HTTP can tell.
	receive() (string, error)
}

// httpWire posts each text.
type httpWire struct {
	t      *testing.T
	url    string
	header http.Header
	client *http.Client
	answer string
}

func (w *httpWire) send(text string) error {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url, strings.NewReader(text))
	if err != nil {
		return err
	}
	req.Header = w.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	want := http.StatusOK
	if len(body) == 0 {
		want = http.StatusNoContent
	}
	if resp.StatusCode != want {
		return fmt.Errorf("status %d with a body of %d bytes, expected %d", resp.StatusCode, len(body), want)
	}
	w.answer = string(body)
	return nil
}

func (w *httpWire) receive() (string, error) { return w.answer, nil }

// socketWire sends frames over a WebSocket.
type socketWire struct{ conn *websocket.Conn }

func (w socketWire) send(text string) error {
	return w.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

func (w socketWire) receive() (string, error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	_, text, err := w.conn.ReadMessage()
	return string(text), err
}

// memoryWire sends frames inside the process.
type memoryWire struct{ frames rpc.Frames }

func (w memoryWire) send(text string) error { return w.frames.WriteFrame([]byte(text)) }

func (w memoryWire) receive() (string, error) {
	late := time.AfterFunc(patience, func() { w.frames.Close(1000, "") })
	defer late.Stop()
	r, err := w.frames.NextFrame()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// connect makes the wire of a transport.
func (g Target) connect(t *testing.T, transport, credential string, header http.Header) (wire, error) {
	header = maps.Clone(header)
	if header == nil {
		header = http.Header{}
	}
	if transport == "memory" {
		options := rpc.LocalOptions{Credential: credential, Header: header}
		frames := g.Server.Pipe(context.WithoutCancel(t.Context()), options)
		t.Cleanup(func() { frames.Close(1000, "") })
		return memoryWire{frames}, nil
	}
	if credential != "" {
		header.Set("Authorization", credential)
	}
	switch transport {
	case "http":
		client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
		t.Cleanup(client.CloseIdleConnections)
		return &httpWire{t: t, url: g.URL, header: header, client: client}, nil
	case "websocket":
		conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(g.URL, "http"), header)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { conn.Close() })
		return socketWire{conn}, nil
	}
	return nil, errors.New("there is no transport " + transport)
}

// transports are the names of all transports.
func transports() []string { return []string{"http", "websocket", "memory"} }

// has reports whether a transcript runs over a transport.
func (s *transcript) has(transport string) bool {
	return s.transports == nil || slices.Contains(s.transports, transport)
}
