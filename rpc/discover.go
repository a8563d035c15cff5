package rpc

import (
	"net/http"
	"strings"
)

// ServeDiscovery answers GET with the OpenRPC document, 404 if there is none. Tools fetch it from pages of any origin,
// and it holds nothing secret, so every page may read it.
func (s *Server) ServeDiscovery(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	switch {
	case s.options.Discovery == nil:
		http.NotFound(w, r)
		return
	case !s.origins.hostAllowed(r):
		http.Error(w, "not addressed by a known host name", http.StatusForbidden)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "read the document by GET", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", s.etag)
	if strings.Contains(r.Header.Get("If-None-Match"), s.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	// A failed write means that the caller is gone. net/http drops the body of an answer to HEAD.
	_, _ = w.Write(s.options.Discovery)
}
