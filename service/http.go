package service

import (
	"context"
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
	"github.com/hookswitch/hookswitch/rest"
	"github.com/hookswitch/hookswitch/storage/bolt"
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
	mux.Handle("/rpc", s.server)
	for _, path := range vision6.Addresses() {
		mux.Handle(path, vision6.Serve(s.server))
	}
	mux.HandleFunc("GET /openrpc.json", s.server.ServeDiscovery)
	mux.Handle("GET "+portal.Path, s.portal)
	mux.Handle("GET "+backupPath, s.backups)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	vendors := rest.New(s.server, s.faces()...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if vendors.Owns(r) {
			vendors.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
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

// Serve answers on the listener until ctx ends or the store fails, then closes the listener and lets running HTTP calls
// end. It does not close the service.
func (s *Service) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      45 * time.Second, // longer than a call's own limit, so that its error gets out
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
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
