package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// maxAnswer is the largest text a client takes.
const maxAnswer = 64 << 20

// DialOptions describes a client for [Dial].
type DialOptions struct {
	Credential string      // sent as the Authorization header, scheme included: "Bearer KEY"
	Header     http.Header // further headers of every request, or of the upgrade
	// HTTPClient makes the requests of an http or https client, and its Transport's TLS settings, proxy and dialler
	// are used for ws and wss too; nil for one of its own without a timeout. It is not used on a Unix socket.
	HTTPClient *http.Client
	// OnNotify is called with every push (ws and wss only), one after another in their order, with the params as they
	// were sent. It must not block nor call the client, since answers are read by the same goroutine. nil drops pushes.
	OnNotify func(method string, params json.RawMessage)
}

// Dial makes a client for a server at an http, https, ws or wss URL, or at the endpoint /rpc of one that listens on a Unix
// socket: unix:/path, or ws+unix:/path for a WebSocket. ctx bounds only the connecting; over http nothing is sent before
// the first call.
func Dial(ctx context.Context, target string, options DialOptions) (*Client, error) {
	if path, scheme := onSocket(target); path != "" {
		target, options.HTTPClient = scheme+"://localhost/rpc", &http.Client{Transport: UnixTransport(path)}
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("dial: the URL cannot be parsed") // the cause would quote it
	}
	header := http.Header{}
	maps.Copy(header, options.Header)
	if options.Credential != "" {
		header.Set("Authorization", options.Credential)
	}
	switch u.Scheme {
	case "http", "https":
		l := &httpLink{url: target, header: header, client: options.HTTPClient, maxText: maxAnswer}
		if l.client == nil {
			l.client = &http.Client{Transport: ownTransport()}
		}
		l.ctx, l.cancel = context.WithCancel(context.Background())
		return &Client{link: l}, nil
	case "ws", "wss":
		return dialSocket(ctx, target, header, options)
	}
	return nil, fmt.Errorf("dial: the scheme has to be http, https, ws, wss, unix or ws+unix, not %q", u.Scheme)
}

// onSocket is the path of the Unix socket that a target names, and how to talk there; no path for any other target.
func onSocket(target string) (path, scheme string) {
	if path, ok := strings.CutPrefix(target, "ws+unix:"); ok {
		return path, "ws"
	}
	path, ok := strings.CutPrefix(target, "unix:")
	if !ok {
		return "", ""
	}
	return path, "http"
}

// UnixTransport is a transport whose requests all go to the Unix socket at a path, whatever host their URLs name.
func UnixTransport(path string) *http.Transport {
	t := ownTransport()
	t.Proxy = nil
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return t
}

// ownTransport is a transport whose idle connections Close can end without disturbing anybody else.
func ownTransport() *http.Transport {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		return t.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment}
}

func dialSocket(ctx context.Context, target string, header http.Header, options DialOptions) (*Client, error) {
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 15 * time.Second}
	if options.HTTPClient != nil {
		if t, ok := options.HTTPClient.Transport.(*http.Transport); ok {
			dialer.Proxy, dialer.NetDialContext = t.Proxy, t.DialContext
			if t.TLSClientConfig != nil {
				dialer.TLSClientConfig = t.TLSClientConfig.Clone()
				dialer.TLSClientConfig.NextProtos = []string{"http/1.1"} // HTTP/2 knows no upgrade
			}
		}
	}
	conn, resp, err := dialer.DialContext(ctx, target, header)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("dial: the server refused the upgrade with HTTP status %d", resp.StatusCode)
		}
		return nil, fmt.Errorf("dial: %w", err)
	}
	limits := Limits{Text: maxAnswer}.withDefaults()
	return newStreamClient(context.Background(), newSocketFrames(conn, &limits), options.OnNotify), nil
}
