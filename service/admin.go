package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/hookswitch/hookswitch/storage/bolt"
)

// AdminHandler serves what is for operators: metrics, whether the service lives and is ready, and profiles of the process. It asks
// for no key, so it belongs where operators only can reach it.
func (s *Service) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	s.probes(mux)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// probes are the addresses of the admin listener that the main one has too when there is no admin listener.
func (s *Service) probes(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.metrics.handler())
}

func (s *Service) ready(w http.ResponseWriter, r *http.Request) {
	_, err := s.store.Check(r.Context())
	switch {
	case errors.Is(err, bolt.ErrDamaged): // the rest can be served, and somebody must look at this
		s.log.Error().Err(err).Msg("the store has a damaged record")
	case err != nil:
		s.log.Error().Err(err).Msg("the store is not ready")
		http.Error(w, "the store is not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// ServeAdmin answers AdminHandler's addresses on the listener until ctx ends, then closes it.
func (s *Service) ServeAdmin(ctx context.Context, listener net.Listener) error {
	server := s.httpServer(s.AdminHandler())
	server.WriteTimeout = 10 * time.Minute // a profile takes as long as is asked
	return serveUntil(ctx, server, listener)
}

// ServeChallenges answers on the listener, at port 80 of the world, what an ACME server asks there to see that a host
// name leads here, and sends everybody else to https; until ctx ends, then it closes the listener.
func (s *Service) ServeChallenges(ctx context.Context, listener net.Listener) error {
	return serveUntil(ctx, s.httpServer(s.security.challenges()), listener)
}

// serveUntil serves until ctx ends; what runs then is broken off.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
