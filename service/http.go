package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch/methods/airstack"
	"github.com/hookswitch/hookswitch/methods/copernica"
	"github.com/hookswitch/hookswitch/methods/superoffice"
	"github.com/hookswitch/hookswitch/methods/vision6"
	"github.com/hookswitch/hookswitch/portal"
	"github.com/hookswitch/hookswitch/reference"
	"github.com/hookswitch/hookswitch/rest"
)

// faces is the list of the vendors' HTTP addresses: the line to add for a new one.
func (s *Service) faces() []*rest.Face {
	return []*rest.Face{
		copernica.Face(copernica.V2, s.publicURL),
		copernica.Face(copernica.V3, s.publicURL),
		copernica.Face(copernica.V4, s.publicURL),
		superoffice.Face(),
		airstack.Face(),
	}
}

// Handler serves every address of the service.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", welcome)
	mux.Handle("/rpc", s.server)
	for _, path := range vision6.Addresses() {
		mux.Handle(path, vision6.Serve(s.server))
	}
	mux.HandleFunc("GET /openrpc.json", s.server.ServeDiscovery)
	mux.Handle("GET "+portal.Path, s.portal)
	mux.Handle("GET "+reference.Path, s.docs)
	mux.Handle("GET "+backupPath, s.backups)
	if !s.separateAdmin {
		s.probes(mux)
	}
	faces := s.faces()
	for _, face := range faces {
		face.MaxBody = func() int64 { return int64(s.server.Limits().Text) }
	}
	vendors := rest.New(s.server, faces...)
	guarded := s.server.Guard(vendors)
	begun := s.server.Limits().CallTimeout
	return s.proxies.Handler(takeUnread(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if now := s.server.Limits().CallTimeout; now > begun { // longer than the server's own deadline was made for
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(now + answerTime)) // else it stays as it is
		}
		if vendors.Owns(r) {
			guarded.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})))
}

// welcome tells whoever opens the root what answers here.
func welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	fmt.Fprint(w, "Hookswitch: RPC calls in, webhooks out.\n\n"+
		"/rpc           JSON-RPC 2.0, by POST and over a WebSocket; it takes a key\n"+
		"/docs          every method, for people\n"+
		"/openrpc.json  every method, for programs\n")
}

// Serve answers on the listener, over TLS when the options say so, until ctx ends or the store fails, then closes the
// listener and lets running HTTP calls end. It does not close the service.
func (s *Service) Serve(ctx context.Context, listener net.Listener) error {
	server := s.httpServer(s.Handler())
	listener = s.connections.limit(listener)
	if s.security != nil {
		listener = tls.NewListener(listener, s.security.config)
		go s.security.obtain(s.log) // ends when all hosts have been asked for, or with the process
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }() // ends with server.Shutdown
	var cause error
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-s.failed:
		cause = errors.New("the store failed and can't go on; see the log, then start again")
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	return errors.Join(cause, s.server.Shutdown(grace), server.Shutdown(grace))
}

// answerTime is how long an answer may take to get out, also that of a call which used up its own time.
const answerTime = 15 * time.Second

// httpServer is a server that no slow caller can hold on to.
func (s *Service) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      s.server.Limits().CallTimeout + answerTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}
