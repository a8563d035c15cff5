package rpc

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
)

const allowedMethods = "POST, OPTIONS"

// ServeHTTP answers calls in the body of a POST, upgrades a GET to a WebSocket and answers preflight requests.
//
// JSON-RPC has no standard binding to HTTP. Whatever can be said in JSON-RPC has status 200, errors too, since clients
// take any other status for a failed connection; 204 means that there is nothing to say (notifications only). The rest
// is HTTP's: 403 for a page or host name that is not allowed, 405, 413, and 415 for a body that is not declared JSON
// (which a foreign page could send without asking first) or is compressed.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.origins.hostAllowed(r):
		http.Error(w, "not addressed by a known host name", http.StatusForbidden)
	case r.Method == http.MethodOptions:
		s.preflight(w, r)
	case !s.origins.allowed(r):
		http.Error(w, "origin not allowed", http.StatusForbidden)
	case r.Method == http.MethodPost:
		s.post(w, r)
	case r.Method == http.MethodGet && websocket.IsWebSocketUpgrade(r):
		s.upgrade(w, r)
	default:
		w.Header().Set("Allow", allowedMethods)
		http.Error(w, "send calls by POST, or upgrade to a WebSocket", http.StatusMethodNotAllowed)
	}
}

// post answers the text in the body of a request.
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	s.origins.share(w.Header(), r)
	if !isJSON(r.Header.Get("Content-Type")) {
		http.Error(w, "Content-Type must be application/json", http.StatusUnsupportedMediaType)
		return
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		http.Error(w, "a compressed body is not accepted", http.StatusUnsupportedMediaType)
		return
	}
	text, out := s.buffers.get(), s.buffers.get()
	defer s.buffers.put(text)
	defer s.buffers.put(out)
	var err error
	if text.b, err = s.readBody(text.b, r); err != nil {
		s.refuseBody(w, out, err)
		return
	}
	session := SessionOf(r)
	w.Header()[HeaderRequestID] = []string{session.id}
	x := s.begin(r.Context(), session)
	defer s.end(x)
	out.b = s.answer(x, text.b, out.b)
	if len(out.b) == 0 {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	reply(w, http.StatusOK, out.b)
}

// readBody appends the body of a request. It does not begin to read one that says it is too large.
func (s *Server) readBody(buf []byte, r *http.Request) ([]byte, error) {
	if r.ContentLength > int64(s.bounds().Text) {
		return buf, errTextTooLarge
	}
	return readText(buf, r.Body, s.bounds().Text)
}

// refuseBody answers a request whose body could not be read. The connection is good for no other request; whoever serves
// it has to see that callers who first send the rest get the answer all the same.
func (s *Server) refuseBody(w http.ResponseWriter, out *buffer, err error) {
	w.Header().Set("Connection", "close")
	if !errors.Is(err, errTextTooLarge) {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	out.b = s.appendFault(out.b, textTooLarge)
	reply(w, http.StatusRequestEntityTooLarge, out.b)
}

// reply writes a JSON-RPC answer. A failed write means that the caller is gone.
func reply(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// isJSON reports whether a Content-Type is one that JSON-RPC clients use for JSON.
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/json", "application/json-rpc", "application/jsonrequest":
		return true
	}
	return false
}
